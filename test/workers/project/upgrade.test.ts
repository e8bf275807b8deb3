import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { MIGRATIONS as INSTANCE_MIGRATIONS } from "../../../src/instance/schema.ts";
import { instanceOf } from "../../../src/objects.ts";
import { deliveryId } from "../../../src/project/deliveries.ts";
import { MIGRATIONS } from "../../../src/project/schema.ts";
import { migrate, Sql, type SqlValue } from "../../../src/sql.ts";
import { Edge, expectProblem, leave, operations } from "../api/edge.ts";
import {
  becomeEarlier,
  dump,
  IDS,
  instanceRows,
  projectRows,
  RECEIVER,
  type Row,
  type Rows,
} from "../support/earlier.ts";

let edge: Edge;
beforeEach(async () => {
  edge = await Edge.create();
});
afterEach(leave);

const ids = (migrations: readonly { id: number }[]): number[] => migrations.map(({ id }) => id);
const earlier = (migrations: readonly { id: number }[]): number[] => ids(migrations).slice(0, -1);
const applied = (rows: Row[] | undefined): unknown[] => (rows ?? []).map(({ id }) => id);

/** The project as that version left it; the next call meets the code of today. */
async function becomeProject(version: number, more: Rows = {}): Promise<Rows> {
  const rows = await projectRows(edge.world);
  for (const [table, added] of Object.entries(more)) {
    rows[table] = [...(rows[table] ?? []), ...added];
  }
  const { tables } = await edge.world.inside(async (_, { storage }) => {
    await becomeEarlier(storage, MIGRATIONS.slice(0, version), rows);
    return dump(storage);
  });
  expect(applied(tables["migrations"])).toEqual(ids(MIGRATIONS.slice(0, version)));
  await evict();
  return tables;
}

const evict = (): Promise<void> => evictDurableObject(env.PROJECT.getByName(edge.world.key));

/** A delivery is known by its subscriber and its event. */
const GONE: Readonly<Record<string, string>> = { deliveries: "id", attempts: "delivery_id" };

/** That every row there was is there, each column as it was. */
function expectKept(before: Rows, after: Rows): void {
  for (const [table, rows] of Object.entries(before)) {
    if (table !== "migrations") {
      const kept = rows.map((row) =>
        Object.fromEntries(Object.entries(row).filter(([column]) => column !== GONE[table])),
      );
      expect({ table, rows: after[table] }).toMatchObject({ table, rows: kept });
    }
  }
}

/** What can be read of the project, with the ids that its rows have. */
async function readable(version: number): Promise<string[]> {
  const place = (path: string): string =>
    path
      .replace("{project}", edge.world.name)
      .replace("{delivery}", deliveryId(IDS.subscriber, 41))
      .replace(
        /(\w+?)s\/\{id\}/,
        (_, noun: string) => `${noun}s/${IDS[noun as keyof typeof IDS] ?? noun}`,
      );
  const missing = [
    // What it shows is at Cloudflare.
    "/logs",
    ...(version < 3 ? ["/locks/{id}"] : []),
    ...(version < 14 ? ["/badge"] : []),
  ];
  const all = await operations(edge);
  return all
    .filter(({ method, path }) => method === "GET" && path.startsWith("/v1/projects/{project}"))
    .filter(({ path }) => !missing.some((end) => path.endsWith(end)))
    .map(({ path }) => place(path));
}

describe.each(earlier(MIGRATIONS))("a project of version %i", (version) => {
  it("keeps every row, shows all of them, deploys and tells", async () => {
    const { world } = edge;
    const before = await becomeProject(version);
    const { tables } = await world.inside((_, { storage }) => dump(storage));
    expect(applied(tables["migrations"])).toEqual(ids(MIGRATIONS));
    expectKept(before, tables);

    const paths = await readable(version);
    expect(paths.length).toBeGreaterThan(15);
    for (const path of paths) {
      expect({ path, status: (await edge.send("GET", path)).status }).toEqual({
        path,
        status: 200,
      });
    }
    // The badge of before may rest on any key, until a new address is asked for.
    const keyOfBadge = async (): Promise<unknown[]> =>
      (await world.inside((project) => project.keys()))
        .filter(({ badges }) => badges > 0)
        .map(({ key }) => key);
    const some = version >= 14;
    expect(await keyOfBadge()).toEqual(some ? [version < 16 ? null : expect.any(String)] : []);
    const renewed = await edge.on("PATCH", "/badge", { json: { renew_url: true } });
    expect(renewed.status).toBe(some ? 200 : 404);
    expect(await keyOfBadge()).toEqual(some ? [edge.config.keyring.current] : []);

    world.receivers.set(RECEIVER, () => new Response(null, { status: 204 }));
    const { deploy } = await world.push();
    expect(deploy?.number).toBe(3);
    expect((await world.ended(deploy?.id ?? "")).status).toBe("succeeded");
    expect((await world.deploy(IDS.waiting)).status).toBe("succeeded");
    await world.run(60_000);
    const told = (world.received.get(RECEIVER) ?? []).map(({ body }) => body.sequence);
    const [first] = (await world.stub().events(41, 1)).map(({ sequence }) => sequence);
    expect([first, told[0]]).toEqual([42, 42]);
    expect(told).toEqual(told.map((_, n) => 42 + n));
  });
});

describe.each([12, 15])("what a project of version %i has not told yet", (version) => {
  it("is told, and what was given up can be, with all that was tried before", async () => {
    const { world } = edge;
    const at = world.now() - 60_000;
    const delivery = (sequence: number, more: Row): Row => ({
      id: `dlv_${sequence}`,
      subscriber_id: IDS.subscriber,
      sequence,
      status: 500,
      ms: 7,
      excerpt: "no",
      at,
      ...more,
    });
    const tries = (sequence: number, numbers: readonly number[]): Row[] =>
      numbers.map((number) => ({
        delivery_id: `dlv_${sequence}`,
        number,
        at: at - 1_000 + number,
        status: 502,
        ms: number,
        excerpt: `${number}`,
      }));
    await becomeProject(version, {
      events: [38, 39, 40].map((sequence) => ({
        sequence,
        id: `evt_01HZZZZZZZZZZZZZZZZZZZZZ${sequence}`,
        type: "project.registered",
        at,
        data: JSON.stringify({ account_id: world.sandbox.accountId, name: world.name }),
      })),
      deliveries: [
        delivery(40, { state: "pending", attempts: 3, due_at: world.now() + 60_000 }),
        delivery(38, { state: "exhausted", attempts: 8, schedule_from: 2 }),
        delivery(39, { state: "delivered", attempts: 1, status: 204 }),
      ],
      attempts: [...tries(40, [1, 2]), ...tries(38, [7])],
    });
    const times: [sequence: number, attempt: string | null][] = [];
    world.receivers.set(RECEIVER, async (request) => {
      const { sequence } = await request.json<{ sequence: number }>();
      times.push([sequence, request.headers.get("signalbox-attempt")]);
      return new Response(null, { status: 204 });
    });
    const path = `/subscribers/${IDS.subscriber}/deliveries`;
    const { items } = (await edge.on("GET", path)).body;
    expect(items).toMatchObject([
      { sequence: 41, state: "delivered", attempts: 1 },
      { sequence: 40, state: "pending", attempts: 3, response: "no", duration_ms: 7 },
      { sequence: 39, state: "delivered", attempts: 1, status: 204 },
      { sequence: 38, state: "exhausted", attempts: 8 },
    ]);
    const [, { id: pending }, , { id: exhausted }] = items;
    const logs = async (): Promise<number[][]> => {
      const got = [
        await edge.on("GET", `${path}/${pending}`),
        await edge.on("GET", `${path}/${exhausted}`),
      ];
      return got.map(({ body }) => body.attempt_log.map((each: { number: number }) => each.number));
    };
    expect(await logs()).toEqual(
      version < 13
        ? [[3], [8]]
        : [
            [1, 2, 3],
            [7, 8],
          ],
    );
    const got = await edge.on("GET", `/subscribers/${IDS.subscriber}`);
    expect(got.body).toMatchObject({ waiting: 1, exhausted: 1 });

    await edge.on("POST", `${path}/${exhausted}/redeliver`);
    await world.run(120_000);
    expect(times.filter(([sequence]) => sequence <= 41)).toEqual([
      [38, "9"],
      [40, "4"],
    ]);
    expect((await logs()).map((log) => log.at(-1))).toEqual([4, 9]);
    const after = (await edge.on("GET", `${path}?state=exhausted`)).body.items;
    expect(after).toEqual([]);
  });
});

describe.each(earlier(INSTANCE_MIGRATIONS))("an instance of version %i", (version) => {
  it("keeps every row, and what was in a table of before", async () => {
    const stub = env.INSTANCE.getByName(`of-version-${version}`);
    const rows = await instanceRows(edge.world);
    const before = await runInDurableObject(stub, async (_, { storage }) => {
      await becomeEarlier(storage, INSTANCE_MIGRATIONS.slice(0, version), rows);
      return dump(storage).tables;
    });
    await evictDurableObject(stub);
    const after = await runInDurableObject(stub, (_, { storage }) => dump(storage).tables);
    expect(applied(after["migrations"])).toEqual(ids(INSTANCE_MIGRATIONS));
    const { budget, ...kept } = before;
    expectKept(kept, after);
    expect(budget === undefined).toBe(version >= 3);
    expect(after["budgets"]).toEqual(rows["budgets"]);
    expect(after["budget"]).toBeUndefined();

    expect(await stub.projects("", 10)).toMatchObject([{ name: "shop" }]);
    expect(await stub.listTokens()).toMatchObject([{ id: "tok_1" }]);
    expect(await stub.permit(edge.config.accountId, "poll")).toMatchObject({
      granted: false,
      until: edge.world.now() + 60_000,
    });
  });
});

describe("a migration", () => {
  /** Dies at its nth statement. */
  class Mortal extends Sql {
    #left: number;
    readonly #die: () => void;

    constructor(storage: DurableObjectStorage, left: number, die: () => void) {
      super(storage);
      this.#left = left;
      this.#die = die;
    }

    override run(query: string, ...bindings: SqlValue[]): number {
      this.#left -= 1;
      if (this.#left === 0) {
        this.#die();
        throw new Error("killed");
      }
      return super.run(query, ...bindings);
    }
  }

  // The first makes sure of the table of versions, then there are two for each version.
  it.each([2, 3, 2 * MIGRATIONS.length - 1])(
    "whose object is killed at statement %i is made by the next one",
    async (n) => {
      const rows = await projectRows(edge.world);
      let before: Rows = {};
      const killed = edge.world.inside(async (_, state) => {
        await becomeEarlier(state.storage, MIGRATIONS.slice(0, 1), rows);
        before = dump(state.storage).tables;
        await state.storage.sync();
        migrate(new Mortal(state.storage, n, () => state.abort("killed")), MIGRATIONS);
      });
      await expect(killed).rejects.toThrow("killed");
      const { tables } = await edge.world.inside((_, { storage }) => dump(storage));
      expect(applied(tables["migrations"])).toEqual(ids(MIGRATIONS));
      expectKept(before, tables);
      expect((await edge.send("GET", edge.base)).status).toBe(200);
    },
  );

  it("that fails leaves everything as it was", async () => {
    await edge.world.inside(async (_, { storage }) => {
      await becomeEarlier(storage, MIGRATIONS.slice(0, 7), await projectRows(edge.world));
      const before = dump(storage);
      const broken = { id: 8, sql: `${MIGRATIONS[7]?.sql}; INSERT INTO nowhere VALUES (1);` };
      expect(() => migrate(new Sql(storage), [...MIGRATIONS.slice(0, 7), broken])).toThrow(
        "nowhere",
      );
      expect(dump(storage)).toEqual(before);
    });
    await evict();
    expect((await edge.send("GET", edge.base)).status).toBe(200);
  });
});

describe("a database that is newer than the code", () => {
  it("is refused by the number of its migration, and not written to", async () => {
    await edge.world.inside((_, { storage }) => {
      const before = dump(storage);
      expect(() => migrate(new Sql(storage), MIGRATIONS.slice(0, -1))).toThrow(
        `schema: migration ${MIGRATIONS.length} is applied but not known to this version`,
      );
      expect(dump(storage)).toEqual(before);
    });
  });

  it("starts no object: every call fails, and the log says why", async () => {
    const logged = vi.spyOn(console, "error").mockReturnValue(undefined);
    const { world } = edge;
    await world.inside((_, { storage }) => {
      storage.sql.exec("INSERT INTO migrations (id, applied_at) VALUES (99, 0)");
    });
    await evict();
    const viewed = async (): Promise<unknown> => world.stub().view();
    await expect(viewed()).rejects.toThrow("migration 99 is applied but not known");
    const got = await edge.on("POST", "/deploys");
    expectProblem(got, 500, "internal_error");
    expect(got.text).not.toContain("migration");
    expect(JSON.stringify(logged.mock.calls)).toContain("migration 99 is applied but not known");
    // Nobody is to walk to it any more.
    await instanceOf(env).unregister(world.key);
  });
});
