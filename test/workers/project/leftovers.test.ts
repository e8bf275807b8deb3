import { afterEach, describe, expect, it, vi } from "vitest";

import { World } from "../support/world.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

const HOUR = 3_600_000;
const id = (accepted: { deploy: { id: string } | null }): string => accepted.deploy?.id ?? "";
const types = async (world: World): Promise<string[]> => (await world.events()).map((e) => e.type);

/** A deploy whose build takes two minutes, canceled while it runs; Cloudflare refuses to delete it. */
async function cancelSlowBuild(world: World, branch: string): Promise<string> {
  world.sandbox.fault({ call: "delete", kind: "unauthorized" });
  world.sandbox.speed({ stages: { build: 120_000 } });
  const slow = await world.push({ branch });
  await world.run(5_000, async () => (await world.deploy(id(slow))).status === "running");
  world.sandbox.speed({});
  await world.stub().cancel(id(slow), "Ines");
  return id(slow);
}

describe("an abandoned deployment", () => {
  it("does not hold the lane, and is undone when it goes live over a newer one", async () => {
    const world = await World.create();
    const slow = await cancelSlowBuild(world, "main");
    expect((await world.stub().view())?.leftovers).toMatchObject([
      { kind: "abandoned", deploy_id: slow },
    ]);
    const newer = await world.ended(id(await world.push()));
    expect(newer.status).toBe("succeeded");
    await world.run(HOUR);
    expect(world.live()).toBe(newer.deployment?.id);
    expect(world.sandbox.journal().live.map((l) => l.cause)).toContain("rollback");
    expect(await types(world)).toContain("deploy.rolled_back");
    expect((await world.stub().view())?.leftovers).toEqual([]);
  });

  it("is undone on a preview by its deletion", async () => {
    const world = await World.create();
    await cancelSlowBuild(world, "feature");
    const newer = await world.ended(id(await world.push({ branch: "feature" })));
    await world.run(HOUR);
    expect(world.live("preview", "feature")).toBe(newer.deployment?.id);
    expect(await types(world)).toContain("deploy.rolled_back");
  });

  it("is left alone when nothing newer is there", async () => {
    const world = await World.create();
    await cancelSlowBuild(world, "main");
    await world.run(HOUR);
    expect(world.live()).not.toBeNull();
    expect(await types(world)).not.toContain("deploy.rolled_back");
    expect((await world.stub().view())?.leftovers).toEqual([]);
  });

  it("is undone though Cloudflare's answers fail on the way", async () => {
    const world = await World.create();
    await cancelSlowBuild(world, "main");
    const newer = await world.ended(id(await world.push()));
    world.sandbox.fault({ call: "rollback", kind: "html", times: 2 });
    world.sandbox.fault({ call: "project", kind: "rate_limited", retry_after: 30 });
    await world.run(HOUR);
    expect(world.live()).toBe(newer.deployment?.id);
  });
});

describe("a stray", () => {
  it("of a preview is deleted with every other one that its deletion would bring back", async () => {
    const world = await World.create();
    world.sandbox.fault({ call: "create", kind: "late", delay_ms: 400_000, times: 4 });
    const push = await world.ended(id(await world.push({ branch: "next" })));
    expect(push.status).toBe("succeeded");
    await world.run(HOUR);
    expect((await types(world)).filter((type) => type === "deploy.stray")).toHaveLength(3);
    expect(world.live("preview", "next")).toBe(push.deployment?.id);
  });

  it("holds its lane until it is terminal", async () => {
    const world = await World.create();
    world.sandbox.fault({ call: "create", kind: "late", delay_ms: 200_000, starts: "visible" });
    world.sandbox.speed({ stages: { build: 60_000 } });
    const first = await world.ended(id(await world.push()));
    world.sandbox.speed({});
    await world.run(5 * 60_000, async () => (await types(world)).includes("deploy.stray"));
    const next = await world.push();
    await world.run(10_000);
    expect((await world.deploy(id(next))).waiting).toMatchObject({ for: "turn" });
    await world.stub().cancel(id(next), "Ines");
    const supposed = { branch: null, kind: "build", trigger_kind: "api", at: null } as const;
    expect(await world.stub().explainPolicy(supposed)).toMatchObject({
      would: "wait",
      waiting: { for: "turn" },
    });
    const last = await world.push();
    expect((await world.ended(id(last))).status).toBe("succeeded");
    expect(world.created()).toContain(first.deployment?.id);
  });

  it("on a preview does not stay what its branch shows", async () => {
    const world = await World.create();
    world.sandbox.fault({ call: "create", kind: "late", delay_ms: 200_000, starts: "visible" });
    const own = await world.ended(id(await world.push({ branch: "feature" })));
    await world.run(HOUR);
    expect(await types(world)).toContain("deploy.stray");
    expect(world.live("preview", "feature")).toBe(own.deployment?.id);
  });

  it("that is stuck gives the lane back at the deadline", async () => {
    const world = await World.create({ policy: { deadline_seconds: 600 } });
    world.sandbox.fault({ call: "create", kind: "late", delay_ms: 200_000, starts: "visible" });
    world.sandbox.fault({ call: "create", kind: "stuck" });
    await world.ended(id(await world.push()));
    await world.run(HOUR);
    const next = await world.ended(id(await world.push()));
    expect(next.status).toBe("succeeded");
  });
});

describe("somebody else's build of the same branch and commit", () => {
  it("is taken for the one deployment when ours was never made", async () => {
    const world = await World.create();
    world.sandbox.fault({ call: "create", kind: "dropped" });
    const accepted = await world.push({ commit: "c".repeat(40), message: "same" });
    await world.run(1_000);
    const form = new FormData();
    form.set("branch", "main");
    form.set("commit_hash", "c".repeat(40));
    form.set("commit_message", "same");
    await world.api("POST", "/deployments", form);
    const deploy = await world.ended(id(accepted));
    expect(deploy).toMatchObject({ status: "succeeded", attempts: 1 });
    expect(world.created()).toEqual([deploy.deployment?.id]);
  });
});

describe("a create request that times out though it was carried out", () => {
  it("has its deployment found: one", async () => {
    const world = await World.create();
    world.sandbox.fault({ call: "create", kind: "lost", answer: "hang" });
    const deploy = await world.ended(id(await world.push()));
    expect(deploy).toMatchObject({ status: "succeeded", attempts: 1 });
    expect(world.created()).toEqual([deploy.deployment?.id]);
  });
});
