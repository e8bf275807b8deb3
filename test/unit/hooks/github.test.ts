import examples from "@octokit/webhooks-examples";
import { sign } from "@octokit/webhooks-methods";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { github } from "../../../src/hooks/sources/github.ts";
import { findSource, SOURCE_NAMES } from "../../../src/hooks/sources/index.ts";
import { readDelivery } from "../../../src/hooks/sources/read.ts";
import type { Reading } from "../../../src/hooks/sources/source.ts";
import { verifyHmac } from "../../../src/hooks/verify.ts";
import { utf8 } from "../../../src/security/encoding.ts";

const DELIVERY = "72d3162e-cc78-11e3-81ab-4c9367dc0958";
const SHA = "6113728f27ae82c7b1a177c8d03f9e96e0adf246";
const SHA64 = "a".repeat(64);

function headers(event: string, extra: Record<string, string> = {}): Headers {
  return new Headers({
    "content-type": "application/json",
    "x-github-event": event,
    "x-github-delivery": DELIVERY,
    ...extra,
  });
}

function fixtures(name: string): Record<string, unknown>[] {
  const found = examples.find((definition) => definition.name === name)?.examples ?? [];
  expect(found.length).toBeGreaterThan(0);
  return found as unknown as Record<string, unknown>[];
}

const PUSH = {
  ref: "refs/heads/main",
  after: SHA,
  deleted: false,
  head_commit: { id: SHA, message: "Fix the door\n\nIt stuck." },
  pusher: { name: "ada" },
  sender: { login: "ada-bot" },
  repository: { full_name: "acme/site", default_branch: "main" },
};

function read(payload: unknown, event = "push", extra: Record<string, string> = {}): Reading {
  return github.read(headers(event, extra), payload);
}

describe("real payloads", () => {
  it("reads each push fixture, signed as GitHub signs it", async () => {
    const readings: Reading[] = [];
    for (const payload of fixtures("push")) {
      const text = JSON.stringify(payload);
      const request = headers("push", { "x-hub-signature-256": await sign("s3cret", text) });
      expect(await verifyHmac(github.scheme, ["s3cret"], request, utf8(text))).toEqual({
        ok: true,
      });
      readings.push(readDelivery(github, request, utf8(text)));
    }
    const [push, ...others] = readings.filter((reading) => reading.kind === "triggers");
    expect(push).toEqual({
      kind: "triggers",
      repository: "Codertocat/Hello-World",
      triggers: [
        {
          branch: "master",
          commit_hash: SHA,
          commit_message: "Initial commit",
          actor: "Codertocat",
          default_branch: "master",
        },
      ],
      delivery_id: DELIVERY,
    });
    expect(others.every((other) => JSON.stringify(other) === JSON.stringify(push))).toBe(true);
    const tags = readings.filter((reading) => reading.kind !== "triggers");
    expect(tags.length).toBeGreaterThan(0);
    for (const tag of tags) {
      expect(tag).toMatchObject({ kind: "ignored", reason_code: "not_a_branch" });
    }
  });

  it("ignores each fixture of every other event", () => {
    for (const { name, examples: payloads } of examples) {
      for (const payload of name === "push" ? [] : payloads) {
        expect(read(payload, name)).toMatchObject({
          kind: "ignored",
          reason_code: name === "ping" ? "ping" : "not_a_push",
          delivery_id: DELIVERY,
        });
      }
    }
  });
});

describe("a push", () => {
  it("is a trigger for its branch", () => {
    expect(read(PUSH)).toEqual({
      kind: "triggers",
      repository: "acme/site",
      triggers: [
        {
          branch: "main",
          commit_hash: SHA,
          commit_message: "Fix the door\n\nIt stuck.",
          actor: "ada",
          default_branch: "main",
        },
      ],
      delivery_id: DELIVERY,
    });
  });

  it.each([
    ["refs/heads/refs/heads/main", "refs/heads/main"],
    ["refs/heads/feature/a/refs/heads/b", "feature/a/refs/heads/b"],
    ["refs/heads/ünïcödé-🚦", "ünïcödé-🚦"],
    ["refs/heads/../../x?y#z", "../../x?y#z"],
  ])("takes refs/heads/ off %s once", (ref, branch) => {
    expect(read({ ...PUSH, ref })).toMatchObject({ triggers: [{ branch }] });
  });

  it("may have a SHA-256 commit, no message, no author, no default branch", () => {
    const { head_commit: _c, pusher: _p, sender: _s, ...bare } = PUSH;
    const reading = read({ ...bare, after: SHA64, repository: { full_name: "acme/site" } });
    expect(reading).toMatchObject({
      triggers: [{ commit_hash: SHA64, commit_message: null, actor: null }],
    });
    expect(read({ ...PUSH, pusher: null })).toMatchObject({ triggers: [{ actor: "ada-bot" }] });
  });

  it("keeps a bounded part of a long message, whole characters only", () => {
    const message = `${"x".repeat(4095)}🚦`;
    const reading = read({ ...PUSH, head_commit: { message } });
    const kept = reading.kind === "triggers" ? (reading.triggers[0]?.commit_message ?? "") : "";
    expect(kept).toHaveLength(4096);
    expect(kept.isWellFormed()).toBe(true);
  });

  it.each<[string, object]>([
    ["branch_deleted", { deleted: true, after: "0".repeat(40), head_commit: null }],
    ["branch_deleted", { deleted: false, after: "0".repeat(40), head_commit: null }],
    ["branch_deleted", { after: "0".repeat(64), head_commit: null }],
    ["branch_deleted", { deleted: true }],
    ["not_a_branch", { ref: "refs/tags/v1" }],
    ["not_a_branch", { ref: "refs/tags/refs/heads/main" }],
    ["not_a_branch", { ref: "refs/notes/x" }],
    ["not_a_branch", { ref: "refs/headsx/main" }],
  ])("is ignored as %s: %j", (reason_code, change) => {
    const reading = read({ ...PUSH, ...change });
    expect(reading).toMatchObject({ kind: "ignored", reason_code, delivery_id: DELIVERY });
  });

  it.each<[unknown]>([
    [null],
    [[]],
    [[PUSH]],
    ["push"],
    [7],
    [true],
    [{}],
    [{ ...PUSH, ref: undefined }],
    [{ ...PUSH, ref: ["refs/heads/main"] }],
    [{ ...PUSH, ref: "main" }],
    [{ ...PUSH, ref: "refs/heads/" }],
    [{ ...PUSH, ref: "refs/heads/a\u0000b" }],
    [{ ...PUSH, ref: "refs/heads/a b" }],
    [{ ...PUSH, ref: "refs/heads/a\r\nx: y" }],
    [{ ...PUSH, ref: "refs/heads/\ud800" }],
    [{ ...PUSH, ref: `refs/heads/${"a".repeat(300)}` }],
    [{ ...PUSH, after: "main" }],
    [{ ...PUSH, after: SHA.slice(1) }],
    [{ ...PUSH, after: `${SHA}\n` }],
    [{ ...PUSH, after: null }],
    [{ ...PUSH, deleted: "true" }],
    [{ ...PUSH, head_commit: "x" }],
    [{ ...PUSH, head_commit: { message: 1 } }],
    [{ ...PUSH, pusher: [] }],
    [{ ...PUSH, pusher: { name: {} } }],
    [{ ...PUSH, repository: null }],
    [{ ...PUSH, repository: { full_name: 1 } }],
    [{ ...PUSH, repository: { full_name: "site" } }],
    [{ ...PUSH, repository: { full_name: "a/b/c" } }],
  ])("is malformed: %j", (payload) => {
    expect(read(payload).kind).toBe("malformed");
  });

  it("names the field that is wrong, and repeats no content", () => {
    const reading = read({ ...PUSH, head_commit: { message: ["5entinel"] } });
    expect(reading).toMatchObject({ kind: "malformed" });
    expect(JSON.stringify(reading)).toContain("head_commit.message");
    expect(JSON.stringify(reading)).not.toContain("5entinel");
  });

  it("never throws on any JSON", () => {
    const field = fc.oneof(fc.jsonValue(), fc.constantFrom(PUSH.ref, SHA, null, undefined));
    const like = fc.record(
      { ref: field, after: field, deleted: field, head_commit: field, repository: field },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), like), (payload) => {
        const reading = read(payload);
        expect(["ignored", "malformed"]).toContain(reading.kind);
      }),
    );
  });
});

describe("headers", () => {
  it.each(["", "Push", "push, push", "push ping", "a".repeat(65), "../x"])(
    "refuses the event name %j",
    (event) => {
      expect(read(PUSH, event).kind).toBe("malformed");
    },
  );

  it("can do without a delivery id, but not with a wrong one", () => {
    const bare = headers("push");
    bare.delete("x-github-delivery");
    expect(github.read(bare, PUSH)).toMatchObject({ kind: "triggers", delivery_id: null });
    for (const id of ["", "a b", `${DELIVERY}, ${DELIVERY}`, "a".repeat(65), "<x>"]) {
      expect(read(PUSH, "push", { "x-github-delivery": id }).kind).toBe("malformed");
    }
  });
});

describe("bodies", () => {
  const deliver = (body: Uint8Array<ArrayBuffer>, type: string): Reading =>
    readDelivery(github, headers("push", { "content-type": type }), body);
  const json = utf8(JSON.stringify(PUSH));

  it.each([
    "application/x-www-form-urlencoded",
    "Application/X-WWW-Form-Urlencoded; charset=utf-8",
    "multipart/form-data; boundary=x",
  ])("as %s get a hint", (type) => {
    const reading = deliver(utf8(`payload=${encodeURIComponent(JSON.stringify(PUSH))}`), type);
    expect(reading).toMatchObject({ kind: "unsupported" });
    expect(JSON.stringify(reading)).toContain("application/json");
  });

  it.each(["", "application/json", "application/json; charset=utf-8", "text/plain"])(
    "are read as JSON whatever else they call themselves: %j",
    (type) => {
      expect(deliver(json, type).kind).toBe("triggers");
    },
  );

  it("may begin with a byte order mark", () => {
    const marked = new Uint8Array([0xef, 0xbb, 0xbf, ...json]);
    expect(deliver(marked, "application/json").kind).toBe("triggers");
  });

  it.each([
    ["nothing", new Uint8Array()],
    ["no JSON", utf8("Hello, World!")],
    ["half of it", json.slice(0, 40)],
    ["invalid UTF-8", json.map((byte) => (byte === 0x46 ? 0xff : byte))],
    ["deep nesting", utf8("[".repeat(200_000))],
  ])("are malformed: %s", (_what, body) => {
    expect(deliver(body, "application/json").kind).toBe("malformed");
  });
});

describe("the registry", () => {
  it("finds sources by name, and nothing else", () => {
    expect(SOURCE_NAMES).toContain("github");
    expect(findSource("github")).toBe(github);
    for (const name of ["", "GitHub", "constructor", "__proto__", "toString"]) {
      expect(findSource(name)).toBeNull();
    }
  });

  it("keys every source by its own name, and tells how to set it up", () => {
    for (const name of SOURCE_NAMES) {
      const source = findSource(name);
      expect(source?.name).toBe(name);
      expect(source?.setup.length).toBeGreaterThan(0);
    }
    expect(github.setup.join(" ")).toMatch(/application\/json.*Just the push event/s);
  });
});
