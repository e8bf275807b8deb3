/// <reference types="vite/types/importMeta.d.ts" />
import examples from "@octokit/webhooks-examples";
import { describe, expect, it } from "vitest";

import { isBranch } from "../../../src/deploy-form/text.ts";
import type { Delivery } from "../../../src/hooks/delivery.ts";
import { globMatches } from "../../../src/glob.ts";
import { findSource, SOURCE_NAMES } from "../../../src/hooks/sources/index.ts";
import { Sha } from "../../../src/hooks/sources/reading.ts";
import type { Reading, Source } from "../../../src/hooks/sources/source.ts";
import { utf8, type Bytes } from "../../../src/security/encoding.ts";
import { Fixture } from "../../support/fixture.ts";

const FILES: Record<string, string> = import.meta.glob("../../fixtures/sources/*/*.json", {
  query: "?raw",
  import: "default",
  eager: true,
});
/** By source and case. */
const fixtures = Object.entries(FILES).map(([path, text]) => {
  const [folder = "", file = ""] = path.split("/").slice(-2);
  return { folder, name: file.replace(".json", ""), fixture: Fixture.parse(JSON.parse(text)) };
});
const folders = [...new Set(fixtures.map(({ folder }) => folder))].sort();

function sourceOf(name: string): Source {
  const source = findSource(name);
  if (source === null) {
    throw new Error(`There is no source ${name}.`);
  }
  return source;
}

const bytesOf = (body: unknown): Bytes =>
  utf8(typeof body === "string" ? body : JSON.stringify(body));

function deliveryOf(headers: HeadersInit, body: Bytes, query: Fixture["query"] = {}): Delivery {
  const search = `?${new URLSearchParams(query).toString()}`;
  return { method: "POST", path: "/hooks/x", search, headers: new Headers(headers), body };
}

function expected(wanted: Fixture["expect"]): object {
  if ("triggers" in wanted) {
    const { chosen: _, passed_over, ...rest } = wanted;
    const over = passed_over?.map((branch) => ({ branch, reason: { code: "branch_deleted" } }));
    return { kind: "triggers", ...rest, ...(over !== undefined && { passed_over: over }) };
  }
  const [entry] = Object.entries(wanted);
  return { kind: entry?.[0], ...(entry?.[1] !== true && { reason: { code: entry?.[1] } }) };
}

it("there is a folder with something that counts for each source, and no other", () => {
  expect(folders).toEqual([...SOURCE_NAMES].sort());
  for (const name of folders) {
    const kinds = fixtures
      .filter((f) => f.folder === name)
      .map((f) => Object.keys(f.fixture.expect));
    expect(kinds.flat()).toContain(name === "cloudflare" ? "look" : "triggers");
  }
});

describe.each(folders)("%s", (folder) => {
  const source = sourceOf(folder);
  const own = fixtures.filter((each) => each.folder === folder);

  it.each(own)("reads $name", ({ fixture }) => {
    const { body, expect: wanted, fields, headers, query } = fixture;
    const delivery = deliveryOf(headers, bytesOf(body), query);
    const reading = source.read(delivery, fields);
    expect(reading).toMatchObject(expected(wanted));
    expect(unsound(reading)).toEqual([]);
    expect(source.handshake?.(delivery) ?? null).toBe(fixture.handshake);
    if (reading.kind === "triggers" && "chosen" in wanted) {
      const { event } = reading;
      const chosen = event === null || source.events.some((glob) => globMatches(glob, event));
      expect(chosen).toBe(wanted.chosen);
    }
  });

  it("reads nothing unsound out of anything like it", () => {
    const seen = new Set<string>();
    const kinds = new Set<string>();
    const failures: string[] = [];
    for (const { name, fixture } of own) {
      const { body, expect: wanted, fields, headers, query } = fixture;
      if (!("triggers" in wanted || "look" in wanted)) {
        continue;
      }
      const attempt = (what: string, delivery: Delivery): void => {
        try {
          const reading = source.read(delivery, fields);
          kinds.add(reading.kind);
          failures.push(...unsound(reading).map((flaw) => `${name}, ${what}: ${flaw}`));
        } catch (error) {
          failures.push(`${name}, ${what}: threw ${String(error)}`);
        }
      };
      for (const [what, bytes] of bentBodies(body, seen)) {
        attempt(what, deliveryOf(headers, bytes, query));
      }
      for (const [what, bent] of bentHeaders(headers)) {
        attempt(what, deliveryOf(bent, bytesOf(body), query));
      }
      for (const value of ["", "x\u0000y", "-", "a b", LONG]) {
        const bent = Object.fromEntries(Object.keys(query).map((key) => [key, value]));
        attempt(`query ${value.slice(0, 9)}`, deliveryOf(headers, bytesOf(body), bent));
      }
    }
    expect(failures.slice(0, 10)).toEqual([]);
    expect([...kinds]).toContain(folder === "cloudflare" ? "look" : "triggers");
  });
});

const LONG = "x".repeat(5_000);
const TEXTS = ["", "x\u0000y", "\ud800", "a/\ud800", "refs/heads/", "refs/heads/a..b", LONG];
/** The last one takes the value away. */
const VALUES: readonly unknown[] = [null, 7, true, [], {}, ...TEXTS, undefined];
const MAX_DEPTH = 6;
/** Each with what was done to it. */
type Bent<T> = Generator<[string, T]>;

/**
 * The body with one value after the other replaced, or taken away. What stands deep in a body stands there alike in all of
 * a source's fixtures, so it is bent only where it is first met.
 */
function* bentBodies(body: unknown, seen: Set<string>): Bent<Bytes> {
  if (typeof body === "string") {
    return;
  }
  const root = { body: structuredClone(body) };
  function* walk(parent: Record<string, unknown>, path: string, depth: number): Bent<Bytes> {
    for (const key of Object.keys(parent)) {
      const here = `${path}/${key}`;
      if (depth > 2 && seen.has(here)) {
        continue;
      }
      seen.add(here);
      const value = parent[key];
      for (const bent of VALUES) {
        parent[key] = bent;
        const named = bent === undefined ? "nothing" : JSON.stringify(bent).slice(0, 20);
        yield [`${here} = ${named}`, bytesOf(root.body ?? null)];
      }
      parent[key] = value;
      if (typeof value === "object" && value !== null && depth < MAX_DEPTH) {
        yield* walk(value as Record<string, unknown>, here, depth + 1);
      }
    }
  }
  yield* walk(root, "", 0);
}

function* bentHeaders(headers: Fixture["headers"]): Bent<Fixture["headers"]> {
  for (const name of Object.keys(headers)) {
    const { [name]: _, ...without } = headers;
    yield [`without ${name}`, without];
    for (const value of ["", LONG.slice(0, 3_000), "caf\u00e9 \u00ff", "a, b"]) {
      yield [`${name}: ${value.slice(0, 9)}`, { ...headers, [name]: value }];
    }
  }
}

/** What is wrong with a reading, whatever it was read from. */
function unsound(reading: Reading): string[] {
  const short = (text: string | null, most: number): boolean =>
    text === null || (text.isWellFormed() && text.length <= most);
  const id = "delivery_id" in reading ? reading.delivery_id : null;
  const flaws = id === null || /^[!-~]{1,128}$/.test(id) ? [] : ["delivery_id"];
  if (reading.kind !== "triggers") {
    const text = typeof reading.reason === "string" ? reading.reason : reading.reason.text;
    return text !== "" && short(text, 1_000) ? flaws : [...flaws, "reason"];
  }
  const { event, passed_over, repository, triggers } = reading;
  const checks: [string, boolean][] = [
    ["event", short(event, 255)],
    ["repository", short(repository, 511)],
    ["triggers", triggers.length > 0],
    ["passed_over", passed_over.every(({ branch }) => isBranch(branch))],
    ["branch", triggers.every(({ branch }) => branch === null || isBranch(branch))],
    ["hash", triggers.every(({ commit_hash: c }) => c === null || Sha.safeParse(c).success)],
    ["message", triggers.every(({ commit_message }) => short(commit_message, 4_096))],
    ["actor", triggers.every(({ actor }) => actor !== "" && short(actor, 255))],
    ["paths", triggers.every(({ paths }) => paths?.every((p) => typeof p === "string") ?? true)],
  ];
  return [...flaws, ...checks.filter(([, fine]) => !fine).map(([what]) => what)];
}

const SHA = "a1".repeat(20);
const PUSH = {
  ref: "refs/heads/main",
  after: SHA,
  head_commit: { id: SHA, message: "Fix the door" },
  pusher: { name: "ada" },
  sender: { login: "ada-bot" },
  repository: { full_name: "acme/blog" },
};

function github(payload: unknown, event = "push", more: Record<string, string> = {}): Reading {
  const headers = { "x-github-event": event, "content-type": "application/json", ...more };
  return sourceOf("github").read(deliveryOf(headers, bytesOf(payload)), {});
}

describe("a push of GitHub", () => {
  it("is read from each of its own examples, and nothing else is one", () => {
    const counts: Record<string, number> = {};
    for (const { name, examples: payloads } of examples) {
      for (const payload of payloads) {
        const reading = github(payload, name);
        const code = reading.kind === "ignored" ? reading.reason.code : reading.kind;
        counts[code] = (counts[code] ?? 0) + 1;
        const usual = name === "push" ? ["triggers", "not_a_branch"] : ["not_a_push", "ping"];
        expect(usual).toContain(code);
        if (reading.kind === "triggers") {
          const commit_hash = "6113728f27ae82c7b1a177c8d03f9e96e0adf246";
          const who = { branch: "master", actor: "Codertocat", paths: ["README.md"] };
          const trigger = { ...who, commit_hash, commit_message: "Initial commit" };
          expect(reading).toMatchObject({
            repository: "Codertocat/Hello-World",
            triggers: [trigger],
          });
        }
      }
    }
    expect(Object.keys(counts).sort()).toEqual(["not_a_branch", "not_a_push", "ping", "triggers"]);
  });

  it.each([
    [{ ref: "refs/heads/refs/heads/main" }, { branch: "refs/heads/main" }],
    [{ ref: "refs/heads/ünïcödé-🚦" }, { branch: "ünïcödé-🚦" }],
    [{ pusher: null }, { actor: "ada-bot" }],
    [{ head_commit: null }, { commit_message: null }],
    [
      { head_commit: { message: `${"x".repeat(4095)}🚦` } },
      { commit_message: `${"x".repeat(4095)}�` },
    ],
  ])("may have %j", (change, trigger) => {
    expect(github({ ...PUSH, ...change })).toMatchObject({ triggers: [trigger] });
  });

  it("may not be half of one", () => {
    const wrong: Record<string, unknown[]> = {
      ref: [undefined, "main", "refs/heads/a b", "refs/heads/a\r\nx: y", "refs/heads/../x?y#z"],
      after: [null, "main", SHA.slice(1), `${SHA}\n`],
      deleted: ["true"],
      head_commit: ["x", { message: 1 }],
      repository: [null, { full_name: "blog" }, { full_name: 1 }],
    };
    const changes = Object.entries(wrong).flatMap(([key, all]) =>
      all.map((one) => ({ [key]: one })),
    );
    const read = changes.filter((change) => github({ ...PUSH, ...change }).kind !== "malformed");
    expect(read).toEqual([]);
    const names = ["", "Push", "push, push", "push ping", "a".repeat(65), "../x"];
    expect(names.filter((name) => github(PUSH, name).kind !== "malformed")).toEqual([]);
  });

  it("says which field is wrong, and repeats nothing of it", () => {
    const reading = JSON.stringify(github({ ...PUSH, head_commit: { message: ["5entinel"] } }));
    expect(reading).toContain("head_commit.message");
    expect(reading).not.toContain("5entinel");
  });

  it("may come as anything that is JSON, a byte order mark before it too", () => {
    const json = JSON.stringify(PUSH);
    for (const type of ["", "text/plain", "application/json; charset=utf-8"]) {
      expect(github(`\ufeff${json}`, "push", { "content-type": type }).kind).toBe("triggers");
    }
    const torn = utf8(json).map((byte) => (byte === 0x46 ? 0xff : byte));
    const bodies = ["", "Hello, World!", json.slice(0, 40), "[".repeat(200_000)].map(bytesOf);
    for (const body of [...bodies, torn]) {
      const delivery = deliveryOf({ "x-github-event": "push" }, body);
      expect(sourceOf("github").read(delivery, {}).kind).toBe("malformed");
    }
  });
});
