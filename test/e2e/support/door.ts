import * as fc from "fast-check";

import type { Reading, Source } from "../../../src/hooks/sources/source.ts";
import { newSecret } from "../../../src/hooks/verify/new-secret.ts";
import type { Scheme } from "../../../src/hooks/verify/scheme.ts";
import { utf8 } from "../../../src/security/encoding.ts";
import type { Fixture } from "../../support/fixture.ts";
import type { Sender, Sent } from "../../support/senders/index.ts";
import type { World } from "./world.ts";

const PROJECT = "sources";

export interface Hook {
  readonly id: string;
  readonly url: string;
  readonly secret: string;
}

export interface Reply {
  readonly status: number;
  readonly json: {
    readonly results?: { branch: string; outcome: string; deploy_id: string | null }[];
    readonly reason_code?: string | null;
    readonly code?: string;
  };
}

/** The hook door of one project, as senders meet it. */
export class HookDoor {
  readonly base = `/v1/projects/${PROJECT}/hooks`;
  readonly #world: World;

  private constructor(world: World) {
    this.#world = world;
  }

  static async open(world: World): Promise<HookDoor> {
    await world.gitProject(PROJECT);
    return new HookDoor(world);
  }

  async makeHook(sender: Sender, more: object = {}): Promise<Hook> {
    const given = sender.secretToGive;
    const made = await this.#world.signalbox.ask<Hook & { secret: string | null }>(
      "POST",
      this.base,
      {
        source: sender.source,
        ...(sender.auth !== undefined && { auth: sender.auth }),
        ...(given !== undefined && { secret: given }),
        ...more,
      },
    );
    return { ...made, secret: made.secret ?? given ?? "" };
  }

  /** The number of the newest deploy: it rises with each. */
  async deliveries({ id }: Hook): Promise<{ items: unknown[]; refusals: number }> {
    return this.#world.signalbox.ask("GET", `${this.base}/${id}/deliveries`);
  }

  /** Of the newest deploy: it rises with each. */
  async newestNumber(): Promise<number> {
    const path = `/v1/projects/${PROJECT}/deploys?limit=1`;
    const { items } = await this.#world.signalbox.ask<{ items: { number: number }[] }>("GET", path);
    return items[0]?.number ?? 0;
  }
}

export async function post(url: string, { headers, body }: Sent): Promise<Reply> {
  const sent = typeof body === "string" ? body : new Uint8Array(body);
  const response = await fetch(url, { method: "POST", headers, body: sent });
  const text = await response.text();
  return { status: response.status, json: JSON.parse(text) as Reply["json"] };
}

/** A fixture's delivery, signed as its sender does. */
export function signed(
  sender: Sender,
  hook: Hook,
  fixture: Pick<Fixture, "headers"> & Partial<Pick<Fixture, "query">>,
  body: string | Uint8Array,
  more: { readonly now?: number; readonly secret?: string; readonly id?: string } = {},
): { url: string; request: Promise<Sent> } {
  const query = new URLSearchParams(fixture.query ?? {}).toString();
  const url = query === "" ? hook.url : `${hook.url}?${query}`;
  const request = sender.sign({
    secret: more.secret ?? hook.secret,
    url,
    body,
    now: more.now ?? Date.now(),
    headers: fixture.headers,
    ...(more.id !== undefined && { id: more.id }),
  });
  return { url, request };
}

export async function deliver(...args: Parameters<typeof signed>): Promise<Reply> {
  const { url, request } = signed(...args);
  return post(url, await request);
}

/** One more secret of the kind that this sender has. */
export function another(sender: Sender, scheme: Scheme): string {
  return sender.newSecret?.() ?? newSecret(scheme);
}

/** What it is the signer, not the fixture, that has put into the headers: the proof. */
export function proofOf(request: Sent, fixture: Fixture): string[] {
  return Object.keys(request.headers).filter((name) => !(name.toLowerCase() in fixture.headers));
}

/** What the source itself makes of a request. */
export function readOf(source: Source, { fields }: Fixture, { headers, body }: Sent): Reading {
  return source.read(
    {
      method: "POST",
      path: "/",
      search: "",
      headers: new Headers(headers),
      body: typeof body === "string" ? utf8(body) : new Uint8Array(body),
    },
    fields,
  );
}

/** The same request with each part of its proof missing, empty, twice, too long, or with something behind it. */
export function withoutProof(good: Sent, fixture: Fixture): Record<string, Sent> {
  const spoilt: Record<string, Sent> = {};
  for (const name of proofOf(good, fixture)) {
    const { [name]: value = "", ...headers } = good.headers;
    const as = (text: string): Sent => ({ ...good, headers: { ...headers, [name]: text } });
    spoilt[`${name} missing`] = { ...good, headers };
    spoilt[`${name} empty`] = as("");
    spoilt[`${name} twice`] = as(`${value}, ${value}`);
    spoilt[`${name} over-long`] = as(value.repeat(1 + Math.ceil(4_000 / value.length)));
    spoilt[`${name} with junk`] = as(`${value};x`);
  }
  return spoilt;
}

export function isTimed(scheme: Scheme): boolean {
  return scheme.kind === "hmac"
    ? scheme.clock !== null
    : scheme.kind === "standard" || scheme.kind === "contentful";
}

/**
 * One character of the proof is another.
 *
 * @param inBody what of the body is proof: all of it where it is signed, the secret where that is in it, or nothing
 */
export function mutated(good: Sent, proof: readonly string[], inBody: string): fc.Arbitrary<Sent> {
  const places = inBody === "" ? proof : [...proof, ""];
  const at = fc.nat({ max: 10_000 });
  const character = fc.constantFrom(...Array.from("abcxyzABCXYZ0189+/=,. ~"));
  return fc.tuple(fc.constantFrom(...places), at, character).map(([name, n, c]): Sent => {
    const { headers, body } = good;
    return name === ""
      ? { headers, body: String(body).replace(inBody, () => changeAt(inBody, n, c)) }
      : { headers: { ...headers, [name]: changeAt(headers[name] ?? "", n, c) }, body };
  });
}

/** Never the same in another letter case, which hex digits and words such as Bearer may have. */
function changeAt(text: string, n: number, character: string): string {
  const at = n % text.length;
  const same = text[at]?.toLowerCase() === character.toLowerCase();
  return text.slice(0, at) + (same ? "_" : character) + text.slice(at + 1);
}
