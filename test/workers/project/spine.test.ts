import { afterEach, describe, expect, it, vi } from "vitest";

import { World } from "../support/world.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

describe("a push", () => {
  it("becomes one deployment, is watched through its stages, and is told in order", async () => {
    const world = await World.create();
    await world.subscribe("hooks.example");
    const accepted = await world.push({ message: "first" });
    expect(accepted).toMatchObject({
      outcome: "queued",
      reason: null,
      deploy: { number: 1, status: "queued", waiting: null },
    });

    const deploy = await world.ended(accepted.deploy?.id ?? "");
    expect(deploy).toMatchObject({ status: "succeeded", attempts: 1, environment: "production" });
    expect(deploy.stages.map((s) => s.status)).toEqual(Array(5).fill("success"));
    expect(world.created()).toHaveLength(1);
    expect(world.live()).toBe(deploy.deployment?.id);

    await world.run(60_000);
    const events = await world.events();
    const told = world.received.get("hooks.example") ?? [];
    // The subscriber came after the registration was told.
    expect(told.map((t) => t.id)).toEqual(events.slice(1).map((e) => e.id));
    expect(told.map((t) => t.body.sequence)).toEqual(events.slice(1).map((e) => e.sequence));
    expect(events.map((e) => e.type)).toContain("deploy.stage");
    expect(events.at(-1)?.type).toBe("deploy.succeeded");
  });

  it("waits for its turn behind the running one and supersedes the waiting one of its target", async () => {
    const world = await World.create();
    const first = await world.push();
    await world.run(1_000);
    const second = await world.push();
    world.pass(6_000);
    const third = await world.push();
    expect(second.deploy?.waiting).toMatchObject({ for: "turn" });
    expect(second.reason).toBe("Waits for its turn behind #1.");
    const superseded = await world.deploy(second.deploy?.id ?? "");
    expect(superseded).toMatchObject({
      status: "superseded",
      reason_code: "superseded",
      superseded_by: third.deploy?.id,
    });
    expect(superseded.reason).toBe("Superseded by #3: a newer push to main, 6 s later.");
    expect((await world.events()).at(-1)).toMatchObject({
      type: "deploy.superseded",
      data: { deploy: { id: second.deploy?.id, status: "superseded" } },
    });
    expect((await world.ended(third.deploy?.id ?? "")).status).toBe("succeeded");
    expect((await world.deploy(first.deploy?.id ?? "")).status).toBe("succeeded");
    expect(world.created()).toHaveLength(2);
  });
});
