import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";

import type { Fault } from "../../../sandbox/types.ts";
import { instanceOf } from "../../../src/objects.ts";
import { World } from "../support/world.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

/** Pushes once with the fault set, and returns the deploy when it has ended. */
async function pushWith(world: World, ...faults: Fault[]) {
  for (const fault of faults) {
    world.sandbox.fault(fault);
  }
  const accepted = await world.push();
  return world.ended(accepted.deploy?.id ?? "");
}

const types = async (world: World): Promise<string[]> => (await world.events()).map((e) => e.type);

describe("a create request whose answer is lost", () => {
  it("is found again and adopted: one deployment", async () => {
    const world = await World.create();
    const deploy = await pushWith(world, { call: "create", kind: "lost" });
    expect(deploy.status).toBe("succeeded");
    expect(world.created()).toEqual([deploy.deployment?.id]);
    expect(await types(world)).toContain("deploy.reconciling");
  });

  it("is adopted when its deployment becomes visible 3 s or 30 s late", async () => {
    for (const delay_ms of [3_000, 30_000]) {
      const world = await World.create();
      const deploy = await pushWith(world, { call: "create", kind: "late", delay_ms });
      expect(deploy).toMatchObject({ status: "succeeded", attempts: 1 });
      expect(world.created()).toEqual([deploy.deployment?.id]);
    }
  });

  it("keeps the lane while it is looked for", async () => {
    const world = await World.create();
    world.sandbox.fault({ call: "create", kind: "late", delay_ms: 30_000 });
    const first = await world.push();
    await world.run(10_000);
    expect((await world.deploy(first.deploy?.id ?? "")).status).toBe("reconciling");
    const second = await world.push();
    await world.run(5_000);
    expect((await world.deploy(second.deploy?.id ?? "")).waiting?.for).toBe("turn");
    expect(world.created()).toHaveLength(1);
    expect((await world.ended(second.deploy?.id ?? "")).status).toBe("succeeded");
    expect(world.created()).toHaveLength(2);
  });

  it("is made again when nothing appears within the settle window", async () => {
    const world = await World.create();
    const deploy = await pushWith(world, { call: "create", kind: "dropped" });
    expect(deploy).toMatchObject({ status: "succeeded", attempts: 2 });
    expect(world.created()).toEqual([deploy.deployment?.id]);
  });

  it("has its twin found and told when that becomes visible 200 s late, and not left live", async () => {
    const world = await World.create();
    const deploy = await pushWith(world, {
      call: "create",
      kind: "late",
      delay_ms: 200_000,
      starts: "visible",
    });
    expect(deploy).toMatchObject({ status: "succeeded", attempts: 2 });
    const newer = await world.push();
    const newest = await world.ended(newer.deploy?.id ?? "");
    await world.run(20 * 60_000);
    const [twin] = world.created().filter((id) => id !== deploy.deployment?.id);
    const stray = (await world.events()).find((e) => e.type === "deploy.stray");
    expect(stray?.data["deployment_id"]).toBe(twin);
    expect(world.live()).toBe(newest.deployment?.id);
    expect(await types(world)).toContain("deploy.rolled_back");
  });

  it("is not what another deploy takes for its twin, which was sent the same and is watched for one", async () => {
    const world = await World.create();
    const first = await pushWith(world, { call: "create", kind: "late", delay_ms: 3_000 });
    world.sandbox.fault({ call: "create", kind: "late", delay_ms: 40_000 });
    const trigger = { kind: "retry", source: "api", actor: null, delivery_id: null } as const;
    await world.stub().retry(first.id, { ...trigger, id: "trg_again" }, "dpl_again");
    const again = await world.ended("dpl_again");
    expect(again).toMatchObject({ status: "succeeded", attempts: 1 });
    await world.run(20 * 60_000);
    expect(world.created()).toEqual([first.deployment?.id, again.deployment?.id]);
    expect(world.live()).toBe(again.deployment?.id);
    expect(await types(world)).not.toContain("deploy.stray");
    expect(
      await world.inside(({ context }) => context.sql.all("SELECT * FROM stray_watches")),
    ).toEqual([]);
  });

  it("ends with outcome_uncertain when two deployments may be it, and watches both", async () => {
    const world = await World.create();
    world.sandbox.fault({ call: "create", kind: "late", delay_ms: 10_000 });
    const accepted = await world.push({ commit: "a".repeat(40), message: "same" });
    await world.run(1_000);
    const other = await world.api(
      "POST",
      "/deployments",
      form({ branch: "main", commit_hash: "a".repeat(40), commit_message: "same" }),
    );
    expect(other.status).toBe(200);
    world.sandbox.fault({ call: "list", kind: "server_error", times: 3 });
    const deploy = await world.ended(accepted.deploy?.id ?? "");
    await world.run(600_000);
    expect(deploy).toMatchObject({ status: "failed", reason_code: "outcome_uncertain" });
    expect((await types(world)).filter((t) => t === "deploy.stray")).toHaveLength(2);
    const next = await world.push();
    expect((await world.ended(next.deploy?.id ?? "")).status).toBe("succeeded");
  });

  it("does not take a deployment from before for its own, however alike", async () => {
    const world = await World.create();
    const fields = { branch: "main", commit_hash: "d".repeat(40), commit_message: "again" };
    await world.api("POST", "/deployments", form(fields));
    world.pass(60_000);
    world.sandbox.fault({ call: "create", kind: "dropped" });
    const accepted = await world.push({ commit: fields.commit_hash, message: "again" });
    const deploy = await world.ended(accepted.deploy?.id ?? "");
    expect(deploy).toMatchObject({ status: "succeeded", attempts: 2 });
    expect(world.created()).toHaveLength(2);
    expect(deploy.deployment?.id).toBe(world.created()[1]);
  });

  it("does not take somebody else's build of another commit for its own", async () => {
    const world = await World.create();
    world.sandbox.fault({ call: "create", kind: "dropped" });
    const accepted = await world.push();
    await world.run(1_000);
    await world.api(
      "POST",
      "/deployments",
      form({ branch: "main", commit_hash: "b".repeat(40), commit_message: "other" }),
    );
    const deploy = await world.ended(accepted.deploy?.id ?? "");
    expect(deploy).toMatchObject({ status: "succeeded", attempts: 2 });
    expect(world.created()).toHaveLength(2);
    expect(world.live()).toBe(deploy.deployment?.id);
  });
});

describe("a create request that is answered", () => {
  it("waits out a 429 by its Retry-After, and everybody with it", async () => {
    const world = await World.create();
    world.sandbox.fault({ call: "create", kind: "rate_limited", retry_after: 90 });
    const accepted = await world.push();
    await world.run(5_000);
    const held = await world.deploy(accepted.deploy?.id ?? "");
    expect(held).toMatchObject({ status: "queued", waiting: { for: "budget" } });
    expect(await instanceOf(env).permit(world.sandbox.accountId, "call")).toMatchObject({
      granted: false,
      until: expect.closeTo(world.now() + 85_000, -4),
    });
    const calls = world.sandbox.journal().requests.length;
    await world.run(80_000);
    expect(world.sandbox.journal().requests).toHaveLength(calls);
    expect((await world.ended(held.id)).status).toBe("succeeded");
    expect(world.created()).toHaveLength(1);
  });

  it("has its deadline before it still, however long a 429 has put it off", async () => {
    const world = await World.create({ policy: { deadline_seconds: 600 } });
    const deploy = await pushWith(world, {
      call: "create",
      kind: "rate_limited",
      retry_after: 1_200,
    });
    expect(deploy).toMatchObject({ status: "succeeded", attempts: 2 });
    expect(world.created()).toEqual([deploy.deployment?.id]);
  });

  it.each([
    [{ call: "create", kind: "html" }, 2],
    [{ call: "create", kind: "unknown_error", times: 2 }, 3],
    [{ call: "create", kind: "server_error" }, 2],
    [{ call: "create", kind: "hang" }, 2],
  ] satisfies [Fault, number][])("survives %j with one deployment", async (fault, attempts) => {
    const world = await World.create();
    const deploy = await pushWith(world, fault);
    expect(deploy).toMatchObject({ status: "succeeded", attempts });
    expect(world.created()).toEqual([deploy.deployment?.id]);
  });

  it("gives up with the last reason when Cloudflare never answers", async () => {
    const world = await World.create();
    const deploy = await pushWith(world, { call: "create", kind: "html", times: "always" });
    expect(deploy).toMatchObject({
      status: "failed",
      reason_code: "attempts_used_up",
      attempts: 6,
    });
    expect(world.created()).toEqual([]);
  });

  it("ends with the reason when the credential is refused", async () => {
    const world = await World.create();
    const deploy = await pushWith(world, { call: "create", kind: "unauthorized" });
    expect(deploy).toMatchObject({ status: "failed", reason_code: "upstream_auth", attempts: 1 });
  });

  it("ends when the project is gone at Cloudflare", async () => {
    const world = await World.create();
    await world.api("DELETE", "");
    const accepted = await world.push().catch(() => null);
    const deploy = accepted ?? (await world.accept({ form: { commit_message: "x" } }));
    expect(await world.ended(deploy.deploy?.id ?? "")).toMatchObject({
      status: "failed",
      reason_code: "project_gone",
    });
  });

  it("retries when the list before it fails", async () => {
    const world = await World.create();
    const deploy = await pushWith(world, { call: "list", kind: "html", times: 2 });
    expect(deploy).toMatchObject({ status: "succeeded", attempts: 1 });
    expect(world.created()).toHaveLength(1);
  });
});

describe("a deployment that is watched", () => {
  it("fails with the stage that failed", async () => {
    const world = await World.create();
    const deploy = await pushWith(world, { call: "create", kind: "fail_build" });
    expect(deploy).toMatchObject({ status: "failed", reason: "Failed in build." });
    expect((await types(world)).at(-1)).toBe("deploy.failed");
    const next = await world.push();
    await world.ended(next.deploy?.id ?? "");
    expect(await types(world)).toContain("deploy.recovered");
  });

  it("times out when it is stuck, and the lane moves on", async () => {
    const world = await World.create({ policy: { deadline_seconds: 600 } });
    const deploy = await pushWith(world, { call: "create", kind: "stuck" });
    expect(deploy).toMatchObject({ status: "timed_out", reason_code: "timed_out" });
    expect(deploy.reason).toBe("Timed out in build: it ran 10 min, its deadline.");
    expect(await types(world)).toContain("deploy.abandoned");
    const next = await world.push();
    expect((await world.ended(next.deploy?.id ?? "")).status).toBe("succeeded");
  });

  it("neither crashes nor hangs on unknown stages and statuses", async () => {
    const world = await World.create();
    const deploy = await pushWith(world, {
      call: "create",
      kind: "unknown_enum",
      delay_ms: 60_000,
    });
    expect(deploy.status).toBe("succeeded");
  });

  it("survives polls that fail", async () => {
    const world = await World.create();
    const deploy = await pushWith(
      world,
      { call: "get", kind: "html", times: 2 },
      { call: "get", kind: "dropped" },
      { call: "get", kind: "rate_limited", retry_after: 20 },
    );
    expect(deploy.status).toBe("succeeded");
  });

  it("is canceled while it builds and leaves nothing live", async () => {
    const world = await World.create();
    const accepted = await world.push();
    const id = accepted.deploy?.id ?? "";
    await world.run(3_000, async () => (await world.deploy(id)).status === "running");
    const canceled = await world.stub().cancel(id, "Amara");
    expect(canceled).toMatchObject({ ok: true, value: { status: "canceled" } });
    expect((await world.deploy(id)).reason).toBe("Canceled by Amara while it ran.");
    expect(await types(world)).toContain("deploy.canceled");
    await world.run(60_000);
    expect(world.live()).toBeNull();
    expect((await world.stub().view())?.leftovers).toEqual([]);
  });

  it("is canceled while its create request is out", async () => {
    const world = await World.create();
    world.sandbox.fault({ call: "create", kind: "late", delay_ms: 20_000 });
    const accepted = await world.push();
    const id = accepted.deploy?.id ?? "";
    await world.run(2_000);
    expect((await world.deploy(id)).status).toBe("reconciling");
    await world.stub().cancel(id, "Amara");
    expect((await world.ended(id)).status).toBe("canceled");
    await world.run(120_000);
    expect((await world.stub().view())?.leftovers).toEqual([]);
  });
});

function form(fields: Record<string, string>): FormData {
  const data = new FormData();
  for (const [name, value] of Object.entries(fields)) {
    data.set(name, value);
  }
  return data;
}
