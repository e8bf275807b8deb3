import { Webhook } from "standardwebhooks";
import { afterEach, describe, expect, it, vi } from "vitest";

import { World } from "../support/world.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const deliveriesOf = (world: World, id: string) =>
  world.stub().deliveries(id, { before: null, state: null, limit: 100 });
const subscriberOf = (world: World, id: string) => world.stub().subscriber(id);

describe("a subscriber", () => {
  it("gets what the standardwebhooks package verifies, with the attempt's number", async () => {
    const world = await World.create();
    const id = await world.subscribe("a.example");
    await world.stub().testSubscriber(id);
    await world.run(MINUTE);
    const [got] = world.received.get("a.example") ?? [];
    const secret = await world.secretOf(id);
    const headers = Object.fromEntries(got?.headers ?? []);
    const now = world.now();
    vi.setSystemTime(Number(headers["webhook-timestamp"]) * 1000);
    expect(new Webhook(secret).verify(JSON.stringify(got?.body), headers)).toMatchObject({
      type: "test.ping",
    });
    expect(headers["signalbox-attempt"]).toBe("1");
    expect(() => new Webhook(secret).verify(`${JSON.stringify(got?.body)} `, headers)).toThrow();
    vi.setSystemTime(now);
  });

  it("is told again by the schedule, never early, with the same id, until it answers 2xx", async () => {
    const world = await World.create();
    const times: number[] = [];
    const ids = new Set<string | null>();
    const id = await world.subscribe("a.example", (request) => {
      times.push(world.now());
      ids.add(request.headers.get("webhook-id"));
      return new Response("no", { status: times.length < 4 ? 500 : 200 });
    });
    await world.stub().testSubscriber(id);
    await world.run(DAY);
    const gaps = times.slice(1).map((t, i) => t - (times[i] ?? 0));
    const due = [5_000, 300_000, 1_800_000];
    expect(gaps).toHaveLength(3);
    gaps.forEach((gap, i) => {
      expect(gap).toBeGreaterThanOrEqual(due[i] ?? 0);
      expect(gap).toBeLessThanOrEqual((due[i] ?? 0) * 1.1);
    });
    expect(ids.size).toBe(1);
    expect(await deliveriesOf(world, id)).toMatchObject([
      { state: "delivered", attempts: 4, status: 200 },
    ]);
  });

  it("is waited for as long as Retry-After says, within bounds", async () => {
    const world = await World.create();
    const times: number[] = [];
    const id = await world.subscribe("a.example", () => {
      times.push(world.now());
      return times.length === 1
        ? new Response(null, { status: 429, headers: { "retry-after": "8" } })
        : times.length === 2
          ? new Response(null, { status: 503, headers: { "retry-after": "999999" } })
          : new Response(null, { status: 200 });
    });
    await world.stub().testSubscriber(id);
    await world.run(DAY);
    const [first, second, third] = times;
    expect((second ?? 0) - (first ?? 0)).toBeGreaterThanOrEqual(8_000);
    expect((second ?? 0) - (first ?? 0)).toBeLessThanOrEqual(8_800);
    expect((third ?? 0) - (second ?? 0)).toBeGreaterThanOrEqual(600_000);
    expect((third ?? 0) - (second ?? 0)).toBeLessThanOrEqual(660_000);
  });

  it("is given up after the last attempt, aloud, and the others hear of it", async () => {
    const world = await World.create();
    const id = await world.subscribe("dead.example", () => new Response("no", { status: 500 }));
    await world.subscribe("well.example");
    await world.stub().testSubscriber(id);
    await world.run(3 * DAY);
    const told = (world.received.get("well.example") ?? []).map((t) => t.body);
    expect(told.filter((e) => e.type === "subscriber.failing")).toHaveLength(2);
    expect(told.at(-1)?.data).toMatchObject({ subscriber_id: id, given_up: { sequence: 2 } });
    const log = await deliveriesOf(world, id);
    expect(log.find((d) => d.event_type === "test.ping")).toMatchObject({
      state: "exhausted",
      attempts: 8,
    });
  });

  it("that answers 410 is disabled at once", async () => {
    const world = await World.create();
    let calls = 0;
    const id = await world.subscribe("gone.example", () => {
      calls += 1;
      return new Response(null, { status: 410 });
    });
    await world.subscribe("well.example");
    await world.stub().testSubscriber(id);
    await world.run(DAY);
    expect(calls).toBe(1);
    expect((await subscriberOf(world, id))?.state).toBe("disabled");
    expect(world.received.get("well.example")?.at(-1)?.body.type).toBe("subscriber.disabled");
  });

  it("is disabled after five days of failure, not before, and can be switched on again", async () => {
    const world = await World.create();
    let well = false;
    const id = await world.subscribe(
      "dead.example",
      () => new Response(null, { status: well ? 204 : 500 }),
    );
    for (let day = 0; day < 5; day++) {
      await world.stub().testSubscriber(id);
      await world.run(DAY);
      expect((await subscriberOf(world, id))?.state).toBe("active");
    }
    await world.stub().testSubscriber(id);
    await world.run(DAY);
    expect((await subscriberOf(world, id))?.state).toBe("disabled");
    well = true;
    await world.stub().changeSubscriber(id, { state: "active" });
    await world.stub().testSubscriber(id);
    await world.run(MINUTE);
    expect(world.received.get("dead.example")?.length).toBeGreaterThan(0);
  });

  it("that redirects has failed, and nobody goes there", async () => {
    const world = await World.create();
    let visited = false;
    world.receivers.set("elsewhere.example", () => {
      visited = true;
      return new Response(null, { status: 200 });
    });
    const id = await world.subscribe("a.example", () =>
      Response.redirect("https://elsewhere.example/"),
    );
    await world.stub().testSubscriber(id);
    await world.run(1_000);
    expect(visited).toBe(false);
    expect(await deliveriesOf(world, id)).toMatchObject([{ state: "pending", status: 302 }]);
  });

  it("that failed five times in a row is only probed, and is told everything when it is back", async () => {
    const world = await World.create({ policy: { mode: "all" } });
    let calls = 0;
    let well = false;
    const id = await world.subscribe("a.example", () => {
      calls += 1;
      return new Response(null, { status: well ? 204 : 500 });
    });
    for (let i = 0; i < 3; i++) {
      await world.push();
    }
    await world.run(10 * MINUTE);
    expect(calls).toBeLessThan(12);
    well = true;
    await world.run(12 * HOUR);
    const told = new Set((world.received.get("a.example") ?? []).map((t) => t.body.sequence));
    const events = (await world.events()).filter(
      (e) => e.sequence > 1 && e.data["subscriber_id"] !== id,
    );
    expect([...told].toSorted((a, b) => a - b)).toEqual(events.map((e) => e.sequence));
  });

  it("hears only what it asked for", async () => {
    const world = await World.create();
    const id = await world.subscribe("a.example");
    await world.stub().changeSubscriber(id, { events: ["deploy.succeeded", "project.*"] });
    const accepted = await world.push();
    await world.ended(accepted.deploy?.id ?? "");
    await world.run(MINUTE);
    expect(world.received.get("a.example")?.map((t) => t.body.type)).toEqual(["deploy.succeeded"]);
  });

  it("that answers at length costs 4 KiB, and secrets in it are not kept", async () => {
    const world = await World.create();
    const id = await world.subscribe(
      "echo.example",
      async (request) =>
        new Response(
          `Bearer sandbox-token ${request.headers.get("authorization")} ${"x".repeat(100_000)}`,
          { status: 500 },
        ),
    );
    await world.stub().testSubscriber(id);
    await world.run(1_000);
    const [delivery] = await deliveriesOf(world, id);
    expect(delivery?.response?.length).toBeLessThanOrEqual(4_096);
    expect(delivery?.response).not.toContain("sandbox-token");
  });
});

describe("connections", () => {
  it("are five at most, three of them for others, and six hanging subscribers hold up no deploy", async () => {
    const world = await World.create();
    let open = 0;
    let most = 0;
    let well = true;
    const release: (() => void)[] = [];
    const counted = vi.mocked(globalThis.fetch).getMockImplementation();
    vi.mocked(globalThis.fetch).mockImplementation(async (...args) => {
      open += 1;
      most = Math.max(most, open);
      try {
        if (counted === undefined) {
          throw new Error("no fetch");
        }
        return await counted(...args);
      } finally {
        open -= 1;
      }
    });
    const ids: string[] = [];
    for (let i = 0; i < 6; i++) {
      const id = await world.subscribe(`hang-${i}.example`, () =>
        well
          ? new Response(null, { status: 204 })
          : new Promise((resolve) => {
              release.push(() => resolve(new Response(null, { status: 204 })));
            }),
      );
      await world.stub().testSubscriber(id);
      ids.push(id);
    }
    await world.run(MINUTE);
    // Nobody was slow so far.
    well = false;
    ids.forEach((id) => world.hanging.add(`subscriber/${id}`));
    const accepted = await world.push();
    const id = accepted.deploy?.id ?? "";
    await world.run(MINUTE, async () => (await world.deploy(id)).status === "succeeded");
    expect((await world.deploy(id)).status).toBe("succeeded");
    expect(release.length).toBe(3);
    expect(most).toBeLessThanOrEqual(5);
    expect(await world.inside((p) => p.context.slots.peak)).toBeLessThanOrEqual(5);

    // Let go, everybody is told everything.
    world.hanging.clear();
    well = true;
    await world.inside(() => release.forEach((go) => go()));
    await world.run(HOUR);
    const last = (await world.events()).at(-1)?.sequence;
    for (let i = 0; i < 6; i++) {
      expect(world.received.get(`hang-${i}.example`)?.at(-1)?.body.sequence).toBe(last);
    }
  });

  it("hold up only one another when they are slow, or were never heard of", async () => {
    const world = await World.create();
    let over = false;
    const release: (() => void)[] = [];
    for (let i = 0; i < 4; i++) {
      const id = await world.subscribe(`hole-${i}.example`, () =>
        over
          ? new Response(null, { status: 204 })
          : new Promise((resolve) => {
              release.push(() => resolve(new Response(null, { status: 204 })));
            }),
      );
      world.hanging.add(`subscriber/${id}`);
    }
    const well = await world.subscribe("well.example");
    // Known to be quick from before.
    await world.inside(({ context }) =>
      context.sql.run("UPDATE subscribers SET last_ms = 20 WHERE id = ?", well),
    );
    await world.push();
    await world.run(MINUTE);
    const last = (await world.events()).at(-1)?.sequence;
    expect(world.received.get("well.example")?.at(-1)?.body.sequence).toBe(last);
    expect(release).toHaveLength(1);

    // Let go, they are told everything.
    world.hanging.clear();
    over = true;
    await world.inside(() => release.forEach((go) => go()));
    await world.run(HOUR);
    for (let i = 0; i < 4; i++) {
      expect(world.received.get(`hole-${i}.example`)?.at(-1)?.body.sequence).toBe(last);
    }
  });
});
