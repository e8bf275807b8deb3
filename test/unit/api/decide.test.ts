import { describe, expect, it } from "vitest";

import { decide, wrongRepository, type Decision } from "../../../src/hooks/decide.ts";
import type { Delivery } from "../../../src/hooks/delivery.ts";
import { senders, type SenderName } from "../../support/senders/index.ts";
import {
  deliveryOf,
  hookFor,
  HOOK_URL,
  known,
  NOW,
  signed,
  type Known,
} from "../hooks/verify/support.ts";

const SHA = "a".repeat(40);
const PUSH = {
  ref: "refs/heads/main",
  after: SHA,
  repository: { full_name: "Acme/Blog" },
};
const GITHUB = known("github", senders.github);
const HEADERS = { "x-github-event": "push", "x-github-delivery": "d-1" };

type More = Parameters<typeof hookFor>[1];

async function decided(
  from: Known,
  hook: More,
  payload: unknown,
  more: Parameters<typeof signed>[2] = {},
): Promise<Decision> {
  const body = typeof payload === "string" ? payload : JSON.stringify(payload);
  const delivery = await signed(from, body, more);
  return decide(hookFor(from, hook), from.source, from.scheme, delivery, NOW);
}

const push = async (
  hook: More,
  payload: unknown = PUSH,
  secret = GITHUB.secret,
): Promise<Decision> => decided(GITHUB, hook, payload, { headers: HEADERS, secret });

const deploy = { outcome: "deploy", branch: "main" };
const filtered = (code: string): object => ({ outcome: "filtered", reason: { code } });

describe("a delivery", () => {
  it.each<[string, More, object]>([
    ["fits no rule against it", {}, { kind: "triggers", doubtful: false, parts: [deploy] }],
    ["is for the hook's branch", { branch: "main" }, { doubtful: false, parts: [deploy] }],
    ["is for the hook's repository", { repository: "acme/blog" }, { kind: "triggers" }],
    ["has an id", {}, { delivery: "d-1" }],
    [
      "is for another branch",
      { branch: "dev" },
      { doubtful: true, parts: [filtered("other_branch")] },
    ],
    [
      "comes to a paused hook",
      { paused: true },
      { doubtful: true, parts: [filtered("hook_paused")] },
    ],
    [
      "a rule is against",
      { settings: { branches: { include: ["release/*"] } } },
      { kind: "triggers", doubtful: true, parts: [filtered("branch_filtered")] },
    ],
    [
      "more than one rule is against",
      { paused: true, branch: "dev" },
      { parts: [filtered("hook_paused")] },
    ],
    [
      "is for another repository",
      { repository: "acme/shop" },
      { kind: "refused", doubtful: true, problem: { status: 403, code: "wrong_repository" } },
    ],
    [
      "was signed with another secret",
      { secrets: ["other"] },
      { kind: "refused", doubtful: true, problem: { status: 401, code: "bad_signature" } },
    ],
    [
      "comes to a hook whose secrets can't be opened",
      { secrets: [] },
      { kind: "refused", problem: { code: "bad_signature" } },
    ],
    [
      "was signed with the second secret",
      { secrets: ["new", GITHUB.secret] },
      { kind: "triggers" },
    ],
  ])("that %s", async (_, hook, expected) => {
    expect(await push(hook)).toMatchObject(expected);
  });

  it.each<[string, Record<string, string>]>([
    ["missing_signature", {}],
    ["missing_signature", { "x-hub-signature-256": "sha256=" }],
    ["malformed_signature", { "x-hub-signature-256": "sha256=s3cret" }],
  ])("with %s is refused without doubt: no look-up could help it", async (code, headers) => {
    const delivery = deliveryOf({ headers, body: "{}" });
    const decision = await decide(hookFor(GITHUB), GITHUB.source, GITHUB.scheme, delivery, NOW);
    expect(decision).toMatchObject({
      kind: "refused",
      doubtful: false,
      problem: { status: 401, code },
    });
  });

  it("that is too old is refused without doubt", async () => {
    const from = known("sanity", senders.sanity);
    const decision = await decided(from, {}, "{}", { now: NOW - 301_000 });
    expect(decision).toMatchObject({
      kind: "refused",
      doubtful: false,
      problem: { status: 401, code: "timestamp_out_of_range" },
    });
  });

  it("is looked into only when its signature is right", async () => {
    expect(await push({}, { nonsense: true }, "wrong")).toMatchObject({
      problem: { code: "bad_signature" },
    });
    for (const payload of [{ nonsense: true }, "null", "[]", "", "\u0000"]) {
      expect(await push({}, payload)).toMatchObject({
        kind: "refused",
        doubtful: false,
        problem: { status: 422, code: "payload_invalid" },
      });
    }
  });

  it("that is a form is refused with a hint", async () => {
    const headers = { ...HEADERS, "content-type": "application/x-www-form-urlencoded" };
    const decision = await decided(GITHUB, {}, "payload=%7B%7D", { headers });
    expect(decision).toMatchObject({
      kind: "refused",
      doubtful: false,
      problem: { status: 415, code: "unsupported_media_type" },
    });
  });

  it("that means nothing to deploy is ignored, and the rules are not asked", async () => {
    const headers = { ...HEADERS, "x-github-event": "ping" };
    const decision = await decided(GITHUB, { paused: true }, { zen: "" }, { headers });
    expect(decision).toMatchObject({
      kind: "ignored",
      reason: { code: "ping" },
      delivery: "d-1",
      doubtful: false,
    });
    const deleted = { ...PUSH, after: "0".repeat(40), deleted: true };
    expect(await push({ repository: "acme/shop" }, deleted)).toMatchObject({
      kind: "ignored",
      reason: { code: "branch_deleted" },
    });
  });

  it("of Cloudflare's is a hint to look", async () => {
    const from = known("cloudflare", senders.cloudflare);
    const decision = await decided(from, {}, { alert_type: "pages_event_alert" });
    expect(decision).toMatchObject({ kind: "look", doubtful: false });
  });

  it("with several branches has a part for each", async () => {
    const from = known("bitbucket", senders.bitbucket);
    const state = (name: string): object => ({ type: "branch", name, target: { hash: SHA } });
    const changes = [
      { new: state("dev"), old: null },
      { new: null, old: state("old") },
      { new: state("main"), old: null },
    ];
    const payload = { repository: { full_name: "acme/blog" }, push: { changes } };
    const headers = { "x-event-key": "repo:push", "x-request-uuid": "u-1" };
    expect(await decided(from, { branch: "main" }, payload, { headers })).toMatchObject({
      kind: "triggers",
      doubtful: true,
      delivery: "u-1",
      parts: [
        { outcome: "filtered", branch: "dev", reason: { code: "other_branch" } },
        { outcome: "deploy", branch: "main", trigger: { commit_hash: SHA } },
        { outcome: "ignored", branch: "old", reason: { code: "branch_deleted" } },
      ],
    });
  });

  it("that names no branch is for the hook's, or for production", async () => {
    const from = known("strapi/bearer", senders["strapi/bearer"]);
    const payload = { event: "entry.publish" };
    const own = await decided(from, { branch: "dev" }, payload);
    expect(own).toMatchObject({ parts: [{ outcome: "deploy", branch: "dev" }], doubtful: false });
    const production = await decided(from, {}, payload);
    expect(production).toMatchObject({ parts: [{ outcome: "deploy", branch: null }] });
  });
});

describe("a ping that is not signed", () => {
  const from = known("bitbucket-server/signature", senders["bitbucket-server/signature"]);
  const pinged = async (
    more: Record<string, string>,
    event = "diagnostics:ping",
  ): Promise<Decision> => {
    const headers = { "x-event-key": event, ...more };
    const delivery = deliveryOf({ headers, body: '{"test":true}' });
    return decide(hookFor(from, { paused: true }), from.source, from.scheme, delivery, NOW);
  };

  it("is answered, and may be anybody's", async () => {
    expect(await pinged({})).toMatchObject({
      kind: "pinged",
      reason: { code: "ping" },
      doubtful: false,
    });
  });

  it("is refused when it is signed wrong, as everything else is without a signature", async () => {
    const wrong = { "x-hub-signature": `sha256=${"0".repeat(64)}` };
    expect(await pinged(wrong)).toMatchObject({ problem: { code: "bad_signature" } });
    const malformed = await pinged({ "x-hub-signature": "sha256=x" });
    expect(malformed).toMatchObject({ problem: { code: "malformed_signature" } });
    const push = await pinged({}, "repo:refs_changed");
    expect(push).toMatchObject({ problem: { code: "missing_signature" } });
  });

  it("is WooCommerce's form, too, and nothing like it", async () => {
    const shop = known("woocommerce", senders.woocommerce);
    const sent = async (body: string): Promise<Decision> =>
      decide(hookFor(shop), shop.source, shop.scheme, deliveryOf({ headers: {}, body }), NOW);
    expect(await sent("webhook_id=7")).toMatchObject({ kind: "pinged" });
    for (const body of ["webhook_id=7&x=1", `webhook_id=${"7".repeat(64)}`, "webhook_id=", "{}"]) {
      expect(await sent(body)).toMatchObject({ problem: { code: "missing_signature" } });
    }
  });

  it("means nothing to sources that have none", async () => {
    const headers = { "x-github-event": "ping", "x-event-key": "diagnostics:ping" };
    const delivery = deliveryOf({ headers, body: "{}" });
    const decision = await decide(hookFor(GITHUB), GITHUB.source, GITHUB.scheme, delivery, NOW);
    expect(decision).toMatchObject({ problem: { code: "missing_signature" } });
  });
});

describe("a hook that waits for its secret", () => {
  const waiting = { secrets: [], awaiting_secret: true };
  const notion = known("notion", senders.notion);
  const token = notion.secret;
  const awaited = {
    kind: "refused",
    doubtful: true,
    problem: { status: 401, code: "secret_awaited" },
  };
  const greeted = (delivery: Delivery, hook: More = waiting): Promise<Decision> =>
    decide(hookFor(notion, hook), notion.source, notion.scheme, delivery, NOW);

  it("takes it from its sender's greeting, if that is signed with it", async () => {
    const sent = await notion.sender.greet?.({ secret: token, url: HOOK_URL, now: NOW });
    const delivery = deliveryOf(sent ?? { headers: {}, body: "" });
    expect(await greeted(delivery)).toEqual({ kind: "handshake", secret: token, doubtful: true });
  });

  it.each<[string, object | string, string]>([
    ["signed with another", { verification_token: token }, notion.other],
    ["without a token", { type: "page.content_updated" }, token],
    ["with an empty token", { verification_token: "" }, token],
    ["with a token too short to be one", { verification_token: "secret_short" }, "secret_short"],
    ["with a token too long to be one", { verification_token: "x".repeat(257) }, "x".repeat(257)],
    ["with a token of other characters", { verification_token: `${token} é` }, `${token} é`],
    ["with a list", { verification_token: [token] }, token],
    ["that is no JSON", "verification_token", token],
  ])("not from one %s", async (_what, payload, secret) => {
    const body = typeof payload === "string" ? payload : JSON.stringify(payload);
    expect(await greeted(await signed(notion, body, { secret }))).toMatchObject(awaited);
  });

  it("nor from one that is not signed", async () => {
    const body = JSON.stringify({ verification_token: token });
    expect(await greeted(deliveryOf({ headers: {}, body }))).toMatchObject(awaited);
  });

  it("takes nothing else, whatever it is signed with", async () => {
    const names: SenderName[] = ["notion", "kontent", "shopify", "svix", "gitlab/signing_token"];
    for (const name of names) {
      const from = known(name, senders[name]);
      expect(await decided(from, waiting, { event: "x" })).toMatchObject(awaited);
    }
    // Not even when a secret is there, which the sender has not been seen to have.
    const early = { awaiting_secret: true };
    expect(await push(early)).toMatchObject(awaited);
  });

  it("takes no greeting any more once it has a secret", async () => {
    const other = { secrets: [notion.other] };
    const body = JSON.stringify({ verification_token: token });
    const delivery = await signed(notion, body);
    expect(await greeted(delivery, other)).toMatchObject({ problem: { code: "bad_signature" } });
    const again = await greeted(delivery, {});
    expect(again.kind).not.toBe("handshake");
  });
});

describe("a repository", () => {
  it.each<[boolean, string | null, string | null]>([
    [true, "acme/blog", "acme/blog"],
    [true, "acme/blog", "Acme/Blog"],
    [true, "ACME/blog", "acme/BLOG"],
    [true, null, "acme/blog"],
    [true, "acme/blog", null],
    [true, null, null],
    [false, "acme/blog", "acme/blog2"],
    [false, "acme/blog", "acme/blo"],
    [false, "acme/blog", "evil/acme/blog"],
    [false, "acme/blog", "acme/blog "],
    [false, "acme/blog", ""],
  ])("%s: wanted %j, sent %j", (fits, wanted, sent) => {
    expect(wrongRepository(wanted, sent) === null).toBe(fits);
  });
});
