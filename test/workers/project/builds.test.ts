import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { instanceOf } from "../../../src/objects.ts";
import { World } from "../support/world.ts";

const instance = () => instanceOf(env);
const id = (accepted: { deploy: { id: string } | null }): string => accepted.deploy?.id ?? "";

let world: World;
beforeEach(async () => {
  world = await World.create({ policy: { lane: "target" } });
});
afterEach(async () => {
  await instance().limitBuilds(null);
  vi.restoreAllMocks();
});

const running = async (deployId: string): Promise<boolean> =>
  (await world.deploy(deployId)).status === "running";

describe("where the account builds one at a time", () => {
  beforeEach(async () => instance().limitBuilds(1));

  it("the next waits for its turn, and says why", async () => {
    world.sandbox.speed({ factor: 5 });
    const first = id(await world.push({ branch: "one" }));
    await world.run(60_000, async () => running(first));
    const second = id(await world.push({ branch: "two" }));
    await world.run(12_000);
    expect(await world.deploy(first)).toMatchObject({ status: "running" });
    expect(await world.deploy(second)).toMatchObject({
      status: "queued",
      waiting: { for: "turn", until: null },
      reason_code: "max_builds",
      reason: "Waits for its turn: as many builds run in this account as max_builds allows.",
    });
    expect(await instance().builds()).toMatchObject({
      max_builds: 1,
      running: [{ deploy_id: first }],
      waiting: [{ deploy_id: second }],
    });
    const ends = [await world.ended(first), await world.ended(second)];
    expect(ends.map(({ status }) => status)).toEqual(["succeeded", "succeeded"]);
    expect(Date.parse(ends[1]?.started_at ?? "")).toBeGreaterThanOrEqual(
      Date.parse(ends[0]?.ended_at ?? ""),
    );
  });

  it("production goes before previews that came first", async () => {
    const first = id(await world.push({ branch: "one" }));
    await world.run(60_000, async () => running(first));
    const preview = id(await world.push({ branch: "two" }));
    await world.run(6_000);
    const hotfix = id(await world.push());
    await world.run(600_000, async () => (await world.deploy(preview)).ended_at !== null);
    const [late, early] = [await world.deploy(preview), await world.deploy(hotfix)];
    expect(Date.parse(early.started_at ?? "")).toBeLessThan(Date.parse(late.started_at ?? ""));
    expect([late.status, early.status]).toEqual(["succeeded", "succeeded"]);
  });

  it("a build that was left behind keeps its place until it is over at Cloudflare", async () => {
    world.sandbox.fault({ call: "delete", kind: "unauthorized" });
    world.sandbox.speed({ factor: 10 });
    const first = id(await world.push({ branch: "one" }));
    await world.run(60_000, async () => running(first));
    await world.stub().cancel(first, "tok_ada");
    const second = id(await world.push({ branch: "two" }));
    await world.run(38_000);
    expect((await world.deploy(second)).waiting?.for).toBe("turn");
    expect((await world.ended(second)).status).toBe("succeeded");
  });

  it.each(["submit.claimed", "submit.sending", "submit.answered", "submit.settled"])(
    "a crash at %s leaves no place taken",
    async (point) => {
      world.crashAt(point);
      const first = id(await world.push({ branch: "one" }));
      const second = id(await world.push({ branch: "two" }));
      expect((await world.ended(first)).status).toBe("succeeded");
      expect((await world.ended(second)).status).toBe("succeeded");
      expect(world.crashes).toBe(1);
      expect(world.created()).toHaveLength(2);
    },
  );

  it("a project that is gone keeps none", async () => {
    const first = id(await world.push({ branch: "one" }));
    await world.run(60_000, async () => running(first));
    await instance().unregister(world.key);
    expect((await instance().builds()).running).toEqual([]);
  });
});

describe("where the account builds two at a time", () => {
  it("the last place is kept for production", async () => {
    await instance().limitBuilds(2);
    const previews = [
      id(await world.push({ branch: "one" })),
      id(await world.push({ branch: "two" })),
    ];
    await world.run(60_000, async () => running(previews[0] ?? ""));
    await world.run(6_000);
    expect((await world.deploy(previews[1] ?? "")).waiting?.for).toBe("turn");
    const hotfix = id(await world.push());
    await world.run(3_000, async () => running(hotfix));
    expect((await world.deploy(hotfix)).status).toBe("running");
  });
});
