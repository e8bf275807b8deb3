import { afterEach, expect, it, vi } from "vitest";

import { deliveryId } from "../../../src/project/deliveries.ts";
import type { SubscriberRow } from "../../../src/project/subscribers.ts";
import { World } from "../support/world.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const ALL = { before: null, state: null, limit: 100 } as const;

const heard = (world: World, host: string): number[] =>
  (world.received.get(host) ?? []).map(({ body }) => body.sequence);

/** A deploy, told to whoever can be told. */
async function deployed(world: World): Promise<void> {
  await world.ended((await world.push()).deploy?.id ?? "");
  await world.run(MINUTE);
}

async function sequences(world: World): Promise<number[]> {
  return (await world.events()).map(({ sequence }) => sequence);
}

async function stored(world: World, id: string): Promise<SubscriberRow | null> {
  return world.inside(({ context: { sql } }) =>
    sql.one<SubscriberRow>("SELECT * FROM subscribers WHERE id = ?", id),
  );
}

async function hold(world: World, id: string, until: number): Promise<void> {
  await world.inside(({ context: { sql } }) =>
    sql.update("subscribers", "id", id, { blocked_until: until }),
  );
}

it("what a subscriber that is well takes at once is a delivery and no other write, and seen all the same", async () => {
  const world = await World.create();
  const id = await world.subscribe("well.example");
  const before = await stored(world, id);
  await deployed(world);
  expect(await stored(world, id)).toEqual(before);
  const [newest] = await world.stub().deliveries(id, ALL);
  expect(await world.stub().subscriber(id)).toMatchObject({
    last_attempt: { at: newest?.last_attempt_at, status: 204, error: null },
    waiting: 0,
    next_attempt_at: null,
  });
});

it("what has failed is written to its subscriber, and so is what ends that", async () => {
  const world = await World.create();
  let well = false;
  const id = await world.subscribe(
    "moody.example",
    () => new Response(null, { status: well ? 204 : 500 }),
  );
  await world.stub().testSubscriber(id);
  await world.run(1_000);
  expect(await world.stub().subscriber(id)).toMatchObject({
    last_attempt: { status: 500 },
    failing_since: expect.any(String),
    waiting: 1,
  });
  well = true;
  // Another is taken at its first attempt.
  await world.stub().testSubscriber(id);
  await world.run(1_000);
  expect(await world.stub().subscriber(id)).toMatchObject({
    last_attempt: { status: 204 },
    failing_since: null,
    waiting: 1,
  });
  // The one before is later, and so what is told last.
  await world.run(10 * MINUTE);
  const [last, first] = await world.stub().deliveries(id, ALL);
  expect(first).toMatchObject({ state: "delivered", attempts: 2 });
  expect(Date.parse(first?.last_attempt_at ?? "")).toBeGreaterThan(
    Date.parse(last?.last_attempt_at ?? ""),
  );
  expect(await world.stub().subscriber(id)).toMatchObject({
    last_attempt: { at: first?.last_attempt_at },
    waiting: 0,
  });
});

it.each(["active", "paused"] as const)(
  "the daily sweep tells nothing again when the deliveries are gone: %s meanwhile",
  async (state) => {
    const world = await World.create();
    const quick = await world.subscribe("quick.example");
    const slow = await world.subscribe("slow.example");
    // What it is to be told yet keeps the events.
    await hold(world, slow, world.now() + 50 * DAY);
    await deployed(world);
    const seen = await world.stub().subscriber(quick);
    await world.stub().changeSubscriber(quick, { state });
    await world.run(40 * DAY);
    const events = (await sequences(world)).filter((sequence) => sequence > 1);
    expect(events.length).toBeGreaterThan(10);
    expect(await world.stub().deliveries(quick, ALL)).toEqual([]);
    await world.stub().changeSubscriber(quick, { state: "active" });
    expect(await world.stub().subscriber(quick)).toEqual(seen);
    await world.run(20 * DAY);
    expect(heard(world, "quick.example")).toEqual(events);
    expect(heard(world, "slow.example")).toEqual(events);
  },
);

it("one that is paused and made active again goes on where it was", async () => {
  const world = await World.create();
  const id = await world.subscribe("pauses.example");
  await deployed(world);
  const before = heard(world, "pauses.example");
  await world.stub().changeSubscriber(id, { state: "paused" });
  await deployed(world);
  expect(heard(world, "pauses.example")).toEqual(before);
  const { length: all } = await sequences(world);
  expect(await world.stub().subscriber(id)).toMatchObject({ waiting: all - 1 - before.length });
  await world.stub().changeSubscriber(id, { state: "active" });
  await deployed(world);
  expect(heard(world, "pauses.example")).toEqual((await sequences(world)).slice(1));
});

it("of one that is removed nothing is left, and the next one with its URL begins with what comes then", async () => {
  const world = await World.create();
  let status = 500;
  const answer = (): Response => new Response(null, { status });
  const first = await world.subscribe("again.example", answer);
  await deployed(world);
  status = 204;
  await world.run(10 * MINUTE);
  await world.stub().removeSubscriber(first);
  const rows = await world.inside(({ context: { sql } }) =>
    ["deliveries", "attempts"].map((table) => sql.all(`SELECT * FROM ${table}`)),
  );
  expect(rows).toEqual([[], []]);

  world.received.delete("again.example");
  const { length: before } = await sequences(world);
  await world.subscribe("again.example", answer);
  await deployed(world);
  expect(heard(world, "again.example")).toEqual((await sequences(world)).slice(before));
});

it("one that wants little is past what it did not want, which is no delivery", async () => {
  const world = await World.create();
  const id = await world.subscribe("picky.example", undefined, { events: ["deploy.succeeded"] });
  await deployed(world);
  await world.stub().testSubscriber(await world.subscribe("other.example"));
  await world.run(MINUTE);
  expect(await world.stub().deliveries(id, ALL)).toHaveLength(1);
  expect((await world.stub().subscriber(id))?.waiting).toBe(0);
  // What it was not to hear then, it does not hear when it wants everything, nor when another is told again.
  const [only] = await world.stub().deliveries(id, ALL);
  await world.stub().redeliver(id, only?.id ?? "");
  await world.run(MINUTE);
  await world.stub().changeSubscriber(id, { events: ["*"] });
  await world.run(MINUTE);
  expect(heard(world, "picky.example")).toEqual([only?.sequence, only?.sequence]);
});

it("a delivery keeps its id, which finds it at its own subscriber alone", async () => {
  const world = await World.create();
  const ids = [await world.subscribe("one.example"), await world.subscribe("two.example")];
  const [one = "", two = ""] = ids;
  await deployed(world);
  const [newest] = await world.stub().deliveries(one, ALL);
  const id = newest?.id ?? "";
  expect(id).toMatch(/^dlv_[0-9A-Z]+$/);
  expect(id).toBe(deliveryId(one, newest?.sequence ?? 0));
  expect(await world.stub().delivery(one, id)).toMatchObject({ sequence: newest?.sequence });
  expect((await world.stub().redeliver(one, id))?.ok).toBe(true);
  await world.run(MINUTE);
  expect(await world.stub().delivery(one, id)).toMatchObject({ id, attempts: 2 });

  const others = [
    deliveryId(two, newest?.sequence ?? 0),
    deliveryId(one, 1_000),
    `${id}0`,
    id.replace(/_(.*)$/, "_0$1"),
    id.replace(/0+(?=\d+$)/, ""),
    id.toLowerCase(),
    `${deliveryId(one, 0).slice(0, -10)}0000001e21`,
    "dlv_",
    "",
  ];
  for (const other of others) {
    expect([other, await world.stub().delivery(one, other)]).toEqual([other, null]);
    expect([other, await world.stub().redeliver(one, other)]).toEqual([other, null]);
  }
});
