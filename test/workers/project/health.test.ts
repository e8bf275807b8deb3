import { afterEach, describe, expect, it, vi } from "vitest";

import type { Policy } from "../../../src/project/policy.ts";
import { World } from "../support/world.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

const id = (accepted: { deploy: { id: string } | null }): string => accepted.deploy?.id ?? "";

/** A built page holds its commit's message: "fit" is healthy. */
const CHECK = { url: "/", status: 200, contains: "fit", header: null, commit: true };
const HEALTH: Policy["health"] = {
  checks: [CHECK],
  attempts: 3,
  interval_seconds: 20,
  on_failure: "tell",
};

const worldWith = async (health: Partial<Policy["health"]> = {}): Promise<World> =>
  World.create({ policy: { health: { ...HEALTH, ...health } } });

const typesOf = async (world: World, deployId: string): Promise<string[]> =>
  (await world.events())
    .filter((event) => (event.data["deploy"] as { id: string } | undefined)?.id === deployId)
    .map(({ type }) => type)
    .filter((type) => type !== "deploy.stage");

describe("health checks", () => {
  it("let a deploy succeed when all is as it must be", async () => {
    const world = await worldWith();
    const deploy = await world.ended(id(await world.push({ message: "fit" })));
    expect(deploy).toMatchObject({
      status: "succeeded",
      health: { tries: 1, checks: [{ url: "/", ok: true, detail: "is as it must be" }] },
    });
    expect(await typesOf(world, deploy.id)).toEqual([
      "deploy.queued",
      "deploy.started",
      "deploy.verified",
      "deploy.succeeded",
    ]);
  });

  it("are of production alone", async () => {
    const world = await worldWith();
    const deploy = await world.ended(id(await world.push({ branch: "next", message: "ill" })));
    expect(deploy).toMatchObject({ status: "succeeded", health: null });
  });

  it("are tried again, hold the lane meanwhile, and then fail the deploy, which stays live", async () => {
    const world = await worldWith();
    const ill = id(await world.push({ message: "ill" }));
    await world.run(3_600_000, async () => (await world.deploy(ill)).health?.tries === 1);
    const next = id(await world.push({ branch: "next" }));
    expect(await world.deploy(ill)).toMatchObject({ status: "verifying", ended_at: null });
    expect((await world.deploy(next)).waiting?.for).toBe("turn");
    expect((await world.stub().view())?.live?.id).toBe(ill);
    const since = world.now();

    const failed = await world.ended(ill);
    expect(world.now() - since).toBe(40_000);
    expect(failed).toMatchObject({
      status: "failed",
      reason_code: "health_failed",
      reason: "Failed its health check: / does not hold the text “fit”, 3 times.",
      health: { tries: 3, checks: [{ ok: false }] },
    });
    expect(await typesOf(world, ill)).toEqual([
      "deploy.queued",
      "deploy.started",
      "deploy.failed",
      "deploy.health_failed",
    ]);
    expect((await world.stub().view())?.live?.id).toBe(ill);
    expect((await world.ended(next)).status).toBe("succeeded");
  });

  it("may pass at a later try", async () => {
    const world = await worldWith();
    let asked = 0;
    const { sandbox } = world;
    const real = sandbox.fetch.bind(sandbox);
    vi.spyOn(sandbox, "fetch").mockImplementation(async (request) =>
      request.url.includes(".pages.dev/") && ++asked < 3
        ? new Response("not yet", { status: 503 })
        : real(request),
    );
    const deploy = await world.ended(id(await world.push({ message: "fit" })));
    expect(deploy).toMatchObject({ status: "succeeded", health: { tries: 3 } });
  });

  it("roll back by themselves, to the last version that was healthy, and lock production", async () => {
    const world = await worldWith({ on_failure: "rollback" });
    const good = await world.ended(id(await world.push({ message: "fit" })));
    const ill = await world.ended(id(await world.push({ message: "ill" })));
    expect(ill.status).toBe("failed");
    await world.run(600_000);
    expect(world.live()).toBe(good.deployment?.id);
    const view = await world.stub().view();
    expect(view).toMatchObject({
      live: { kind: "rollback", status: "succeeded", trigger: { kind: "health" } },
      locks: [
        {
          holder: "health checks",
          reason: `rolled back to #${good.number}: #${ill.number} failed its health check`,
        },
      ],
    });
    const told = (await world.events()).find(({ type }) => type === "deploy.health_failed");
    expect(told?.data["action"]).toBe(`Production is rolled back, by #${view?.live?.number}.`);
  });

  it("say when there is nothing to go back to", async () => {
    const world = await worldWith({ on_failure: "rollback" });
    const ill = await world.ended(id(await world.push({ message: "ill" })));
    await world.run(600_000);
    expect(world.live()).toBe(ill.deployment?.id);
    const told = (await world.events()).find(({ type }) => type === "deploy.health_failed");
    expect(told?.data["action"]).toContain("It stays live: There is no earlier production deploy");
  });

  it("only lock production where the policy wants that", async () => {
    const world = await worldWith({ on_failure: "lock" });
    await world.ended(id(await world.push({ message: "fit" })));
    const ill = await world.ended(id(await world.push({ message: "ill" })));
    expect(world.live()).toBe(ill.deployment?.id);
    expect(await world.stub().locks()).toMatchObject([
      { environment: "production", reason: `#${ill.number} failed its health check` },
    ]);
  });

  it("never go back to a version that failed them", async () => {
    const world = await worldWith();
    const good = await world.ended(id(await world.push({ message: "fit" })));
    await world.ended(id(await world.push({ message: "ill" })));
    await world.ended(id(await world.push({ message: "fit again" })));
    await world.ended(id(await world.rollBack()));
    expect(world.live()).toBe(good.deployment?.id);
  });

  it("end when somebody rolls back meanwhile", async () => {
    const world = await worldWith();
    const good = await world.ended(id(await world.push({ message: "fit" })));
    const ill = id(await world.push({ message: "ill" }));
    await world.run(3_600_000, async () => (await world.deploy(ill)).status === "verifying");
    const back = await world.ended(id(await world.rollBack()));
    expect(await world.ended(ill)).toMatchObject({
      status: "superseded",
      reason_code: "newer_went_first",
    });
    await world.run(600_000);
    expect(world.live()).toBe(good.deployment?.id);
    expect((await world.stub().view())?.live?.id).toBe(back.id);
    expect((await typesOf(world, ill)).includes("deploy.abandoned")).toBe(false);
  });

  it("can't be canceled, and are not cut short by a newer deploy", async () => {
    const world = await World.create({ policy: { health: HEALTH, cancel_running: true } });
    const ill = id(await world.push({ message: "ill" }));
    await world.run(3_600_000, async () => (await world.deploy(ill)).status === "verifying");
    const canceled = await world.stub().cancel(ill, "tok_ada");
    expect(canceled).toMatchObject({ ok: false, error: { code: "conflict" } });
    const next = id(await world.push({ message: "fit" }));
    expect((await world.deploy(ill)).status).toBe("verifying");
    expect((await world.ended(ill)).status).toBe("failed");
    expect((await world.ended(next)).status).toBe("succeeded");
  });

  it("undo an older build that goes live late, over one that failed them", async () => {
    const world = await worldWith();
    world.sandbox.speed({ factor: 10 });
    const slow = id(await world.push({ message: "slow" }));
    await world.run(60_000, async () => (await world.deploy(slow)).status === "running");
    world.sandbox.fault({ call: "delete", kind: "unauthorized" });
    await world.stub().cancel(slow, "tok_ada");
    world.sandbox.speed({ factor: 0.1 });
    const ill = await world.ended(id(await world.push({ message: "ill" })));
    expect(ill.reason_code).toBe("health_failed");
    await world.run(7_200_000);
    expect(world.live()).toBe(ill.deployment?.id);
  });

  it("stop when the policy has none any more", async () => {
    const world = await worldWith();
    const ill = id(await world.push({ message: "ill" }));
    await world.run(3_600_000, async () => (await world.deploy(ill)).health?.tries === 1);
    await world.stub().changePolicy({ health: { ...HEALTH, checks: [] } }, null);
    expect((await world.ended(ill)).status).toBe("succeeded");
  });

  it("ask only addresses of the project's own", async () => {
    const world = await worldWith();
    const elsewhere = { ...HEALTH, checks: [CHECK, { ...CHECK, url: "https://other.example/" }] };
    const refused = await world.stub().changePolicy({ health: elsewhere }, null);
    expect(refused).toMatchObject({ ok: false, error: { code: "policy_invalid" } });
    expect(refused).toHaveProperty(
      "error.detail",
      expect.stringMatching(/^health\.checks\.1\.url is not on a domain of this project/),
    );
  });
});
