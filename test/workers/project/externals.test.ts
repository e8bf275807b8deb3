import { afterEach, describe, expect, it, vi } from "vitest";

import type { External } from "../../../src/project/shapes.ts";
import { World } from "../support/world.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const id = (accepted: { deploy: { id: string } | null }): string => accepted.deploy?.id ?? "";

/** Somebody deploys straight at Cloudflare; the deployment's id. */
async function elsewhere(world: World, branch = "main"): Promise<string> {
  const form = new FormData();
  form.set("branch", branch);
  const answer = await world.api("POST", "/deployments", form);
  const { result } = await answer.json<{ result: { id: string } }>();
  return result.id;
}

/** What was told of others' deployments, in order. */
const told = async (world: World): Promise<[string, External][]> =>
  (await world.events())
    .filter(({ type }) => type.startsWith("external."))
    .map(({ type, data }) => [type, data["external"] as External]);

const typesOf = async (world: World, deployment: string): Promise<string[]> =>
  (await told(world)).filter(([, e]) => e.deployment_id === deployment).map(([type]) => type);

const lists = (world: World): number =>
  world.sandbox
    .journal()
    .requests.filter((r) => r.project === world.name && r.path.includes("/deployments?")).length;

/** When the last stage of a deployment ended, and when it was asked for. */
function flight(world: World, deployment: string): { from: number; to: number } {
  const { requests, transitions } = world.sandbox.journal();
  const made = requests.find((r) => r.method === "POST" && r.deployment === deployment);
  const end = transitions.findLast((t) => t.deployment === deployment);
  return { from: Date.parse(made?.at ?? ""), to: Date.parse(end?.at ?? "") };
}

/** A project whose first list, with nothing in it, lies behind. */
async function quietWorld(options: Parameters<typeof World.create>[0] = {}): Promise<World> {
  const world = await World.create(options);
  await world.stub().wake();
  await world.run(MINUTE);
  return world;
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
