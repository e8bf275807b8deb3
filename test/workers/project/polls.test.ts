import { afterEach, describe, expect, it, vi } from "vitest";

import { World } from "../support/world.ts";

afterEach(() => vi.restoreAllMocks());

/** Around 90 s, up to 5 % more or less. */
const BUILDS_MS = [90_000, 86_000, 94_000, 91_000, 88_000, 92_500, 87_000, 93_500, 89_000, 90_500];
const OTHER_STAGES_MS = { queued: 2_000, initialize: 3_000, clone_repo: 4_000, deploy: 3_000 };

/** One build of that length: how late each end of a stage was told, and what it took in calls. */
async function build(world: World, ms: number): Promise<{ lags: number[]; calls: number }> {
  world.sandbox.speed({ stages: { ...OTHER_STAGES_MS, build: ms } });
  const before = world.sandbox.journal().requests.length;
  const since = await world.stub().sequence();
  const { id, deployment } = await world.ended((await world.push()).deploy?.id ?? "");
  const { requests, transitions } = world.sandbox.journal();
  const told = (await world.stub().events(since, 100)).filter(
    ({ type, data }) =>
      type === "deploy.stage" &&
      (data["deploy"] as { id: string }).id === id &&
      (data["stage"] as { status: string }).status === "success",
  );
  const lags = told.map(({ timestamp, data }) => {
    const { name } = data["stage"] as { name: string };
    const end = transitions.find(
      (t) => t.deployment === deployment?.id && t.stage === name && t.stage_status === "success",
    );
    return Date.parse(timestamp) - Date.parse(end?.at ?? "");
  });
  return { lags, calls: requests.length - before };
}

const median = (values: number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN;

describe("what runs", () => {
  it("is looked at when its stages have usually ended, so that few looks notice each end at once", async () => {
    const world = await World.create();
    const first = await build(world, 90_000);
    for (const ms of BUILDS_MS) {
      await build(world, ms);
    }
    const learnt = [];
    for (const ms of BUILDS_MS) {
      learnt.push(await build(world, ms));
    }
    expect(median(learnt.flatMap(({ lags }) => lags))).toBeLessThanOrEqual(1_000);
    expect(median(learnt.map(({ lags }) => lags[3] ?? NaN))).toBeLessThanOrEqual(1_000);
    expect(median(learnt.map(({ calls }) => calls))).toBeLessThanOrEqual(15);
    expect(first.calls).toBeGreaterThan(median(learnt.map(({ calls }) => calls)));
  });

  it("stops short of a limit that others have nearly used up, and goes on when that has passed", async () => {
    const world = await World.create();
    const calls = (status: number): number =>
      world.sandbox.journal().requests.filter((request) => request.status === status).length;
    world.sandbox.speed({ stages: { ...OTHER_STAGES_MS, build: 240_000 } });
    const id = (await world.push()).deploy?.id ?? "";
    await world.run(10_000);
    while (calls(200) < 1_185) {
      await world.api("GET", "");
    }
    const before = calls(200);
    await world.run(120_000);
    expect(calls(200) - before).toBeLessThanOrEqual(7);
    expect((await world.deploy(id)).status).toBe("running");
    expect((await world.ended(id)).status).toBe("succeeded");
    expect(calls(429)).toBe(0);
  });

  it("is looked at by the age of its stage where it builds for the first time on a branch", async () => {
    const world = await World.create();
    const { lags, calls } = await build(world, 90_000);
    expect(Math.max(...lags)).toBeLessThanOrEqual(0.25 * 90_000);
    expect(calls).toBeLessThan(35);
  });
});
