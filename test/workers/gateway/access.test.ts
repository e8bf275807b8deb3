import { exports } from "cloudflare:workers";
import { SignJWT } from "jose";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { GATEWAY_ROUTES, type GatewayRoute } from "../../../src/gateway/door.ts";
import { uuidOf } from "../../../src/gateway/provisional.ts";
import { fromBase64url, toBase64url, utf8 } from "../../../src/security/encoding.ts";
import { mintToken } from "../../../src/security/tokens.ts";
import { Edge, leave, ORIGIN } from "../api/edge.ts";
import { AUD, Issuer } from "../support/issuer.ts";

let edge: Edge;
beforeEach(async () => {
  edge = await Edge.create();
});
afterEach(leave);

const UUID = "9594fc3a-1f3c-4f0e-8e1f-0c9a6c1d2e3f";

/** Who may call what; a route that is not here fails the first test. */
const SCOPES: Readonly<Record<string, "read" | "deploy" | "manage" | "upload token">> = {
  "GET /accounts/:account/pages/projects": "read",
  "POST /accounts/:account/pages/projects": "manage",
  "GET /accounts/:account/pages/projects/:project": "read",
  "PATCH /accounts/:account/pages/projects/:project": "manage",
  "GET /accounts/:account/pages/projects/:project/upload-token": "deploy",
  "POST /accounts/:account/pages/projects/:project/purge_build_cache": "manage",
  "GET /accounts/:account/pages/projects/:project/deployments": "read",
  "POST /accounts/:account/pages/projects/:project/deployments": "deploy",
  "GET /accounts/:account/pages/projects/:project/deployments/:deployment": "read",
  "DELETE /accounts/:account/pages/projects/:project/deployments/:deployment": "manage",
  "POST /accounts/:account/pages/projects/:project/deployments/:deployment/retry": "deploy",
  "POST /accounts/:account/pages/projects/:project/deployments/:deployment/rollback": "deploy",
  "GET /accounts/:account/pages/projects/:project/deployments/:deployment/history/logs": "read",
  "POST /accounts/:account/pages/projects/:project/deployments/:deployment/tails": "manage",
  "DELETE /accounts/:account/pages/projects/:project/deployments/:deployment/tails/:tail": "manage",
  "GET /accounts/:account/pages/projects/:project/domains": "read",
  "POST /accounts/:account/pages/projects/:project/domains": "manage",
  "GET /accounts/:account/pages/projects/:project/domains/:domain": "read",
  "PATCH /accounts/:account/pages/projects/:project/domains/:domain": "manage",
  "DELETE /accounts/:account/pages/projects/:project/domains/:domain": "manage",
  "POST /pages/assets/check-missing": "upload token",
  "POST /pages/assets/upload": "upload token",
  "POST /pages/assets/upsert-hashes": "upload token",
};

const nameOf = ({ method, path }: GatewayRoute): string => `${method} ${path}`;
const GUARDED = GATEWAY_ROUTES.filter(({ admission }) => admission !== null);

function pathOf(path: string, filled: Partial<Record<string, string>> = {}): string {
  const values: Partial<Record<string, string>> = {
    account: edge.world.sandbox.accountId,
    project: edge.world.name,
    deployment: UUID,
    tail: "a-tail",
    domain: "blog.example",
    ...filled,
  };
  return `/client/v4${path.replaceAll(/:(\w+)/g, (_, name: string) => values[name] ?? "")}`;
}

async function call(
  method: string,
  path: string,
  token: string | null,
  headers: Record<string, string> = {},
) {
  const response = await exports.default.fetch(
    new Request(`${ORIGIN}${path}`, {
      method,
      headers: { ...(token === null ? {} : { authorization: `Bearer ${token}` }), ...headers },
      redirect: "manual",
    }),
  );
  const body: { success: boolean; errors: { code: number; message: string }[] } =
    await response.json();
  return { status: response.status, code: body.errors[0]?.code, body };
}

/** What each guarded route answers to this caller: the code of the refusal, or that there was none. */
async function column(
  token: string | null,
  headers: Record<string, string> = {},
): Promise<Record<string, unknown>> {
  const before = asked();
  const answers: [string, unknown][] = [];
  for (const { method, path } of GUARDED) {
    // Time for the budget to fill; a form that is none, so that nobody waits for a deploy.
    edge.world.pass(1_000);
    const sent = { ...headers, "content-type": "multipart/mixed" };
    const got = await call(method, pathOf(path), token, sent);
    answers.push([`${method} ${path}`, [401, 403].includes(got.status) ? got.code : "let in"]);
  }
  expect(asked() > before).toBe(answers.some(([, answer]) => answer === "let in"));
  return Object.fromEntries(answers);
}

/** What a column should be: by the scope of each route of the project, and `account` for those about all of them. */
function table(
  answer: (scope: string) => unknown,
  account: (scope: string) => unknown,
): Record<string, unknown> {
  return Object.fromEntries(
    GUARDED.map((route) => {
      const { scope = "", registered } = route.admission ?? {};
      return [nameOf(route), (registered === null ? account : answer)(scope)];
    }),
  );
}

const encode = (part: object): string => toBase64url(utf8(JSON.stringify(part)));

const asked = (): number => edge.world.sandbox.journal().requests.length;

describe("the gateway's routes", () => {
  it("are those of the table", () => {
    expect(GATEWAY_ROUTES.map(nameOf).toSorted()).toEqual(Object.keys(SCOPES).toSorted());
    const scopes = GATEWAY_ROUTES.map((route) => [
      nameOf(route),
      route.admission?.scope ?? "upload token",
    ]);
    expect(Object.fromEntries(scopes)).toEqual(SCOPES);
  });

  it("let nobody in without a token that is good, and tell it in Cloudflare's envelope", async () => {
    const dead = await edge.instanceToken("manage");
    await edge.send("DELETE", `/v1/tokens/${dead.id}`);
    const late = await edge.instanceToken("manage", {
      expires_at: new Date(Date.now() + 1_000).toISOString(),
    });
    edge.world.pass(2_000);
    const other = await Edge.create();
    const strange = await mintToken(edge.config.keyring, other.world.key);
    const forged = `${edge.token.slice(0, -4)}AAAA`;
    const before = [asked(), await edge.trace()];
    for (const { method, path } of GUARDED) {
      const codes = [null, "x", forged, dead.token, strange.token].map((t) => [t, 10_000] as const);
      for (const [token, code] of [...codes, [late.token, 9_109] as const]) {
        const got = await call(method, pathOf(path), token);
        expect([got.status, got.code, got.body.success], `${method} ${path}`).toEqual([
          401,
          code,
          false,
        ]);
      }
    }
    expect([asked(), await edge.trace()]).toEqual(before);
  });

  it("take each token for what it may do, and where", async () => {
    const may = {
      read: ["read"],
      deploy: ["read", "deploy"],
      manage: ["read", "deploy", "manage"],
    } as const;
    for (const scope of ["read", "deploy", "manage"] as const) {
      const allowed = (needed: string): unknown =>
        (may[scope] as readonly string[]).includes(needed) ? "let in" : 9_109;
      const everywhere = await edge.instanceToken(scope);
      expect(await column(everywhere.token)).toEqual(table(allowed, allowed));
      const here = await edge.projectToken(scope);
      expect(await column(here.token)).toEqual(table(allowed, () => 10_000));
    }
  });

  it("take a CI job's token for what the rule says, and only about the project", async () => {
    const github = await Issuer.in(edge.world, "github", ORIGIN);
    const rule = { issuer: "github", repository_id: "4711" };
    const unknown = (): number => 10_000;
    expect(await column(await github.token())).toEqual(table(() => 9_109, unknown));
    await edge.on("POST", "/trust", { json: { ...rule, scope: "read" } });
    expect(await column(await github.token())).toEqual(
      table((scope) => (scope === "read" ? "let in" : 9_109), unknown),
    );
    await edge.on("POST", "/trust", { json: { ...rule, scope: "deploy" } });
    const token = await github.token();
    expect(await column(token)).toEqual(
      table((scope) => (scope === "manage" ? 9_109 : "let in"), unknown),
    );
    await github.addKey("k2");
    github.published.pop();
    const { n: modulus = "" } = github.jwk();
    const symmetric = new SignJWT(github.claims()).setProtectedHeader({ alg: "HS256", kid: "k1" });
    const forgeries = {
      signature: `${token.slice(0, -8)}AAAAAAAA`,
      audience: await github.token({ aud: "https://elsewhere.example" }),
      key: await github.token({}, "k2", "k1"),
      "alg none": `${encode({ alg: "none", kid: "k1" })}.${encode(github.claims())}.`,
      "HS256 by the public key": await symmetric.sign(fromBase64url(modulus) ?? utf8("")),
    };
    const columns: Record<string, unknown> = {};
    for (const [what, forged] of Object.entries(forgeries)) {
      columns[what] = await column(forged);
    }
    expect(columns).toEqual(
      Object.fromEntries(Object.keys(forgeries).map((what) => [what, table(unknown, unknown)])),
    );
    expect(await column(await github.token({ repository_id: "4712" }))).toEqual(
      table(() => 9_109, unknown),
    );
    edge.world.pass(10 * 60_000);
    expect(await column(token)).toEqual(table(() => 9_109, unknown));
    github.answer = () => new Response("no", { status: 500 });
    edge.world.pass(60_000);
    const path = pathOf("/accounts/:account/pages/projects/:project");
    const got = await call("GET", path, await github.token({}, "k1", "k2"));
    expect([got.status, got.code]).toEqual([503, 8_900_503]);
  });

  it("take who comes through Access for what the rules say, and where", async () => {
    const access = await Issuer.in(edge.world, "access", AUD);
    const { name } = edge.world;
    const through = async (email: string, more: object = {}): Promise<Record<string, unknown>> =>
      column(null, { "cf-access-jwt-assertion": await access.token({ email, ...more }) });
    const refused = (): number => 9_109;
    const deploys = (scope: string): unknown => (scope === "manage" ? 9_109 : "let in");
    const [all, one] = [`all-${name}@example.com`, `one-${name}@example.com`];
    expect(await through(all)).toEqual(table(refused, refused));
    await edge.send("POST", "/v1/access", { json: { email: all, scopes: ["deploy"] } });
    const json = { email: one, scopes: ["deploy"], project: name };
    await edge.send("POST", "/v1/access", { json });
    expect(await through(all)).toEqual(table(deploys, deploys));
    expect(await through(one)).toEqual(table(deploys, refused));
    const before = await edge.trace();
    const unknown = (): number => 10_000;
    for (const more of [{ aud: ["c".repeat(64)] }, { exp: 1 }, { type: "org" }]) {
      expect(await through(all, more)).toEqual(table(unknown, unknown));
    }
    expect(
      await column("x", { "cf-access-jwt-assertion": await access.token({ email: all }) }),
    ).toEqual(table(unknown, unknown));
    expect(await edge.trace()).toEqual(before);
  });

  it("take nothing from another site's page by a login with Access", async () => {
    const access = await Issuer.in(edge.world, "access", AUD);
    const email = `all-${edge.world.name}@example.com`;
    await edge.send("POST", "/v1/access", { json: { email, scopes: ["manage"] } });
    const headers = { "sec-fetch-site": "cross-site" };
    const before = [asked(), await edge.trace()];
    for (const { method, path } of GUARDED.filter((route) => route.method !== "GET")) {
      const assertion = { "cf-access-jwt-assertion": await access.token({ email }) };
      const got = await call(method, pathOf(path), null, { ...headers, ...assertion });
      expect([got.status, got.code, got.body.success]).toEqual([403, 9_109, false]);
    }
    expect([asked(), await edge.trace()]).toEqual(before);
  });

  it("show a deploy to the job that asked for it when its token has expired", async () => {
    const github = await Issuer.in(edge.world, "github", ORIGIN);
    const json = { issuer: "github", repository_id: "4711", scope: "deploy" };
    await edge.on("POST", "/trust", { json });
    const token = await github.token();
    const made = await edge.on("POST", "/deploys", { token, json: { branch: "main" } });
    const id = made.body.deploy.id as string;
    edge.world.pass(20 * 60_000);
    const P = "/accounts/:account/pages/projects/:project/deployments";
    const read = async (deployment: string, more: string): Promise<number> =>
      (await call("GET", pathOf(`${P}/:deployment${more}`, { deployment }), token)).status;
    const both = async (deployment: string): Promise<number[]> => [
      await read(deployment, ""),
      await read(deployment, "/history/logs"),
    ];
    expect(await both(uuidOf(id))).toEqual([200, 200]);
    const { deployment } = await edge.world.ended(id);
    expect(await both(uuidOf(id))).toEqual([200, 200]);
    expect(await both(deployment?.id ?? "")).toEqual([200, 200]);
    expect(await both(UUID)).toEqual([401, 401]);
    expect((await call("GET", pathOf(P), token)).status).toBe(401);
    expect((await call("POST", pathOf(`${P}/:deployment/retry`), token)).status).toBe(401);
    edge.world.pass(10 * 60_000);
    expect(await both(deployment?.id ?? "")).toEqual([401, 401]);
  });

  it("take the token where older clients have their key", async () => {
    const path = pathOf("/accounts/:account/pages/projects/:project");
    const github = await Issuer.in(edge.world, "github", ORIGIN);
    const json = { issuer: "github", repository_id: "4711", scope: "read" };
    await edge.on("POST", "/trust", { json });
    for (const token of [edge.token, await github.token()]) {
      const got = await call("GET", path, null, {
        "x-auth-key": token,
        "x-auth-email": "ada@example.com",
      });
      expect(got.status).toBe(200);
    }
  });

  it("are of accounts with a credential here", async () => {
    const before = [asked(), await edge.trace()];
    for (const { method, path, admission } of GUARDED) {
      const got = await call(method, pathOf(path, { account: "0".repeat(32) }), edge.token);
      const code = admission?.registered === true ? 8_900_404 : 10_000;
      expect([got.status, got.code], `${method} ${path}`).toEqual([404, code]);
    }
    expect([asked(), await edge.trace()]).toEqual(before);
  });

  it("want the project registered, but for the look that wrangler takes first", async () => {
    const path = pathOf("/accounts/:account/pages/projects/:project/deployments", {
      project: "nobodys",
    });
    expect(await call("GET", path, edge.token)).toMatchObject({ status: 404, code: 8_900_404 });
    const first = path.replace(/\/deployments$/, "");
    expect(await call("GET", first, edge.token)).toMatchObject({ status: 404, code: 8_000_007 });
  });
});

describe("nothing else reaches Cloudflare", () => {
  const P = "/accounts/:account/pages/projects/:project";
  it.each([
    ["GET", "/user"],
    ["GET", "/accounts"],
    ["GET", "/accounts/:account/workers/scripts"],
    ["PUT", "/accounts/:account/workers/scripts/x"],
    ["DELETE", P],
    ["PUT", P],
    ["GET", `${P}/deploy_hooks`],
    ["GET", `${P}/deployments/..%2F..%2F..%2F..%2Fworkers%2Fscripts`],
    ["GET", `${P}/deployments/%2e%2e`],
    ["GET", `${P}/deployments/${UUID};x`],
    ["GET", `${P}/deployments/${UUID}%00`],
    ["GET", `${P}/deployments/${UUID}%2Fretry`],
    ["GET", `${P}/deployments/${"a".repeat(3_000)}`],
    ["GET", `${P}/domains/..%2Fdeployments`],
    ["GET", `${P}/domains/${"a.".repeat(200)}example`],
    ["GET", "/accounts/:account/pages/projects/..%2F..%2Fworkers"],
    ["GET", "/accounts/:account/pages/projects/UPPER"],
    ["POST", "/pages/assets/delete"],
    ["GET", "/pages/assets/upload"],
    ["GET", "/zones"],
  ])("%s %s", async (method, path) => {
    const before = asked();
    const got = await call(method, pathOf(path), edge.token);
    expect(got.status).toBeGreaterThanOrEqual(400);
    expect(got.status).toBeLessThan(500);
    expect(got.body.success).toBe(false);
    expect(asked()).toBe(before);
  });

  it("but doubled slashes are one, and a bare ? is nothing", async () => {
    const path = pathOf("//accounts/:account/pages/projects//:project/deployments?");
    expect((await call("GET", path, edge.token)).status).toBe(200);
  });
});
