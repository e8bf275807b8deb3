import { expect } from "vitest";

import type { KnownHook } from "../../../../src/hooks/cache.ts";
import type { Delivery, Field } from "../../../../src/hooks/delivery.ts";
import { findSource } from "../../../../src/hooks/sources/index.ts";
import { chooseMode, type Chosen } from "../../../../src/hooks/sources/modes.ts";
import type { Source } from "../../../../src/hooks/sources/source.ts";
import { newSecret } from "../../../../src/hooks/verify/new-secret.ts";
import type { Scheme } from "../../../../src/hooks/verify/scheme.ts";
import type { Verdict } from "../../../../src/hooks/verify/verdict.ts";
import { verify } from "../../../../src/hooks/verify/verify.ts";
import { HookSettings } from "../../../../src/project/hook-settings.ts";
import { utf8, type Bytes } from "../../../../src/security/encoding.ts";
import {
  everySender,
  type Outgoing,
  type Sender,
  type Sent,
} from "../../../support/senders/index.ts";

/** What tests of senders' proofs have in common. */

export const HOOK_URL = "https://signalbox.example/hooks/blog/hok_01ABC-tag_x";
/** A whole second, so that senders who sign seconds say exactly this. */
export const NOW = Date.UTC(2026, 10, 21, 9, 30, 5);

/** A sender, and what a hook for it would be checked by. */
export interface Known extends Chosen {
  readonly name: string;
  readonly sender: Sender;
  readonly source: Source;
  readonly secret: string;
  /** One more of the same kind. */
  readonly other: string;
}

export function known(name: string, sender: Sender): Known {
  const source = findSource(sender.source);
  const chosen = source === null ? null : chooseMode(source, sender.auth ?? {});
  if (source === null || !chosen?.ok) {
    throw new Error(`${name} is a sender of a source or mode that there is not`);
  }
  const another = sender.newSecret ?? ((): string => newSecret(chosen.value.scheme));
  return {
    ...chosen.value,
    name,
    sender,
    source,
    secret: sender.secretToGive ?? another(),
    other: another(),
  };
}

/** All senders; then those that prove anything, and those that sign. */
export const everyone: readonly Known[] = everySender.map(([name, sender]) => known(name, sender));
export const provers: readonly Known[] = everyone.filter(({ scheme }) => scheme.kind !== "url");
export const signers: readonly Known[] = provers.filter(({ scheme }) => signs(scheme));

export function signs({ kind }: Scheme): boolean {
  return kind === "hmac" || kind === "standard" || kind === "contentful";
}

export const refused = (code: string): unknown =>
  expect.objectContaining({ ok: false, reason_code: code, reason: expect.any(String) });
export const accepted = (old_secret = false): unknown =>
  expect.objectContaining({ ok: true, how: expect.any(String), old_secret });

/** For `describe.each` and `it.each`: a row begins with its name. */
export const rows = (all: readonly Known[]): [string, Known][] => all.map((k) => [k.name, k]);

/** What such a sender sends beside the proof; all of it is signed by Contentful. */
export function headersOf({ sender }: Known): Record<string, string> {
  return sender.source === "contentful"
    ? {
        "content-type": "application/vnd.contentful.management.v1+json",
        "x-contentful-topic": "ContentManagement.Entry.publish",
        "x-contentful-webhook-name": "Signalbox",
      }
    : { "content-type": "application/json", "user-agent": "a sender/1.0" };
}

/** A delivery, signed by its sender at `NOW` unless told otherwise. */
export async function signed(
  from: Known,
  body: Uint8Array | string,
  more: Partial<Pick<Outgoing, "secret" | "now" | "url" | "headers">> = {},
): Promise<Delivery> {
  const { secret = from.secret, now = NOW, url = HOOK_URL } = more;
  const headers = { ...headersOf(from), ...more.headers };
  return deliveryOf(await from.sender.sign({ secret, url, body, now, headers, id: "msg_1" }), url);
}

export function deliveryOf({ headers, body }: Sent, url: string = HOOK_URL): Delivery {
  const { pathname, search } = new URL(url);
  return {
    method: "POST",
    path: pathname,
    search,
    headers: new Headers(headers),
    body: typeof body === "string" ? utf8(body) : new Uint8Array(body),
  };
}

export function check(
  { scheme, secret }: Known,
  delivery: Delivery,
  { secrets = [secret], now = NOW }: { secrets?: readonly string[]; now?: number } = {},
): Promise<Verdict> {
  return verify(scheme, secrets, delivery, now);
}

/** Expects one outcome of many deliveries: `accepted`, or a refusal's code. */
export async function expectAll(
  from: Known,
  outcome: string,
  deliveries: Readonly<Record<string, Delivery>>,
): Promise<void> {
  const got: Record<string, string> = {};
  for (const [what, delivery] of Object.entries(deliveries)) {
    const verdict = await check(from, delivery);
    got[what] = verdict.ok ? "accepted" : verdict.reason_code;
  }
  const wanted = Object.fromEntries(Object.keys(deliveries).map((what) => [what, outcome]));
  expect(got).toEqual(wanted);
}

/** A hook as the edge knows it, for a sender: active, with that secret, without rules. */
export function hookFor(
  from: Known,
  { settings, ...more }: Partial<Omit<KnownHook, "settings">> & { settings?: object } = {},
): KnownHook {
  return {
    id: "hok_x",
    source: from.sender.source,
    repository: null,
    branch: null,
    settings: HookSettings.parse({ auth: from.sender.auth ?? {}, ...settings }),
    secrets: [from.secret],
    awaiting_secret: false,
    revision: 1,
    paused: false,
    fresh: false,
    ...more,
  };
}

/** Where a scheme's signature or secret is; null when it is in no header. */
export function proofField(scheme: Scheme): Field | null {
  switch (scheme.kind) {
    case "hmac":
      return scheme.signature;
    case "standard":
      return { header: `${scheme.prefixes[0]}signature` };
    case "contentful":
      return { header: "x-contentful-signature" };
    case "header":
      return { header: scheme.header };
    case "basic":
      return { header: "authorization" };
    default:
      return null;
  }
}

/** Where a scheme's signed time stamp is, and its unit. */
export function timeField(scheme: Scheme): { field: Field; unit: "s" | "ms" } | null {
  switch (scheme.kind) {
    case "hmac": {
      const field = scheme.fields["timestamp"];
      return field === undefined || scheme.clock === null ? null : { field, unit: scheme.clock };
    }
    case "standard":
      return { field: { header: `${scheme.prefixes[0]}timestamp` }, unit: "s" };
    case "contentful":
      return { field: { header: "x-contentful-timestamp" }, unit: "ms" };
    default:
      return null;
  }
}

/** What stands before the part that is encoded. */
export function prefixOf(scheme: Scheme): string {
  switch (scheme.kind) {
    case "hmac":
    case "header":
      return scheme.prefix;
    case "standard":
      return "v1,";
    case "basic":
      return "Basic ";
    default:
      return "";
  }
}

export function getField(headers: Headers, field: Field): string {
  const value = headers.get(field.header) ?? "";
  if (!("pair" in field)) {
    return value;
  }
  const pair = value.split(/, ?/).find((text) => text.startsWith(`${field.pair}=`));
  return pair?.slice(field.pair.length + 1) ?? "";
}

/** The delivery with another value in a field; `null` takes the field away. */
export function withField(delivery: Delivery, field: Field, value: string | null): Delivery {
  const headers = new Headers(delivery.headers);
  if (!("pair" in field)) {
    if (value === null) {
      headers.delete(field.header);
    } else {
      headers.set(field.header, value);
    }
    return { ...delivery, headers };
  }
  const pairs = (headers.get(field.header) ?? "").split(/, ?/).flatMap((text) => {
    const found = text.startsWith(`${field.pair}=`);
    return !found ? [text] : value === null ? [] : [`${field.pair}=${value}`];
  });
  headers.set(field.header, pairs.join(", "));
  return { ...delivery, headers };
}

export function withBody(delivery: Delivery, body: Bytes | string): Delivery {
  return { ...delivery, body: typeof body === "string" ? utf8(body) : body };
}

export function must<T>(value: T | null | undefined): T {
  if (value == null) {
    throw new Error("a test expects something that is not there");
  }
  return value;
}
