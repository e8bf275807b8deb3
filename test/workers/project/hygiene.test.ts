import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { SubscriberKind } from "../../../src/notify/kinds.ts";
import { Sentinels } from "../../support/sentinels.ts";
import { Edge, leave } from "../api/edge.ts";
import { dump } from "../support/dump.ts";

/** Receivers of every kind that answer with all they know, and a Cloudflare whose build printed its credential. */

const CANARY = "canary-that-is-no-secret";
const THEIRS = { accountId: "c0ffee".padEnd(32, "1"), token: "credential-of-a-further-account" };

let edge: Edge;
let sentinels: Sentinels;
let logged: string[];
/** What each receiver knows, and repeats: by kind. */
let known: Map<string, string>;
beforeEach(async () => {
  logged = [];
  for (const level of ["log", "info", "warn", "error", "debug"] as const) {
    vi.spyOn(console, level).mockImplementation((...words: unknown[]) => {
      logged.push(words.map((word) => JSON.stringify(word) ?? String(word)).join(" "));
    });
  }
  edge = await Edge.create({ account: THEIRS });
  sentinels = new Sentinels();
  sentinels.add("the account's credential", THEIRS.token);
  known = new Map();
});
afterEach(leave);

/** A fresh one of a receiver's. */
function secret(kind: SubscriberKind, what: string): string {
  const value = `${kind}-${what}-${crypto.randomUUID()}`;
  sentinels.add(`${kind}'s ${what}`, value);
  learn(kind, value);
  return value;
}

function learn(kind: SubscriberKind, value: string): void {
  known.set(kind, `${known.get(kind) ?? ""} ${value}`);
}

/** What a subscriber of this kind is set up with, each with a host of its own. */
function setUp(kind: SubscriberKind): object {
  const host = `${kind}.example`;
  switch (kind) {
    case "webhook": {
      const headers = { "x-own": `Token ${secret(kind, "header")}` };
      return { kind, url: `https://${host}/in`, headers };
    }
    case "slack":
    case "discord":
    case "teams":
      return {
        kind,
        url: `https://${host}/services/${secret(kind, "path")}?key=${secret(kind, "key")}`,
      };
    case "bitbucket":
      return { kind, repository: "acme/blog", username: "ada", token: secret(kind, "token") };
    default:
      return {
        kind,
        repository: "acme/blog",
        api_url: `https://${host}/api/v1`,
        token: secret(kind, "token"),
      };
  }
}

/** With its own headers in it, in the place where that kind has its words. */
function answerTo(request: Request, body: string, round: number, gossip: string): Response {
  const said = `${CANARY} ${request.url} ${JSON.stringify([...request.headers])} ${body} ${gossip}`;
  const headers = { "x-said": gossip, "retry-after": gossip };
  switch (round % 5) {
    case 0:
      return Response.json({ message: said, error: { message: said } }, { status: 422, headers });
    case 1:
      return new Response(`<h1>${said}</h1>`, { status: 502, headers });
    case 2:
      return Response.json({ message: { of: [said] } }, { status: 403 });
    case 3:
      throw new TypeError(`fetch failed: ${said}`);
    default:
      return Response.json({ id: said, message: said, key: said }, { status: 201, headers });
  }
}

it("no secret is in what receivers of any kind are told, nor in what is kept of their answers, events, rows and logs", async () => {
  const { world } = edge;
  const base = `/v1/projects/${THEIRS.accountId}:${world.name}`;
  const told: string[] = [];
  const made: string[] = [];
  let round = 0;
  const take = async (kind: SubscriberKind, request: Request): Promise<Response> => {
    const body = await request.text();
    const { authorization: _own, "x-own": _x, ...headers } = Object.fromEntries(request.headers);
    // A chat's address is its secret, and a token is for its host alone; they are nowhere else.
    told.push(`${JSON.stringify(headers)} ${body}`);
    round += 1;
    return answerTo(request, body, round, known.get(kind) ?? "");
  };
  world.sites.set("api.bitbucket.org", async (request) => take("bitbucket", request));
  for (const kind of SubscriberKind.options) {
    world.sites.set(`${kind}.example`, async (request) => take(kind, request));
    const json = { ...setUp(kind), ...(kind === "webhook" && { events: ["*"] }) };
    const answer = await edge.send("POST", `${base}/subscribers`, { json });
    expect([kind, answer.status]).toEqual([kind, 201]);
    const { secret: signing, ...rest } = answer.body as { id: string; secret: string | null };
    if (signing !== null) {
      sentinels.addBase64("the signing secret", signing.replace("whsec_", ""));
      learn(kind, signing);
    }
    made.push(rest.id);
    told.push(JSON.stringify(rest));
  }
  const { token } = await edge.instanceToken("read");
  sentinels.add("a token of ours", token);
  const printed = `${CANARY} CLOUDFLARE_API_TOKEN=${THEIRS.token} SIGNALBOX_TOKEN=${token}`;
  world.sandbox.fault({ call: "create", kind: "fail_build" });
  const log = { total: 1, data: [{ ts: "2026-11-24T12:00:00Z", line: printed }] };
  const answer = world.sandbox.fetch.bind(world.sandbox);
  vi.spyOn(world.sandbox, "fetch").mockImplementation(async (request) =>
    new URL(request.url).pathname.endsWith("/history/logs")
      ? Response.json({ success: true, errors: [], result: log })
      : answer(request),
  );
  for (const message of ["first", "second"]) {
    await world.ended((await world.push({ message: `${CANARY} ${message}` })).deploy?.id ?? "");
    // Through the first repetitions.
    await world.run(3_600_000);
  }
  const shown: string[] = [];
  for (const id of made) {
    for (const path of ["", "/deliveries?limit=100"]) {
      const { status, text } = await edge.send("GET", `${base}/subscribers/${id}${path}`);
      expect(status).toBe(200);
      shown.push(text);
    }
  }
  const events = JSON.stringify(await world.events());
  const rows = [
    ...(await world.inside((_, state) => dump(state))),
    ...(await runInDurableObject(env.INSTANCE.getByName("instance"), (_, state) => dump(state))),
  ];
  const places = { told, shown, events: [events], rows, logged };
  expect(
    Object.fromEntries(
      Object.entries(places).map(([where, texts]) => [where, sentinels.in(texts.join("\n"))]),
    ),
  ).toEqual({ told: [], shown: [], events: [], rows: [], logged: [] });
  expect(round).toBeGreaterThan(40);
  expect(events).toContain("CLOUDFLARE_API_TOKEN=[redacted]");
  for (const texts of [told, shown, [events], rows]) {
    expect(texts.join("\n")).toContain(CANARY);
  }
});
