import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { SignJWT } from "jose";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { app } from "../../../src/app.ts";
import { fromBase64url, toBase64url, utf8 } from "../../../src/security/encoding.ts";
import { AUD, Issuer, SERVICE } from "../support/issuer.ts";
import { Edge, expectProblem, leave, ORIGIN, type Got, type Sent } from "./edge.ts";

const HEADER = "cf-access-jwt-assertion";
const ADA = { email: "ada@example.com", scopes: ["deploy"] };

const seconds = (): number => Math.floor(Date.now() / 1_000);

let edge: Edge;
let access: Issuer;
beforeEach(async () => {
  edge = await Edge.create();
  access = await Issuer.in(edge.world, "access", [AUD[0]]);
});
afterEach(async () => {
  // The instance is the same in all tests.
  const { body } = await edge.send("GET", "/v1/access");
  for (const { id } of body.items as { id: string }[]) {
    await edge.send("DELETE", `/v1/access/${id}`);
  }
  leave();
});

async function rule(json: object): Promise<string> {
  const made = await edge.send("POST", "/v1/access", { json });
  expect(made.status).toBe(201);
  return (made.body as { id: string }).id;
}

/** Another project; what is outside of that is outside of all. */
async function another(): Promise<Edge> {
  const other = await Edge.create();
  access = await Issuer.in(other.world, "access", [AUD[0]]);
  return other;
}

function through(jwt: string, method: string, path: string, sent: Sent = {}): Promise<Got> {
  return edge.send(method, path, {
    token: null,
    ...sent,
    headers: { [HEADER]: jwt, ...sent.headers },
  });
}

function deploy(jwt: string, headers: Record<string, string> = {}): Promise<Got> {
  return through(jwt, "POST", `${edge.base}/deploys`, { json: { branch: "main" }, headers });
}

/** With everything that a refusal must leave as it was. */
async function refused(jwt: string, status: number, code: string): Promise<Got> {
  const before = await edge.trace();
  const got = await deploy(jwt);
  expectProblem(got, status, code);
  expect(await edge.trace()).toEqual(before);
  return got;
}

describe("a rule", () => {
  it("is made, listed and taken away", async () => {
    const { name } = edge.world;
    const json = { email: "Ada@Example.com", scopes: ["read", "deploy", "read"], project: name };
    const id = await rule({ ...json, description: "Ada" });
    const shown = {
      id,
      email: "ada@example.com",
      email_domain: null,
      service_token: null,
      scopes: ["read", "deploy"],
      project: name,
      description: "Ada",
      created_at: expect.any(String),
    };
    expect((await edge.send("GET", "/v1/access")).body).toEqual({ items: [shown] });
    expect((await edge.send("DELETE", `/v1/access/${id}`)).status).toBe(204);
    expect((await edge.send("GET", "/v1/access")).body).toEqual({ items: [] });
    expectProblem(await edge.send("DELETE", `/v1/access/${id}`), 404, "access_rule_not_found");
  });

  it.each([
    ["email", { email: undefined }],
    ["email", { email_domain: "example.com" }],
    ["email", { email: undefined, email_domain: "example.com", service_token: "x.access" }],
    ["email", { email: "ada" }],
    ["email", { email: "*@example.com\n" }],
    ["email_domain", { email: undefined, email_domain: "@example.com" }],
    ["email_domain", { email: undefined, email_domain: "*" }],
    ["service_token", { email: undefined, service_token: "ada@example.com" }],
    ["service_token", { email: undefined, service_token: "" }],
    ["scopes", { scopes: [] }],
    ["scopes.0", { scopes: ["admin"] }],
    ["project", { project: "nobody-knows" }],
    ["project", { project: "../x" }],
  ])("with a bad %s is refused", async (field, more) => {
    const got = await edge.send("POST", "/v1/access", { json: { ...ADA, ...more } });
    expectProblem(got, 422, "field_invalid");
    expect(got.body.errors[0].field).toBe(field);
    expect((await edge.send("GET", "/v1/access")).body).toEqual({ items: [] });
  });

  it("is gone with its project", async () => {
    await rule({ ...ADA, scopes: ["manage"], project: edge.world.name });
    const jwt = await access.token();
    expect((await through(jwt, "DELETE", edge.base)).status).toBe(204);
    expect((await edge.send("GET", "/v1/access")).body).toEqual({ items: [] });
    expect((await edge.send("PUT", edge.base, { json: {} })).status).toBe(201);
    expectProblem(await through(jwt, "GET", edge.base), 403, "no_access_rule");
  });
});

describe("who comes through Access", () => {
  it("acts under an e-mail address, in deploys and locks", async () => {
    await rule({ ...ADA, scopes: ["manage"] });
    const jwt = await access.token({ email: "Ada@Example.COM" });
    const made = await deploy(jwt);
    expect(made.status).toBe(202);
    expect(made.body.deploy.trigger.actor).toBe("access:ada@example.com");
    const json = { reason: "Freeze" };
    const locked = await through(jwt, "POST", `${edge.base}/locks`, { json });
    expect(locked.body.holder).toBe("access:ada@example.com");
  });

  it("is a service under its client id", async () => {
    await rule({ service_token: SERVICE.common_name, scopes: ["deploy"] });
    const made = await deploy(await access.token(SERVICE));
    expect(made.status).toBe(202);
    expect(made.body.deploy.trigger.actor).toBe(`access:${SERVICE.common_name}`);
    await refused(
      await access.token({ ...SERVICE, common_name: "x.access" }),
      403,
      "no_access_rule",
    );
    await refused(await access.token(), 403, "no_access_rule");
  });

  it("is let in by the domain of the address, and by nothing that resembles it", async () => {
    await rule({ email_domain: "Example.com", scopes: ["deploy"] });
    expect((await deploy(await access.token({ email: "Bob@EXAMPLE.com" }))).status).toBe(202);
    for (const email of [
      "bob@sub.example.com",
      "bob@notexample.com",
      "bob@example.com.evil.test",
      "bob@example.com@evil.test",
      "example.com@evil.test",
    ]) {
      await refused(await access.token({ email }), 403, "no_access_rule");
    }
  });

  it("may be of any of the configured applications", async () => {
    await rule(ADA);
    expect((await deploy(await access.token({ aud: [AUD[1]] }))).status).toBe(202);
    expect((await deploy(await access.token({ aud: ["x", AUD[0]] }))).status).toBe(202);
  });

  it("may do what any fitting rule allows, each where it counts", async () => {
    const other = await another();
    await rule({ email_domain: "example.com", scopes: ["read"] });
    const jwt = await access.token();
    expect((await through(jwt, "GET", "/v1/projects")).status).toBe(200);
    const got = await refused(jwt, 403, "insufficient_scope");
    expect(got.body.detail).toBe(
      "This takes the scope deploy; your access rules have read. Have a rule with that scope made (POST /v1/access).",
    );
    const id = await rule({ ...ADA, scopes: ["manage"], project: edge.world.name });
    expect((await deploy(jwt)).status).toBe(202);
    expect((await through(jwt, "GET", `${edge.base}/tokens`)).status).toBe(200);
    for (const path of ["/v1/tokens", "/v1/access", `${other.base}/tokens`]) {
      expectProblem(await through(jwt, "GET", path), 403, "insufficient_scope");
    }
    await edge.send("DELETE", `/v1/access/${id}`);
    await refused(jwt, 403, "insufficient_scope");
  });

  it("learns nothing of other projects than those of the rules, and makes no object", async () => {
    await rule({ ...ADA, scopes: ["manage"], project: edge.world.name });
    const other = await another();
    const jwt = await access.token();
    const before = await edge.trace();
    const answers = [];
    for (const path of ["/v1/projects/nobody-knows", other.base, "/v1/projects"]) {
      const got = await through(jwt, "GET", path);
      expectProblem(got, 403, "no_access_rule");
      answers.push(got.body.detail as string);
    }
    expect(new Set(answers)).toEqual(
      new Set([
        "Access has let you in, and no rule here says what you may do: email ada@example.com. Have somebody with manage make one with POST /v1/access.",
      ]),
    );
    expect(await edge.trace()).toEqual(before);
  });

  it("may be a minute off", async () => {
    await rule(ADA);
    expect((await deploy(await access.token({ nbf: seconds() + 59 }))).status).toBe(202);
    expect((await deploy(await access.token({ iat: seconds() + 59 }))).status).toBe(202);
    expect((await deploy(await access.token({ exp: seconds() - 59 }))).status).toBe(202);
  });

  it("is asked to wait while the team's keys can't be had", async () => {
    await rule(ADA);
    access.answer = () => new Response("no", { status: 500 });
    const got = await refused(await access.token(), 503, "issuer_unavailable");
    expect(got.headers.get("retry-after")).toBe("5");
  });

  it("is nobody by the cookie alone", async () => {
    await rule(ADA);
    const headers = { cookie: `CF_Authorization=${await access.token()}` };
    const got = await edge.on("GET", "/deploys", { token: null, headers });
    expectProblem(got, 401, "token_missing");
  });

  it("is nobody where Access is not configured", async () => {
    await rule(ADA);
    const asked: string[] = [];
    const without = {
      ...env,
      ACCESS_TEAM: "",
      ACCESS_AUD: "",
      INSTANCE: { getByName: (name: string) => (asked.push(name), env.INSTANCE.getByName(name)) },
    };
    const request = new Request(`${ORIGIN}${edge.base}/deploys`, {
      method: "POST",
      headers: { [HEADER]: await access.token() },
    });
    const response = await app.fetch(request, without, createExecutionContext());
    expect(await response.json()).toMatchObject({ status: 401, code: "token_missing" });
    expect([asked, access.asked]).toEqual([[], 0]);
  });
});

describe("with a token as well, the token decides", () => {
  it.each([
    [
      "one of less scope",
      async () => (await edge.instanceToken("read")).token,
      "insufficient_scope",
    ],
    ["one that is no good", async () => `${edge.token.slice(0, -4)}AAAA`, "invalid_token"],
    ["the JWT of Access itself", () => access.token(), "invalid_token"],
  ])("%s", async (_, make, code) => {
    await rule({ ...ADA, scopes: ["manage"] });
    const authorization = `Bearer ${await make()}`;
    const got = await deploy(await access.token(), { authorization });
    expect(got.body.code).toBe(code);
  });

  it.each(["Basic YTpi", "Bearer"])("also when it can't be read: %j", async (authorization) => {
    await rule({ ...ADA, scopes: ["manage"] });
    const got = await deploy(await access.token(), { authorization });
    expectProblem(got, 401, "token_missing");
  });

  it("one of more scope, from wherever, whatever the JWT is", async () => {
    const { id, token } = await edge.projectToken("deploy");
    const headers = { authorization: `Bearer ${token}`, "sec-fetch-site": "cross-site" };
    const got = await deploy("forged", headers);
    expect(got.status).toBe(202);
    expect(got.body.deploy.trigger.actor).toBe(id);
  });
});

describe("a request that changes something", () => {
  type Said = Record<string, string>;
  const OURS: Said[] = [
    {},
    { "sec-fetch-site": "same-origin", origin: ORIGIN },
    { "sec-fetch-site": "none" },
    { origin: ORIGIN },
  ];
  const THEIRS: Said[] = [
    { "sec-fetch-site": "cross-site", origin: "https://evil.test" },
    { "sec-fetch-site": "cross-site" },
    { "sec-fetch-site": "same-site", origin: "https://blog.signalbox.test" },
    { "sec-fetch-site": "" },
    { origin: "https://evil.test" },
    { origin: "null" },
    { origin: "http://signalbox.test" },
    { origin: `${ORIGIN}.evil.test` },
  ];
  /** Without a body, as a form of another site can send it. */
  const calls = (): [string, string][] => [
    ["POST", `${edge.base}/deploys`],
    ["POST", `${edge.base}/deploys/dpl_x/cancel`],
    ["POST", `${edge.base}/rollback`],
    ["DELETE", `${edge.base}/locks/lck_x`],
    ["PUT", edge.base],
  ];

  it.each(OURS)("is taken from a page of ours, or no browser: %j", async (headers) => {
    await rule({ ...ADA, scopes: ["manage"] });
    const jwt = await access.token();
    for (const [method, path] of calls()) {
      expect((await through(jwt, method, path, { headers })).status).not.toBe(403);
    }
  });

  it.each(THEIRS)("is refused from a page of another site: %j", async (headers) => {
    await rule({ ...ADA, scopes: ["manage"] });
    const jwt = await access.token();
    const before = await edge.trace();
    for (const [method, path] of calls()) {
      expectProblem(await through(jwt, method, path, { headers }), 403, "cross_site");
    }
    expect(await edge.trace()).toEqual(before);
    // A link from elsewhere may lead here, and reading changes nothing.
    expect((await through(jwt, "GET", edge.base, { headers })).status).toBe(200);
    // A token is nothing that a browser sends by itself.
    const withToken = await edge.on("DELETE", "/locks/lck_x", { headers });
    expectProblem(withToken, 404, "lock_not_found");
  });
});

describe("what is no word of Access", () => {
  const encoded = (value: object): string => toBase64url(utf8(JSON.stringify(value)));
  const hs256 = (secret: Uint8Array): Promise<string> =>
    new SignJWT(access.claims()).setProtectedHeader({ alg: "HS256", kid: "k1" }).sign(secret);
  const BAD: [string, string, () => string | Promise<string>][] = [
    ["of another application", "invalid_token", () => access.token({ aud: ["c".repeat(64)] })],
    [
      "of an application with a longer tag",
      "invalid_token",
      () => access.token({ aud: `${AUD[0]}a` }),
    ],
    ["of no application", "invalid_token", () => access.token({ aud: undefined })],
    ["of an empty list of applications", "invalid_token", () => access.token({ aud: [] })],
    [
      "of another team",
      "invalid_token",
      () => access.token({ iss: "https://evil.cloudflareaccess.com" }),
    ],
    ["of the team with a slash", "invalid_token", () => access.token({ iss: `${access.url}/` })],
    ["of no team", "invalid_token", () => access.token({ iss: undefined })],
    ["that has expired", "expired_token", () => access.token({ exp: seconds() - 61 })],
    [
      "that has expired, of another application",
      "invalid_token",
      () => access.token({ exp: seconds() - 61, aud: ["c".repeat(64)] }),
    ],
    ["without an end", "invalid_token", () => access.token({ exp: undefined })],
    ["that is not valid yet", "invalid_token", () => access.token({ nbf: seconds() + 61 })],
    ["made later than now", "invalid_token", () => access.token({ iat: seconds() + 61 })],
    ["without a beginning", "invalid_token", () => access.token({ iat: undefined })],
    ["the session with the login page", "invalid_token", () => access.token({ type: "org" })],
    ["of no type", "invalid_token", () => access.token({ type: undefined })],
    ["of nobody", "invalid_token", () => access.token({ email: undefined })],
    ["of an address that is none", "invalid_token", () => access.token({ email: "ada" })],
    ["of several addresses", "invalid_token", () => access.token({ email: ["ada@example.com"] })],
    [
      "of an address that only looks the same",
      "invalid_token",
      () => access.token({ email: "ad\u0430@example.com" }),
    ],
    [
      "of a service that is somebody",
      "invalid_token",
      () => access.token({ ...SERVICE, sub: "7335d417" }),
    ],
    [
      "of a service that is called like somebody",
      "invalid_token",
      () => access.token({ ...SERVICE, common_name: "ada@example.com" }),
    ],
    [
      "signed with a key that is not the team's, under the name of one that is",
      "invalid_token",
      async () => {
        await access.addKey("mine");
        access.published.pop();
        return access.token({}, "mine", "k1");
      },
    ],
    [
      "signed with a key that nobody has published",
      "invalid_token",
      async () => {
        await access.addKey("mine");
        access.published.pop();
        return access.token({}, "mine");
      },
    ],
    [
      "signed in another way than Access does",
      "invalid_token",
      async () => {
        await access.addKey("ec", "ES256");
        return access.token({}, "ec");
      },
    ],
    [
      "that somebody changed",
      "invalid_token",
      async () => {
        const [head, , tag] = (await access.token({ email: "eve@example.com" })).split(".");
        return `${head}.${encoded(access.claims())}.${tag}`;
      },
    ],
    [
      "with alg none",
      "invalid_token",
      () => `${encoded({ alg: "none", kid: "k1" })}.${encoded(access.claims())}.`,
    ],
    [
      "signed by HS256 with the public key as the secret",
      "invalid_token",
      () => hs256(utf8(JSON.stringify(access.jwk()))),
    ],
    [
      "signed by HS256 with the key's modulus as the secret",
      "invalid_token",
      () => hs256(fromBase64url(access.jwk().n ?? "") ?? utf8("")),
    ],
    ["that is hardly a JWT", "invalid_token", () => "eyJ.eyJ.x"],
    ["that is no JWT", "invalid_token", () => "ada@example.com"],
    ["that is empty", "invalid_token", () => ""],
    ["that is far too long", "invalid_token", () => access.token({ x: "x".repeat(10_000) })],
    [
      "of a CI job",
      "invalid_token",
      async () => (await Issuer.in(edge.world, "github", ORIGIN)).token(),
    ],
  ];

  it.each(BAD)("%s is refused, and nothing comes of it", async (_, code, make) => {
    await rule({ ...ADA, scopes: ["manage"] });
    await rule({ service_token: SERVICE.common_name, scopes: ["manage"] });
    const jwt = await make();
    const got = await refused(jwt, 401, code);
    expect(got.headers.get("www-authenticate")).toBe(
      'Bearer realm="signalbox", error="invalid_token"',
    );
    expect(jwt.length < 20 || !got.text.includes(jwt.slice(0, 20))).toBe(true);
  });
});
