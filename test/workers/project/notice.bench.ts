import { afterEach, describe, expect, it, vi } from "vitest";

import { World } from "../support/world.ts";

/** `npm run bench -- notice` runs this and reads what it prints: builds, their ends of stages, and when they were told. */

afterEach(() => vi.restoreAllMocks());

const STAGES_MS = { queued: 2_000, initialize: 3_000, clone_repo: 4_000, deploy: 3_000 };
const HOST = "listener.example.com";
/** How far a stage is from its usual length, as a part of the spread. */
const OFF = [0, -0.9, 0.9, 0.3, -0.5, 0.6, -0.7, 1, -1, 0.1];
const UNLEARNT = 5;

interface Build {
  /** When each stage ended, in ms from the create request on. */
  readonly ends: number[];
  /** How long after that a subscriber was told. */
  readonly lags: number[];
  readonly calls: number;
}

describe.for([30, 90, 600])("builds of %d s", (seconds) => {
  it.for([5, 25])("that vary by %d %%", async (percent) => {
    const unlearnt: Build[] = [];
    for (let n = 0; n < UNLEARNT; n++) {
      unlearnt.push(await build(await listened(), lengths(seconds, percent, n)));
      vi.restoreAllMocks();
    }
    const world = await listened();
    for (let n = 0; n < OFF.length; n++) {
      await build(world, lengths(seconds, percent, n));
    }
    const learnt: Build[] = [];
    for (let n = 0; n < OFF.length; n++) {
      learnt.push(await build(world, lengths(seconds, percent, n + 1)));
    }
    console.log(`notice ${JSON.stringify({ seconds, percent, learnt, unlearnt })}`);
  });
});

function lengths(seconds: number, percent: number, run: number): Record<string, number> {
  const usual = Object.entries({ ...STAGES_MS, build: seconds * 1_000 });
  return Object.fromEntries(
    usual.map(([name, ms], n) => {
      const off = OFF[(run + 3 * n) % OFF.length] ?? 0;
      return [name, Math.round(ms * (1 + (off * percent) / 100))];
    }),
  );
}

async function listened(): Promise<World & { arrivals: Map<string, number> }> {
  const world = await World.create();
  const arrivals = new Map<string, number>();
  await world.subscribe(HOST, (request) => {
    arrivals.set(request.headers.get("webhook-id") ?? "", Date.now());
    return new Response(null, { status: 204 });
  });
  return Object.assign(world, { arrivals });
}

async function build(
  world: World & { arrivals: Map<string, number> },
  stages: Record<string, number>,
): Promise<Build> {
  world.sandbox.speed({ stages });
  const before = world.sandbox.journal().requests.length;
  const heard = world.received.get(HOST)?.length ?? 0;
  const { deployment } = await world.ended((await world.push()).deploy?.id ?? "");
  const { requests, transitions } = world.sandbox.journal();
  const made = requests.find((r) => r.method === "POST" && r.deployment === deployment?.id);
  const ended = transitions.filter(
    (t) => t.deployment === deployment?.id && t.stage_status === "success",
  );
  const told = new Map(
    (world.received.get(HOST) ?? []).slice(heard).flatMap(({ id, body }) => {
      const stage = body.data["stage"] as { name: string; status: string } | undefined;
      return stage?.status === "success" ? [[stage.name, world.arrivals.get(id)] as const] : [];
    }),
  );
  expect(ended).toHaveLength(5);
  return {
    ends: ended.map(({ at }) => Date.parse(at) - Date.parse(made?.at ?? "")),
    lags: ended.map(({ at, stage }) => (told.get(stage) ?? NaN) - Date.parse(at)),
    calls: requests.length - before,
  };
}
