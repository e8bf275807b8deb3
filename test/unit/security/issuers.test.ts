import { describe, expect, it } from "vitest";

import { configOf } from "../../../src/env.ts";
import { issuerAt, ISSUERS, jobClaims } from "../../../src/security/issuers.ts";

const BINDINGS = {
  SIGNALBOX_KEYS: "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE",
  CLOUDFLARE_ACCOUNT_ID: "0123456789abcdef0123456789abcdef",
  CLOUDFLARE_API_TOKEN: "token",
};

describe("an issuer", () => {
  it.each([
    [
      "https://token.actions.githubusercontent.com/acme",
      "https://token.actions.githubusercontent.com/acme/.well-known/jwks",
      "github",
    ],
    [
      "https://git.example.com/_services/token",
      "https://git.example.com/_services/token/.well-known/jwks",
      "github",
    ],
    ["https://gitlab.example.com", "https://gitlab.example.com/oauth/discovery/keys", "gitlab"],
  ])("at %s has its keys at %s", (url, keysUrl, kind) => {
    expect(issuerAt(url)).toEqual({ name: url, url, keysUrl, kind });
  });

  it("is one of two, unless the instance is configured with more", async () => {
    const issuersOf = async (more: object): Promise<string[] | null> => {
      const config = await configOf({ ...BINDINGS, ...more });
      return config.ok ? config.value.issuers.map(({ name }) => name) : null;
    };
    const two = ["github", "gitlab"];
    expect(await issuersOf({})).toEqual(two);
    expect(await issuersOf({ OIDC_ISSUERS: "" })).toEqual(two);
    expect(await issuersOf({ OIDC_ISSUERS: "https://a.example, https://b.example/x" })).toEqual([
      ...two,
      "https://a.example",
      "https://b.example/x",
    ]);
    const loopback = { SIGNALBOX_LOCAL_ISSUER: "http://127.0.0.1:1" };
    expect(await issuersOf(loopback)).toEqual(two);
    expect(await issuersOf({ ...loopback, SIGNALBOX_LOCAL: "1" })).toEqual([
      ...two,
      "http://127.0.0.1:1",
    ]);
  });

  it.each([
    "http://gitlab.example.com",
    "https://gitlab.example.com/",
    "https://user@gitlab.example.com",
    "https://gitlab.example.com?x",
    "https://gitlab.example.com#x",
    "gitlab.example.com",
    "https://a.example https:",
  ])("can't be %s", async (url) => {
    const config = await configOf({ ...BINDINGS, OIDC_ISSUERS: url });
    expect(config).toMatchObject({ ok: false, error: [{ setting: "OIDC_ISSUERS" }] });
  });
});

describe("the claims of a job", () => {
  const [github, gitlab] = ISSUERS;
  const good = { repository_id: "1", repository: "a/b" };

  it("are read from what the issuer's kind calls them", () => {
    const same = { repository_id: "1", repository: "a/b", environment: null };
    expect(github && jobClaims(github, { ...good, ref: "r", run_id: "7" })).toEqual({
      ...same,
      issuer: "github",
      ref: "r",
      workflow: null,
      run: "7",
      counted: null,
    });
    const workflow_ref = "a/b/.github/workflows/x.yml@refs/heads/main";
    const counted = { ...good, workflow_ref, run_number: "42", run_attempt: "2" };
    expect(github && jobClaims(github, counted)).toMatchObject({
      counted: { workflow: "a/b/.github/workflows/x.yml", number: 42, attempt: 2 },
    });
    const theirs = { project_id: 1, project_path: "a/b", ref: "main", ci_config_ref_uri: "w" };
    expect(gitlab && jobClaims(gitlab, { ...theirs, ref_path: "r", pipeline_id: 7 })).toEqual({
      ...same,
      issuer: "gitlab",
      ref: "r",
      workflow: "w",
      run: "7",
      counted: { workflow: "a/b", number: 7, attempt: 1 },
    });
    expect(gitlab && jobClaims(gitlab, good)).toBeNull();
  });

  it.each([
    {},
    { ...good, repository_id: undefined },
    { ...good, repository_id: "1x" },
    { ...good, repository_id: -1 },
    { ...good, repository_id: ["1"] },
    { ...good, repository: "x".repeat(1_001) },
    { ...good, ref: ["refs/heads/main"] },
    { ...good, environment: {} },
  ])("are none of a job in %j", (payload) => {
    expect(github && jobClaims(github, payload)).toBeNull();
  });
});
