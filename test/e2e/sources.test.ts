import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { bodyOf } from "../support/fixture.ts";
import { fixtures } from "../support/fixtures.ts";
import { senders, type Sent } from "../support/senders/index.ts";
import {
  another,
  deliver,
  HookDoor,
  isTimed,
  mutated,
  post,
  proofOf,
  readOf,
  signed,
  withoutProof,
  type Hook,
  type Reply,
} from "./support/door.ts";
import { fixtureNamed, rows, tellingFixture } from "./support/rows.ts";
import { RawRequest } from "./support/raw.ts";
import { World } from "./support/world.ts";

/**
 * Every sender at the real door: real payloads, signed by the vendors' own packages where there are some, and everything
 * that has gone wrong at receivers of webhooks before. One table: a new source is covered by its row in `senders`.
 */

const MIB = 1_048_576;

let world: World;
let door: HookDoor;
beforeAll(async () => {
  world = await World.start();
  await world.pages.speed({ factor: 0.05 });
  door = await HookDoor.open(world);
});
afterAll(async () => {
  await world.stop();
});

test.each(rows)("$name: its real payloads lead to what they say", async (row) => {
  const { sender, source } = row;
  for (const { folder, name, fixture } of fixtures) {
    if (folder !== source.name || fixture.handshake !== null) {
      continue;
    }
    const hook = await door.makeHook(sender, source.takesFields ? { fields: fixture.fields } : {});
    const { status, json } = await deliver(sender, hook, fixture, bodyOf(fixture));
    const { expect: wanted } = fixture;
    const told = { name, status, reason: json.reason_code ?? json.code ?? null };
    if ("triggers" in wanted) {
      const { chosen, triggers, passed_over: passedOver = [] } = wanted;
      expect(told).toMatchObject({ name, status: chosen ? (source.status ?? 202) : 200 });
      const branches = json.results?.map(({ branch }) => branch);
      expect(branches).toHaveLength(triggers.length + passedOver.length);
      const named = triggers.flatMap(({ branch }) => branch ?? []);
      expect(branches).toEqual(expect.arrayContaining([...named, ...passedOver]));
    } else if ("malformed" in wanted) {
      expect(told).toMatchObject({ name, status: 422, reason: "payload_invalid" });
    } else if ("unsupported" in wanted) {
      expect(told).toMatchObject({ name, status: 415 });
    } else {
      const reason = "look" in wanted ? wanted.look : wanted.ignored;
      expect(told).toMatchObject({ name, status: 200, reason });
      expect(json.results).toEqual([]);
    }
  }
});

const proving = rows.filter(({ scheme }) => scheme.kind !== "url");

test.each(proving)("$name: without its proof, or with another, it is refused", async (row) => {
  const { sender, scheme, fixture, body, fields } = row;
  const hook = await door.makeHook(sender, fields);
  const before = await door.newestNumber();
  const { url, request } = signed(sender, hook, fixture, body);
  const refusals = withoutProof(await request, fixture);
  const signedWith = (secret: string): Promise<Sent> =>
    signed(sender, hook, fixture, body, { secret }).request;
  refusals["a stranger's secret"] = await signedWith(another(sender, scheme));
  const other = await door.makeHook(sender, fields);
  if (other.secret !== hook.secret) {
    refusals["another hook's secret"] = await signedWith(other.secret);
  }
  if (scheme.kind === "body") {
    refusals["no proof in the body"] = { headers: fixture.headers, body };
  } else if (scheme.kind !== "header" && scheme.kind !== "basic") {
    refusals["another body"] = { ...(await request), body: `${body} ` };
  }
  for (const [why, one] of Object.entries(refusals)) {
    expect({ why, status: (await post(url, one)).status }).toEqual({ why, status: 401 });
  }
  expect(await door.newestNumber()).toBe(before);
  const came = await door.deliveries(hook);
  expect(came.items).toEqual([]);
  expect(came.refusals).toBeLessThanOrEqual(1);
});

const timed = rows.filter(({ scheme }) => isTimed(scheme));

test.each(timed)("$name: its time stamp counts for five minutes, both ways", async (row) => {
  const { sender, fixture, body, fields, accepted } = row;
  for (const [seconds, status] of [
    [-330, 401],
    [-270, accepted],
    [270, accepted],
    [330, 401],
  ] as const) {
    const hook = await door.makeHook(sender, fields);
    const now = Date.now() + seconds * 1_000;
    const got = await deliver(sender, hook, fixture, body, { now });
    expect({ seconds, status: got.status }).toEqual({ seconds, status });
  }
});

const deploying = rows.filter(({ fixture }) => !("look" in fixture.expect));

test.each(deploying)("$name: the same delivery twice is one deploy", async (row) => {
  const { sender, source, fixture, body, fields, accepted } = row;
  const hook = await door.makeHook(sender, fields);
  const { url, request } = signed(sender, hook, fixture, body);
  const one = await request;
  expect((await post(url, one)).status).toBe(accepted);
  const second = await post(url, one);
  const outcomes = second.json.results?.map(({ outcome }) => outcome);
  const reading = readOf(source, fixture, one);
  if ("delivery_id" in reading && reading.delivery_id !== null) {
    expect(second.status).toBe(200);
    expect(outcomes).toContain("duplicate");
    expect(outcomes?.every((o) => o === "duplicate" || o === "ignored")).toBe(true);
  } else {
    // Without an id the same again may be meant, so it is deployed, never lost.
    expect(second.status).toBe(accepted);
  }
});

test.each(rows)("$name: whatever is in a body that it signed is read or refused", async (row) => {
  const { sender, source, fixture, body, fields } = row;
  const hook = await door.makeHook(sender, fields);
  const bodies: (string | Uint8Array)[] = ["null", "[]", "7", '"text"', "{}", "{", "", '{"a":'];
  if (sender.signsBytes) {
    const bytes = Buffer.from(body);
    bodies.push(
      Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), bytes]),
      Buffer.concat([Buffer.from([0xff, 0xfe]), bytes]),
      `${body}\r\n`,
    );
  }
  for (const one of bodies) {
    const { url, request } = signed(sender, hook, fixture, one);
    const sent = await request;
    const { kind } = readOf(source, fixture, sent);
    const { status } = await post(url, sent);
    // Where the secret is in the body, some bodies have no place for it.
    const unproved = !sender.signsBytes && status === 401;
    const wanted = unproved ? [401] : kind === "malformed" ? [422] : [200, 202];
    expect({ one, status }).toEqual({ one, status: wanted.find((w) => w === status) });
  }
});

test.each(rows)("$name: a body over its limit is not read to its end", async (row) => {
  const { sender, source, fields } = row;
  const { url } = await door.makeHook(sender, fields);
  const limit = (source.kind === "git" ? 5 : 1) * MIB;
  const declared = new RawRequest(url, { "content-length": limit + 1 });
  await declared.write("{");
  expect(await declared.outcome).toMatchObject({ status: 413, json: { code: "body_too_large" } });
  declared.abort();
  const chunked = new RawRequest(url, { "transfer-encoding": "chunked" });
  const chunk = Buffer.alloc(65_536, " ");
  for (let sent = 0; sent <= limit; sent += chunk.length) {
    await chunked.write(chunk);
  }
  expect(await chunked.outcome).toMatchObject({ status: 413 });
  chunked.abort();
});

const hosts = rows.filter(({ source }) => source.kind === "git");

test.each(hosts)("$name: another repository than the hook's is refused", async (row) => {
  const { sender, fixture, body } = row;
  const hook = await door.makeHook(sender, { repository: "somebody/else" });
  const got = await deliver(sender, hook, fixture, body);
  expect(got).toMatchObject({ status: 403, json: { code: "wrong_repository" } });
});

test.each(proving)("$name: two secrets are good while one is changed", async (row) => {
  const { sender, scheme, fixture, body, fields } = row;
  const hook = await door.makeHook(sender, fields);
  const fresh = another(sender, scheme);
  const path = `${door.base}/${hook.id}`;
  const statusWith = async (secret: string): Promise<number> =>
    (await deliver(sender, hook, fixture, body, { secret })).status;
  await world.signalbox.ask("PATCH", path, { secret: fresh });
  expect(await statusWith(fresh)).toBeLessThan(300);
  expect(await statusWith(hook.secret)).toBeLessThan(300);
  await world.signalbox.ask("PATCH", path, { retire_old_secret: true });
  expect(await statusWith(hook.secret)).toBe(401);
  expect(await statusWith(fresh)).toBeLessThan(300);
});

const greeting = rows.filter(({ sender }) => "greet" in sender);

test.each(greeting)("$name: it hands its secret over once, and is believed then", async (row) => {
  const { sender, scheme, fixture, body, accepted } = row;
  const { secretToGive: secret = "" } = sender;
  const hook = await world.signalbox.ask<Hook>("POST", door.base, { source: sender.source });
  const early = await deliver(sender, hook, fixture, body, { secret });
  expect(early).toMatchObject({ status: 401, json: { code: "secret_awaited" } });
  const greet = async (own: string): Promise<Reply> => {
    const sent = await sender.greet?.({ secret: own, url: hook.url, now: Date.now() });
    return post(hook.url, sent ?? { headers: {}, body: "" });
  };
  expect(await greet(secret)).toMatchObject({
    status: 200,
    json: { reason_code: "secret_received" },
  });
  expect((await greet(another(sender, scheme))).status).toBe(401);
  expect((await deliver(sender, hook, fixture, body, { secret })).status).toBe(accepted);
});

const pinging = rows.filter(({ source }) => source.isPing !== undefined);

test.each(pinging)("$name: a ping need not be signed, and does nothing", async (row) => {
  const { sender, source } = row;
  const hook = await door.makeHook(sender);
  const ping = fixtureNamed(source.name, "ping");
  const got = await post(hook.url, { headers: ping.headers, body: bodyOf(ping) });
  expect(got).toMatchObject({ status: 200, json: { results: [], reason_code: "ping" } });
  expect(await door.deliveries(hook)).toMatchObject({ items: [], refusals: 0 });
});

test.each(rows)("$name: nothing but POST gets in, and no blank secret", async (row) => {
  const { sender, fields } = row;
  const { url } = await door.makeHook(sender, fields);
  for (const method of ["GET", "HEAD", "PUT", "DELETE"]) {
    const response = await fetch(url, { method });
    expect({ method, status: response.status }).toEqual({ method, status: 405 });
    await response.body?.cancel();
  }
  const blank = { source: sender.source, auth: sender.auth ?? {}, secret: " " };
  expect((await world.signalbox.send("POST", door.base, blank)).status).toBe(422);
});

describe("a hook in signing mode", () => {
  test("does not take the plain token instead", async () => {
    const sender = senders["gitlab/signing_token"];
    const hook = await door.makeHook(sender);
    const push = fixtureNamed("gitlab", "push");
    const headers = { ...push.headers, "x-gitlab-token": hook.secret };
    const got = await post(hook.url, { headers, body: bodyOf(push) });
    expect(got).toMatchObject({ status: 401, json: { code: "missing_signature" } });
  });
});

/** One sender for each way of proving. */
const KINDS = [
  "github",
  "sanity",
  "standard-webhooks",
  "contentful",
  "header",
  "basic",
  "prismic",
] as const;
const MUTATIONS = 200;

describe.each(KINDS)("what is not quite a delivery of %s", (name) => {
  test(`is refused, ${MUTATIONS} times over, and nothing comes of it`, async () => {
    const sender = senders[name];
    const hook = await door.makeHook(sender);
    const fixture = tellingFixture(sender.source);
    const { request } = signed(sender, hook, fixture, bodyOf(fixture));
    const good = await request;
    const proof = proofOf(good, fixture);
    const before = await door.newestNumber();
    const sentAsIs = name === "header" || name === "basic";
    const inBody = sentAsIs ? "" : name === "prismic" ? hook.secret : String(good.body);
    const requests = fc.sample(mutated(good, proof, inBody), { numRuns: MUTATIONS, seed: 7 });
    const statuses = new Map<number, number>();
    for (const one of requests) {
      const { status } = await post(hook.url, one);
      statuses.set(status, 1 + (statuses.get(status) ?? 0));
    }
    expect([...statuses.keys()].filter((status) => status !== 401)).toEqual([]);
    expect(await door.newestNumber()).toBe(before);
    const { items } = await world.signalbox.ask<{ items: unknown[] }>(
      "GET",
      `${door.base}/${hook.id}/deliveries`,
    );
    expect(items).toEqual([]);
  });
});
