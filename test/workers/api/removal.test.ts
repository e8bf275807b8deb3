import { env, exports } from "cloudflare:workers";
import { listDurableObjectIds, runInDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { Edge, expectProblem, leave, ORIGIN } from "./edge.ts";
import { deliver, makeHook, push } from "./github.ts";
import { Reader } from "./reader.ts";

let edge: Edge;
beforeEach(async () => {
  edge = await Edge.create();
});
afterEach(async () => {
  await edge.send("PATCH", "/v1/builds", { json: { max_builds: null } });
  leave();
});

async function remove(): Promise<void> {
  expect((await edge.send("DELETE", edge.base)).status).toBe(204);
}

type Dump = Record<string, unknown[]>;

/** Every row of every table. */
function dump(storage: DurableObjectStorage): Dump {
  const tables = storage.sql
    .exec<{ name: string }>("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
    .toArray()
    .filter(({ name }) => !name.startsWith("_"));
  return Object.fromEntries(
    tables.map(({ name }) => [name, storage.sql.exec(`SELECT * FROM "${name}"`).toArray()]),
  );
}

function stored(): Promise<{ tables: Dump; alarm: number | null }> {
  return edge.world.inside(async (_, { storage }) => ({
    tables: dump(storage),
    alarm: await storage.getAlarm(),
  }));
}

/** The tables of the instance in which something names the project. */
async function named(): Promise<string[]> {
  const stub = env.INSTANCE.getByName("instance");
  const tables = await runInDurableObject(stub, (_, { storage }) => dump(storage));
  return Object.entries(tables)
    .filter(([, rows]) => JSON.stringify(rows).includes(edge.world.name))
    .map(([table]) => table);
}

const NOTHING = { tables: {}, alarm: null };

describe("a project that is removed", () => {
  it("leaves no table, no alarm, and no row of the instance that names it", async () => {
    await edge.send("PATCH", "/v1/builds", { json: { max_builds: 1 } });
    const rule = { email: "ada@example.com", scopes: ["read"], project: edge.world.name };
    expect((await edge.send("POST", "/v1/access", { json: rule })).status).toBe(201);
    await edge.on("PATCH", "/policy", { json: { lane: "target" } });
    await makeHook(edge);
    await edge.on("POST", "/badge");
    await edge.world.subscribe("receiver.example");
    const { token } = await edge.projectToken("manage");
    for (const branch of ["main", "dev"]) {
      await edge.on("POST", "/deploys", { json: { branch } });
    }
    await edge.world.run(4_000);
    expect(await named()).toEqual(["access_rules", "builds", "projects"]);
    const places = async (): Promise<unknown> => {
      const { running, waiting } = (await edge.send("GET", "/v1/builds")).body as Record<
        "running" | "waiting",
        { project: string }[]
      >;
      return [running, waiting].map((all) => all.map(({ project }) => project));
    };
    expect(await places()).toEqual([[edge.world.name], [edge.world.name]]);

    await remove();
    expect(await stored()).toEqual(NOTHING);
    expect(await named()).toEqual([]);
    expect(await places()).toEqual([[], []]);
    expectProblem(await edge.send("GET", edge.base), 404, "project_not_found");
    expectProblem(await edge.send("DELETE", edge.base), 404, "project_not_found");
    expectProblem(await edge.send("GET", edge.base, { token }), 401, "unknown_token");
    expect(await stored()).toEqual(NOTHING);
  });

  // Within the time after which a stream looks by itself.
  it(
    "ends what listened to it; a new one of its name is heard at once",
    { timeout: 10_000 },
    async () => {
      const listen = async (): Promise<Reader> => {
        const response = await exports.default.fetch(
          new Request(`${ORIGIN}${edge.base}/events?after=0`, {
            headers: { authorization: `Bearer ${edge.token}`, accept: "text/event-stream" },
          }),
        );
        return new Reader(response.body ?? new ReadableStream());
      };
      await edge.world.push();
      const before = await listen();
      await before.until("deploy.queued");
      await edge.world.push({ branch: "dev" });
      await before.until("deploy.queued");
      await remove();
      for (let last = await before.next(); last !== null; last = await before.next()) {
        expect(last.event).not.toBe("project.registered");
      }

      expect((await edge.send("PUT", edge.base)).status).toBe(201);
      const after = await listen();
      await after.until("project.registered");
      await edge.world.push();
      const [first] = await after.until("deploy.queued");
      expect(first?.id).toBe("2");
      await after.leave();
    },
  );

  it("answers its hooks' senders and its badge's readers as one that never was, and no object is made", async () => {
    const hook = await makeHook(edge);
    const { url: badge } = (await edge.on("POST", "/badge")).body as { url: string };
    // The edge knows the hook's secret from now on.
    expect((await deliver(hook, push())).status).toBe(202);
    await remove();
    const objects = await listDurableObjectIds(env.PROJECT);
    edge.world.pass(2_000);

    expectProblem(await deliver(hook, push("dev")), 404, "hook_not_found");
    expectProblem(await deliver(hook, push(), { secret: "wrong" }), 404, "hook_not_found");
    const made = hook.url.replace(/.$/, (last) => (last === "A" ? "B" : "A"));
    expectProblem(await deliver(hook, push(), { url: made }), 404, "hook_not_found");
    const { pathname } = new URL(badge);
    expectProblem(await edge.send("GET", pathname, { token: null }), 404, "badge_not_found");
    expect(await listDurableObjectIds(env.PROJECT)).toEqual(objects);
    expect(await stored()).toEqual(NOTHING);

    // Nor are they good for another project that takes the name.
    expect((await edge.send("PUT", edge.base)).status).toBe(201);
    edge.world.pass(60_001);
    expectProblem(await deliver(hook, push("dev")), 404, "hook_not_found");
    expectProblem(await edge.send("GET", pathname, { token: null }), 404, "badge_not_found");
  });

  it("takes no more of a body that streams in, and says why", async () => {
    const answer = await edge.world.inside(async (project) => {
      const { readable, writable } = new IdentityTransformStream();
      const sender = writable.getWriter();
      const storing = project.receive("upl_open", "multipart/form-data; boundary=x", readable);
      await sender.write(new Uint8Array(2_500_000));
      await project.remove();
      // What is refused is read no further.
      await Promise.allSettled([sender.write(new Uint8Array(2_500_000)), sender.close()]);
      return storing;
    });
    expect(answer).toMatchObject({ ok: false, error: { code: "project_not_found" } });
    expect(await stored()).toEqual(NOTHING);
  });
});

interface Effect {
  /** Begins it; gives its key. */
  readonly begin: () => Promise<string>;
  /** The request that it waits for. */
  readonly waits: (method: string, url: URL) => boolean;
}

const deployments = (url: URL): boolean => url.pathname.endsWith("/deployments");

const EFFECTS: Record<string, Effect> = {
  "the list before a create request": {
    begin: async () => `deploy/${(await edge.world.push()).deploy?.id}`,
    waits: (method, url) => method === "GET" && deployments(url),
  },
  "a create request": {
    begin: async () => `deploy/${(await edge.world.push()).deploy?.id}`,
    waits: (method, url) => method === "POST" && deployments(url),
  },
  "a look at what runs": {
    begin: async () => `deploy/${(await edge.world.push()).deploy?.id}`,
    waits: (method, url) => method === "GET" && /\/deployments\/[^/]+$/.test(url.pathname),
  },
  "a delivery": {
    begin: async () => {
      const id = await edge.world.subscribe("held.example");
      await edge.on("POST", "/locks", { json: { reason: "stocktaking" } });
      return `subscriber/${id}`;
    },
    waits: (_, url) => url.host === "held.example",
  },
};

describe.each(Object.entries(EFFECTS))(
  "%s, under way while its project is removed,",
  (_, effect) => {
    /** Begins it, up to its request; answers what lets the answer to that through, and waits for its end. */
    async function held(): Promise<() => Promise<void>> {
      const { world } = edge;
      let release: (() => void) | undefined;
      const real = vi.mocked(globalThis.fetch).getMockImplementation();
      vi.mocked(globalThis.fetch).mockImplementation(async (input, init) => {
        const request = new Request(input, init);
        const wait = release === undefined && effect.waits(request.method, new URL(request.url));
        const response = (await real?.(request)) ?? Response.error();
        if (wait) {
          await new Promise<void>((resolve) => {
            release = resolve;
          });
        }
        return response;
      });
      world.hanging.add(await effect.begin());
      await world.run(60_000, async () => release !== undefined);
      expect(release).toBeDefined();
      world.hanging.clear();
      return async () =>
        world.inside(async (project) => {
          release?.();
          await project.context.slots.settled();
        });
    }

    it("writes nothing any more", async () => {
      const logged = vi.spyOn(console, "error").mockReturnValue(undefined);
      const release = await held();
      await remove();
      await release();
      expect(await stored()).toEqual(NOTHING);
      expect(await named()).toEqual([]);
      expect(logged).not.toHaveBeenCalled();
    });

    it("writes nothing into the new one of its name, which begins at nothing", async () => {
      const release = await held();
      await remove();
      expect((await edge.send("PUT", edge.base)).body).toMatchObject({ waiting: [], running: [] });
      const fresh = await stored();
      const kept = Object.entries(fresh.tables).filter(([, rows]) => rows.length > 0);
      expect(kept.map(([table]) => table)).toEqual([
        "events",
        "migrations",
        "project",
        "sqlite_sequence",
      ]);
      expect(fresh.tables).toMatchObject({
        events: [{ sequence: 1, type: "project.registered" }],
        project: [{ next_number: 1, live_deploy_id: null }],
      });
      await release();
      expect(await stored()).toEqual(fresh);
      expect((await edge.on("GET", "/deploys")).body.items).toEqual([]);
      expect((await edge.world.push()).deploy?.number).toBe(1);
    });
  },
);
