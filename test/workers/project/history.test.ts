import { evictDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";

import { MIGRATIONS as INSTANCE } from "../../../src/instance/schema.ts";
import type { SqlValue } from "../../../src/sql.ts";
import { World } from "../support/world.ts";

const HISTORY = 500;
/** Far more than what is open here, far less than what has ended. */
const FEW = 50;

afterEach(() => {
  vi.restoreAllMocks();
});

/** What a target has behind it costs nothing: SQLite, left to choose, reads all of it to find the few that are open. */
describe("a long history", () => {
  it("is not read when a deploy is accepted, and supersedes the one that waits", async () => {
    const world = await worldWithHistory();
    const waiting = await world.push();
    const read = await statements(world, async () => {
      await world.push();
    });
    expect((await world.deploy(waiting.deploy?.id ?? "")).status).toBe("superseded");
    expect(read.filter(({ rows }) => rows > FEW)).toEqual([]);
    const byTarget = read.filter(({ query }) => /FROM deploys .*target = \?/.test(query));
    // Its twin, what is newer, what is older.
    expect(byTarget.map(({ plan }) => plan)).toEqual([OPEN_ONLY, OPEN_ONLY, OPEN_ONLY]);
  });

  it("is not read when a restarted object takes over what was claimed", async () => {
    const world = await worldWithHistory();
    const id = (await world.push()).deploy?.id ?? "";
    await world.inside(({ context }) =>
      context.sql.run("UPDATE deploys SET status = 'submitting', due_at = ? WHERE id = ?", 0, id),
    );
    const read = await statements(world, async () => {
      await evictDurableObject(env.PROJECT.getByName(world.key));
      await world.stub().view();
    });
    expect(await dueAt(world, id)).toBe(world.now());
    expect(read.filter(({ rows }) => rows > FEW)).toEqual([]);
    const takeOver = read.filter(({ query }) => query.includes("'submitting'"));
    expect(takeOver.map(({ plan }) => plan)).toEqual([OPEN_ONLY, OPEN_ONLY]);
  });

  it("is not read on a deploy's way to its end", async () => {
    const world = await worldWithHistory();
    const id = (await world.push()).deploy?.id ?? "";
    const read = await statements(world, async () => {
      await world.ended(id);
    });
    expect((await world.deploy(id)).status).toBe("succeeded");
    expect(read.filter(({ rows }) => rows > FEW)).toEqual([]);
  });
});

/** How far it was told, and what is to be told it again, are found among all that it was ever told. */
describe("a long log of deliveries", () => {
  it("is not read when its subscriber is told of a deploy, and looked at", async () => {
    const world = await World.create();
    const subscriber = await world.subscribe("told.example");
    await world.inside(({ context: { sql } }) => {
      sql.run("UPDATE sqlite_sequence SET seq = ? WHERE name = 'events'", HISTORY);
      sql.run(
        `INSERT INTO deliveries (subscriber_id, sequence, state, attempts, schedule_from, status, ms, excerpt, at)
         WITH RECURSIVE past (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM past WHERE n < ?)
         SELECT ?, n, 'delivered', 1, 0, 204, 5, '', ? FROM past`,
        HISTORY,
        subscriber,
        world.now(),
      );
    });
    const read = await statements(world, async () => {
      await world.ended((await world.push()).deploy?.id ?? "");
      await world.run(60_000);
      const [newest] = await world.stub().deliveries(subscriber, ALL_STATES);
      await world.stub().redeliver(subscriber, newest?.id ?? "");
      await world.run(60_000);
      expect((await world.stub().delivery(subscriber, newest?.id ?? ""))?.attempts).toBe(2);
      expect((await world.stub().subscriber(subscriber))?.waiting).toBe(0);
    });
    expect(world.received.get("told.example")?.length).toBeGreaterThan(10);
    expect(read.filter(({ rows }) => rows > FEW)).toEqual([]);
    const newest = read.filter(({ query }) => query.includes("MAX(sequence) FROM deliveries"));
    expect(newest.length).toBeGreaterThan(10);
    for (const { plan } of newest) {
      expect(plan).toContain("SEARCH d USING PRIMARY KEY (subscriber_id=? AND sequence=?)");
      expect(plan).not.toMatch(/SCAN (d|deliveries)\b/);
    }
  });
});

const ALL_STATES = { before: null, state: null, limit: 10 } as const;
const OPEN_ONLY = expect.stringMatching(/^(SCAN|SEARCH) deploys USING INDEX deploys_open\b/);

async function worldWithHistory(): Promise<World> {
  const world = await World.create();
  await world.inside(({ context: { sql } }) => {
    sql.run(
      `INSERT INTO deploys (id, number, kind, status, trigger_id, trigger_kind, trigger_source, branch, environment, target,
         form, content_hash, created_at, ended_at)
       WITH RECURSIVE past (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM past WHERE n < ?)
       SELECT 'dpl_' || n, n, 'build', 'succeeded', 'trg_' || n, 'hook', 'github', 'main', 'production', 'production',
         '{}', 'build/main/' || n, ?, ? FROM past`,
      HISTORY,
      world.now(),
      world.now(),
    );
    sql.run("INSERT INTO marks (target, number) VALUES ('production', ?)", HISTORY);
    sql.run("UPDATE project SET next_number = ?", HISTORY + 1);
  });
  return world;
}

interface Statement {
  readonly query: string;
  /** Rows it read, those of indexes included. */
  readonly rows: number;
  readonly plan: string;
}

/** Every statement that the project ran while `body` did. */
async function statements(world: World, body: () => Promise<void>): Promise<Statement[]> {
  // On the prototype: the object's next instance has a storage of its own.
  const storage = await world.inside(
    (_, state) => Object.getPrototypeOf(state.storage.sql) as SqlStorage,
  );
  const spy = vi.spyOn(storage, "exec");
  await body();
  const { calls, results } = spy.mock;
  const ran = calls.map(([query, ...bindings], i) => ({
    query,
    bindings: bindings as SqlValue[],
    cursor: results[i]?.value as { readonly rowsRead: number },
  }));
  spy.mockRestore();
  const ofInstance = INSTANCE.flatMap(({ sql }) => sql.match(/(?<=CREATE TABLE )\w+/g) ?? []);
  const own = ran.filter(({ query }) => !ofInstance.some((table) => query.includes(` ${table}`)));
  return world.inside(({ context: { sql } }) =>
    own.map(({ query, bindings, cursor }) => ({
      query,
      rows: cursor.rowsRead,
      plan: sql
        .all<{ detail: string }>(`EXPLAIN QUERY PLAN ${query}`, ...bindings)
        .map(({ detail }) => detail)
        .join("; "),
    })),
  );
}

async function dueAt(world: World, id: string): Promise<number | null | undefined> {
  return world.inside(
    ({ context }) =>
      context.sql.one<{ due_at: number | null }>("SELECT due_at FROM deploys WHERE id = ?", id)
        ?.due_at,
  );
}
