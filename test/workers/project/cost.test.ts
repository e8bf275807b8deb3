import { afterEach, describe, expect, it, vi } from "vitest";

import { Edge } from "../api/edge.ts";
import { deliver, makeHook, push, type MadeHook } from "../api/github.ts";
import { meter, type Billed } from "../support/meter.ts";

afterEach(() => vi.restoreAllMocks());

const STAGES_MS = {
  queued: 2_000,
  initialize: 3_000,
  clone_repo: 4_000,
  build: 90_000,
  deploy: 3_000,
};
const HOSTS = ["one.example.com", "two.example.com", "three.example.com"];
/** Queued, started, the beginning and the end of five stages, succeeded. */
const EVENTS = 13;

interface Cost extends Billed {
  readonly polls: number;
  readonly deliveries: number;
}

/** docs/performance.md has the figures, and what they mean in money. A bound that has to be raised is a price that was raised. */
describe("a deploy, from a push to its success", () => {
  it("costs few rows, requests and calls", async () => {
    const cost = await costOf([]);
    expect(cost.polls).toBeLessThanOrEqual(9);
    expect(requests(cost)).toBeLessThanOrEqual(26);
    expect(cost.rowsWritten).toBeLessThanOrEqual(90);
    expect(cost.rowsRead).toBeLessThanOrEqual(1_200);
  });

  it("told to three, costs one row more for each delivery, and little else", async () => {
    const cost = await costOf(HOSTS);
    expect(cost.deliveries).toBe(HOSTS.length * EVENTS);
    expect(cost.polls).toBeLessThanOrEqual(9);
    expect(requests(cost)).toBeLessThanOrEqual(30);
    // 39 for the deliveries; the rest is alarms.
    expect(cost.rowsWritten).toBeLessThanOrEqual(139);
    expect(cost.rowsRead).toBeLessThanOrEqual(5_300);
  });
});

const requests = (cost: Billed): number =>
  Object.values(cost.requests).reduce((sum, calls) => sum + calls, 0);

/** Of the fourth deploy: how long its stages take is known by then. */
async function costOf(subscribers: readonly string[]): Promise<Cost> {
  const edge = await Edge.create();
  const { world } = edge;
  world.sandbox.speed({ stages: STAGES_MS });
  const hook = await makeHook(edge);
  for (const host of subscribers) {
    await world.subscribe(host);
  }
  for (let n = 1; n <= 3; n++) {
    await deployed(hook, n);
  }
  const told = (): number =>
    subscribers.reduce((sum, host) => sum + (world.received.get(host)?.length ?? 0), 0);
  const before = { calls: world.sandbox.journal().requests.length, told: told() };
  const count = await meter(world);
  let billed = count();
  // Whenever an alarm has done its work, so that what the test asks afterwards is not counted.
  await deployed(hook, 4, () => {
    billed = count();
  });
  const calls = world.sandbox.journal().requests.slice(before.calls);
  const polls = calls.filter(({ method }) => method === "GET").length;
  expect(calls.length).toBe(polls + 1);
  return { ...billed, polls, deliveries: told() - before.told };
}

/** Pushes, and lets time pass until nothing of it is left to do. */
async function deployed(
  hook: MadeHook,
  n: number,
  settled: () => void = () => undefined,
): Promise<void> {
  const { world } = hook.edge;
  const commit = String(n).padStart(40, "a");
  const got = await deliver(hook, push("main", { after: commit }));
  expect(got.status).toBe(202);
  await world.run(240_000, async () => {
    settled();
    return false;
  });
  expect((await world.deploy(got.body.results[0].deploy_id)).status).toBe("succeeded");
}
