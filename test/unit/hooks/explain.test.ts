import { describe, expect, it } from "vitest";

import type { KnownHook } from "../../../src/hooks/cache.ts";
import { decide } from "../../../src/hooks/decide.ts";
import type { Delivery } from "../../../src/hooks/delivery.ts";
import { explain, type Explanation } from "../../../src/hooks/explain.ts";
import { senders, type SenderName } from "../../support/senders/index.ts";
import { hookFor, known, NOW, signed, type Known } from "./verify/support.ts";

const SHA = "6113728f27ae82c7b1a177c8d03f9e96e0adf246";
const PUSH = {
  ref: "refs/heads/main",
  after: SHA,
  head_commit: { message: "Fix the door" },
  pusher: { name: "ada" },
  repository: { full_name: "Acme/Blog" },
};
const GITHUB = known("github", senders.github);
const HEADERS = { "x-github-event": "push", "x-github-delivery": "72d3162e-cc78-11e3" };

type More = Parameters<typeof hookFor>[1];

async function told(
  from: Known,
  hook: More,
  delivery: Delivery,
): Promise<Explanation & { hook: KnownHook }> {
  const made = hookFor(from, hook);
  const explanation = await explain(made, from.source, from.scheme, delivery, NOW);
  for (const { step, detail } of explanation.steps) {
    expect(step).toMatch(/^[a-z_]+$/);
    expect(detail).toMatch(/^\S.*[.]$/);
    expect(detail).not.toContain(from.secret);
  }
  return { ...explanation, hook: made };
}

const ofPush = async (hook: More = {}, payload: object = PUSH): Promise<Explanation> =>
  told(GITHUB, hook, await signed(GITHUB, JSON.stringify(payload), { headers: HEADERS }));

const marks = ({ steps }: Explanation): [string, boolean | null][] =>
  steps.map(({ step, ok }) => [step, ok]);

const FINE = [
  ["signature", true],
  ["payload", true],
  ["repository", true],
  ["read", null],
  ["paused", true],
  ["events", true],
  ["branch", true],
  ["branches", true],
  ["skip_ci", true],
  ["paths", true],
];
const but = (step: string, ok = false): unknown[] =>
  FINE.map(([name, was]) => [name, name === step ? ok : was]);

describe("a signed push", () => {
  it("passes every step, and is said to deploy", async () => {
    const explanation = await ofPush({ repository: "acme/blog" });
    expect(marks(explanation)).toEqual(FINE);
    expect(explanation.verified).toBe(true);
    expect(explanation.results).toEqual([
      { branch: "main", outcome: "deploy", reason: null, reason_code: null },
    ]);
    const text = JSON.stringify(explanation.steps);
    for (const word of ["72d3162e-cc78-11e3", "main", "6113728", "Acme/Blog", "HMAC-SHA-256"]) {
      expect(text).toContain(word);
    }
  });

  it("says when it took the secret before the current one", async () => {
    const explanation = await ofPush({ secrets: [GITHUB.other, GITHUB.secret] });
    expect(explanation.verified).toBe(true);
    expect(explanation.steps[0]?.detail).toContain("the secret before the current one");
  });

  it("to a paused hook is filtered, and the other rules are still looked at", async () => {
    const explanation = await ofPush({ paused: true });
    expect(marks(explanation)).toEqual(but("paused"));
    expect(explanation).toMatchObject({
      verified: true,
      results: [{ branch: "main", outcome: "filtered", reason_code: "hook_paused" }],
    });
  });

  it("names the first rule that is against it", async () => {
    const explanation = await ofPush({
      branch: "dev",
      settings: { branches: { exclude: ["main"] } },
    });
    expect(explanation.results).toMatchObject([
      { outcome: "filtered", reason_code: "other_branch" },
    ]);
    const failed = explanation.steps.filter(({ ok }) => ok === false).map(({ step }) => step);
    expect(failed).toEqual(["branch", "branches"]);
  });

  it("about another repository fails at that step alone", async () => {
    const explanation = await ofPush({ repository: "acme/shop" });
    expect(marks(explanation)).toEqual(but("repository"));
    expect(explanation.steps[2]?.detail).toContain("acme/shop");
  });
});

describe("a sample that is not signed", () => {
  it("fails at the signature, and everything else is told all the same", async () => {
    const delivery = await signed(GITHUB, JSON.stringify(PUSH), { headers: HEADERS });
    delivery.headers.delete("x-hub-signature-256");
    const explanation = await told(GITHUB, {}, delivery);
    expect(marks(explanation)).toEqual(but("signature"));
    expect(explanation.verified).toBe(false);
    expect(explanation.results).toMatchObject([{ branch: "main", outcome: "deploy" }]);
  });

  it("that is too old says so", async () => {
    const from = known("standard-webhooks", senders["standard-webhooks"]);
    const delivery = await signed(from, "{}", { now: NOW - 301_000 });
    const explanation = await told(from, {}, delivery);
    expect(explanation.verified).toBe(false);
    expect(explanation.steps[0]).toMatchObject({
      step: "signature",
      ok: false,
      detail: expect.stringContaining("301 s old"),
    });
  });
});

describe("a hook that waits for its secret", () => {
  it.each(["notion", "kontent"] as const)("verifies nothing (%s)", async (name) => {
    const from = known(name, senders[name]);
    const bodies = {
      notion: { type: "page.content_updated", id: "7f3a" },
      kontent: {
        notifications: [{ message: { action: "published", object_type: "content_item" } }],
      },
    };
    const delivery = await signed(from, JSON.stringify(bodies[name]));
    const explanation = await told(from, { secrets: [], awaiting_secret: true }, delivery);
    expect(marks(explanation).slice(0, 3)).toEqual([
      ["secret", false],
      ["signature", false],
      ["payload", true],
    ]);
    expect(explanation.verified).toBe(false);
    expect(explanation.results).toMatchObject([{ branch: null, outcome: "deploy" }]);
  });
});

describe("a hook that waits, although it has a secret", () => {
  it("verifies nothing either", async () => {
    const explanation = await ofPush({ awaiting_secret: true });
    expect(marks(explanation).slice(0, 2)).toEqual([
      ["secret", false],
      ["signature", true],
    ]);
    expect(explanation.verified).toBe(false);
  });
});

describe("what deploys nothing", () => {
  it.each<[string, object, string, boolean | null]>([
    ["a ping", { "x-github-event": "ping" }, '{"zen":"Keep it logically awesome."}', null],
    ["another event", { "x-github-event": "issues" }, "{}", null],
    ["no JSON", { "x-github-event": "push" }, "{", false],
    ["a push that is none", { "x-github-event": "push" }, "{}", false],
    ["a form", { "content-type": "application/x-www-form-urlencoded" }, "payload=%7B%7D", false],
  ])("%s ends at the payload", async (_what, more, body, ok) => {
    const headers = { ...HEADERS, ...more };
    const explanation = await told(GITHUB, {}, await signed(GITHUB, body, { headers }));
    expect(marks(explanation)).toEqual([
      ["signature", true],
      ["payload", ok],
    ]);
    expect(explanation).toMatchObject({ verified: true, results: [] });
  });

  it("a deleted branch is told beside those that deploy", async () => {
    const from = known("bitbucket", senders.bitbucket);
    const state = (name: string): object => ({ type: "branch", name, target: { hash: SHA } });
    const payload = {
      actor: { nickname: "ada" },
      repository: { full_name: "acme/blog" },
      push: {
        changes: [
          { new: state("main"), old: state("main") },
          { new: null, old: state("old") },
          { new: state("dev"), old: null },
        ],
      },
    };
    const delivery = await signed(from, JSON.stringify(payload), {
      headers: { "x-event-key": "repo:push", "x-request-uuid": "u-1" },
    });
    const explanation = await told(from, { branch: "dev" }, delivery);
    expect(explanation.results).toMatchObject([
      { branch: "main", outcome: "filtered", reason_code: "other_branch" },
      { branch: "dev", outcome: "deploy", reason_code: null },
      { branch: "old", outcome: "ignored", reason_code: "branch_deleted" },
    ]);
    expect(explanation.steps.filter(({ step }) => step === "read")).toHaveLength(2);
  });

  it("a sender that names no branch gets the hook's, or production", async () => {
    const from = known("url", senders.url);
    const delivery = await signed(from, "");
    const own = await told(from, { branch: "dev" }, delivery);
    expect(own.results).toMatchObject([{ branch: "dev", outcome: "deploy" }]);
    const production = await told(from, {}, delivery);
    expect(production.results).toMatchObject([{ branch: null, outcome: "deploy" }]);
    expect(JSON.stringify(production.steps)).toContain("production branch");
  });
});

/** An explanation is worth nothing unless it is what happens. */
describe("an explanation", () => {
  const settings = [
    {},
    { paused: true },
    { branch: "main" },
    { branch: "dev" },
    { repository: "acme/blog" },
    { settings: { branches: { include: ["release/*"] } } },
    { settings: { paths: { include: ["docs/**"] } } },
  ];
  const payloads: [SenderName, object, Record<string, string>][] = [
    ["github", PUSH, HEADERS],
    [
      "github",
      { ...PUSH, ref: "refs/heads/dev", head_commit: { message: "x [skip ci]" } },
      HEADERS,
    ],
    ["strapi/bearer", { event: "entry.publish" }, {}],
    ["strapi/bearer", { event: "entry.something" }, {}],
    ["hygraph", { operation: "create" }, {}],
    ["url", {}, {}],
  ];
  it.each(payloads)("says what is decided (%s, %j)", async (name, payload, headers) => {
    const from = known(name, senders[name]);
    const delivery = await signed(from, JSON.stringify(payload), { headers });
    for (const more of settings) {
      const { hook, results, verified } = await told(from, more, delivery);
      expect(verified).toBe(true);
      const decision = await decide(hook, from.source, from.scheme, delivery, NOW);
      const parts = decision.kind === "triggers" ? decision.parts : [];
      expect(parts.map(({ branch, outcome }) => ({ branch, outcome }))).toEqual(
        results.map(({ branch, outcome }) => ({ branch, outcome })),
      );
    }
  });
});
