import { evictDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";

import { instanceOf } from "../../../src/objects.ts";
import worker from "../../../src/index.ts";
import { World } from "../support/world.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

describe("waking", () => {
  it("survives the loss of the alarm: the watchdog finds every registered project", async () => {
    const world = await World.create();
    const accepted = await world.push();
    await world.inside((_, state) => state.storage.deleteAlarm());
    world.pass(300_000);
    const tick = { scheduledTime: world.now(), cron: "*/5 * * * *", noRetry: () => undefined };
    await worker.scheduled(tick, env);
    expect((await world.ended(accepted.deploy?.id ?? "")).status).toBe("succeeded");
  });

  it("has an alarm again after the watchdog, also when the lost one was to fire just then", async () => {
    const world = await World.create();
    world.sandbox.fault({ call: "list", kind: "server_error", times: 1 });
    await world.push();
    await world.inside((_, state) => state.storage.deleteAlarm());
    // What the watchdog starts goes back to wait for another try, a little later than the alarm that was lost.
    await world.stub().wake();
    await world.run(1);
    expect(await world.inside((_, state) => state.storage.getAlarm())).not.toBeNull();
  });

  it("sets an alarm anew that is long overdue", async () => {
    const world = await World.create();
    await world.push();
    const before = await world.inside((_, state) => state.storage.getAlarm());
    world.pass(120_000);
    await world.push();
    const after = await world.inside((_, state) => state.storage.getAlarm());
    expect(before).not.toBeNull();
    expect(after).toBeGreaterThan(before ?? Infinity);
  });

  it("puts a row that always fails off, later each time, and at last quarantines it; others go on", async () => {
    const logged = vi.spyOn(console, "error").mockReturnValue(undefined);
    const world = await World.create({ policy: { lane: "target" } });
    await world.subscribe("hooks.example");
    const poisoned = await world.push({ branch: "bad" });
    const poisonId = poisoned.deploy?.id ?? "";
    await world.inside(({ context }) =>
      context.sql.run("UPDATE deploys SET form = 'not json' WHERE id = ?", poisonId),
    );
    const healthy = await world.push({ branch: "good" });
    const calls = world.sandbox.journal().requests.length;
    expect((await world.ended(healthy.deploy?.id ?? "")).status).toBe("succeeded");
    const bad = await world.ended(poisonId);
    expect(bad).toMatchObject({ status: "failed", reason_code: "internal_error" });
    expect(logged).toHaveBeenCalledWith(expect.objectContaining({ key: `deploy/${poisonId}` }));
    expect((await world.events()).map((e) => e.type)).toContain("project.quarantined");
    await world.run(3_600_000);
    const next = await world.push({ branch: "bad" });
    expect((await world.ended(next.deploy?.id ?? "")).status).toBe("succeeded");
    expect(world.sandbox.journal().requests.length - calls).toBeLessThan(80);
  });

  it("does nothing at all while nothing happens", async () => {
    const world = await World.create();
    await world.subscribe("hooks.example");
    const accepted = await world.push();
    await world.ended(accepted.deploy?.id ?? "");
    await world.run(60_000);
    const alarm = await world.inside((_, state) => state.storage.getAlarm());
    // Only the daily sweep is left.
    expect(alarm).toBeGreaterThan(world.now() + 3_600_000);
  });

  it("settles nothing with an outdated claim", async () => {
    const world = await World.create();
    const accepted = await world.push();
    const id = accepted.deploy?.id ?? "";
    const real = vi.mocked(globalThis.fetch).getMockImplementation();
    let stolen = false;
    vi.mocked(globalThis.fetch).mockImplementation(async (input, init) => {
      const response = await real?.(input, init);
      if (!stolen && init?.method === "POST" && (input as URL).href.endsWith("/deployments")) {
        stolen = true;
        // A second instance has taken the deploy over while this answer was on its way.
        await world.inside(({ context }) => {
          context.sql.run("UPDATE deploys SET fence = fence + 1 WHERE id = ?", id);
        });
      }
      return response ?? Response.error();
    });
    await world.run(1_000);
    expect(stolen).toBe(true);
    expect((await world.deploy(id)).status).toBe("submitting");
    // Its lease ends, it is looked for, and the one deployment is found.
    const deploy = await world.ended(id);
    expect(deploy.status).toBe("succeeded");
    expect(world.created()).toHaveLength(1);
  });
});

describe("the daily sweep", () => {
  it("keeps what an active subscriber has not been told, however old", async () => {
    const world = await World.create();
    const id = await world.subscribe("slow.example");
    await world.ended((await world.push()).deploy?.id ?? "");
    await world.run(60_000);
    const told = await world.stub().sequence();
    await world.inside(({ context }) =>
      context.sql.run(
        "UPDATE subscribers SET blocked_until = ? WHERE id = ?",
        world.now() + 50 * 86_400_000,
        id,
      ),
    );
    await world.ended((await world.push()).deploy?.id ?? "");
    const before = (await world.events()).map((e) => e.sequence);
    await world.run(40 * 86_400_000);
    const after = (await world.events()).map((e) => e.sequence);
    expect(after).toEqual(before.filter((sequence) => sequence > told));
    expect(after.length).toBeGreaterThan(10);
  });

  it("drops what is old, and numbers go on where they were", async () => {
    const world = await World.create();
    const id = await world.subscribe("slow.example");
    const first = await world.push();
    await world.ended(first.deploy?.id ?? "");
    await world.run(60_000);
    const count = (await world.events()).length;
    await world.stub().changeSubscriber(id, { state: "paused" });
    await world.run(40 * 86_400_000);
    expect((await world.events()).length).toBeLessThan(count);
    const second = await world.push();
    await world.ended(second.deploy?.id ?? "");
    const events = await world.events();
    expect(events[0]?.sequence).toBeGreaterThan(count);
  });
});

describe("the instance", () => {
  it("keeps quiet over its own restart after a 429", async () => {
    const world = await World.create();
    await instanceOf(env).blocked(world.sandbox.accountId, world.now() + 300_000);
    await evictDurableObject(env.INSTANCE.getByName("instance"));
    expect(await instanceOf(env).permit(world.sandbox.accountId, "create")).toMatchObject({
      granted: false,
      until: world.now() + 300_000,
    });
    const accepted = await world.push();
    await world.run(10_000);
    expect((await world.deploy(accepted.deploy?.id ?? "")).waiting?.for).toBe("budget");
    expect((await world.ended(accepted.deploy?.id ?? "")).status).toBe("succeeded");
  });
});
