import { SignJWT } from "jose";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { fromBase64url, toBase64url, utf8 } from "../../../src/security/encoding.ts";
import { Issuer } from "../support/issuer.ts";
import { expectProblem, filled, leave, operations, ORIGIN, type Edge, type Got } from "./edge.ts";
import { Jobs, RULE } from "./job.ts";

const MINUTE = 60_000;

const seconds = (): number => Math.floor(Date.now() / 1_000);

let jobs: Jobs;
let edge: Edge;
let github: Issuer;
beforeEach(async () => {
  jobs = await Jobs.create();
  ({ edge, github } = jobs);
});
afterEach(leave);

const trust: Jobs["trust"] = (more) => jobs.trust(more);
const deploy: Jobs["deploy"] = (token) => jobs.deploy(token);
const refused: Jobs["refused"] = (token, status, code) => jobs.refused(token, status, code);

describe("a rule", () => {
  it("is made, listed and taken away, by who manages", async () => {
    const id = await trust({ repository: "acme/site", ref: "refs/heads/*" });
    const rule = {
      ...RULE,
      id,
      repository: "acme/site",
      ref: "refs/heads/*",
      environment: null,
      workflow: null,
      created_at: expect.any(String),
    };
    expect((await edge.on("GET", "/trust")).body).toEqual({ items: [rule] });
    expect((await edge.on("DELETE", `/trust/${id}`)).status).toBe(204);
    expect((await edge.on("GET", "/trust")).body).toEqual({ items: [] });
    expectProblem(await edge.on("DELETE", `/trust/${id}`), 404, "trust_not_found");
  });

  it.each([
    ["issuer", { issuer: "https://gitlab.example.com" }],
    ["issuer", { issuer: "http://127.0.0.1:1" }],
    ["repository_id", { repository_id: "acme/site" }],
    ["scope", { scope: "manage" }],
    ["ref", { ref: "" }],
    ["environment", { environment: 1 }],
  ])("with a bad %s is refused", async (field, more) => {
    const before = await edge.trace();
    const got = await edge.on("POST", "/trust", { json: { ...RULE, ...more } });
    expectProblem(got, 422, "field_invalid");
    expect(got.body.errors[0].field).toBe(field);
    expect(await edge.trace()).toEqual(before);
  });
});

describe("a job that a rule trusts", () => {
  it("deploys, and its deploy says which run it was", async () => {
    await trust({ ref: "refs/heads/main", workflow: "acme/site/.github/workflows/*@refs/heads/*" });
    const got = await deploy(await github.token());
    expect(got.status).toBe(202);
    expect(got.body.deploy.trigger.actor).toBe("oidc:github:acme/site#123");
  });

  it.each([
    ["the origin", ORIGIN],
    ["the word for any Signalbox", "signalbox"],
    ["one among several", ["https://elsewhere.example", ORIGIN]],
  ])("may have asked for %s as the audience", async (_, aud) => {
    await trust();
    expect((await deploy(await github.token({ aud }))).status).toBe(202);
  });

  it("may be signed for with an elliptic curve", async () => {
    await trust();
    await github.addKey("ec", "ES256");
    expect((await deploy(await github.token({}, "ec"))).status).toBe(202);
  });

  it("is of GitLab, too", async () => {
    const gitlab = await Issuer.in(edge.world, "gitlab", "signalbox");
    await trust({ issuer: "gitlab", ref: "refs/heads/main", environment: "production" });
    const token = await gitlab.token({ environment: "production" });
    expect((await deploy(token)).body.deploy.trigger.actor).toBe("oidc:gitlab:acme/site#123");
    await refused(await github.token({ environment: "production" }), 403, "not_trusted");
  });

  it("has the scope of the rule, the larger one of two", async () => {
    await trust({ scope: "read" });
    const token = await github.token();
    expect((await edge.on("GET", "/deploys", { token })).status).toBe(200);
    await refused(token, 403, "insufficient_scope");
    await trust();
    expect((await deploy(token)).status).toBe(202);
    expectProblem(await edge.on("GET", "/tokens", { token }), 403, "insufficient_scope");
  });

  it("is never let on a route of the instance", async () => {
    await trust();
    const token = await github.token();
    const asked = github.asked;
    for (const path of ["/v1/projects", "/v1/tokens", "/v1/budget"]) {
      expectProblem(await edge.send("GET", path, { token }), 401, "invalid_token");
    }
    expect(github.asked).toBe(asked);
  });

  it("is trusted no more when the rule is gone", async () => {
    const id = await trust();
    const token = await github.token();
    expect((await deploy(token)).status).toBe(202);
    await edge.on("DELETE", `/trust/${id}`);
    await refused(token, 403, "not_trusted");
  });

  it("may be a minute off", async () => {
    await trust();
    expect((await deploy(await github.token({ nbf: seconds() + 59 }))).status).toBe(202);
    expect((await deploy(await github.token({ exp: seconds() - 59 }))).status).toBe(202);
  });
});

describe("a job that no rule trusts", () => {
  it.each([
    ["another repository", { repository_id: "4712" }],
    ["another repository of the same name", { repository_id: "471", repository: "acme/site" }],
    ["another ref", { ref: "refs/heads/feature" }],
    ["a deeper ref", { ref: "refs/heads/main/x" }],
    ["a tag of the branch's name", { ref: "refs/tags/main" }],
    ["no ref", { ref: undefined }],
    ["another environment", { environment: "staging" }],
    ["no environment", { environment: undefined }],
    ["another workflow", { job_workflow_ref: "acme/site/.github/workflows/x.yml@refs/heads/y" }],
  ])("%s is told what it came with", async (_, more) => {
    await trust({
      ref: "refs/heads/main",
      environment: "production",
      workflow: "acme/site/.github/workflows/deploy.yml@refs/heads/main",
    });
    expect((await deploy(await github.token({ environment: "production" }))).status).toBe(202);
    const token = await github.token({ environment: "production", ...more });
    const { body } = await refused(token, 403, "not_trusted");
    expect(body.detail).toContain("repository acme/site, ref ");
  });

  it("learns nothing of whether there is such a project, and makes no object", async () => {
    const token = await github.token({ environment: "production" });
    const before = await edge.trace();
    const nobody = await edge.send("GET", "/v1/projects/nobody-knows/deploys", { token });
    expectProblem(nobody, 403, "not_trusted");
    const known = await edge.on("GET", "/deploys", { token });
    expect(nobody.body.detail).toBe(known.body.detail);
    expect(known.body.detail).toBe(
      "No trust rule of this project fits this job: issuer github, repository_id 4711, repository acme/site, ref refs/heads/main, environment production, workflow acme/site/.github/workflows/deploy.yml@refs/heads/main. Make one with POST /v1/projects/:project/trust.",
    );
    expect(await edge.trace()).toEqual(before);
  });
});

it("is refused and described on every route, and nothing comes of it", async () => {
  const json = { no_such_field: 1 };
  const token = await github.token();
  const late = await github.token({ exp: seconds() - 100 });
  const forged = `${token.slice(0, -8)}AAAAAAAA`;
  const before = await edge.trace();
  const routes = (await operations(edge)).filter(({ scope }) => scope !== null);
  const answers = (path: string): [number, string][] =>
    path.includes("{project}")
      ? [
          [403, "not_trusted"],
          [401, "invalid_token"],
        ]
      : [
          [401, "invalid_token"],
          [401, "invalid_token"],
        ];
  for (const { method, path } of routes) {
    const body = method === "GET" ? {} : { json };
    for (const [i, [status, code]] of answers(path).entries()) {
      const sent = { token: [token, forged][i] ?? "", ...body };
      expectProblem(await edge.send(method, filled(path, edge), sent), status, code);
    }
    const got = await edge.send(method, filled(path, edge), { token: late, ...body });
    expect([401, 403]).toContain(got.status);
  }
  expect(await edge.trace()).toEqual(before);
});

describe("a token that is no good", () => {
  const parts = (token: string): string[] => token.split(".");
  const header = (value: object): string => toBase64url(utf8(JSON.stringify(value)));
  const BAD: [string, string, () => Promise<string>][] = [
    ["for another audience", "invalid_token", () => github.token({ aud: "https://example.com" })],
    ["for a longer audience", "invalid_token", () => github.token({ aud: `${ORIGIN}.example` })],
    ["for no audience", "invalid_token", () => github.token({ aud: undefined })],
    ["that has expired", "expired_token", () => github.token({ exp: seconds() - 61 })],
    ["without an end", "invalid_token", () => github.token({ exp: undefined })],
    ["with an end that is no number", "invalid_token", () => github.token({ exp: "9999999999" })],
    ["that is not valid yet", "invalid_token", () => github.token({ nbf: seconds() + 61 })],
    [
      "that has expired, for another audience",
      "invalid_token",
      () => github.token({ exp: seconds() - 61, aud: "https://example.com" }),
    ],
    [
      "of another issuer",
      "invalid_token",
      () => github.token({ iss: "https://token.actions.githubusercontent.com.example" }),
    ],
    [
      "of the issuer with a slash",
      "invalid_token",
      () => github.token({ iss: "https://token.actions.githubusercontent.com/" }),
    ],
    ["of no issuer", "invalid_token", () => github.token({ iss: undefined })],
    ["without a repository", "invalid_token", () => github.token({ repository_id: undefined })],
    [
      "signed with a key that is not the issuer's, under the name of one that is",
      "invalid_token",
      async () => {
        await github.addKey("mine");
        github.published.pop();
        return github.token({}, "mine", "k1");
      },
    ],
    [
      "that one changed",
      "invalid_token",
      async () => {
        const [head, , tag] = parts(await github.token());
        return `${head}.${header(github.claims({ repository_id: "4711", ref: "x" }))}.${tag}`;
      },
    ],
    [
      "with alg none and no signature",
      "invalid_token",
      async () => `${header({ alg: "none", kid: "k1" })}.${header(github.claims())}.`,
    ],
    [
      "with alg none and a signature",
      "invalid_token",
      async () => {
        const [, body, tag] = parts(await github.token());
        return `${header({ alg: "none", kid: "k1" })}.${body}.${tag}`;
      },
    ],
    [
      "signed by HS256 with the public key as the secret",
      "invalid_token",
      () =>
        new SignJWT(github.claims())
          .setProtectedHeader({ alg: "HS256", kid: "k1" })
          .sign(utf8(JSON.stringify(github.jwk()))),
    ],
    [
      "signed by HS256 with the key's modulus as the secret",
      "invalid_token",
      () =>
        new SignJWT(github.claims())
          .setProtectedHeader({ alg: "HS256", kid: "k1" })
          .sign(fromBase64url(github.jwk().n ?? "") ?? utf8("")),
    ],
    [
      "that brings its own key",
      "invalid_token",
      async () => {
        await github.addKey("mine");
        github.published.pop();
        const [, body, tag] = parts(await github.token({}, "mine"));
        const jwk = github.jwk("mine");
        return `${header({ alg: "RS256", kid: "k1", jwk })}.${body}.${tag}`;
      },
    ],
    [
      "without the name of a key",
      "invalid_token",
      async () => {
        const [, body, tag] = parts(await github.token());
        return `${header({ alg: "RS256" })}.${body}.${tag}`;
      },
    ],
    ["that is hardly one", "invalid_token", async () => "eyJ.eyJ.x"],
    ["whose claims are no object", "invalid_token", async () => `eyJhbGciOiJSUzI1NiJ9.W10.x`],
  ];

  it.each(BAD)("%s is refused, and nothing comes of it", async (_, code, make) => {
    await trust();
    await refused(await make(), 401, code);
  });

  it("for another audience is told which one to ask for", async () => {
    const { body } = await refused(await github.token({ aud: "x" }), 401, "invalid_token");
    expect(body.detail).toContain(`Ask for one for ${ORIGIN}.`);
  });

  it("of one issuer is not taken with the key of another", async () => {
    const gitlab = await Issuer.in(edge.world, "gitlab", ORIGIN);
    await trust();
    await refused(await gitlab.token(github.claims()), 401, "invalid_token");
  });
});

describe("the issuer's keys", () => {
  it("are fetched once, and again when they are old", async () => {
    await trust();
    await deploy(await github.token());
    await deploy(await github.token());
    expect(github.asked).toBe(1);
    edge.world.pass(10 * MINUTE);
    await deploy(await github.token());
    expect(github.asked).toBe(2);
  });

  it("are fetched again for one that is unknown, once a minute, and then it is known", async () => {
    await trust();
    expect((await deploy(await github.token())).status).toBe(202);
    await github.addKey("k2");
    const rotated = await github.token({}, "k2");
    await refused(rotated, 401, "invalid_token");
    expect(github.asked).toBe(1);
    edge.world.pass(MINUTE);
    expect((await deploy(rotated)).status).toBe(202);
    expect(github.asked).toBe(2);
    for (const kid of ["k3", "k4", "k5"]) {
      await refused(await github.token({}, "k1", kid), 401, "invalid_token");
    }
    expect(github.asked).toBe(2);
  });

  it("that were withdrawn are good for ten minutes at most", async () => {
    await trust();
    expect((await deploy(await github.token())).status).toBe(202);
    await github.addKey("k2");
    github.published.shift();
    edge.world.pass(10 * MINUTE);
    await refused(await github.token(), 401, "invalid_token");
    expect((await deploy(await github.token({}, "k2"))).status).toBe(202);
  });

  it("that can't be used spoil nothing", async () => {
    await trust();
    github.published.unshift({ kty: "oct", kid: "k0", k: "AAAA" }, { kid: "no type" });
    github.published.push({ kty: "RSA", kid: "k9", n: "AQAB", e: "AQAB" });
    expect((await deploy(await github.token())).status).toBe(202);
    await refused(await github.token({}, "k1", "k9"), 401, "invalid_token");
  });

  it.each<[string, () => Response | Promise<Response>]>([
    ["an error", () => new Response("no", { status: 500 })],
    ["nothing", () => Promise.reject(new TypeError("connection lost"))],
    ["a page", () => new Response("<html>")],
    ["no keys", () => Response.json({})],
    ["too much", () => Response.json({ keys: [], more: "x".repeat(200_000) })],
    ["another address", () => Response.redirect("https://elsewhere.example/jwks", 302)],
  ])("answered with %s let nobody in, and are not asked for by every token", async (_, answer) => {
    await trust();
    github.answer = answer;
    const got = await refused(await github.token(), 503, "issuer_unavailable");
    expect(got.headers.get("retry-after")).toBe("5");
    await refused(await github.token(), 503, "issuer_unavailable");
    expect(github.asked).toBe(1);
    github.answer = null;
    edge.world.pass(5_000);
    expect((await deploy(await github.token())).status).toBe(202);
  });

  it("that are known go on while the issuer fails, and unknown ones are not called bad", async () => {
    await trust();
    expect((await deploy(await github.token())).status).toBe(202);
    edge.world.pass(MINUTE);
    github.answer = () => new Response("no", { status: 500 });
    await refused(await github.token({}, "k1", "k2"), 503, "issuer_unavailable");
    await refused(await github.token({}, "k1", "k3"), 503, "issuer_unavailable");
    expect(github.asked).toBe(2);
    expect((await deploy(await github.token())).status).toBe(202);
  });
});
describe("an older run of a workflow", () => {
  it("does not go over a newer one, by what its token says", async () => {
    await trust();
    const workflow_ref = "acme/site/.github/workflows/deploy.yml@refs/heads/main";
    const run = async (run_number: string, run_attempt = "1"): Promise<Got> =>
      deploy(await github.token({ workflow_ref, run_number, run_attempt }));
    expect((await run("42")).body.outcome).toBe("queued");
    expect((await run("41", "2")).body).toMatchObject({
      outcome: "superseded",
      reason_code: "stale_run",
      reason:
        "Superseded by #1: run 41 of acme/site/.github/workflows/deploy.yml is older than run 42, which came first.",
    });
    expect((await run("42", "2")).body.outcome).toBe("queued");
    expect((await deploy(await github.token())).body.outcome).toBe("queued");
  });
});
