/// <reference types="vite/types/importMeta.d.ts" />
import { afterEach, describe, expect, it, vi } from "vitest";

import { emit } from "../../../src/project/events.ts";
import { exampleOf } from "../../../src/project/examples.ts";
import type { Policy } from "../../../src/project/policy.ts";
import { siteForm, upload } from "../support/form.ts";
import { World } from "../support/world.ts";

/**
 * The crash sweep: every fault point × every scenario. The points are discovered, by running each scenario once without a
 * crash; those in the source that no scenario reaches fail the last test.
 */

afterEach(() => {
  vi.restoreAllMocks();
});

interface Scenario {
  readonly name: string;
  readonly source: "git" | "direct_upload";
  /** Starts the deploy and returns its id. */
  readonly start: (world: World) => Promise<string>;
  readonly end: "succeeded" | "canceled";
  /** Deployments that Cloudflare makes in all, however often the object crashes. */
  readonly deployments: number;
}

const SCENARIOS: Scenario[] = [
  {
    name: "a hook's deploy",
    source: "git",
    start: async (world) => (await world.push()).deploy?.id ?? "",
    end: "succeeded",
    deployments: 1,
  },
  {
    name: "a multipart deploy",
    source: "direct_upload",
    start: async (world) => (await upload(world, await siteForm(world))).deploy?.id ?? "",
    end: "succeeded",
    deployments: 1,
  },
  {
    name: "a failing delivery",
    source: "git",
    start: async (world) => {
      let failures = 3;
      world.receivers.set("hooks.example", () =>
        failures-- > 0 ? new Response("no", { status: 500 }) : new Response(null, { status: 204 }),
      );
      return (await world.push()).deploy?.id ?? "";
    },
    end: "succeeded",
    deployments: 1,
  },
  {
    name: "a schedule",
    source: "git",
    start: async (world) => {
      await world.stub().addSchedule({
        id: "sch_01J0000000000000000000000A",
        cron: yearlyAt(world.now() + 600_000),
        time_zone: "UTC",
        branch: "main",
      });
      let found: string | undefined;
      await world.run(3_600_000, async () => {
        const list = { limit: 1, before: null, branch: null, environment: null, status: null };
        found = (await world.retrying(() => world.stub().deploys(list)))[0]?.id;
        return found !== undefined;
      });
      return found ?? "";
    },
    end: "succeeded",
    deployments: 1,
  },
  {
    name: "a lost create request",
    source: "git",
    start: async (world) => {
      world.sandbox.fault({ call: "create", kind: "late", delay_ms: 3_000 });
      return (await world.push()).deploy?.id ?? "";
    },
    end: "succeeded",
    deployments: 1,
  },
  {
    name: "a create request that was never carried out",
    source: "git",
    start: async (world) => {
      world.sandbox.fault({ call: "create", kind: "dropped" });
      return (await world.push()).deploy?.id ?? "";
    },
    end: "succeeded",
    deployments: 1,
  },
  {
    name: "a deploy whose health is checked",
    source: "git",
    start: async (world) => {
      const check = { url: "/", status: 200, contains: null, header: null, commit: true };
      const health: Policy["health"] = {
        checks: [check],
        attempts: 2,
        interval_seconds: 5,
        on_failure: "lock",
      };
      await world.stub().changePolicy({ health }, null);
      return (await world.push()).deploy?.id ?? "";
    },
    end: "succeeded",
    deployments: 1,
  },
  {
    name: "a cancel while it builds",
    source: "git",
    start: async (world) => {
      const id = (await world.push()).deploy?.id ?? "";
      await world.run(5_000, async () => (await world.deploy(id)).status === "running");
      await world.retrying(() => world.stub().cancel(id, "Ines"));
      return id;
    },
    end: "canceled",
    deployments: 1,
  },
];

/** A cron expression that matches once a year, at this time. */
function yearlyAt(ms: number): string {
  const at = new Date(ms);
  return `${at.getUTCMinutes()} ${at.getUTCHours()} ${at.getUTCDate()} ${at.getUTCMonth() + 1} *`;
}

async function play(scenario: Scenario, crash: { point: string; hit: number } | null) {
  const world = await World.create({ source: scenario.source });
  await world.subscribe("hooks.example");
  if (crash !== null) {
    world.crashAt(crash.point, crash.hit);
  }
  const id = await scenario.start(world);
  const deploy = await world.ended(id);
  // Stray watches last 15 minutes, bodies are kept for a week.
  await world.run(scenario.source === "git" ? 3_600_000 : 8 * 86_400_000);
  return { world, deploy };
}

async function expectRight(scenario: Scenario, world: World, status: string): Promise<void> {
  expect(status).toBe(scenario.end);
  expect(new Set(world.created()).size).toBe(scenario.deployments);

  const events = (await world.events()).filter((e) => e.type !== "project.registered");
  const told = world.received.get("hooks.example") ?? [];
  const byId = new Map(told.map((t) => [t.id, t.body]));
  expect([...byId.values()].toSorted((a, b) => a.sequence - b.sequence)).toEqual(events);
  expect(events.map((e) => e.sequence)).toEqual(events.map((_, i) => i + 2));
  // What is told twice is the same event.
  for (const { id, body } of told) {
    expect(body).toEqual(byId.get(id));
  }

  const left = await world.inside(({ context }) =>
    ["uploads", "upload_chunks", "troubles", "stray_watches"].map(
      (table) => context.sql.one<{ n: number }>(`SELECT COUNT(*) AS n FROM ${table}`)?.n,
    ),
  );
  expect(left).toEqual([0, 0, 0, 0]);
}

const reached = new Set<string>();

describe("after a crash at any point", () => {
  it.each(SCENARIOS)(
    "$name ends right: one deployment, every event told",
    async (scenario) => {
      const calm = await play(scenario, null);
      await expectRight(scenario, calm.world, calm.deploy.status);
      const hits = new Map<string, number>();
      for (const point of calm.world.points) {
        hits.set(point, (hits.get(point) ?? 0) + 1);
        reached.add(point);
      }
      for (const [point, times] of hits) {
        // What is reached often (deliveries, polls) is crashed once in the middle too.
        for (const hit of new Set([1, Math.ceil(times / 2)])) {
          const { world, deploy } = await play(scenario, { point, hit });
          await expectRight(scenario, world, deploy.status).catch((error: unknown) => {
            throw new Error(`crash at ${point}, time ${hit}`, { cause: error });
          });
          if (hit === 1) {
            expect(world.crashes, `${point} was reached`).toBe(1);
          }
        }
      }
    },
    60_000,
  );

  it("an upload that dies half-way leaves nothing", async () => {
    const world = await World.create({ source: "direct_upload" });
    world.crashAt("upload.opened");
    const accepted = await upload(world, await siteForm(world));
    expect(world.crashes).toBe(1);
    expect((await world.ended(accepted.deploy?.id ?? "")).status).toBe("succeeded");
  });
});

describe("a late twin", () => {
  it("is undone whatever crashes", async () => {
    const twin = async (crash: string | null): Promise<World> => {
      const world = await World.create();
      await world.subscribe("hooks.example");
      world.sandbox.fault({
        call: "create",
        kind: "late",
        delay_ms: 200_000,
        starts: "visible",
      });
      if (crash !== null) {
        world.crashAt(crash);
      }
      const first = await world.push();
      await world.ended(first.deploy?.id ?? "");
      const second = await world.push();
      const newest = await world.ended(second.deploy?.id ?? "");
      await world.run(20 * 60_000);
      expect(world.live()).toBe(newest.deployment?.id);
      return world;
    };
    const calm = await twin(null);
    const points = new Set(calm.points);
    for (const point of points) {
      reached.add(point);
      if (point.startsWith("watch.") || point.startsWith("leftover.")) {
        const world = await twin(point);
        expect(world.crashes).toBe(1);
        const strays = (await world.events()).filter((e) => e.type === "deploy.stray");
        expect(strays).toHaveLength(1);
      }
    }
  }, 60_000);
});

describe("a rollback", () => {
  it("is done once and told once, whatever crashes", async () => {
    const back = async (crash: string | null): Promise<World> => {
      const world = await World.create();
      const first = await world.ended((await world.push()).deploy?.id ?? "");
      await world.ended((await world.push()).deploy?.id ?? "");
      if (crash !== null) {
        world.crashAt(crash);
      }
      const rollback = await world.rollBack();
      expect((await world.ended(rollback.deploy?.id ?? "")).status).toBe("succeeded");
      expect(world.live()).toBe(first.deployment?.id);
      const told = (await world.events()).filter(({ type }) => type === "deploy.rolled_back");
      expect(told).toHaveLength(1);
      return world;
    };
    const calm = await back(null);
    for (const point of new Set(calm.points)) {
      if (point.startsWith("rollback.")) {
        reached.add(point);
        expect((await back(point)).crashes).toBe(1);
      }
    }
  });
});

describe("a window", () => {
  it("closes and opens once and is told of once, whatever crashes", async () => {
    const over = async (crash: string | null): Promise<World> => {
      const world = await World.create();
      const cron = yearlyAt(world.now() + 600_000);
      const window = { action: "deny", environment: "production", cron, time_zone: "UTC" } as const;
      const windows = [{ ...window, duration_minutes: 10, reason: null }];
      await world.stub().changePolicy({ windows }, null);
      if (crash !== null) {
        world.crashAt(crash);
      }
      await world.run(3_600_000);
      const told = (await world.events()).map(({ type }) => type);
      expect(told.slice(2)).toEqual(["project.window_closed", "project.window_opened"]);
      return world;
    };
    for (const point of new Set((await over(null)).points)) {
      reached.add(point);
      expect((await over(point)).crashes).toBe(1);
    }
  });
});

describe("a build of others", () => {
  it("is told once and waited for, whatever crashes, noticed before ours is asked for or by a look", async () => {
    const both = async (looks: boolean, crash: string | null): Promise<World> => {
      const world = await World.create();
      await world.ended((await world.push()).deploy?.id ?? "");
      world.sandbox.speed({ stages: { build: 60_000 } });
      await world.api("POST", "/deployments", new FormData());
      world.sandbox.speed({});
      if (crash !== null) {
        world.crashAt(crash);
      }
      if (looks) {
        await world.retrying(() => world.stub().look());
        await world.run(5_000);
      }
      const ours = await world.push();
      expect((await world.ended(ours.deploy?.id ?? "")).status).toBe("succeeded");
      await world.run(3_600_000);
      const [, theirs, own] = world.created();
      const events = await world.events();
      const told = events.filter(({ type }) => type.startsWith("external."));
      expect(told.map(({ type }) => type)).toEqual(["external.started", "external.ended"]);
      const deployments = told.map(({ data }) => data["external"]);
      expect(deployments).toMatchObject([{ deployment_id: theirs }, { deployment_id: theirs }]);
      expect(world.created()).toHaveLength(3);
      const { requests, transitions } = world.sandbox.journal();
      const asked = requests.find(({ deployment }) => deployment === own);
      const over = transitions.findLast(({ deployment }) => deployment === theirs);
      expect(Date.parse(asked?.at ?? "")).toBeGreaterThanOrEqual(Date.parse(over?.at ?? ""));
      return world;
    };
    for (const looks of [false, true]) {
      for (const point of new Set((await both(looks, null)).points)) {
        if (/^(submit|look|external)\./.test(point)) {
          reached.add(point);
          expect((await both(looks, point)).crashes).toBe(1);
        }
      }
    }
  }, 60_000);
});

describe("a delivery", () => {
  it.each([false, true])(
    "is made at least once, under one id, and none is skipped, whatever crashes (ordered: %s)",
    async (ordered) => {
      const told = async (crash: { point: string; hit: number } | null): Promise<World> => {
        const world = await World.create();
        const tried: { id: string | null; sequence: number }[] = [];
        const receiver = async (request: Request): Promise<Response> => {
          const { sequence } = await request.json<{ sequence: number }>();
          tried.push({ id: request.headers.get("webhook-id"), sequence });
          return new Response(null, { status: tried.length % 3 === 1 ? 500 : 200 });
        };
        const id = await world.subscribe("hooks.example", receiver, { ordered });
        await world.inside(({ context }) =>
          context.change(() => {
            Array.from({ length: 4 }, () =>
              emit(context, "hook.refused", exampleOf("hook.refused")),
            );
          }),
        );
        if (crash !== null) {
          world.crashAt(crash.point, crash.hit);
        }
        await world.run(3_600_000);
        const filter = { before: null, state: null, limit: 10 };
        const log = await world.retrying(() => world.stub().deliveries(id, filter));
        await world.retrying(() => world.stub().redeliver(id, log[0]?.id ?? ""));
        await world.run(3_600_000);
        const events = (await world.events()).slice(-4);
        const known = new Map(events.map((event) => [event.id, event.sequence]));
        expect(tried.map((t) => known.get(t.id ?? ""))).toEqual(tried.map((t) => t.sequence));
        const taken = new Set(world.received.get("hooks.example")?.map((got) => got.id));
        expect([...taken].toSorted()).toEqual(events.map((event) => event.id).toSorted());
        const after = await world.stub().deliveries(id, filter);
        expect(after.map(({ sequence, state }) => ({ sequence, state }))).toEqual(
          events.map(({ sequence }) => ({ sequence, state: "delivered" })).toReversed(),
        );
        const order = tried.map(({ sequence }) => sequence);
        expect(ordered ? order : []).toEqual(ordered ? order.toSorted((a, b) => a - b) : []);
        return world;
      };
      const hits = new Map<string, number>();
      for (const point of (await told(null)).points.filter((p) => /deliver\./.test(p))) {
        hits.set(point, (hits.get(point) ?? 0) + 1);
        const world = await told({ point, hit: hits.get(point) ?? 1 });
        expect(world.crashes, `${point}, time ${hits.get(point)}`).toBe(1);
      }
      expect([...hits.keys()].toSorted()).toEqual([
        "deliver.answered",
        "deliver.settled",
        "redeliver.answered",
        "redeliver.settled",
      ]);
    },
    60_000,
  );
});

describe("fault points", () => {
  it("are all reached by the sweep", () => {
    const sources: Record<string, string> = import.meta.glob("../../../src/**/*.ts", {
      query: "?raw",
      import: "default",
      eager: true,
    });
    const named = Object.values(sources).flatMap((text) =>
      [...text.matchAll(/\bfault\(\s*"([^"]+)"/g)].map((match) => match[1]),
    );
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter((point) => point !== undefined && !reached.has(point))).toEqual([]);
  });
});
