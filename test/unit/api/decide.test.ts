import { sign } from "@octokit/webhooks-methods";
import { describe, expect, it } from "vitest";

import type { KnownHook } from "../../../src/hooks/cache.ts";
import { decide, type Decision } from "../../../src/hooks/decide.ts";
import { github } from "../../../src/hooks/sources/github.ts";
import { utf8 } from "../../../src/security/encoding.ts";

const HOOK: KnownHook = {
  id: "hok_x",
  source: "github",
  repository: null,
  branch: null,
  secrets: ["s3cret"],
  revision: 1,
  paused: false,
  fresh: false,
};
const PUSH = {
  ref: "refs/heads/main",
  after: "a".repeat(40),
  repository: { full_name: "Acme/Blog" },
};

async function decided(
  hook: Partial<KnownHook>,
  payload: object,
  secret = "s3cret",
): Promise<Decision> {
  const body = JSON.stringify(payload);
  const headers = new Headers({
    "x-github-event": "push",
    "x-hub-signature-256": await sign(secret, body),
  });
  return decide({ ...HOOK, ...hook }, github, headers, utf8(body));
}

describe("a delivery", () => {
  it.each([
    [
      "fits no rule against it",
      {},
      { kind: "triggers", doubtful: false, triggers: [{ against: null }] },
    ],
    [
      "is for the hook's branch",
      { branch: "main" },
      { doubtful: false, triggers: [{ against: null }] },
    ],
    ["is for the hook's repository", { repository: "acme/blog" }, { kind: "triggers" }],
    [
      "is for another branch",
      { branch: "dev" },
      { doubtful: true, triggers: [{ against: { code: "other_branch" } }] },
    ],
    [
      "comes to a paused hook",
      { paused: true },
      { doubtful: true, triggers: [{ against: { code: "hook_paused" } }] },
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
    ["was signed with the second secret", { secrets: ["new", "s3cret"] }, { kind: "triggers" }],
  ] as const)("that %s", async (_, hook, expected) => {
    expect(await decided(hook, PUSH)).toMatchObject(expected);
  });

  it("that is unsigned is refused without doubt: no look-up could help it", async () => {
    const unsigned = await decide(HOOK, github, new Headers(), utf8("{}"));
    expect(unsigned).toMatchObject({ kind: "refused", doubtful: false });
  });

  it("is looked into only when its signature is right", async () => {
    expect(await decided({}, { nonsense: true }, "wrong")).toMatchObject({
      problem: { code: "bad_signature" },
    });
    expect(await decided({}, { nonsense: true })).toMatchObject({
      kind: "refused",
      doubtful: false,
      problem: { status: 422, code: "payload_invalid" },
    });
  });
});
