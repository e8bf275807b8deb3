import { evictDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";

import worker from "../../../src/index.ts";
import type { Policy } from "../../../src/project/policy.ts";
import { projectRow } from "../../../src/project/rows.ts";
import { MIGRATIONS } from "../../../src/project/schema.ts";
import { migrate } from "../../../src/sql.ts";
import { World } from "../support/world.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

type Window = Policy["windows"][number];

/** Noon to one o'clock, every day. */
const lunch: Window = {
  action: "deny",
  environment: "production",
  cron: "0 12 * * *",
  duration_minutes: 60,
  time_zone: "UTC",
  reason: "lunch",
};
const both: Window = { ...lunch, environment: null };
const dinner: Window = { ...lunch, cron: "0 19 * * *", reason: "dinner" };

/** At this hour of the next day or a later one; files share one clock, which only goes forward. */
function hour(world: World, time: number, days = 0): number {
  return (Math.floor(world.now() / DAY) + 1 + days) * DAY + time * HOUR;
}

/** A world at eleven o'clock with these windows, none of which has anything told of it. */
async function atEleven(windows: Window[]): Promise<World> {
  const world = await World.create();
  world.pass(hour(world, 11) - world.now());
  await world.stub().changePolicy({ windows }, null);
  return world;
}

const minute = (time: string | null): string => time?.slice(5, 16) ?? "none";

/** What was told of windows: when, what, of which environment, until when and why. */
async function told(world: World): Promise<string[]> {
  const events = await world.stub().events(0, 10_000);
  return events
    .filter(({ type }) => type.startsWith("project.window_"))
    .map(({ type, timestamp, data }) => {
      const { environment, until, reason } = data as Record<string, string | null>;
      const what = type.slice("project.window_".length);
      return `${minute(timestamp)} ${environment} ${what} until ${minute(until ?? null)} ${reason}`;
    });
}

/** The same, as it is expected. */
function line(
  at: number,
  environment: string,
  what: "opened" | "closed",
  until: number | null,
  reason: string | null = null,
): string {
  const time = (ms: number | null): string =>
    minute(ms === null ? null : new Date(ms).toISOString());
  return `${time(at)} ${environment} ${what} until ${time(until)} ${reason}`;
}

const rows = (world: World): Promise<object[]> =>
  world.inside(({ context }) => context.sql.all("SELECT * FROM openings ORDER BY environment"));

describe("a window that closes and opens", () => {
  it("is told of at its time although nobody calls, day after day, to who subscribed", async () => {
    const world = await atEleven([lunch]);
    await world.subscribe("hooks.example");
    const noon = hour(world, 12, -1);
    await world.run(2 * DAY);
    expect(await told(world)).toEqual([
      line(noon, "production", "closed", noon + HOUR, "lunch"),
      line(noon + HOUR, "production", "opened", noon + DAY),
      line(noon + DAY, "production", "closed", noon + DAY + HOUR, "lunch"),
      line(noon + DAY + HOUR, "production", "opened", noon + 2 * DAY),
    ]);
    const heard = (world.received.get("hooks.example") ?? []).map(({ body }) => body);
    expect(heard).toEqual(
      (await world.events()).filter(({ type }) => type.startsWith("project.window_")),
    );
    expect(heard[0]?.timestamp).toBe(new Date(noon).toISOString());
  });

  it("is told of for each environment that it concerns", async () => {
    const world = await atEleven([both, { ...dinner, environment: "preview" }]);
    const noon = hour(world, 12, -1);
    await world.run(12 * HOUR);
    const seven = noon + 7 * HOUR;
    const all = await told(world);
    expect(all.filter((text) => text.includes(" production "))).toEqual([
      line(noon, "production", "closed", noon + HOUR, "lunch"),
      line(noon + HOUR, "production", "opened", noon + DAY),
    ]);
    expect(all.filter((text) => text.includes(" preview "))).toEqual([
      line(noon, "preview", "closed", noon + HOUR, "lunch"),
      line(noon + HOUR, "preview", "opened", seven),
      line(seven, "preview", "closed", seven + HOUR, "dinner"),
      line(seven + HOUR, "preview", "opened", noon + DAY),
    ]);
  });

  it("is told of the same when it is an allow window that ends and begins", async () => {
    const world = await atEleven([{ ...lunch, action: "allow", reason: "at noon only" }]);
    const noon = hour(world, 12, -1);
    await world.run(3 * HOUR);
    expect(await told(world)).toEqual([
      line(noon - HOUR, "production", "closed", noon, "at noon only"),
      line(noon, "production", "opened", noon + HOUR),
      line(noon + HOUR, "production", "closed", noon + DAY, "at noon only"),
    ]);
  });
});

describe("a change of the policy", () => {
  it("that closes or opens at once is told at once, with the change", async () => {
    const world = await World.create();
    world.pass(hour(world, 12) + 10 * MINUTE - world.now());
    const now = world.now();
    const noon = hour(world, 12, -1);
    await world.stub().changePolicy({ windows: [lunch] }, null);
    await world.stub().changePolicy({ windows: [] }, null);
    expect(await told(world)).toEqual([
      line(now, "production", "closed", noon + HOUR, "lunch"),
      line(now, "production", "opened", null),
    ]);
    expect((await world.events()).map(({ type }) => type)).toEqual([
      "project.registered",
      "project.policy_changed",
      "project.window_closed",
      "project.policy_changed",
      "project.window_opened",
    ]);
    await world.run(2 * DAY);
    expect(await told(world)).toHaveLength(2);
  });

  it("that leaves open what is open says nothing, and counts from then on", async () => {
    const world = await atEleven([lunch]);
    const noon = hour(world, 12, -1);
    await world.stub().changePolicy({ windows: [dinner] }, null);
    await world.stub().changePolicy({ max_attempts: 3 }, null);
    await world.run(9 * HOUR);
    expect(await told(world)).toEqual([
      line(noon + 7 * HOUR, "production", "closed", noon + 8 * HOUR, "dinner"),
      line(noon + 8 * HOUR, "production", "opened", noon + 31 * HOUR),
    ]);
  });

  it("that is refused says nothing", async () => {
    const world = await World.create();
    const forever = { ...both, cron: "* * * * *" };
    expect((await world.stub().changePolicy({ windows: [forever] }, null)).ok).toBe(false);
    expect(await told(world)).toEqual([]);
    expect(await rows(world)).toEqual([]);
  });

  it("is told of at registration too", async () => {
    const first = await World.create();
    first.pass(hour(first, 12) + 10 * MINUTE - first.now());
    const world = await World.create({ policy: { windows: [both] } });
    const all = await told(world);
    expect(all.map((text) => text.slice(text.indexOf(" ") + 1))).toEqual([
      expect.stringContaining("production closed"),
      expect.stringContaining("preview closed"),
    ]);
  });
});

describe("after an outage", () => {
  /** Nothing runs for so long, and the alarm is lost; then the watchdog comes round. */
  async function outage(world: World, ms: number): Promise<void> {
    await world.inside((_, state) => state.storage.deleteAlarm());
    world.pass(ms);
    const tick = { scheduledTime: world.now(), cron: "*/5 * * * *", noRetry: () => undefined };
    await worker.scheduled(tick, env);
    await world.run(1_000);
  }

  it.each([
    ["closed", 3 * DAY + 90 * MINUTE, "closed", "lunch", 30 * MINUTE],
    ["open", 3 * DAY + 3 * HOUR, "opened", null, 22 * HOUR],
  ] as const)(
    "of days, what is %s now is told once, and it goes on",
    async (_, ms, what, reason, left) => {
      const world = await atEleven([lunch]);
      const now = world.now() + ms;
      await outage(world, ms);
      expect(await told(world)).toEqual([line(now, "production", what, now + left, reason)]);
      await world.run(DAY);
      expect(await told(world)).toHaveLength(3);
    },
  );

  it("whose change of the policy comes first, the latest is told once", async () => {
    const world = await atEleven([lunch]);
    world.pass(DAY + 3 * HOUR);
    const now = world.now();
    await world.stub().changePolicy({ windows: [dinner] }, null);
    await world.run(1_000);
    expect(await told(world)).toEqual([line(now, "production", "opened", now + 5 * HOUR)]);
  });
});

describe("without a change in sight", () => {
  it("nothing is stored and nothing is due for a project that has no windows", async () => {
    const world = await World.create();
    await world.run(2 * DAY);
    expect(await rows(world)).toEqual([]);
    expect(world.points).not.toContain("window.told");
    await world.stub().changePolicy({ windows: [lunch] }, null);
    expect(await rows(world)).toHaveLength(1);
    await world.stub().changePolicy({ windows: [] }, null);
    expect(await rows(world)).toEqual([]);
    await world.run(2 * DAY);
    expect(world.points).not.toContain("window.told");
  });

  it("it is looked at again once a day, and says nothing", async () => {
    const always: Window = {
      ...lunch,
      action: "allow",
      cron: "0 0 * * *",
      duration_minutes: 1_440,
    };
    const world = await atEleven([always]);
    const at = world.now();
    expect(await rows(world)).toEqual([
      { environment: "production", open: 1, until: null, due_at: at + DAY },
    ]);
    await world.run(3 * DAY);
    expect(await rows(world)).toMatchObject([{ until: null, due_at: at + 4 * DAY }]);
    expect(await told(world)).toEqual([]);
  });
});

describe("windows from before there were such events", () => {
  it.each([
    [[both], 2],
    [[], 0],
  ])("are looked at when the object starts: %j", async (windows, count) => {
    const world = await World.create();
    world.pass(hour(world, 12) + 10 * MINUTE - world.now());
    await world.stub().changePolicy({ windows }, null);
    await world.inside(async ({ context }, state) => {
      const project = projectRow(context.sql);
      await state.storage.deleteAll();
      migrate(context.sql, MIGRATIONS.slice(0, 5));
      const columns = context.sql.all<{ name: string }>(
        "SELECT name FROM pragma_table_info('project')",
      );
      const known = columns.map(({ name }) => [name, project[name as keyof typeof project]]);
      context.sql.insert("project", Object.fromEntries(known));
    });
    await evictDurableObject(env.PROJECT.getByName(world.key));
    await world.run(1_000);
    expect(await told(world)).toHaveLength(count);
    expect(await rows(world)).toHaveLength(count);
    await world.run(30 * MINUTE);
    expect(await told(world)).toHaveLength(count);
  });
});
