import { afterEach, describe, expect, it, vi } from "vitest";

import { elsewhere, HOUR, MINUTE, quietWorld, told, typesOf } from "../support/elsewhere.ts";
import { World } from "../support/world.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

const id = (accepted: { deploy: { id: string } | null }): string => accepted.deploy?.id ?? "";

/** When the last stage of a deployment ended, and when it was asked for. */
function flight(world: World, deployment: string): { from: number; to: number } {
  const { requests, transitions } = world.sandbox.journal();
  const made = requests.find((r) => r.method === "POST" && r.deployment === deployment);
  const end = transitions.findLast((t) => t.deployment === deployment);
  return { from: Date.parse(made?.at ?? ""), to: Date.parse(end?.at ?? "") };
}

describe("a build of others", () => {
  it("is noticed before ours is asked for, and waited for", async () => {
    const world = await World.create();
    world.sandbox.speed({ stages: { build: 5 * MINUTE } });
    const theirs = await elsewhere(world);
    world.sandbox.speed({});
    const ours = await world.push();
    await world.run(10_000);
    const waits = await world.deploy(id(ours));
    expect(waits).toMatchObject({
      status: "queued",
      attempts: 0,
      waiting: { for: "turn", until: null },
      reason_code: "external",
      reason: "Waits for a build of main that was started outside Signalbox.",
    });
    expect(await world.stub().view()).toMatchObject({
      externals: [
        {
          deployment_id: theirs,
          status: "running",
          stage: "build",
          trigger: "ad_hoc",
          environment: "production",
          branch: "main",
          target: "production",
          ended_at: null,
        },
      ],
      waiting: [{ id: id(ours) }],
    });
    const supposed = { branch: null, kind: "build", trigger_kind: "api", at: null } as const;
    expect(await world.stub().explainPolicy(supposed)).toMatchObject({
      would: "wait",
      reason_code: "external",
    });

    const ended = await world.ended(id(ours));
    expect(ended).toMatchObject({ status: "succeeded", attempts: 1, number: waits.number });
    const own = flight(world, ended.deployment?.id ?? "");
    expect(own.from).toBeGreaterThanOrEqual(flight(world, theirs).to);
    expect(await typesOf(world, theirs)).toEqual(["external.started", "external.ended"]);
    const started = (await world.events()).filter(({ type }) => type === "deploy.started");
    expect(started).toHaveLength(1);
    await world.run(HOUR);
    expect(await told(world)).toHaveLength(2);
    expect(await world.stub().view()).toMatchObject({ externals: [], live: { id: id(ours) } });
  });

  it("does not count for the deadline of what waits for it", async () => {
    const world = await World.create({ policy: { deadline_seconds: 600 } });
    world.sandbox.speed({ stages: { build: 9 * MINUTE } });
    await elsewhere(world);
    const ours = await world.push();
    await world.run(10_000);
    world.sandbox.speed({ stages: { build: 5 * MINUTE } });
    expect((await world.ended(id(ours))).status).toBe("succeeded");
  });

  it("is also the one that Cloudflare makes of the same push by itself", async () => {
    const world = await World.create();
    await world.api("PATCH", "", {
      source: { config: { production_deployments_enabled: true } },
    });
    const ended = await world.ended(id(await world.push()));
    expect(ended.status).toBe("succeeded");
    const [[type, external] = []] = await told(world);
    expect(type).toBe("external.started");
    expect(external).toMatchObject({
      trigger: "github:push",
      commit_hash: ended.commit_hash,
      commit_message: ended.commit_message,
    });
    expect(external?.deployment_id).not.toBe(ended.deployment?.id);
    expect(world.created()).toEqual([ended.deployment?.id]);
    const native = flight(world, external?.deployment_id ?? "");
    expect(flight(world, ended.deployment?.id ?? "").from).toBeGreaterThanOrEqual(native.to);
  });

  it("blocks only its own target where each has a lane", async () => {
    const world = await World.create({ policy: { lane: "target" } });
    world.sandbox.speed({ stages: { build: 10 * MINUTE } });
    await elsewhere(world, "next");
    world.sandbox.speed({});
    const behind = await world.push({ branch: "next" });
    const beside = await world.ended(id(await world.push()));
    expect(beside.status).toBe("succeeded");
    expect(await world.deploy(id(behind))).toMatchObject({
      status: "queued",
      reason_code: "external",
    });
    expect((await world.ended(id(behind))).status).toBe("succeeded");
  });

  it("that is stuck holds the lane no longer than the deadline, and is given up after a day", async () => {
    const world = await World.create({ policy: { deadline_seconds: 600 } });
    world.sandbox.fault({ call: "create", kind: "stuck" });
    const theirs = await elsewhere(world);
    const since = world.now();
    const ended = await world.ended(id(await world.push()));
    expect(ended.status).toBe("succeeded");
    const waited = Date.parse(ended.started_at ?? "") - since;
    expect(waited).toBeGreaterThanOrEqual(600_000);
    expect(waited).toBeLessThan(605_000);
    expect(await typesOf(world, theirs)).toEqual(["external.started"]);
    world.pass(24 * HOUR);
    await world.run(HOUR);
    const [, last] = (await told(world)).at(-1) ?? [];
    expect(last).toMatchObject({ deployment_id: theirs, status: "given_up" });
    await world.stub().wake();
    await world.run(HOUR);
    expect(await told(world)).toHaveLength(2);
  });

  it("that is deleted lets the line go on", async () => {
    const world = await World.create();
    world.sandbox.fault({ call: "create", kind: "stuck" });
    const theirs = await elsewhere(world);
    const ours = await world.push();
    await world.run(10_000);
    await world.api("DELETE", `/deployments/${theirs}?force=true`);
    expect((await world.ended(id(ours))).status).toBe("succeeded");
    const [, last] = (await told(world)).at(-1) ?? [];
    expect(last?.status).toBe("deleted");
  });

  it("is watched through errors of Cloudflare", async () => {
    const world = await World.create();
    world.sandbox.fault({ call: "get", kind: "server_error", times: 3 });
    const theirs = await elsewhere(world);
    expect((await world.ended(id(await world.push()))).status).toBe("succeeded");
    expect(await typesOf(world, theirs)).toEqual(["external.started", "external.ended"]);
  });

  it("lets a canceled one go while it is waited for", async () => {
    const world = await World.create();
    world.sandbox.fault({ call: "create", kind: "stuck" });
    await elsewhere(world);
    const ours = await world.push();
    await world.run(10_000);
    await world.stub().cancel(id(ours), "Ines");
    expect(await world.deploy(id(ours))).toMatchObject({ status: "canceled" });
  });
});

describe("what is live", () => {
  it("is not ours after a production build of others, until one of ours goes live", async () => {
    const world = await quietWorld();
    const first = await world.ended(id(await world.push()));
    expect(await world.stub().view()).toMatchObject({ live: { id: first.id }, externals: [] });
    const theirs = await elsewhere(world);
    await world.stub().look();
    await world.run(HOUR);
    expect(world.live()).toBe(theirs);
    expect(await world.stub().view()).toMatchObject({
      live: null,
      externals: [{ deployment_id: theirs, status: "succeeded", stage: "deploy" }],
    });
    await world.run(60 * 24 * HOUR);
    expect((await world.stub().view())?.externals).toHaveLength(1);
    const next = await world.ended(id(await world.push()));
    expect(await world.stub().view()).toMatchObject({ live: { id: next.id }, externals: [] });
    await world.run(24 * HOUR);
    const left = await world.inside(
      ({ context }) => context.sql.one<{ n: number }>("SELECT COUNT(*) AS n FROM externals")?.n,
    );
    expect(left).toBe(0);
    await world.stub().look();
    await world.run(HOUR);
    expect(await typesOf(world, theirs)).toEqual([]);
  });

  it("is ours when ours went live later, though theirs is noticed only then", async () => {
    const world = await quietWorld({ policy: { lane: "target" } });
    const ours = await world.push();
    await world.run(10_000, async () => (await world.deploy(id(ours))).status === "running");
    world.sandbox.speed({ factor: 0.1 });
    const theirs = await elsewhere(world);
    const ended = await world.ended(id(ours));
    expect(world.live()).toBe(ended.deployment?.id);
    await world.stub().look();
    await world.run(HOUR);
    expect(await typesOf(world, theirs)).toEqual(["external.started", "external.ended"]);
    expect(await world.stub().view()).toMatchObject({ live: { id: ended.id }, externals: [] });
  });

  it("of a preview says nothing of production", async () => {
    const world = await quietWorld();
    const first = await world.ended(id(await world.push()));
    await elsewhere(world, "next");
    await world.stub().look();
    await world.run(HOUR);
    expect(await told(world)).toHaveLength(2);
    expect(await world.stub().view()).toMatchObject({ live: { id: first.id }, externals: [] });
  });

  it("goes back from a build of others to the last one of ours", async () => {
    const world = await quietWorld();
    await world.ended(id(await world.push()));
    const second = await world.ended(id(await world.push()));
    await elsewhere(world);
    await world.stub().look();
    await world.run(HOUR);
    const back = await world.ended(id(await world.rollBack()));
    expect(back).toMatchObject({ status: "succeeded", commit_hash: second.commit_hash });
    expect(world.live()).toBe(second.deployment?.id);
    expect(await world.stub().view()).toMatchObject({ live: { id: back.id }, externals: [] });
  });

  it("stays theirs when an abandoned deployment of ours goes live over it", async () => {
    const world = await quietWorld();
    world.sandbox.fault({ call: "delete", kind: "unauthorized" });
    world.sandbox.speed({ stages: { build: 5 * MINUTE } });
    const slow = await world.push();
    await world.run(5_000, async () => (await world.deploy(id(slow))).status === "running");
    world.sandbox.speed({});
    await world.stub().cancel(id(slow), "Ines");
    await world.ended(id(await world.push()));
    const theirs = await elsewhere(world);
    await world.stub().look();
    await world.run(HOUR);
    expect(world.live()).toBe(theirs);
    expect(await world.stub().view()).toMatchObject({
      live: null,
      externals: [{ deployment_id: theirs }],
    });
  });
});
