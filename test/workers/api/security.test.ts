import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { ACCESS_HEADER } from "../../../src/api/access.ts";
import { app } from "../../../src/app.ts";
import { allows, INSTANCE, mintToken, SCOPES, type Scope } from "../../../src/security/tokens.ts";
import { AUD, Issuer } from "../support/issuer.ts";
import { bootstrap, Edge, expectProblem, filled, leave, operations, ORIGIN } from "./edge.ts";

/** Every guarded route and what it takes. One that is missing here, or has another scope, fails. */
const ROUTES: Record<string, Scope> = {
  "GET /v1/projects": "read",
  "GET /v1/accounts": "read",
  "GET /metrics": "read",
  "GET /v1/projects/{project}/numbers": "read",
  "GET /v1/projects/{project}/badge": "read",
  "POST /v1/projects/{project}/badge": "manage",
  "PATCH /v1/projects/{project}/badge": "manage",
  "DELETE /v1/projects/{project}/badge": "manage",
  "GET /v1/accounts/{account}": "read",
  "PUT /v1/accounts/{account}": "manage",
  "DELETE /v1/accounts/{account}": "manage",
  "GET /v1/accounts/{account}/projects": "read",
  "GET /v1/projects/{project}": "read",
  "PUT /v1/projects/{project}": "manage",
  "DELETE /v1/projects/{project}": "manage",
  "GET /v1/projects/{project}/export": "manage",
  "POST /v1/projects/{project}/import": "manage",
  "POST /v1/projects/{project}/deploys": "deploy",
  "GET /v1/projects/{project}/deploys": "read",
  "GET /v1/projects/{project}/deploys/{id}": "read",
  "GET /v1/projects/{project}/deploys/{id}/logs": "read",
  "POST /v1/projects/{project}/deploys/{id}/cancel": "deploy",
  "POST /v1/projects/{project}/deploys/{id}/retry": "deploy",
  "POST /v1/projects/{project}/rollback": "deploy",
  "POST /v1/projects/{project}/deploys/{id}/rollback": "deploy",
  "POST /v1/projects/{project}/deploys/{id}/release": "manage",
  "POST /v1/projects/{project}/deploys/{id}/approve": "manage",
  "POST /v1/projects/{project}/deploys/{id}/reject": "manage",
  "GET /v1/projects/{project}/policy": "read",
  "PATCH /v1/projects/{project}/policy": "manage",
  "POST /v1/projects/{project}/policy/explain": "read",
  "POST /v1/projects/{project}/locks": "manage",
  "GET /v1/projects/{project}/locks": "read",
  "GET /v1/projects/{project}/locks/{id}": "read",
  "DELETE /v1/projects/{project}/locks/{id}": "manage",
  "POST /v1/projects/{project}/hooks": "manage",
  "GET /v1/projects/{project}/hooks": "read",
  "GET /v1/projects/{project}/hooks/{id}": "read",
  "GET /v1/projects/{project}/hooks/{id}/deliveries": "read",
  "POST /v1/projects/{project}/hooks/{id}/explain": "manage",
  "POST /v1/projects/{project}/hooks/{id}/secret": "manage",
  "PATCH /v1/projects/{project}/hooks/{id}": "manage",
  "DELETE /v1/projects/{project}/hooks/{id}": "manage",
  "POST /v1/projects/{project}/subscribers": "manage",
  "GET /v1/projects/{project}/subscribers": "read",
  "GET /v1/projects/{project}/subscribers/{id}": "read",
  "PATCH /v1/projects/{project}/subscribers/{id}": "manage",
  "DELETE /v1/projects/{project}/subscribers/{id}": "manage",
  "POST /v1/projects/{project}/subscribers/{id}/test": "manage",
  "GET /v1/projects/{project}/subscribers/{id}/deliveries": "read",
  "POST /v1/projects/{project}/subscribers/{id}/rotate": "manage",
  "GET /v1/projects/{project}/subscribers/{id}/deliveries/{delivery}": "read",
  "POST /v1/projects/{project}/subscribers/{id}/deliveries/{delivery}/redeliver": "manage",
  "POST /v1/projects/{project}/subscribers/{id}/recover": "manage",
  "POST /v1/projects/{project}/schedules": "manage",
  "GET /v1/projects/{project}/schedules": "read",
  "GET /v1/projects/{project}/schedules/{id}": "read",
  "PATCH /v1/projects/{project}/schedules/{id}": "manage",
  "DELETE /v1/projects/{project}/schedules/{id}": "manage",
  "POST /v1/projects/{project}/tokens": "manage",
  "GET /v1/projects/{project}/tokens": "manage",
  "DELETE /v1/projects/{project}/tokens/{id}": "manage",
  "GET /v1/projects/{project}/events": "read",
  "POST /v1/tokens": "manage",
  "GET /v1/tokens": "manage",
  "DELETE /v1/tokens/{id}": "manage",
  "GET /v1/keyring": "manage",
  "GET /v1/budget": "read",
  "POST /v1/projects/{project}/deploys/{id}/promote": "deploy",
  "GET /v1/builds": "read",
  "PATCH /v1/builds": "manage",
  "POST /v1/projects/{project}/trust": "manage",
  "GET /v1/projects/{project}/trust": "manage",
  "DELETE /v1/projects/{project}/trust/{id}": "manage",
  "POST /v1/access": "manage",
  "GET /v1/access": "manage",
  "DELETE /v1/access/{id}": "manage",
};
const TABLE = Object.entries(ROUTES).map(([route, scope]) => {
  const [method = "", path = ""] = route.split(" ");
  return { route, method, path, scope };
});

/** Nobody reads a body before it is known who sent it: this one would be refused by every reader. */
const BODY = { body: "{not json", headers: { "content-type": "text/plain" } };

let edge: Edge;
beforeEach(async () => {
  edge = await Edge.create();
});
afterEach(leave);

it("has every guarded route, with its scope", async () => {
  const guarded = (await operations(edge)).filter(({ scope }) => scope !== null);
  expect(
    Object.fromEntries(guarded.map(({ method, path, scope }) => [`${method} ${path}`, scope])),
  ).toEqual(ROUTES);
});

it("has no unguarded route but these", async () => {
  const open = (await operations(edge)).filter(({ scope }) => scope === null);
  expect(open.map(({ method, path }) => `${method} ${path}`).sort()).toEqual([
    "GET /badges/{project}/{segment}",
    "GET /events.schema.json",
    "GET /healthz",
    "GET /openapi.json",
    "GET /v1/sources",
    "GET /version",
    "POST /hooks/{project}/{segment}",
    // By a token of a CI job, and nothing else.
    "POST /v1/oidc/exchange",
  ]);
});

describe("a token that is no good", () => {
  /** Told apart by the tag alone: nobody is asked. */
  const byTag: [string, string, (edge: Edge) => Promise<string | null>][] = [
    ["a missing token", "token_missing", async () => null],
    ["an empty one", "token_missing", async () => ""],
    ["something else", "invalid_token", async () => "letmein"],
    [
      "one with another tag",
      "invalid_token",
      async ({ world, config }) => {
        const { token } = await mintToken(config.keyring, world.key);
        return `${token.slice(0, -24)}${"A".repeat(24)}`;
      },
    ],
    [
      "one for another project",
      "invalid_token",
      async ({ config }) => (await mintToken(config.keyring, `${config.accountId}/another`)).token,
    ],
    [
      "a forged bootstrap token",
      "invalid_token",
      async ({ token }) => `${token.slice(0, -24)}${"A".repeat(24)}`,
    ],
    [
      "an expired bootstrap token",
      "expired_token",
      async ({ config }) => bootstrap(config, "manage", Date.now() - 1),
    ],
  ];

  it.each(byTag)("%s is refused on every route, and nobody is asked", async (_, code, make) => {
    const token = await make(edge);
    await expectNobodyAsked(token === null ? {} : { authorization: `Bearer ${token}` }, code);
  });

  it("a forged word of Access is refused on every route, and nobody is asked", async () => {
    const access = await Issuer.in(edge.world, "access", AUD);
    await access.addKey("mine");
    access.published.pop();
    const forged = { [ACCESS_HEADER]: await access.token({}, "mine", "k1") };
    await expectNobodyAsked(forged, "invalid_token");
    expect(access.asked).toBe(1);
    const iss = "https://evil.cloudflareaccess.com";
    await expectNobodyAsked({ [ACCESS_HEADER]: await access.token({ iss }) }, "invalid_token");
  });

  async function expectNobodyAsked(headers: Record<string, string>, code: string): Promise<void> {
    const before = await edge.trace();
    const asked: string[] = [];
    const watched = {
      ...env,
      PROJECT: { getByName: (name: string) => (asked.push(name), env.PROJECT.getByName(name)) },
      INSTANCE: { getByName: (name: string) => (asked.push(name), env.INSTANCE.getByName(name)) },
    };
    for (const { method, path } of TABLE) {
      const request = new Request(`${ORIGIN}${filled(path, edge)}`, { method, headers });
      const response = await app.fetch(request, watched, createExecutionContext());
      expect(await response.json()).toMatchObject({ status: 401, code });
      expect(response.headers.get("www-authenticate")).toMatch(/^Bearer realm="signalbox"/);
    }
    expect(asked).toEqual([]);
    expect(await edge.trace()).toEqual(before);
  }

  it("that expired is refused on every route", async () => {
    const expires_at = new Date(Date.now() + 60_000).toISOString();
    const ofProject = await edge.projectToken("manage", { expires_at });
    const ofInstance = await edge.instanceToken("manage", { expires_at });
    edge.world.pass(60_000);
    await expectRefused(ofProject.token, ofInstance.token, "expired_token");
  });

  it("that was revoked is refused on every route", async () => {
    const ofProject = await edge.projectToken("manage");
    const ofInstance = await edge.instanceToken("manage");
    expect((await edge.on("DELETE", `/tokens/${ofProject.id}`)).status).toBe(204);
    expect((await edge.send("DELETE", `/v1/tokens/${ofInstance.id}`)).status).toBe(204);
    await expectRefused(ofProject.token, ofInstance.token, "revoked_token");
  });

  it("that nobody stored is refused on every route", async () => {
    const { keyring } = edge.config;
    const ofProject = await mintToken(keyring, edge.world.key);
    const ofInstance = await mintToken(keyring, INSTANCE);
    await expectRefused(ofProject.token, ofInstance.token, "unknown_token");
  });

  it("of `npm run token` is refused once it was revoked", async () => {
    const { keyring } = edge.config;
    const { mintBootstrapToken } = await import("../../../src/security/bootstrap.ts");
    const made = await mintBootstrapToken(keyring, {
      scopes: ["manage"],
      expiresAt: Date.now() + 60_000,
    });
    expect((await edge.send("GET", "/v1/tokens", { token: made.token })).status).toBe(200);
    expect((await edge.send("DELETE", `/v1/tokens/${made.id}`)).status).toBe(204);
    await expectRefused(made.token, made.token, "revoked_token");
  });

  async function expectRefused(ofProject: string, ofInstance: string, code: string): Promise<void> {
    const before = await edge.trace();
    for (const { method, path } of TABLE) {
      for (const token of path.includes("{project}") ? [ofProject, ofInstance] : [ofInstance]) {
        const body = method === "GET" ? {} : BODY;
        const got = await edge.send(method, filled(path, edge), { token, ...body });
        expectProblem(got, 401, code);
        expect(got.headers.get("www-authenticate")).toContain('error="invalid_token"');
      }
    }
    expect(await edge.trace()).toEqual(before);
  }
});

describe("a token of too small a scope", () => {
  it.each(["deploy", "manage"] as const)("is refused where %s is needed", async (needed) => {
    const scope = SCOPES[SCOPES.indexOf(needed) - 1] ?? "read";
    const ofProject = await edge.projectToken(scope);
    const ofInstance = await edge.instanceToken(scope);
    const before = await edge.trace();
    for (const { method, path } of TABLE.filter((route) => route.scope === needed)) {
      const tokens = path.includes("{project}") ? [ofProject, ofInstance] : [ofInstance];
      for (const { token } of [...tokens, { token: await bootstrap(edge.config, scope) }]) {
        const body = method === "GET" ? {} : BODY;
        const got = await edge.send(method, filled(path, edge), { token, ...body });
        expectProblem(got, 403, "insufficient_scope");
        expect(got.headers.get("www-authenticate")).toContain(`scope="${needed}"`);
      }
    }
    expect(await edge.trace()).toEqual(before);
  });
});

describe("a good token", () => {
  it("of the project is let through where its scope is enough, and never to the instance", async () => {
    for (const scope of SCOPES) {
      const { token } = await edge.projectToken(scope);
      for (const { method, path, route } of TABLE.filter((each) => each.scope === scope)) {
        if (method === "DELETE" && path.endsWith("{project}")) {
          continue;
        }
        const got = await edge.send(method, filled(path, edge), { token });
        const refused = got.status === 401 || got.status === 403;
        expect({ route, refused }).toEqual({ route, refused: !path.includes("{project}") });
      }
    }
  });

  it("of the instance meets 404 where no project is registered, and makes no object", async () => {
    const before = await edge.trace();
    for (const { method, path, route } of TABLE) {
      if (!path.includes("{project}") || route.startsWith("PUT")) {
        continue;
      }
      for (const name of ["nobody-knows", "NOT%2FA%20NAME", "..%2F..", "x".repeat(59)]) {
        const target = filled(path.replace("{project}", name), edge);
        expectProblem(await edge.send(method, target), 404, "project_not_found");
      }
    }
    expect(await edge.trace()).toEqual(before);
  });
});

describe("who comes through Access", () => {
  let access: Issuer;
  beforeEach(async () => {
    access = await Issuer.in(edge.world, "access", AUD);
  });

  /** As somebody of this address, on every route that is not open. */
  async function column(
    email: string,
    method: string,
    path: string,
    site = "none",
  ): Promise<string> {
    const headers = {
      [ACCESS_HEADER]: await access.token({ email }),
      "sec-fetch-site": site,
      ...(method === "GET" ? {} : BODY.headers),
    };
    const body = method === "GET" ? {} : { body: BODY.body };
    const sent = { token: null, headers, ...body };
    const got = await edge.send(method, filled(path, edge), sent);
    return got.status === 401 || got.status === 403 ? (got.body.code as string) : "let in";
  }

  const rule = async (json: object): Promise<void> => {
    expect((await edge.send("POST", "/v1/access", { json })).status).toBe(201);
  };

  it("is refused on every route where no rule fits, and nothing comes of it", async () => {
    const before = await edge.trace();
    for (const { method, path, route } of TABLE) {
      expect([route, await column("nobody@example.com", method, path)]).toEqual([
        route,
        "no_access_rule",
      ]);
    }
    expect(await edge.trace()).toEqual(before);
  });

  it("is refused from another site's page wherever something could change", async () => {
    await rule({ email: "boss@example.com", scopes: ["manage"] });
    const before = await edge.trace();
    for (const { method, path, route } of TABLE.filter((each) => each.method !== "GET")) {
      const answer = await column("boss@example.com", method, path, "cross-site");
      expect([route, answer]).toEqual([route, "cross_site"]);
    }
    expect(await edge.trace()).toEqual(before);
  });

  it.each(SCOPES)(
    "is let in with %s for what that allows, and where the rule says",
    async (scope) => {
      const { name } = edge.world;
      const [all, one] = [`all-${name}@example.com`, `one-${name}@example.com`];
      await rule({ email: all, scopes: [scope] });
      await rule({ email: one, scopes: [scope], project: name });
      // What would forget the project.
      const rest = TABLE.filter(({ route }) => route !== "DELETE /v1/projects/{project}");
      for (const { method, path, route, scope: needed } of rest) {
        const answer = allows([scope], needed) ? "let in" : "insufficient_scope";
        expect([route, await column(all, method, path)]).toEqual([route, answer]);
        const there = path.includes("{project}") ? answer : "no_access_rule";
        expect([route, await column(one, method, path)]).toEqual([route, there]);
      }
    },
  );
});
