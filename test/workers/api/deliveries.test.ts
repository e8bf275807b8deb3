import { Webhook } from "standardwebhooks";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { emit } from "../../../src/project/events.ts";
import { exampleOf } from "../../../src/project/examples.ts";
import { Edge, expectProblem, leave } from "./edge.ts";

let edge: Edge;
beforeEach(async () => {
  edge = await Edge.create();
});
afterEach(leave);

const HOST = "receiver.example";
const URL = `https://${HOST}/events`;
const HOUR = 3_600_000;

interface Heard {
  readonly text: string;
  readonly headers: Record<string, string>;
}

/** A subscriber whose receiver answers `answer`, and what that receiver heard. */
async function subscribed(more: object = {}, answer = (): Response => new Response("thanks")) {
  const heard: Heard[] = [];
  edge.world.receivers.set(HOST, async (request) => {
    heard.push({ text: await request.text(), headers: Object.fromEntries(request.headers) });
    return answer();
  });
  const made = await edge.on("POST", "/subscribers", { json: { url: URL, ...more } });
  expect(made.status).toBe(201);
  const { id, secret } = made.body as { id: string; secret: string };
  return { heard, id, secret, path: `/subscribers/${id}`, made };
}

/** So many events that are about nothing in particular. */
async function happen(count: number): Promise<void> {
  await edge.world.inside(({ context }) =>
    context.change(() => {
      Array.from({ length: count }, () => emit(context, "hook.refused", exampleOf("hook.refused")));
    }),
  );
}

/** Which of these secrets a receiver can check a request with. */
function checkedBy(secrets: readonly string[], { text, headers }: Heard): boolean[] {
  const now = edge.world.now();
  vi.setSystemTime(Number(headers["webhook-timestamp"]) * 1000);
  const checked = secrets.map((secret) => {
    try {
      new Webhook(secret).verify(text, headers);
      return true;
    } catch {
      return false;
    }
  });
  vi.setSystemTime(now);
  return checked;
}

describe("a subscriber's secret", () => {
  it("is rotated: both sign until the overlap is over, then the new one alone", async () => {
    const { heard, secret: old, path } = await subscribed();
    const rotated = await edge.on("POST", `${path}/rotate`, { json: { overlap_seconds: 3_600 } });
    const { secret, old_secret_until } = rotated.body;
    expect(secret).not.toBe(old);
    expect(Date.parse(old_secret_until) - edge.world.now()).toBe(HOUR);
    await edge.on("POST", `${path}/test`);
    await edge.world.run(HOUR + 1_000);
    await edge.on("POST", `${path}/test`);
    await edge.world.run(1_000);
    expect(heard.map((one) => checkedBy([old, secret], one))).toEqual([
      [true, true],
      [false, true],
    ]);
    expect(heard[0]?.headers["webhook-signature"]).toMatch(/^v1,\S+ v1,\S+$/);
    const stored = await edge.on("GET", path);
    expect(stored.body.old_secret_until).toBeNull();
    expect(stored.text).not.toContain(secret.slice(6));
  });

  it("that is replaced without overlap is no good any more, nor is one before the last", async () => {
    const { heard, secret: first, path } = await subscribed();
    const second = (await edge.on("POST", `${path}/rotate`)).body.secret;
    const third = (await edge.on("POST", `${path}/rotate`)).body.secret;
    await edge.on("POST", `${path}/test`);
    await edge.world.run(1_000);
    const fourth = (await edge.on("POST", `${path}/rotate`, { json: { overlap_seconds: 0 } })).body
      .secret;
    await edge.on("POST", `${path}/test`);
    await edge.world.run(1_000);
    expect(heard.map((one) => checkedBy([first, second, third, fourth], one))).toEqual([
      [false, true, true, false],
      [false, false, false, true],
    ]);
  });
});

describe("a subscriber's own headers", () => {
  it("are sent, listed by name, and never shown", async () => {
    const headers = { Authorization: "Bearer hush-hush-hush", "X-Tenant": "acme" };
    const answer = (): Response => new Response("you sent hush-hush-hush", { status: 500 });
    const { heard, path, made } = await subscribed({ headers }, answer);
    expect(made.body.headers).toEqual(["Authorization", "X-Tenant"]);
    await edge.on("POST", `${path}/test`);
    await edge.world.run(1_000);
    expect(heard[0]?.headers).toMatchObject({
      authorization: "Bearer hush-hush-hush",
      "x-tenant": "acme",
      "user-agent": "Signalbox-Webhook/1",
    });
    const shown = [made, await edge.on("GET", path), await edge.on("GET", `${path}/deliveries`)];
    const rows = await edge.world.inside((_, { storage }) =>
      ["subscribers", "deliveries"].map((t) => storage.sql.exec(`SELECT * FROM ${t}`).toArray()),
    );
    expect(shown.map(({ text }) => text).join("") + JSON.stringify(rows)).not.toContain(
      "hush-hush",
    );
    const changed = await edge.on("PATCH", path, { json: { headers: {} } });
    expect(changed.body.headers).toEqual([]);
  });

  it("are sent to no other origin than they were given for, unless they are given anew", async () => {
    const headers = { Authorization: "Bearer hush-hush-hush" };
    const { path } = await subscribed({ headers });
    const elsewhere = { url: "https://elsewhere.example/" };
    const refused = await edge.on("PATCH", path, { json: elsewhere });
    expectProblem(refused, 422, "field_invalid");
    expect(refused.body.errors[0].field).toBe("headers");
    expect((await edge.on("GET", path)).body.url).toBe(URL);
    for (const json of [
      { url: `https://${HOST}/other` },
      { ...elsewhere, headers },
      { url: URL, headers: {} },
      elsewhere,
    ]) {
      expect((await edge.on("PATCH", path, { json })).status).toBe(200);
    }
  });

  it.each([
    [{ "Content-Type": "text/plain" }],
    [{ "webhook-id": "x" }],
    [{ "Signalbox-Attempt": "0" }],
    [{ "User-Agent": "x" }],
    [{ "Transfer-Encoding": "chunked" }],
    [{ "cf-connecting-ip": "1.1.1.1" }],
    [{ "a b": "x" }],
    [{ "": "x" }],
    [{ "X-A": "x\r\ny: z" }],
    [{ "X-A": "" }],
    [{ "X-A": "ü" }],
    [{ "X-A": "x".repeat(1_025) }],
    [{ ["X".repeat(65)]: "x" }],
    [{ "X-A": "x", "x-a": "y" }],
    [Object.fromEntries(Array.from({ length: 11 }, (_, n) => [`X-${n}`, "x"]))],
  ])("are refused: %j", async (headers) => {
    const refused = await edge.on("POST", "/subscribers", { json: { url: URL, headers } });
    expectProblem(refused, 422, "field_invalid");
  });
});

describe("a test event", () => {
  it("of any type comes with an example's data, to this subscriber alone, and is logged as a test", async () => {
    const { heard, path } = await subscribed({ events: ["project.*"] });
    await edge.world.subscribe("other.example");
    const got = await edge.on("POST", `${path}/test`, { json: { type: "deploy.failed" } });
    expect(got.body).toEqual({ type: "deploy.failed" });
    await edge.world.run(1_000);
    const [event] = heard.map(({ text }) => JSON.parse(text));
    expect(event).toMatchObject({
      type: "deploy.failed",
      data: { test: true, deploy: { status: "failed", project: edge.world.name } },
    });
    expect(edge.world.received.get("other.example")).toBeUndefined();
    expect((await edge.world.events()).at(-1)).toMatchObject({ id: event.id, type: "test.ping" });
  });
});

describe("a delivery", () => {
  it("has a log of its attempts, and the subscriber says how it goes", async () => {
    const answers = [500, 200];
    const { path } = await subscribed({}, () => {
      const status = answers.shift() ?? 204;
      return new Response(status === 500 ? "broken" : "thanks", { status });
    });
    const before = edge.world.now();
    await edge.on("POST", `${path}/test`);
    await edge.world.run(1_000);
    const failing = (await edge.on("GET", path)).body;
    expect(failing).toMatchObject({
      waiting: 1,
      exhausted: 0,
      blocked_until: null,
      last_attempt: { status: 500, error: "It answered 500." },
    });
    expect(Date.parse(failing.next_attempt_at)).toBeGreaterThanOrEqual(before + 5_000);
    await edge.world.run(10_000);
    expect((await edge.on("GET", path)).body).toMatchObject({
      waiting: 0,
      failing_since: null,
      next_attempt_at: null,
      last_attempt: { status: 200, error: null },
    });
    const { items } = (await edge.on("GET", `${path}/deliveries`)).body;
    const one = await edge.on("GET", `${path}/deliveries/${items[0].id}`);
    const { attempt_log: log, ...delivery } = one.body;
    expect(delivery).toEqual(items[0]);
    expect(log).toMatchObject([
      { number: 1, status: 500, error: "It answered 500.", response: "broken" },
      { number: 2, status: 200, error: null, response: "thanks" },
    ]);
  });

  it("is sent again when somebody asks, with the same id and the next number, as often as they ask", async () => {
    const { heard, path } = await subscribed();
    await edge.on("POST", `${path}/test`);
    await edge.world.run(1_000);
    const [delivery] = (await edge.on("GET", `${path}/deliveries`)).body.items;
    for (let n = 0; n < 25; n++) {
      const again = await edge.on("POST", `${path}/deliveries/${delivery.id}/redeliver`);
      expect(again.status).toBe(202);
      expect(again.body).toMatchObject({ id: delivery.id, state: "pending" });
      await edge.world.run(1_000);
    }
    expect(new Set(heard.map(({ headers }) => headers["webhook-id"])).size).toBe(1);
    expect(heard.map(({ headers }) => headers["signalbox-attempt"])).toEqual(
      Array.from({ length: 26 }, (_, n) => String(n + 1)),
    );
    const { attempt_log: log } = (await edge.on("GET", `${path}/deliveries/${delivery.id}`)).body;
    expect(log.map(({ number }: { number: number }) => number)).toEqual(
      Array.from({ length: 20 }, (_, n) => n + 7),
    );
  });

  it("that was given up is seen, and begins a new schedule when it is sent again", async () => {
    let well = false;
    const { path } = await subscribed({}, () => new Response(null, { status: well ? 200 : 500 }));
    await edge.on("POST", `${path}/test`);
    await edge.world.run(40 * HOUR);
    expect((await edge.on("GET", path)).body).toMatchObject({ waiting: 0, exhausted: 1 });
    const listed = await edge.on("GET", `${path}/deliveries?state=exhausted`);
    const [{ id, attempts }] = listed.body.items;
    expect(attempts).toBe(8);
    expect((await edge.on("GET", `${path}/deliveries?state=delivered`)).body.items).toEqual([]);
    await edge.on("POST", `${path}/deliveries/${id}/redeliver`);
    await edge.world.run(1_000);
    const failed = (await edge.on("GET", `${path}/deliveries/${id}`)).body;
    expect(failed).toMatchObject({ state: "pending", attempts: 9 });
    well = true;
    await edge.world.run(2 * HOUR);
    expect((await edge.on("GET", `${path}/deliveries/${id}`)).body.state).toBe("delivered");
    expect((await edge.on("GET", path)).body.exhausted).toBe(0);
  });

  it("is not sent again to one that is paused, nor when its event is gone", async () => {
    const { path } = await subscribed();
    await edge.on("POST", `${path}/test`);
    await edge.world.run(1_000);
    const [{ id }] = (await edge.on("GET", `${path}/deliveries`)).body.items;
    await edge.on("PATCH", path, { json: { state: "paused" } });
    expectProblem(await edge.on("POST", `${path}/deliveries/${id}/redeliver`), 409, "conflict");
    const since = new Date(edge.world.now()).toISOString();
    const recovered = await edge.on("POST", `${path}/recover`, { json: { since } });
    expectProblem(recovered, 409, "conflict");
    await edge.on("PATCH", path, { json: { state: "active" } });
    await edge.world.inside(({ context }) => context.sql.run("DELETE FROM events"));
    expectProblem(await edge.on("POST", `${path}/deliveries/${id}/redeliver`), 409, "conflict");
  });
});

describe("recovery", () => {
  it("sends again exactly what failed since then", async () => {
    let well = true;
    const answer = (): Response => new Response(null, { status: well ? 200 : 500 });
    const { heard, path } = await subscribed({}, answer);
    await happen(2);
    await edge.world.run(1_000);
    well = false;
    // Given up before the time that is asked for.
    await happen(1);
    await edge.world.run(40 * HOUR);
    const since = new Date(edge.world.now()).toISOString();
    await happen(2);
    await edge.world.run(40 * HOUR);
    // Failed so far once, and waits.
    await happen(1);
    await edge.world.run(3 * HOUR);
    well = true;
    const { items } = (await edge.on("GET", `${path}/deliveries`)).body;
    const failed = (items as { sequence: number; state: string }[])
      .filter(({ state }) => state !== "delivered")
      .map(({ sequence }) => sequence)
      .toSorted((a, b) => a - b);
    expect(failed).toHaveLength(4);
    heard.length = 0;
    const recovered = await edge.on("POST", `${path}/recover`, { json: { since } });
    expect(recovered.body).toEqual({ recovered: 3 });
    await edge.world.run(1_000);
    const told = heard.map(({ text }) => (JSON.parse(text) as { sequence: number }).sequence);
    expect(told.toSorted((a, b) => a - b)).toEqual(failed.slice(1));
    expect((await edge.on("GET", path)).body).toMatchObject({ exhausted: 1, waiting: 0 });
    const again = await edge.on("POST", `${path}/recover`, { json: { since } });
    expect(again.body).toEqual({ recovered: 0 });
  });

  it("goes back 14 days at most", async () => {
    const { path } = await subscribed();
    const ago = (days: number) => ({
      json: { since: new Date(edge.world.now() - days * 24 * HOUR).toISOString() },
    });
    expect((await edge.on("POST", `${path}/recover`, ago(14))).status).toBe(202);
    expectProblem(await edge.on("POST", `${path}/recover`, ago(14.01)), 422, "field_invalid");
  });
});

describe("a chat", () => {
  const SECRET = "T000/B000/hush-hush-hush";

  it.each(["slack", "discord", "teams"])("of kind %s has its URL as its secret", async (kind) => {
    const { heard, path, made } = await subscribed({ kind, url: `https://${HOST}/${SECRET}` });
    expect(made.body).toMatchObject({ kind, url: `https://${HOST}/…`, secret: null });
    await edge.on("POST", `${path}/test`);
    await edge.world.run(1_000);
    expect(heard).toHaveLength(1);
    expect(heard[0]?.headers["webhook-signature"]).toBeUndefined();
    expectProblem(await edge.on("POST", `${path}/rotate`), 409, "conflict");
    const headers = { "X-A": "b" };
    expectProblem(await edge.on("PATCH", path, { json: { headers } }), 422, "field_invalid");
    const json = { url: `https://${HOST}/other/${SECRET}` };
    expect((await edge.on("PATCH", path, { json })).body.url).toBe(`https://${HOST}/…`);
    const stored = await edge.world.inside((_, { storage }) =>
      JSON.stringify(storage.sql.exec("SELECT * FROM subscribers").toArray()),
    );
    const log = await edge.on("GET", `${path}/deliveries`);
    expect(stored + log.text + (await edge.on("GET", path)).text).not.toContain("hush-hush");
    expect(log.body.items).toMatchObject([{ state: "delivered" }]);
  });

  it("that tells the address it was asked at tells it to nobody else", async () => {
    const url = `https://${HOST}/${SECRET}?sig=hush-and-hush-and-hush`;
    const said = "No POST /T000/B000/hush-hush-hush; hush-and-hush-and-hush? hush-hush-hush!";
    const { path } = await subscribed(
      { kind: "teams", url },
      () => new Response(said, { status: 500 }),
    );
    await edge.on("POST", `${path}/test`);
    await edge.world.run(1_000);
    const { items } = (await edge.on("GET", `${path}/deliveries`)).body;
    expect(items[0].response).toBe("No POST [redacted]; [redacted]? hush-hush-hush!");
  });

  it.each([
    ["slack", 404, "no_service", "Slack answered 404 no_service."],
    ["slack", 410, "channel_is_archived", "Slack answered 410 channel_is_archived."],
    ["discord", 404, '{"code":10015}', "Discord answered 404: no such webhook."],
    ["teams", 410, "", "Teams answered 410 Gone."],
  ])("of kind %s that answers %i %s is disabled at once", async (kind, status, text, reason) => {
    const { heard, path } = await subscribed({ kind }, () => new Response(text, { status }));
    await edge.world.subscribe("other.example");
    await edge.on("POST", `${path}/test`);
    await edge.world.run(HOUR);
    expect(heard).toHaveLength(1);
    expect((await edge.on("GET", path)).body).toMatchObject({ state: "disabled", reason });
    const told = edge.world.received.get("other.example")?.at(-1)?.body;
    expect(told).toMatchObject({ type: "subscriber.disabled", data: { reason } });
  });
});
