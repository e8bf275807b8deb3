import { afterEach, describe, expect, it, vi } from "vitest";

import type { Policy } from "../../../src/project/policy.ts";
import type { Event } from "../../../src/project/shapes.ts";
import { World } from "../support/world.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

const MINUTE = 60_000;
const id = (accepted: { deploy: { id: string } | null }): string => accepted.deploy?.id ?? "";

/** The types of a deploy's events, in order, without those of its stages. */
async function told(world: World, deployId: string): Promise<string[]> {
  const events = await world.stub().events(0, 1_000);
  return events
    .filter((e: Event) => (e.data["deploy"] as { id: string } | undefined)?.id === deployId)
    .map(({ type }) => type)
    .filter((type) => type !== "deploy.stage");
}

const policy = (more: Partial<Policy>): { policy: Partial<Policy> } => ({ policy: more });

describe("the quiet period", () => {
  const QUIET = { quiet_period: { seconds: 30, max_wait_seconds: 120 } };

  it("puts a burst together into its last push, and tells that it is held and released", async () => {
    const world = await World.create(policy(QUIET));
    const pushes = [];
    for (let n = 0; n < 3; n++) {
      pushes.push(await world.push());
      await world.run(10_000);
    }
    const last = id(pushes[2] ?? { deploy: null });
    expect(await world.deploy(last)).toMatchObject({
      status: "queued",
      waiting: { for: "quiet_period" },
      reason_code: "quiet_period",
    });
    expect(world.created()).toHaveLength(0);
    expect((await world.ended(last)).status).toBe("succeeded");
    expect(world.created()).toHaveLength(1);
    expect(await told(world, last)).toEqual([
      "deploy.queued",
      "deploy.held",
      "deploy.released",
      "deploy.started",
      "deploy.succeeded",
    ]);
  });

  it("never starves: a steady stream of pushes is deployed every max_wait", async () => {
    const world = await World.create(policy(QUIET));
    const began = world.now();
    while (world.now() < began + 10 * MINUTE) {
      await world.push();
      await world.run(10_000);
    }
    const starts = world.sandbox
      .journal()
      .requests.filter(({ method, path }) => method === "POST" && path.endsWith("/deployments"))
      .map(({ at }) => Date.parse(at) - began);
    expect(starts.length).toBeGreaterThanOrEqual(4);
    expect(starts[0]).toBeLessThanOrEqual(2 * MINUTE + 1_000);
  });

  it("does not hold what a person asks for", async () => {
    const world = await World.create(policy(QUIET));
    const asked = await world.accept({ branch: "main" });
    await world.run(1_000);
    expect((await world.deploy(id(asked))).status).not.toBe("queued");
  });
});

describe("a window", () => {
  /** Closed from noon, when these tests begin, for half an hour. */
  const windows = [
    {
      action: "deny" as const,
      environment: "production" as const,
      cron: "0 12 * * *",
      duration_minutes: 30,
      time_zone: "UTC",
      reason: "lunch",
    },
  ];

  /** A world in the middle of the closed time of a day. */
  async function closed(more: Partial<Policy> = {}): Promise<World> {
    const world = await World.create(policy({ windows, ...more }));
    const noon = Math.ceil(world.now() / (24 * 60 * MINUTE)) * 24 * 60 * MINUTE + 12 * 60 * MINUTE;
    world.pass(noon + MINUTE - world.now());
    return world;
  }

  it("holds the newest deploy until it opens, and then releases it", async () => {
    const world = await closed();
    const first = await world.push();
    const second = await world.push();
    await world.run(MINUTE);
    const held = await world.deploy(id(second));
    const opens = new Date(Math.floor(world.now() / (60 * MINUTE)) * 60 * MINUTE + 30 * MINUTE);
    expect(held.waiting).toEqual({ for: "window", until: opens.toISOString() });
    expect(held.reason).toContain("Waits for the window “lunch”, until ");
    expect((await world.deploy(id(first))).status).toBe("superseded");
    expect((await world.ended(id(second))).status).toBe("succeeded");
    const at = Date.parse((await world.deploy(id(second))).started_at ?? "");
    expect(at - opens.getTime()).toBeLessThan(2_000);
    expect(await told(world, id(second))).toContain("deploy.released");
  });

  it("lets previews by, and what a person has released with a reason", async () => {
    const world = await closed();
    const preview = await world.push({ branch: "next" });
    expect((await world.ended(id(preview))).status).toBe("succeeded");
    const production = await world.push();
    await world.run(1_000);
    const released = await world.stub().release(id(production), "tok_ada", "the shop is down");
    expect(released.ok).toBe(true);
    expect((await world.ended(id(production))).status).toBe("succeeded");
    const events = await world.stub().events(0, 1_000);
    const override = events.find(({ data }) => data["override"] !== undefined);
    expect(override).toMatchObject({
      type: "deploy.released",
      data: { by: "tok_ada", override: "the shop is down", held_for: "window" },
    });
  });

  it("lets what runs when it closes run to its end", async () => {
    const world = await World.create(policy({ windows }));
    const noon = Math.ceil(world.now() / (24 * 60 * MINUTE)) * 24 * 60 * MINUTE + 12 * 60 * MINUTE;
    world.pass(noon - 1_000 - world.now());
    const push = await world.push();
    expect((await world.ended(id(push))).status).toBe("succeeded");
    expect(world.now()).toBeGreaterThan(noon);
  });
});

describe("a lock", () => {
  const lock = { id: "lck_1", environment: null, holder: "Ada", reason: "moving house" };

  it("holds deploys with holder and reason, and releases them when it is taken away", async () => {
    const world = await World.create();
    await world.stub().addLock({ ...lock, until: null });
    const push = await world.push();
    await world.run(10 * MINUTE);
    const held = await world.deploy(id(push));
    expect(held.waiting).toEqual({ for: "lock", until: null });
    expect(held.reason).toBe("Waits for the lock by Ada: “moving house”.");
    expect((await world.stub().view())?.locks).toHaveLength(1);
    expect(await world.stub().removeLock("lck_1", "tok_ada")).toBe(true);
    expect((await world.ended(id(push))).status).toBe("succeeded");
    const types = (await world.stub().events(0, 1_000)).map(({ type }) => type);
    expect(types).toContain("project.locked");
    expect(types).toContain("project.unlocked");
  });

  it("ends by itself at its time", async () => {
    const world = await World.create();
    const until = world.now() + 5 * MINUTE;
    await world.stub().addLock({ ...lock, until });
    const push = await world.push();
    expect((await world.ended(id(push))).status).toBe("succeeded");
    expect(Date.parse((await world.deploy(id(push))).started_at ?? "")).toBeGreaterThanOrEqual(
      until,
    );
    expect(await world.stub().locks()).toEqual([]);
    const unlocked = (await world.stub().events(0, 1_000)).find(
      ({ type }) => type === "project.unlocked",
    );
    expect(unlocked?.data).toMatchObject({ reason: "expired", by: null });
  });
});

describe("approval", () => {
  const APPROVAL = { approval: { environments: ["production" as const], expires_hours: 1 } };

  it("is waited for, and starts the deploy when it is given", async () => {
    const world = await World.create(policy(APPROVAL));
    const push = await world.push();
    await world.run(10 * MINUTE);
    expect((await world.deploy(id(push))).waiting?.for).toBe("approval");
    expect((await world.stub().approve(id(push), "tok_ada")).ok).toBe(true);
    expect((await world.ended(id(push))).status).toBe("succeeded");
    expect(await told(world, id(push))).toEqual([
      "deploy.queued",
      "deploy.approval_requested",
      "deploy.held",
      "deploy.approved",
      "deploy.released",
      "deploy.started",
      "deploy.succeeded",
    ]);
  });

  it("is not needed for a preview", async () => {
    const world = await World.create(policy(APPROVAL));
    const push = await world.push({ branch: "next" });
    expect((await world.ended(id(push))).status).toBe("succeeded");
  });

  it("can be refused, with a reason", async () => {
    const world = await World.create(policy(APPROVAL));
    const push = await world.push();
    expect((await world.stub().reject(id(push), "tok_ada", "not on a Friday")).ok).toBe(true);
    expect(await world.deploy(id(push))).toMatchObject({
      status: "canceled",
      reason_code: "rejected",
      reason: "Rejected by tok_ada: not on a Friday",
    });
    expect((await world.stub().approve(id(push), "tok_ada")).ok).toBe(false);
  });

  it("ends the deploy when nobody gives it in time", async () => {
    const world = await World.create(policy(APPROVAL));
    const push = await world.push();
    await world.run(61 * MINUTE);
    expect(await world.deploy(id(push))).toMatchObject({
      status: "canceled",
      reason_code: "approval_expired",
    });
    expect(world.created()).toHaveLength(0);
  });
});

describe("a failed build", () => {
  const RETRY = { retry: { limit: 2, stages: ["build"], backoff_seconds: 60 } };

  it("is tried again as the same deploy", async () => {
    const world = await World.create(policy(RETRY));
    world.sandbox.fault({ call: "create", kind: "fail_build" });
    const push = await world.push();
    const ended = await world.ended(id(push));
    expect(ended).toMatchObject({ status: "succeeded", retries: 1 });
    expect(world.created()).toHaveLength(2);
    expect(world.live()).toBe(ended.deployment?.id);
    expect(await told(world, id(push))).toEqual([
      "deploy.queued",
      "deploy.started",
      "deploy.held",
      "deploy.succeeded",
    ]);
  });

  it("fails for good when it has failed often enough, or in another stage", async () => {
    const world = await World.create(policy(RETRY));
    world.sandbox.fault({ call: "create", kind: "fail_build", times: 3 });
    expect(await world.ended(id(await world.push()))).toMatchObject({
      status: "failed",
      retries: 2,
      reason_code: "failed_build",
    });
    world.sandbox.fault({ call: "create", kind: "fail_build", stage: "clone_repo" });
    expect(await world.ended(id(await world.push()))).toMatchObject({
      status: "failed",
      retries: 0,
    });
  });

  it("yields to anything newer of its target", async () => {
    const world = await World.create(policy(RETRY));
    world.sandbox.fault({ call: "create", kind: "fail_build" });
    const older = await world.push();
    await world.run(60_000, async () => (await world.deploy(id(older))).status === "running");
    const newer = await world.push();
    expect((await world.ended(id(older))).status).toBe("failed");
    expect((await world.ended(id(newer))).status).toBe("succeeded");
  });
});

describe("starts and ends", () => {
  it("are kept apart by min_interval", async () => {
    const world = await World.create(policy({ min_interval_seconds: 600 }));
    const first = await world.push();
    await world.ended(id(first));
    const second = await world.push();
    await world.run(1_000);
    expect((await world.deploy(id(second))).reason).toMatch(/^Waits for its turn, at .*kept apart/);
    await world.ended(id(second));
    const started = async (deploy: { deploy: { id: string } | null }): Promise<number> =>
      Date.parse((await world.deploy(id(deploy))).started_at ?? "");
    expect((await started(second)) - (await started(first))).toBeGreaterThanOrEqual(600_000);
  });

  it("wait for a time of the deploy's own", async () => {
    const world = await World.create();
    const at = world.now() + 3 * 60 * MINUTE;
    const accepted = await world.accept({ branch: "main", not_before: at });
    await world.run(MINUTE);
    expect((await world.deploy(id(accepted))).waiting).toEqual({
      for: "not_before",
      until: new Date(at).toISOString(),
    });
    expect((await world.ended(id(accepted))).status).toBe("succeeded");
    expect(world.now()).toBeGreaterThan(at);
  });

  it("come by a stage's own deadline, before that of the whole", async () => {
    const world = await World.create(policy({ stage_deadlines_seconds: { build: 300 } }));
    world.sandbox.fault({ call: "create", kind: "stuck", stage: "build" });
    const push = await world.push();
    const ended = await world.ended(id(push));
    expect(ended).toMatchObject({ status: "timed_out", reason_code: "timed_out" });
    expect(ended.reason).toContain("5 min");
  });

  it("of a running deploy come with a newer one of its target, where cancel_running is on", async () => {
    const world = await World.create(policy({ cancel_running: true }));
    const older = await world.push();
    await world.run(60_000, async () => (await world.deploy(id(older))).status === "running");
    const newer = await world.push();
    expect(await world.deploy(id(older))).toMatchObject({
      status: "superseded",
      superseded_by: id(newer),
    });
    expect((await world.ended(id(newer))).status).toBe("succeeded");
    const types = (await world.stub().events(0, 1_000)).map(({ type }) => type);
    expect(types).toContain("deploy.abandoned");
  });
});
