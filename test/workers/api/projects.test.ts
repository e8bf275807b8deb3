import { env } from "cloudflare:workers";
import { listDurableObjectIds } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { Edge, expectProblem, leave } from "./edge.ts";

let edge: Edge;
beforeEach(async () => {
  edge = await Edge.create();
});
afterEach(leave);

/** A Pages project that is not registered yet, under a name of its own. */
function unregistered(source?: string): string {
  const name = `fresh-${crypto.randomUUID().slice(0, 8)}`;
  edge.world.sandbox.addProject(source === undefined ? { name } : { name, source });
  return name;
}

describe("registering", () => {
  it("asks Cloudflare what the project is, and answers 201, then 200", async () => {
    const name = unregistered();
    const made = await edge.send("PUT", `/v1/projects/${name}`, { json: {} });
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({
      name,
      account_id: edge.config.accountId,
      production_branch: "main",
      source: "direct_upload",
      live: null,
      running: [],
      waiting: [],
      locks: [],
      native_builds: null,
      warnings: [],
    });
    const again = await edge.send("PUT", `/v1/projects/${name}`);
    expect(again.status).toBe(200);
    expect((await edge.send("GET", `/v1/projects/${name}`)).body).toMatchObject({ name });
  });

  it("changes only what is given of the policy", async () => {
    await edge.send("PUT", edge.base, { json: { policy: { mode: "all" } } });
    const got = await edge.send("PUT", edge.base, { json: { policy: { lane: "target" } } });
    expect(got.body.policy).toMatchObject({ mode: "all", lane: "target" });
  });

  it("warns while Cloudflare builds each push by itself, and can switch that off", async () => {
    const name = unregistered("acme/fresh");
    const made = await edge.send("PUT", `/v1/projects/${name}`);
    expect(made.body).toMatchObject({ source: "git", native_builds: "on" });
    expect(made.body.warnings).toEqual([
      { code: "native_builds_on", detail: expect.stringContaining('"native_builds": "off"') },
    ]);

    const off = await edge.send("PUT", `/v1/projects/${name}`, { json: { native_builds: "off" } });
    expect(off.body).toMatchObject({ native_builds: "off", warnings: [] });
    const pushed = edge.world.sandbox.push({
      project: name,
      branch: "main",
      commit_hash: "a".repeat(40),
    });
    expect(pushed.deployment).toBeNull();
    const preview = edge.world.sandbox.push({
      project: name,
      branch: "dev",
      commit_hash: "b".repeat(40),
    });
    expect(preview.deployment).toBeNull();
    // Nothing else of the project's source has changed.
    expect((await edge.send("PUT", `/v1/projects/${name}`)).body).toMatchObject({
      source: "git",
      production_branch: "main",
      native_builds: "off",
    });
  });

  it("says 404 when Cloudflare has no such project, and keeps nothing", async () => {
    const before = await listDurableObjectIds(env.PROJECT);
    expectProblem(await edge.send("PUT", "/v1/projects/nowhere"), 404, "project_not_found");
    expectProblem(await edge.send("PUT", "/v1/projects/No%2FName"), 404, "project_not_found");
    expect(await listDurableObjectIds(env.PROJECT)).toEqual(before);
    const { body } = await edge.send("GET", "/v1/projects?limit=100");
    expect(body.items.map((p: { name: string }) => p.name)).not.toContain("nowhere");
  });

  it("keeps nothing of a project whose policy does not hold together", async () => {
    const name = unregistered();
    const before = await edge.trace();
    const got = await edge.send("PUT", `/v1/projects/${name}`, {
      json: { policy: { mode: "all", cancel_running: true } },
    });
    expectProblem(got, 422, "policy_invalid");
    const after = await edge.trace();
    expect(after).toEqual({ ...(before as object), upstream: expect.any(Number) });
    expectProblem(await edge.send("GET", `/v1/projects/${name}`), 404, "project_not_found");
    expectProblem(
      await edge.send("PATCH", `/v1/projects/${name}/policy`, { json: {} }),
      404,
      "project_not_found",
    );
  });

  it("refuses a project that was deleted at Cloudflare and made anew", async () => {
    const name = unregistered();
    await edge.send("PUT", `/v1/projects/${name}`);
    await edge.world.sandbox.fetch(
      new Request(
        `https://api.cloudflare.test/client/v4/accounts/${edge.config.accountId}/pages/projects/${name}`,
        { method: "DELETE", headers: { authorization: `Bearer ${edge.world.sandbox.token}` } },
      ),
    );
    edge.world.sandbox.addProject({ name });
    expectProblem(await edge.send("PUT", `/v1/projects/${name}`), 409, "conflict");
  });

  it.each([
    [{ kind: "unauthorized", status: 403 }, 502, "upstream_auth"],
    [{ kind: "html", status: 502 }, 502, "upstream_unavailable"],
    [{ kind: "dropped" }, 502, "upstream_unavailable"],
  ] as const)("passes on what is wrong at Cloudflare: %j", async (fault, status, code) => {
    const name = unregistered();
    edge.world.sandbox.fault({ call: "project", ...fault });
    const got = await edge.send("PUT", `/v1/projects/${name}`);
    expectProblem(got, status, code);
    expect(got.text).not.toContain(edge.world.sandbox.token);
    expectProblem(await edge.send("GET", `/v1/projects/${name}`), 404, "project_not_found");
  });

  it("tells everybody to keep quiet after a 429", async () => {
    const name = unregistered();
    edge.world.sandbox.fault({ call: "project", kind: "rate_limited", retry_after: 90 });
    const got = await edge.send("PUT", `/v1/projects/${name}`);
    expectProblem(got, 503, "budget_spent");
    expect(got.headers.get("retry-after")).toBe("90");

    const calls = edge.world.sandbox.journal().requests.length;
    const next = await edge.send("PUT", `/v1/projects/${name}`);
    expectProblem(next, 503, "budget_spent");
    expect(Number(next.headers.get("retry-after"))).toBeGreaterThan(80);
    expect(edge.world.sandbox.journal().requests).toHaveLength(calls);
    expect((await edge.send("GET", "/v1/budget")).body.blocked_until).not.toBeNull();

    edge.world.pass(120_000);
    expect((await edge.send("PUT", `/v1/projects/${name}`)).status).toBe(201);
  });
});

describe("lists", () => {
  it("registered projects by name, page by page", async () => {
    const names = Array.from({ length: 5 }, () => unregistered());
    for (const name of names) {
      expect((await edge.send("PUT", `/v1/projects/${name}`)).status).toBe(201);
    }
    const found: string[] = [];
    let cursor = "";
    do {
      const { body } = await edge.send("GET", `/v1/projects?limit=2${cursor}`);
      expect(body.items.length).toBeLessThanOrEqual(2);
      found.push(...body.items.map((p: { name: string }) => p.name));
      cursor = body.next_cursor === null ? "" : `&cursor=${body.next_cursor}`;
    } while (cursor !== "");
    expect(found).toEqual([...found].sort());
    expect(found).toEqual(expect.arrayContaining([...names, edge.world.name]));
    expect(new Set(found).size).toBe(found.length);
  });

  it("all that the account has, and which of it is registered", async () => {
    for (let n = 0; n < 12; n++) {
      unregistered();
    }
    const { accountId } = edge.config;
    const { status, body } = await edge.send("GET", `/v1/accounts/${accountId}/projects`);
    expect(status).toBe(200);
    expect(body.items).toHaveLength(15);
    expect(body.items).toContainEqual({
      name: edge.world.name,
      production_branch: "main",
      subdomain: `${edge.world.name}.pages.dev`,
      source: "git",
      registered: true,
    });
    expect(body.items).toContainEqual(expect.objectContaining({ name: "site", registered: false }));
  });

  it("nothing of another account", async () => {
    const calls = edge.world.sandbox.journal().requests.length;
    expectProblem(await edge.send("GET", "/v1/accounts/other/projects"), 404, "account_not_found");
    expect(edge.world.sandbox.journal().requests).toHaveLength(calls);
  });
});
