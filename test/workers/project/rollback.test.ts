import { afterEach, describe, expect, it, vi } from "vitest";

import type { Event } from "../../../src/project/shapes.ts";
import { World } from "../support/world.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

const id = (accepted: { deploy: { id: string } | null }): string => accepted.deploy?.id ?? "";

/** Two versions of production, of which the second is live. */
async function twoVersions(options: Parameters<typeof World.create>[0] = {}) {
  const world = await World.create(options);
  const first = await world.ended(id(await world.push()));
  const second = await world.ended(id(await world.push()));
  expect(world.live()).toBe(second.deployment?.id);
  return { world, first, second };
}

const typesOf = async (world: World): Promise<string[]> =>
  (await world.stub().events(0, 1_000)).map(({ type }: Event) => type);

describe("a rollback", () => {
  it("brings the version before back, as a deploy of its own, and locks production", async () => {
    const { world, first, second } = await twoVersions();
    const ended = await world.ended(id(await world.rollBack()));
    expect(ended).toMatchObject({
      kind: "rollback",
      status: "succeeded",
      number: second.number + 1,
      environment: "production",
      commit_hash: first.commit_hash,
      deployment: { id: first.deployment?.id },
    });
    expect(world.live()).toBe(first.deployment?.id);
    expect(await world.stub().view()).toMatchObject({
      live: { id: ended.id },
      locks: [
        { environment: "production", holder: "tok_ada", reason: `rolled back to #${first.number}` },
      ],
    });
    expect(await typesOf(world)).toEqual(
      expect.arrayContaining(["deploy.rolled_back", "project.locked"]),
    );
  });

  it("stays: the next push waits for the lock, a preview does not", async () => {
    const { world, first } = await twoVersions();
    await world.ended(id(await world.rollBack()));
    const push = await world.push();
    await world.run(600_000);
    expect((await world.deploy(id(push))).waiting?.for).toBe("lock");
    expect((await world.ended(id(await world.push({ branch: "next" })))).status).toBe("succeeded");
    expect(world.live()).toBe(first.deployment?.id);
    const [lock] = await world.stub().locks();
    await world.stub().removeLock(lock?.id ?? "", "tok_ada");
    expect((await world.ended(id(push))).status).toBe("succeeded");
  });

  it("locks nothing where the policy does not want it", async () => {
    const { world } = await twoVersions({ policy: { rollback: { lock: false } } });
    await world.ended(id(await world.rollBack()));
    expect(await world.stub().locks()).toEqual([]);
  });

  it("goes to the deploy that is named, and from a rollback further back", async () => {
    const world = await World.create({ policy: { rollback: { lock: false } } });
    const versions = [];
    for (let n = 0; n < 3; n++) {
      versions.push(await world.ended(id(await world.push())));
    }
    await world.ended(id(await world.rollBack()));
    expect(world.live()).toBe(versions[1]?.deployment?.id);
    await world.ended(id(await world.rollBack()));
    expect(world.live()).toBe(versions[0]?.deployment?.id);
    await world.ended(id(await world.rollBack(versions[2]?.id ?? "")));
    expect(world.live()).toBe(versions[2]?.deployment?.id);
  });

  it("acts while a build runs, and that build does not stay live when it ends", async () => {
    const { world, first } = await twoVersions();
    const running = await world.push();
    await world.run(60_000, async () => (await world.deploy(id(running))).status === "running");
    const back = await world.rollBack();
    await world.run(5_000, async () => (await world.deploy(id(back))).status === "succeeded");
    expect((await world.deploy(id(back))).status).toBe("succeeded");
    expect((await world.deploy(id(running))).status).toBe("running");
    expect(await world.ended(id(running))).toMatchObject({
      status: "superseded",
      reason_code: "newer_went_first",
    });
    await world.run(600_000);
    expect(world.live()).toBe(first.deployment?.id);
    expect(await typesOf(world)).toContain("deploy.abandoned");
  });

  it("ends what waits for production, and nothing else", async () => {
    const { world } = await twoVersions();
    await world.stub().addLock({
      id: "lck_1",
      environment: null,
      holder: "Ada",
      reason: "x",
      until: null,
    });
    const production = await world.push();
    const preview = await world.push({ branch: "next" });
    const back = await world.ended(id(await world.rollBack()));
    expect(back.status).toBe("succeeded");
    expect(await world.deploy(id(production))).toMatchObject({
      status: "superseded",
      superseded_by: back.id,
    });
    expect((await world.deploy(id(preview))).status).toBe("queued");
  });

  it("is tried again when Cloudflare gives no answer, and fails with the reason when it refuses", async () => {
    const { world, first } = await twoVersions();
    world.sandbox.fault({ call: "rollback", kind: "html", times: 2 });
    expect((await world.ended(id(await world.rollBack()))).status).toBe("succeeded");
    expect(world.live()).toBe(first.deployment?.id);
    const other = await twoVersions();
    other.world.sandbox.fault({ call: "rollback", kind: "unauthorized" });
    expect(await other.world.ended(id(await other.world.rollBack()))).toMatchObject({
      status: "failed",
      reason_code: "upstream_auth",
    });
    expect(other.world.live()).toBe(other.second.deployment?.id);
  });

  it("has succeeded when Cloudflare did it, however often its answer is lost", async () => {
    const { world, first } = await twoVersions({ policy: { max_attempts: 2 } });
    world.sandbox.fault({ call: "rollback", kind: "lost", times: 4 });
    expect((await world.ended(id(await world.rollBack()))).status).toBe("succeeded");
    expect(world.live()).toBe(first.deployment?.id);
  });

  it("can be retried, which goes back to the same version again", async () => {
    const { world, first, second } = await twoVersions();
    world.sandbox.fault({ call: "rollback", kind: "unauthorized" });
    const failed = await world.ended(id(await world.rollBack()));
    expect(failed.status).toBe("failed");
    const trigger = {
      id: "trg_r",
      kind: "retry",
      source: "api",
      actor: null,
      delivery_id: null,
    } as const;
    await world.stub().retry(failed.id, trigger, "dpl_again");
    expect(await world.ended("dpl_again")).toMatchObject({
      status: "succeeded",
      kind: "rollback",
      retry_of: failed.id,
    });
    expect(world.live()).toBe(first.deployment?.id);
    // Once that is live there is nothing to be done; a newer version is gone back from again.
    expect(
      await world.stub().retry("dpl_again", { ...trigger, id: "trg_s" }, "dpl_s"),
    ).toMatchObject({ ok: false, error: { code: "conflict" } });
    await world.ended(id(await world.rollBack(second.id)));
    await world.stub().retry("dpl_again", { ...trigger, id: "trg_t" }, "dpl_t");
    expect((await world.ended("dpl_t")).status).toBe("succeeded");
    expect(world.live()).toBe(first.deployment?.id);
  });

  it("is refused where there is nothing to go back to", async () => {
    const world = await World.create();
    await expect(world.rollBack()).rejects.toThrow("no earlier production deploy");
    const only = await world.ended(id(await world.push()));
    await expect(world.rollBack()).rejects.toThrow("no earlier production deploy");
    await expect(world.rollBack(only.id)).rejects.toThrow("is what is live");
    const preview = await world.ended(id(await world.push({ branch: "next" })));
    await expect(world.rollBack(preview.id)).rejects.toThrow("Only a production deploy");
    await expect(world.rollBack("dpl_x")).rejects.toThrow("no such deploy");
    expect((await world.stub().view())?.locks).toEqual([]);
  });
});
