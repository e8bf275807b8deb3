import { afterEach, describe, expect, it, vi } from "vitest";

import { elsewhere, HOUR, lists, MINUTE, quietWorld, told, typesOf } from "../support/elsewhere.ts";
import { World } from "../support/world.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

const id = (accepted: { deploy: { id: string } | null }): string => accepted.deploy?.id ?? "";

describe("a look", () => {
  it("is had at Cloudflare's word, at once", async () => {
    const world = await quietWorld();
    const theirs = await elsewhere(world, "next");
    const before = lists(world);
    await world.stub().look();
    await world.run(1_000);
    expect(lists(world)).toBe(before + 1);
    expect(await typesOf(world, theirs)).toEqual(["external.started"]);
    await world.run(HOUR);
    expect(await typesOf(world, theirs)).toEqual(["external.started", "external.ended"]);
    await world.stub().look();
    await world.run(HOUR);
    expect(await told(world)).toHaveLength(2);
  });

  it("tells also of what had begun and ended since the last one, and not of what was there at the first", async () => {
    const world = await World.create();
    await elsewhere(world);
    world.pass(HOUR);
    const running = await elsewhere(world, "slow");
    await world.stub().wake();
    await world.run(10 * MINUTE);
    expect((await told(world)).map(([, e]) => e.deployment_id)).toEqual([running, running]);
    const missed = await elsewhere(world);
    world.pass(HOUR);
    await world.stub().wake();
    await world.run(MINUTE);
    expect(await typesOf(world, missed)).toEqual(["external.started", "external.ended"]);
    expect(await told(world)).toHaveLength(4);
  });

  it("is had by the watchdog when the last list is some minutes old, and not before", async () => {
    const world = await quietWorld();
    const before = lists(world);
    await world.stub().wake();
    await world.run(4 * MINUTE);
    expect(lists(world)).toBe(before);
    const theirs = await elsewhere(world);
    await world.run(6 * MINUTE);
    await world.stub().wake();
    await world.run(10_000);
    expect(lists(world)).toBe(before + 1);
    expect(await typesOf(world, theirs)).toContain("external.started");
  });

  it("that finds no permit or no answer comes later", async () => {
    const world = await quietWorld();
    const theirs = await elsewhere(world);
    world.sandbox.fault({ call: "list", kind: "server_error" });
    for (let n = 0; n < 4; n++) {
      await world.stub().look();
      await world.run(100);
    }
    await world.run(10 * MINUTE);
    expect(await typesOf(world, theirs)).toEqual(["external.started", "external.ended"]);
    world.sandbox.fault({ call: "list", kind: "unauthorized" });
    const before = lists(world);
    await world.stub().look();
    await world.run(HOUR);
    expect(lists(world)).toBe(before + 1);
  });

  it("takes nothing of ours for others', also not what was tried again", async () => {
    const world = await World.create({
      policy: { retry: { limit: 1, stages: [], backoff_seconds: 1 } },
    });
    world.sandbox.fault({ call: "create", kind: "fail_build" });
    const first = await world.ended(id(await world.push()));
    expect(first).toMatchObject({ status: "succeeded", retries: 1 });
    await world.ended(id(await world.push()));
    await world.ended(id(await world.rollBack()));
    await world.stub().look();
    await world.run(HOUR);
    expect(world.created()).toHaveLength(3);
    expect(await told(world)).toEqual([]);
  });
});

describe("a deployment whose create request got no answer", () => {
  /** One list that is sure to be had now, whatever else is due. */
  const looked = async (world: World): Promise<void> => {
    const before = lists(world);
    await world.stub().look();
    await world.run(100);
    expect(lists(world)).toBeGreaterThan(before);
  };

  it("is ours and never told as others' while the answer is under way", async () => {
    const world = await quietWorld();
    let answered = (): void => undefined;
    const real = vi.mocked(globalThis.fetch).getMockImplementation();
    vi.mocked(globalThis.fetch).mockImplementation(async (input, init) => {
      const answer = await (real as typeof fetch)(input, init);
      await (init?.method === "POST"
        ? new Promise<void>((resolve) => {
            answered = resolve;
          })
        : undefined);
      return answer;
    });
    const ours = await world.push();
    world.hanging.add(`deploy/${id(ours)}`);
    await world.run(1_000, async () => world.created().length === 1);
    await looked(world);
    expect((await world.deploy(id(ours))).status).toBe("submitting");
    world.hanging.clear();
    await world.inside(() => answered());
    const ended = await world.ended(id(ours));
    expect(world.created()).toEqual([ended.deployment?.id]);
    await world.stub().look();
    await world.run(HOUR);
    expect(await told(world)).toEqual([]);
  });

  it("is ours and never told as others' when a look finds it before it is looked for", async () => {
    const world = await quietWorld();
    world.sandbox.fault({ call: "create", kind: "late", delay_ms: 35_000 });
    const ours = await world.push();
    await world.run(50_000);
    await looked(world);
    expect((await world.deploy(id(ours))).status).toBe("reconciling");
    expect(await world.ended(id(ours))).toMatchObject({ status: "succeeded", attempts: 1 });
    await world.stub().look();
    await world.run(HOUR);
    expect(await told(world)).toEqual([]);
  });

  it("is a stray and never told as others' when it comes to light after the settle window", async () => {
    const world = await quietWorld();
    world.sandbox.fault({ call: "create", kind: "late", delay_ms: 205_000, starts: "visible" });
    const ours = await world.push();
    await world.run(211_000);
    const strays = async (): Promise<number> =>
      (await world.events()).filter(({ type }) => type === "deploy.stray").length;
    await looked(world);
    expect(await strays()).toBe(0);
    expect((await world.ended(id(ours))).status).toBe("succeeded");
    await world.run(HOUR);
    expect(await strays()).toBe(1);
    expect(await told(world)).toEqual([]);
  });

  it("is not what was told as others' before", async () => {
    const world = await quietWorld();
    world.sandbox.speed({ stages: { build: 2 * MINUTE } });
    const form = new FormData();
    form.set("branch", "main");
    form.set("commit_hash", "c".repeat(40));
    form.set("commit_message", "same");
    await world.api("POST", "/deployments", form);
    const [theirs] = world.created();
    await world.stub().look();
    await world.run(1_000);
    world.sandbox.speed({});
    // Ours is asked for once theirs has ended; of a list that does not show theirs, nothing would tell them apart.
    world.sandbox.fault({ call: "create", kind: "dropped" });
    const ours = await world.push({ commit: "c".repeat(40), message: "same" });
    await world.run(
      3 * MINUTE,
      async () => (await world.deploy(id(ours))).status === "reconciling",
    );
    await world.inside(({ context }) =>
      context.sql.run("UPDATE deploys SET baseline = '[]' WHERE id = ?", id(ours)),
    );
    const ended = await world.ended(id(ours));
    expect(ended).toMatchObject({ status: "succeeded", attempts: 2 });
    expect(ended.deployment?.id).not.toBe(theirs);
    expect(await typesOf(world, theirs ?? "")).toEqual(["external.started", "external.ended"]);
  });
});
