import { afterEach, describe, expect, it, vi } from "vitest";

import type { JournalRequest } from "../../../sandbox/types.ts";
import type { DeployFilter } from "../../../src/project/deploys.ts";
import { asked } from "../../support/runs.ts";
import { World } from "../support/world.ts";

afterEach(() => vi.restoreAllMocks());

/** `SIGNALBOX_FLEET=50` for a larger one, whose builds would want more than the limit together. */
const PROJECTS = Number(asked("SIGNALBOX_FLEET") ?? 20);
const BUILD_MS = 90_000;
/** What may be spent at once, besides what comes along evenly. */
const ONCE = 35;
const RETRY_AFTER_S = 120;
const ALL: DeployFilter = {
  limit: 10,
  before: null,
  branch: null,
  environment: null,
  status: null,
};

/** All in one account, of which Cloudflare takes 1,200 calls in five minutes. */
describe("a fleet that builds at once", () => {
  it("never calls so often that it is answered 429, and all of it succeeds", async () => {
    const fleet = await building("a");
    const { first, requests } = fleet;
    await ended(fleet);
    expect(first.sandbox.journal().live).toHaveLength(PROJECTS);
    expect(limited(requests())).toEqual([]);
    // Fewer stay under the limit anyhow, but not under the rate that keeps to it whatever their number.
    const times = requests().map(({ at }) => Date.parse(at));
    const inMinutes = times.map(
      (from) => times.filter((at) => at >= from && at < from + 60_000).length,
    );
    expect(Math.max(...inMinutes)).toBeLessThanOrEqual(1_200 / 5 + ONCE);
  });

  it("is quiet as one when somebody is answered 429, and goes on when that is over", async () => {
    const fleet = await building("b");
    const { first, requests } = fleet;
    await first.run(30_000);
    first.sandbox.fault({ call: "get", kind: "rate_limited", retry_after: RETRY_AFTER_S });
    await first.run(5_000);
    const [foreign, ...more] = limited(requests());
    expect(more).toEqual([]);
    const from = Date.parse(foreign?.at ?? "");
    await ended(fleet);
    const after = requests().filter(({ at }) => Date.parse(at) > from);
    const since = after.map(({ at }) => Date.parse(at) - from);
    expect(since[0]).toBeGreaterThanOrEqual(RETRY_AFTER_S * 1_000);
    // As soon as there are more permits than are kept for creates.
    expect(since[0]).toBeLessThan(RETRY_AFTER_S * 1_000 + 3_000);
    expect(limited(after)).toEqual([]);
    expect(first.sandbox.journal().live).toHaveLength(PROJECTS);
  });
});

interface Fleet {
  readonly first: World;
  /** What has reached Cloudflare since the pushes. */
  readonly requests: () => JournalRequest[];
}

async function building(letter: string): Promise<Fleet> {
  const account = { accountId: letter.repeat(32), token: `token-${letter}` };
  // One effect at a time, in their order, so that an alarm is asked for only where something has happened.
  const first = await World.create({ account, draw: () => 0.999 });
  while (first.peers.length < PROJECTS) {
    await World.create({ beside: first });
  }
  // The first look at each project, for what others have started.
  await first.run(600_000);
  first.sandbox.speed({ stages: { build: BUILD_MS } });
  const before = first.sandbox.journal().requests.length;
  for (const world of first.peers) {
    await world.push();
  }
  return { first, requests: () => first.sandbox.journal().requests.slice(before) };
}

async function ended({ first }: Fleet): Promise<void> {
  const until = Date.now() + 1_800_000;
  while (first.sandbox.journal().live.length < PROJECTS && Date.now() < until) {
    await first.run(30_000);
  }
  await first.run(60_000);
  for (const world of first.peers) {
    const deploys = await world.stub().deploys(ALL);
    expect(deploys.map(({ status }) => status)).toEqual(["succeeded"]);
  }
}

const limited = (requests: readonly JournalRequest[]): JournalRequest[] =>
  requests.filter(({ status }) => status === 429);
