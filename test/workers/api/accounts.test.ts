import { env, exports } from "cloudflare:workers";
import { runInDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { accountSeal } from "../../../src/cloudflare/credential.ts";
import type { Instance } from "../../../src/instance/instance.ts";
import { newKeySecret, parseKeyring } from "../../../src/security/keyring.ts";
import type { SignalboxService } from "../../../src/service.ts";
import type { Remote } from "../../../src/objects.ts";
import { World } from "../support/world.ts";
import { Edge, expectProblem, leave, ORIGIN, type Got } from "./edge.ts";

/** The configured account, and another one in which a project has the same name. */
let edge: Edge;
let other: World;
/** What the calls to the other account came with. */
let shown: string[];
let accounts = 0;

beforeEach(async () => {
  edge = await Edge.create();
  accounts += 1;
  const account = {
    accountId: `00feed${String(accounts).padStart(26, "0")}`,
    token: `their-token-${accounts}`,
  };
  other = new World(edge.world.name, account);
  other.accounts.set(edge.world.sandbox.accountId, edge.world.sandbox);
  const { sandbox } = other;
  shown = [];
  other.accounts.set(sandbox.accountId, {
    ...sandbox,
    fetch: async (request) => {
      shown.push(request.headers.get("authorization") ?? request.headers.get("x-auth-key") ?? "");
      return sandbox.fetch(request);
    },
  });
  await other.addPagesProject("git");
});
/** Other files ask about all accounts and all projects, and share the instance. */
afterEach(async () => {
  await edge.send("DELETE", theirs());
  await edge.send("DELETE", account());
  leave();
});

const account = (): string => `/v1/accounts/${other.sandbox.accountId}`;
const reference = (): string => `${other.sandbox.accountId}:${other.name}`;
const theirs = (path = ""): string => `/v1/projects/${reference()}${path}`;

const put = (body: object = { api_token: other.sandbox.token }): Promise<Got> =>
  edge.send("PUT", account(), { json: body });

async function registered(): Promise<void> {
  expect((await put()).status).toBe(201);
  expect((await edge.send("PUT", theirs(), { json: {} })).status).toBe(201);
}

const calls = (world: World): number => world.sandbox.journal().requests.length;

describe("a further account", () => {
  it("is stored once Cloudflare has let its credential in, and never shown", async () => {
    const refused = await put({ api_token: "not-theirs" });
    expectProblem(refused, 422, "credential_refused");
    expectProblem(await edge.send("GET", `${account()}/projects`), 404, "account_not_found");
    const made = await put({ api_token: other.sandbox.token, description: "The agency" });
    expect([made.status, made.body]).toEqual([
      201,
      {
        id: other.sandbox.accountId,
        configured: false,
        kind: "token",
        owner: "configured",
        description: "The agency",
        created_at: expect.any(String),
        changed_at: expect.any(String),
      },
    ]);
    const list = await edge.send("GET", "/v1/accounts");
    expect(list.body.items[0]).toMatchObject({ id: edge.config.accountId, configured: true });
    expect(list.body.items).toContainEqual(made.body);
    expect((await edge.send("GET", account())).body).toEqual(made.body);
    const own = await edge.send("GET", `/v1/accounts/${edge.config.accountId}`);
    expect(own.body).toEqual(list.body.items[0]);
    expectProblem(await edge.send("GET", "/v1/accounts/nobodys"), 404, "account_not_found");
    expect(`${refused.text}${made.text}${list.text}`).not.toMatch(/their-token|not-theirs/);
    const projects = await edge.send("GET", `${account()}/projects`);
    expect(projects.body.items).toContainEqual(
      expect.objectContaining({ name: other.name, registered: false }),
    );
  });

  it("is refused as a whole when something about it is wrong", async () => {
    const { accountId } = edge.config;
    const before = [calls(edge.world), calls(other)];
    for (const body of [{}, { email: "a@example.com" }, { api_token: "x", api_key: "y" }]) {
      expectProblem(await put(body), 422, "field_invalid");
    }
    expectProblem(
      await edge.send("PUT", `/v1/accounts/${accountId}`, { json: { api_token: "x" } }),
      409,
      "conflict",
    );
    for (const id of ["a.b", "x".repeat(33), "a%2Fb"]) {
      const got = await edge.send("PUT", `/v1/accounts/${id}`, { json: { api_token: "x" } });
      expect(got.status).toBe(404);
    }
    const reader = await edge.instanceToken("deploy");
    expectProblem(
      await edge.send("PUT", account(), { json: { api_token: "x" }, token: reader.token }),
      403,
      "insufficient_scope",
    );
    expect([calls(edge.world), calls(other)]).toEqual(before);
  });

  it("has its projects deployed with its own credential, whatever the other's are called", async () => {
    await registered();
    const before = calls(edge.world);
    const accepted = await edge.send("POST", theirs("/deploys"), { json: { branch: "main" } });
    expect(accepted.body.deploy.project).toBe(reference());
    expect(accepted.headers.get("location")).toContain(`/v1/projects/${reference()}/deploys/`);
    const ended = await other.ended(accepted.body.deploy.id);
    expect([ended.status, ended.project]).toEqual(["succeeded", reference()]);
    expect(other.created()).toEqual([ended.deployment?.id]);
    expect(ended.links).toMatchObject({
      dashboard: `${ORIGIN}/projects/${reference()}/deploys/1`,
      logs: `${ORIGIN}${theirs(`/deploys/${ended.id}/logs`)}`,
    });
    expect((await edge.send("GET", theirs())).body.live.id).toBe(ended.id);
    expect((await edge.on("GET", "")).body.live).toBeNull();
    const [first] = await other.events();
    expect(first?.project).toBe(reference());
    const hook = await edge.send("POST", theirs("/hooks"), { json: { source: "url" } });
    const { pathname } = new URL(hook.body.url as string);
    expect(pathname).toContain(`/hooks/${reference()}/`);
    expect((await edge.send("POST", pathname, { token: null })).status).toBe(202);
    expect((await edge.send("GET", "/v1/projects?limit=100")).body.items).toContainEqual({
      project: reference(),
      name: other.name,
      account_id: other.sandbox.accountId,
    });
    expect(calls(edge.world)).toBe(before);
    expect(new Set(shown)).toEqual(new Set([`Bearer ${other.sandbox.token}`]));
  });

  it("is picked by the account in a gateway path, for uploads too", async () => {
    await registered();
    const before = calls(edge.world);
    const at = async (path: string, init: RequestInit = {}): Promise<Response> =>
      exports.default.fetch(
        new Request(`${ORIGIN}/client/v4${path}`, {
          headers: { authorization: `Bearer ${edge.token}` },
          ...init,
        }),
      );
    const project = `/accounts/${other.sandbox.accountId}/pages/projects/${other.name}`;
    const got = await (await at(project)).json<{ result: { name: string } }>();
    expect(got.result.name).toBe(other.name);
    const { result } = await (
      await at(`${project}/upload-token`)
    ).json<{ result: { jwt: string } }>();
    const missing = await at("/pages/assets/check-missing", {
      method: "POST",
      headers: { authorization: `Bearer ${result.jwt}` },
      body: JSON.stringify({ hashes: ["0".repeat(32)] }),
    });
    expect(await missing.json()).toMatchObject({ success: true, result: ["0".repeat(32)] });
    expect(calls(edge.world)).toBe(before);
    const unknown = await at(`/accounts/${"0".repeat(32)}/pages/projects`);
    expect(await unknown.json()).toMatchObject({ success: false, errors: [{ code: 10_000 }] });
  });

  it("has nothing to do with the other's tokens, hooks and bindings", async () => {
    await registered();
    const ours = await edge.projectToken("manage");
    const made = await edge.send("POST", theirs("/tokens"), { json: { scopes: ["manage"] } });
    const hook = await edge.on("POST", "/hooks", { json: { source: "url" } });
    const { pathname } = new URL(hook.body.url as string);
    const before = [calls(edge.world), calls(other)];
    expectProblem(await edge.send("GET", theirs(), { token: ours.token }), 401, "invalid_token");
    expectProblem(await edge.on("GET", "", { token: made.body.token }), 401, "invalid_token");
    const moved = pathname.replace(`/${other.name}/`, `/${reference()}/`);
    expectProblem(await edge.send("POST", moved, { token: null }), 404, "hook_not_found");
    const { SignalboxService: entrypoint } = exports as unknown as {
      SignalboxService: (options: object) => SignalboxService;
    };
    const service = entrypoint({
      props: { caller: "cms", scopes: ["read"], projects: [other.name] },
    });
    expect(await service.project(other.name)).toMatchObject({ ok: true });
    expect(await service.project(reference())).toMatchObject({ code: "insufficient_scope" });
    const full = `${edge.config.accountId}:${other.name}`;
    expect(await service.project(full)).toMatchObject({ ok: true });
    expect([calls(edge.world), calls(other)]).toEqual(before);
  });

  it("gets a new credential while a deploy runs, which goes on with that", async () => {
    await registered();
    const accepted = await edge.send("POST", theirs("/deploys"), { json: {} });
    await other.run(60_000, async () => other.created().length === 1);
    shown.length = 0;
    const key = { email: "sandbox@example.com", api_key: "sandbox-key" };
    expect((await put(key)).body).toMatchObject({ kind: "key" });
    expectProblem(await put({ api_token: "not-theirs" }), 422, "credential_refused");
    shown.length = 0;
    expect((await other.ended(accepted.body.deploy.id)).status).toBe("succeeded");
    expect(new Set(shown)).toEqual(new Set(["sandbox-key"]));
  });

  it("shares the configured one's budget, unless its credential is another user's", async () => {
    await registered();
    const limit = async (): Promise<number> => {
      other.sandbox.fault({ call: "projects", kind: "rate_limited", retry_after: 60 });
      return (await edge.send("GET", `${account()}/projects`)).status;
    };
    expect(await limit()).toBe(503);
    expectProblem(
      await edge.send("GET", `/v1/accounts/${edge.config.accountId}/projects`),
      503,
      "budget_spent",
    );
    other.pass(65_000);
    await put({ api_token: other.sandbox.token, owner: "agency" });
    expect(await limit()).toBe(503);
    expectProblem(await edge.send("GET", `${account()}/projects`), 503, "budget_spent");
    const own = await edge.send("GET", `/v1/accounts/${edge.config.accountId}/projects`);
    expect(own.status).toBe(200);
    const { body } = await edge.send("GET", "/v1/budget");
    expect(body).toMatchObject({ blocked_until: null });
    expect(body.owners).toContainEqual({
      owner: "agency",
      level: 0,
      blocked_until: expect.any(String),
      left: null,
    });
    other.pass(65_000);
  });

  it("has places of its own for builds", async () => {
    await put();
    const instance = env.INSTANCE.getByName("instance") as unknown as Remote<Instance>;
    const ask = async (world: World, id: string): Promise<boolean> => {
      const build = { deploy_id: id, project: world.key, class: 1, since: 0 };
      return (await instance.permit(world.sandbox.accountId, "create", build)).granted;
    };
    await instance.limitBuilds(1);
    expect(await ask(edge.world, "dpl_a")).toBe(true);
    expect(await ask(other, "dpl_b")).toBe(true);
    expect(await ask(edge.world, "dpl_c")).toBe(false);
    const { body } = await edge.send("GET", "/v1/builds");
    expect(body.running.map(({ project }: { project: string }) => project).toSorted()).toEqual(
      [edge.world.name, reference()].toSorted(),
    );
    await instance.limitBuilds(null);
  });

  it("is forgotten once none of its projects is registered", async () => {
    await registered();
    expectProblem(await edge.send("DELETE", account()), 409, "conflict");
    expect((await edge.send("DELETE", theirs())).status).toBe(204);
    expect((await edge.send("DELETE", account())).status).toBe(204);
    expectProblem(await edge.send("DELETE", account()), 404, "account_not_found");
    const before = calls(other);
    expectProblem(await edge.send("PUT", theirs(), { json: {} }), 404, "account_not_found");
    expect(calls(other)).toBe(before);
  });

  it("has its credential sealed anew with a new key, and counted until then", async () => {
    await put();
    const old = edge.config.keyring.current;
    const added = `${newKeySecret()},${(env as unknown as Record<string, string>)["SIGNALBOX_KEYS"]}`;
    const ring = await parseKeyring(added);
    const instance = env.INSTANCE.getByName("instance");
    const count = async (key: string): Promise<number> => {
      const { body } = await edge.send("GET", "/v1/keyring");
      return body.keys.find(({ id }: { id: string }) => id === key)?.credentials ?? 0;
    };
    const before = await count(old);
    expect(before).toBeGreaterThan(0);
    const sealed = await runInDurableObject(instance, async (object: Instance, state) => {
      const inside = object as unknown as { env: object };
      const own = inside.env;
      inside.env = { ...own, SIGNALBOX_KEYS: added };
      expect([await object.reseal(), await object.reseal()]).toEqual([before, 0]);
      inside.env = own;
      return state.storage.sql
        .exec<{ credential: string }>(
          "SELECT credential FROM accounts WHERE id = ?",
          other.sandbox.accountId,
        )
        .one().credential;
    });
    const current = ring.ok ? ring.value : null;
    expect(await current?.unseal(accountSeal(other.sandbox.accountId), sealed)).toBe(
      JSON.stringify({ kind: "token", token: other.sandbox.token }),
    );
    expect([await count(old), await count(current?.current ?? "")]).toEqual([0, before]);
    // Without that key, as when it was removed too early, the account can't be called, and nothing else is.
    expectProblem(await edge.send("GET", `${account()}/projects`), 404, "account_not_found");
  });
});
