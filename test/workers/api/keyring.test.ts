import { createExecutionContext, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { app } from "../../../src/app.ts";
import { configOf } from "../../../src/env.ts";
import { instanceOf } from "../../../src/objects.ts";
import { newKeySecret } from "../../../src/security/keyring.ts";
import { openSession, sealSession, SESSION_MS } from "../../../src/security/session.ts";
import { bootstrap, Edge, leave, ORIGIN } from "./edge.ts";

/** What of the keyring's report the watchdog has no part in: badges and who is signed in, while a key is rotated. */

let edge: Edge;
let before: string;
let after: string;
beforeEach(async () => {
  edge = await Edge.create();
  [before, after] = [newKeySecret(), newKeySecret()];
});
afterEach(leave);

/** A Worker with these keys, before the same objects as the others. */
async function worker(keys: string) {
  const bindings = { ...env, SIGNALBOX_KEYS: keys };
  const config = await configOf(bindings);
  if (!config.ok) {
    throw new Error(JSON.stringify(config.error));
  }
  const { keyring } = config.value;
  const token = await bootstrap(config.value);
  const send = (path: string, init: RequestInit = {}): Promise<Response> =>
    Promise.resolve(
      app.fetch(
        new Request(path.startsWith("/") ? ORIGIN + path : path, { redirect: "manual", ...init }),
        bindings,
        createExecutionContext(),
      ),
    );
  const ask = async (method: string, path: string, json?: object) => {
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    const body = json === undefined ? null : JSON.stringify(json);
    const reply = await send(path, { method, headers, body });
    // oxlint-disable-next-line typescript/no-explicit-any -- tests look into whatever came back
    return { status: reply.status, body: await reply.json<any>() };
  };
  const status = async (path: string): Promise<number> => (await send(path)).status;
  /** What is said of a key of this ring, or one that is gone. */
  const report = async (id: string = keyring.current): Promise<Record<string, unknown>> => {
    const { body } = await ask("GET", "/v1/keyring");
    return body.keys.find((key: { id: string }) => key.id === id);
  };
  const signIn = async (): Promise<string> => {
    const headers = { origin: ORIGIN, "content-type": "application/x-www-form-urlencoded" };
    const body = new URLSearchParams({ token }).toString();
    return cookieOf(await send("/sign-in", { method: "POST", headers, body }));
  };
  const page = (cookie: string): Promise<Response> =>
    send("/settings", { headers: { cookie, accept: "text/html" } });
  return { keyring, key: keyring.current, ask, status, report, signIn, page };
}

const cookieOf = (reply: Response): string =>
  (reply.headers.getSetCookie()[0] ?? "").split(";")[0] ?? "";

describe("a badge", () => {
  it("keeps the key of its address until a new one is asked for, and counts for it", async () => {
    const badge = `${edge.base}/badge`;
    const old = await worker(before);
    const { url } = (await old.ask("POST", badge)).body;
    expect(await old.report()).toMatchObject({ badges: 1 });

    const both = await worker(`${after},${before}:tags-only`);
    expect((await both.ask("GET", badge)).body.url).toBe(url);
    expect(await both.report(old.key)).toMatchObject({ badges: 1, safe_to_remove: false });
    expect(await both.report()).toMatchObject({ badges: 0 });
    const alone = await worker(after);
    expect(await alone.report(old.key)).toMatchObject({ badges: 1, in_keyring: false });
    expect(await alone.status(url)).toBe(404);
    const gone = await alone.ask("GET", badge);
    expect(gone).toMatchObject({ status: 404, body: { code: "badge_not_found" } });
    expect(gone.body.detail).toContain("is not in SIGNALBOX_KEYS");

    const renewed = await both.ask("PATCH", badge, { renew_url: true });
    expect(renewed.status).toBe(200);
    expect(renewed.body.url).toContain(`.${both.key}.`);
    expect([await both.status(url), await both.status(renewed.body.url)]).toEqual([200, 200]);
    expect(await both.report(old.key)).toMatchObject({ badges: 0, safe_to_remove: true });
    expect(await both.report()).toMatchObject({ badges: 1 });
    expect([await alone.status(url), await alone.status(renewed.body.url)]).toEqual([404, 200]);
    expect((await alone.ask("GET", badge)).body).toEqual(renewed.body);
    expect(await alone.report(old.key)).toBeUndefined();
  });

  it("of which the key is not known counts for every key", async () => {
    const both = await worker(`${after},${before}`);
    const [, old = ""] = both.keyring.ids();
    await both.ask("POST", `${edge.base}/badge`);
    await edge.world.inside((_, { storage }) => {
      storage.sql.exec("UPDATE project SET badge_key = NULL");
    });
    expect(await both.report()).toMatchObject({ badges: 1 });
    expect(await both.report(old)).toMatchObject({ badges: 1, safe_to_remove: false });
    const { body } = await both.ask("GET", `${edge.base}/badge`);
    expect(body.url).toContain(`.${both.key}.`);
    expect(await both.report(old)).toMatchObject({ badges: 1 });
    expect((await both.ask("PATCH", `${edge.base}/badge`, { renew_url: true })).body).toEqual(body);
    expect(await both.report(old)).toMatchObject({ badges: 0, safe_to_remove: true });
  });

  it("that there is not can't have its address made anew", async () => {
    const got = await edge.on("PATCH", "/badge", { json: { renew_url: true } });
    expect(got).toMatchObject({ status: 404, body: { code: "badge_not_found" } });
    expect((await edge.on("GET", "/badge")).status).toBe(404);
  });
});

describe("who is signed in", () => {
  it("counts for the key of the session, at the latest until it ends", async () => {
    const old = await worker(before);
    expect(await old.report()).toMatchObject({ sessions_until: null });
    await old.signIn();
    edge.world.pass(60_000);
    await old.signIn();
    const until = edge.world.now() + SESSION_MS;

    const both = await worker(`${after},${before}`);
    const iso = new Date(until).toISOString();
    expect(await both.report(old.key)).toMatchObject({
      sessions_until: iso,
      safe_to_remove: false,
    });
    await instanceOf(env).noteSession(old.key, until - 1);
    expect(await both.report(old.key)).toMatchObject({ sessions_until: iso });
    // It opens nothing, or is gone: nobody is signed in by it.
    const closed = await worker(`${after},${before}:tags-only`);
    expect(await closed.report(old.key)).toMatchObject({
      sessions_until: null,
      safe_to_remove: true,
    });
    expect(await (await worker(after)).report(old.key)).toBeUndefined();

    edge.world.pass(SESSION_MS - 1);
    expect(await both.report(old.key)).toMatchObject({ sessions_until: iso });
    edge.world.pass(1);
    expect(await both.report(old.key)).toMatchObject({
      sessions_until: null,
      safe_to_remove: true,
    });
  });

  it("stays signed in by looking at a page while both keys are there, and no longer than before", async () => {
    const old = await worker(before);
    const began = edge.world.now();
    const first = await old.signIn();
    expect((await old.page(first)).headers.getSetCookie()).toEqual([]);
    edge.world.pass(3_600_000);

    const both = await worker(`${after},${before}`);
    expect(await both.report()).toMatchObject({ sessions_until: null });
    const moved = await both.page(first);
    const iso = new Date(began + SESSION_MS).toISOString();
    expect(await both.report()).toMatchObject({ sessions_until: iso });
    const second = cookieOf(moved);
    expect(second).toContain(`=${both.key}.`);
    expect(moved.headers.getSetCookie()[0]).toContain("Max-Age=39600;");

    const alone = await worker(after);
    const statuses = await Promise.all([alone.page(first), alone.page(second)]);
    expect(statuses.map(({ status }) => status)).toEqual([401, 200]);
    edge.world.pass(SESSION_MS - 3_600_000);
    expect((await alone.page(second)).status).toBe(401);
  });

  it("gets no longer a session by a key that leaked than one that begins", async () => {
    const both = await worker(`${after},${before}`);
    const old = await worker(before);
    const [name, sealed = ""] = (await old.signIn()).split("=");
    const session = await openSession(old.keyring, sealed, edge.world.now());
    if (session === null) {
      throw new Error("not signed in");
    }
    const endless = { ...session, until: session.until * 2 };
    const moved = await both.page(`${name}=${await sealSession(old.keyring, endless)}`);
    expect(moved.status).toBe(200);
    const [, renewed = ""] = cookieOf(moved).split("=");
    const { until } = (await openSession(both.keyring, renewed, edge.world.now())) ?? {};
    expect(until).toBe(edge.world.now() + SESSION_MS);
  });

  it("is forgotten by the sweep once it is over", async () => {
    const kept = (): Promise<unknown[]> =>
      runInDurableObject(env.INSTANCE.getByName("instance"), (_, { storage }) =>
        storage.sql.exec("SELECT * FROM session_keys WHERE key = 'c0ffee'").toArray(),
      );
    const until = edge.world.now() + 1_000;
    await instanceOf(env).noteSession("c0ffee", until);
    await instanceOf(env).sweep();
    expect(await kept()).toEqual([{ key: "c0ffee", until }]);
    edge.world.pass(1_000);
    await instanceOf(env).sweep();
    expect(await kept()).toEqual([]);
  });
});
