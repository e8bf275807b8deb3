import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { app } from "../../../src/app.ts";
import { parseKeyring, newKeySecret } from "../../../src/security/keyring.ts";
import { instanceOf, projectOf } from "../../../src/objects.ts";
import { hookSeal } from "../../../src/project/hooks.ts";
import { subscriberSeal } from "../../../src/project/subscribers.ts";
import { runWatchdog } from "../../../src/watchdog.ts";
import { Edge, leave, ORIGIN } from "./edge.ts";

let edge: Edge;
beforeEach(async () => {
  edge = await Edge.create();
});
afterEach(leave);

describe("tokens", () => {
  it("of a project are shown once, listed without themselves, and revoked", async () => {
    const json = {
      scopes: ["deploy", "deploy"],
      description: "CI",
      expires_at: "2050-01-01T00:00:00+01:00",
    };
    const made = await edge.on("POST", "/tokens", { json });
    expect(made.status).toBe(201);
    const { token, ...shown } = made.body;
    expect(token).toMatch(/^sbx\.tok_/);
    expect(shown).toEqual({
      id: expect.stringMatching(/^tok_/),
      scopes: ["deploy"],
      description: "CI",
      created_at: expect.any(String),
      expires_at: "2049-12-31T23:00:00.000Z",
      revoked_at: null,
    });
    const list = await edge.on("GET", "/tokens");
    expect(list.body).toEqual({ items: [shown] });
    expect(list.text).not.toContain(token.split(".")[2]);
    expect((await edge.on("GET", "/deploys", { token })).status).toBe(200);

    expect((await edge.on("DELETE", `/tokens/${shown.id}`)).status).toBe(204);
    expect((await edge.on("GET", "/tokens")).body.items[0].revoked_at).not.toBeNull();
  });

  it("of the instance are good for every project", async () => {
    const { id, token } = await edge.instanceToken("read");
    const other = await Edge.create();
    for (const base of [edge.base, other.base]) {
      expect((await edge.send("GET", base, { token })).status).toBe(200);
    }
    const { body } = await edge.send("GET", "/v1/tokens");
    expect(body.items.map((t: { id: string }) => t.id)).toContain(id);
  });
});

describe("events", () => {
  it("come oldest first, from where the reader left off", async () => {
    await edge.on("POST", "/deploys");
    const first = await edge.on("GET", "/events?limit=1");
    expect(first.body).toMatchObject({
      items: [{ type: "project.registered", sequence: 1, project: edge.world.name }],
      next_after: 1,
    });
    const rest = await edge.on("GET", "/events?after=1");
    expect(rest.body.items.map((e: { type: string }) => e.type)).toContain("deploy.queued");
    const end = await edge.on("GET", `/events?after=${rest.body.next_after}`);
    expect(end.body).toEqual({ items: [], next_after: rest.body.next_after });
  });
});

describe("the budget", () => {
  it("is shown", async () => {
    const shown = async (): Promise<unknown> => (await edge.send("GET", "/v1/budget")).body;
    const level = { level: expect.any(Number), blocked_until: null, left: null };
    expect(await shown()).toEqual({ ...level, owners: [{ owner: "configured", ...level }] });

    const until = edge.world.now() + 60_000;
    const account = edge.world.sandbox.accountId;
    await instanceOf(env).announced(account, { calls: 50, until });
    const left = { calls: 50, until: new Date(until).toISOString() };
    expect(await shown()).toMatchObject({ left, owners: [{ left }] });
    edge.world.pass(60_000);
    expect(await shown()).toMatchObject({ left: null, owners: [{ left: null }] });
  });
});

describe("the account's builds", () => {
  it("have no limit unless one is set, which is shown with who builds and who waits", async () => {
    const none = { max_builds: null, running: [], waiting: [] };
    expect((await edge.send("GET", "/v1/builds")).body).toEqual(none);
    const set = await edge.send("PATCH", "/v1/builds", { json: { max_builds: 1 } });
    expect(set).toMatchObject({ status: 200, body: { ...none, max_builds: 1 } });
    const { deploy } = (await edge.on("POST", "/deploys")).body;
    await edge.world.run(2_000);
    expect((await edge.send("GET", "/v1/builds")).body.running).toEqual([
      { project: edge.world.name, deploy_id: deploy.id, since: deploy.created_at },
    ]);
    const unset = await edge.send("PATCH", "/v1/builds", { json: { max_builds: null } });
    expect(unset.body).toEqual(none);
  });

  it.each([0, 101, 1.5, "2"])("can't be limited to %j", async (max_builds) => {
    const refused = await edge.send("PATCH", "/v1/builds", { json: { max_builds } });
    expect(refused).toMatchObject({ status: 422, body: { errors: [{ field: "max_builds" }] } });
  });
});

describe("the keyring", () => {
  it("counts what rests on each key, and on none when nothing does", async () => {
    await edge.on("POST", "/hooks", { json: { source: "github" } });
    await edge.on("POST", "/subscribers", { json: { url: "https://receiver.example/" } });
    await edge.on("POST", "/badge");
    const live = await edge.projectToken("read");
    const dead = await edge.projectToken("read");
    await edge.on("DELETE", `/tokens/${dead.id}`);
    await edge.projectToken("read", { expires_at: new Date(Date.now() + 1).toISOString() });
    edge.world.pass(10);

    const ring = edge.config.keyring;
    const own = await edge.world.inside((project) => project.keys());
    expect(own).toEqual([
      {
        key: ring.current,
        hook_secrets: 1,
        subscriber_secrets: 1,
        hook_urls: 1,
        badges: 1,
        tokens: 1,
      },
    ]);
    const { status, body } = await edge.send("GET", "/v1/keyring");
    expect(status).toBe(200);
    expect(body.complete).toBe(true);
    const [key] = body.keys;
    expect(key).toMatchObject({ id: ring.current, current: true, in_keyring: true });
    expect(key.tokens).toBeGreaterThanOrEqual(1);
    expect(key.safe_to_remove).toBe(false);
    expect(live.token).toContain(ring.current);
  });

  it("shows what rests on a key that is not in it", async () => {
    await edge.world.inside((_, state) => {
      state.storage.sql.exec(
        "INSERT INTO tokens (id, hash, key_id, scopes, created_at) VALUES ('tok_old', 'x', 'abcdef', 'read', 0)",
      );
    });
    const { body } = await edge.send("GET", "/v1/keyring");
    expect(body.keys).toContainEqual({
      id: "abcdef",
      current: false,
      in_keyring: false,
      hook_secrets: 0,
      subscriber_secrets: 0,
      credentials: 0,
      hook_urls: 0,
      badges: 0,
      tokens: 1,
      sessions_until: null,
      safe_to_remove: false,
    });
  });

  it("that got a new first key: the watchdog seals anew, what is signed stays the same", async () => {
    const hook = await edge.on("POST", "/hooks", { json: { source: "github", secret: "kept" } });
    const json = { url: "https://r.example/", headers: { "X-Own": "a" } };
    const made = await edge.on("POST", "/subscribers", { json });
    const renewed = await edge.on("POST", `/subscribers/${made.body.id}/rotate`);
    const old = edge.config.keyring.current;
    const next = { ...env, SIGNALBOX_KEYS: `${newKeySecret()},${keysOf(env)}` };
    const ring = await parseKeyring(next.SIGNALBOX_KEYS);
    if (!ring.ok) {
      throw new Error(ring.error.message);
    }

    // The object has its own environment, so it is given the new ring there.
    await edge.world.inside(async (project) => {
      const context = project.context as unknown as { config: () => Promise<unknown> };
      const before = context.config;
      context.config = async () => ({ ...edge.config, keyring: ring.value });
      expect(await project.wake()).toBe(4);
      expect(await project.wake()).toBe(0);
      context.config = before;
    });
    expect(await edge.world.inside((project) => project.keys())).toEqual(
      [
        { key: old, hook_secrets: 0, subscriber_secrets: 0, hook_urls: 1, badges: 0, tokens: 0 },
        {
          key: ring.value.current,
          hook_secrets: 1,
          subscriber_secrets: 3,
          hook_urls: 0,
          badges: 0,
          tokens: 0,
        },
      ].sort((a, b) => (a.key < b.key ? -1 : 1)),
    );

    const [sealed = ""] =
      (await projectOf(env, edge.world.key).hookSecrets(hook.body.id))?.secrets ?? [];
    const { key } = edge.world;
    expect(await ring.value.unseal(hookSeal(key, hook.body.id), sealed)).toBe("kept");
    const secret = await edge.world.inside((_, state) =>
      state.storage.sql.exec<Record<string, string>>("SELECT * FROM subscribers").one(),
    );
    const seal = subscriberSeal(key, made.body.id);
    expect(await ring.value.unseal(seal, secret["secret"] ?? "")).toBe(renewed.body.secret);
    expect(await ring.value.unseal(seal, secret["old_secret"] ?? "")).toBe(made.body.secret);
    expect(await ring.value.unseal(`${seal}/headers`, secret["headers"] ?? "")).toBe(
      JSON.stringify(json.headers),
    );

    // The edge, with the new ring: the old key's URL and token are good still; a new URL rests on the new key.
    const ask = async (method: string, path: string, json?: object): Promise<Response> =>
      app.fetch(
        new Request(`${ORIGIN}${path}`, {
          method,
          headers: {
            authorization: `Bearer ${edge.token}`,
            ...(json === undefined ? {} : { "content-type": "application/json" }),
          },
          ...(json === undefined ? {} : { body: JSON.stringify(json) }),
        }),
        next,
        createExecutionContext(),
      );
    const rotated = await ask("PATCH", `${edge.base}/hooks/${hook.body.id}`, {
      rotate_secret: true,
    });
    expect(await rotated.json()).toMatchObject({
      url: expect.stringContaining(`.${ring.value.current}.`),
    });
    const report = await (
      await ask("GET", "/v1/keyring")
    ).json<{
      keys: { id: string; hook_urls: number; hook_secrets: number }[];
    }>();
    const rest = report.keys.find(({ id }) => id === old);
    const urls = await edge.world.inside((project) => project.keys());
    expect(urls.find((use) => use.key === old)).toBeUndefined();
    expect(rest).toBeDefined();
    expect(report.keys[0]?.id).toBe(ring.value.current);
  });
});

describe("the watchdog", () => {
  it("gives every project that lost its alarm a new one; one that fails stops nobody", async () => {
    const edges = [edge, await Edge.create(), await Edge.create()];
    for (const each of edges) {
      await each.on("POST", "/deploys");
      await each.world.inside((_, state) => state.storage.deleteAlarm());
    }
    const [broken, ...sound] = edges;
    await broken?.world.inside((_, state) => {
      state.storage.sql.exec("DROP TABLE hooks");
    });
    edge.world.pass(60_000);

    const told = vi.spyOn(console, "error").mockImplementation(() => undefined);
    const { visited, failed } = await runWatchdog(env);
    expect(visited).toBeGreaterThanOrEqual(3);
    expect(failed).toBe(1);
    expect(told.mock.calls[0]?.[0]).toMatchObject({ key: broken?.world.key });
    for (const { world } of sound) {
      expect(await world.inside((_, state) => state.storage.getAlarm())).not.toBeNull();
    }
  });

  it("goes on behind what a run before had begun, which may have been cut off there", async () => {
    const instance = instanceOf(env);
    await runWatchdog(env);
    const all = (await instance.projects("", 1_000)).map(({ key }) => key);
    expect(all.length).toBeGreaterThan(2);
    const begun = await instance.nextOfRound(2);
    expect(begun.map(({ key }) => key)).toEqual(all.slice(0, 2));
    expect((await runWatchdog(env)).visited).toBe(all.length - 2);
    expect((await runWatchdog(env)).visited).toBe(all.length);
  });

  it("says what it needs when that is missing", async () => {
    const told = vi.spyOn(console, "error").mockImplementation(() => undefined);
    const bare = { ...env, SIGNALBOX_KEYS: undefined };
    expect(await runWatchdog(bare)).toEqual({ visited: 0, failed: 0 });
    expect(JSON.stringify(told.mock.calls)).toContain("SIGNALBOX_KEYS");
  });
});

function keysOf(bindings: object): string {
  return String((bindings as Record<string, unknown>)["SIGNALBOX_KEYS"]);
}
