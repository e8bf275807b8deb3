import { describe, expect, it } from "vitest";
import { accepted, multipart, read, readForm, refused, type TestPart } from "./support.ts";

const HASH = "1a98fb08af91aca4a7df1764a2c4ddb0";
const OTHER_HASH = "17453d0cfb9bacc76d9f30d3cb9ca048";
const INVALID_UTF8 = Uint8Array.of(0x61, 0xff, 0x62);

function manifest(entries: Record<string, unknown>): TestPart {
  return { name: "manifest", value: JSON.stringify(entries) };
}

function file(name: string, value: string | Uint8Array): TestPart {
  return { name, value, filename: name, type: "application/octet-stream" };
}

describe("every field of Create deployment", () => {
  const parts: TestPart[] = [
    manifest({ "/logo.txt": HASH, "/copy.txt": HASH, "/index.html": OTHER_HASH }),
    { name: "branch", value: "feature/ünïcode-1" },
    { name: "commit_message", value: "feat: 日本\n\n\t- body\r\n" },
    { name: "commit_hash", value: "0123456789abcdef0123456789abcdef01234567" },
    { name: "commit_dirty", value: "true" },
    { name: "pages_build_output_dir", value: "dist/site" },
    { name: "wrangler_config_hash", value: "ab".repeat(32) },
    file("_headers", "/*\n  X-A: b\n"),
    file("_redirects", "/a /b 301\n"),
    file("_routes.json", '{"version":1,"include":["/*"],"exclude":[]}'),
    file("functions-filepath-routing-config.json", '{"routes":[],"baseURL":"/"}'),
    file("_worker.bundle", "--inner\r\nno form, and nobody looks\r\n--inner--"),
    file("something-new", INVALID_UTF8),
    { name: "something-new", value: "twice" },
  ];

  it("is read", async () => {
    const body = multipart(parts);
    const form = accepted((await read([body])).result);
    expect(form).toMatchObject({
      bytes: body.length,
      boundary: "Bnd",
      fields: {
        branch: "feature/ünïcode-1",
        commit_message: "feat: 日本\n\n\t- body\r\n",
        commit_hash: "0123456789abcdef0123456789abcdef01234567",
        commit_dirty: true,
        pages_build_output_dir: "dist/site",
        wrangler_config_hash: "ab".repeat(32),
      },
      manifest: { entries: 3, hashes: [HASH, OTHER_HASH] },
    });
    expect(form.parts.map((part) => part.name)).toEqual(parts.map((part) => part.name));
    expect(form.parts[7]).toMatchObject({
      name: "_headers",
      filename: "_headers",
      content_type: "application/octet-stream",
      size: 12,
      sha256: "a58a09bc1194b530540916bf8d8acb4ebd2c0b5fa3c76ebce1e61cdf7df167da",
    });
  });

  it("is the same field with or without a filename", async () => {
    const turned = parts.map(({ name, value, filename }) =>
      filename === undefined
        ? { name, value, filename: name, type: "text/plain" }
        : { name, value },
    );
    const form = accepted(await readForm(turned));
    const before = accepted(await readForm(parts));
    expect(form.fields).toEqual(before.fields);
    expect(form.manifest).toEqual(before.manifest);
    expect(refused(await readForm([{ name: "_routes.json", value: "{" }])).code).toBe(
      "json_invalid",
    );
  });

  it("may be absent: then there is no manifest and no field", async () => {
    expect(accepted(await readForm([]))).toMatchObject({ parts: [], fields: {}, manifest: null });
  });

  it("reads the old _worker.js too, and an empty manifest", async () => {
    const form = accepted(await readForm([file("_worker.js", "export default {}"), manifest({})]));
    expect(form.manifest).toEqual({ entries: 0, hashes: [] });
  });

  it("counts empty text as not given, but keeps the part", async () => {
    const form = accepted(
      await readForm([
        { name: "commit_hash", value: "" },
        { name: "commit_message", value: "" },
        { name: "wrangler_config_hash", value: "" },
      ]),
    );
    expect(form.fields).toEqual({});
    expect(form.parts).toHaveLength(3);
  });

  it("keeps a byte order mark in text and overlooks it before JSON", async () => {
    const form = accepted(
      await readForm([
        { name: "commit_message", value: "\uFEFFhi" },
        { name: "_routes.json", value: "\uFEFF{}" },
      ]),
    );
    expect(form.fields.commit_message).toBe("\uFEFFhi");
  });
});

describe("a rule that is broken", () => {
  const text = (name: string, value: string | Uint8Array): TestPart[] => [{ name, value }];
  const cases: [string, TestPart[], number, string, string][] = [
    [
      "both kinds of worker",
      [file("_worker.js", "a"), file("_worker.bundle", "b")],
      422,
      "worker_conflict",
      "_worker.bundle",
    ],
    [
      "both, the other way round",
      [file("_worker.bundle", "b"), file("_worker.js", "a")],
      422,
      "worker_conflict",
      "_worker.js",
    ],
    [
      "a known field twice",
      [...text("branch", "a"), ...text("branch", "a")],
      422,
      "field_repeated",
      "branch",
    ],
    [
      "a known file twice",
      [file("_headers", "a"), file("_headers", "a")],
      422,
      "field_repeated",
      "_headers",
    ],
    ["a manifest twice", [manifest({}), manifest({})], 422, "field_repeated", "manifest"],
    [
      "commit_dirty in capitals",
      text("commit_dirty", "TRUE"),
      422,
      "field_invalid",
      "commit_dirty",
    ],
    ["commit_dirty empty", text("commit_dirty", ""), 422, "field_invalid", "commit_dirty"],
    [
      "commit_dirty with a blank",
      text("commit_dirty", "true "),
      422,
      "field_invalid",
      "commit_dirty",
    ],
    [
      "commit_dirty far too long",
      text("commit_dirty", "true".repeat(9)),
      422,
      "field_too_long",
      "commit_dirty",
    ],
    ["a branch of 256 bytes", text("branch", "ü".repeat(128)), 422, "field_too_long", "branch"],
    [
      "a commit hash of 129 bytes",
      text("commit_hash", "a".repeat(129)),
      422,
      "field_too_long",
      "commit_hash",
    ],
    [
      "a commit message over 64 KiB",
      text("commit_message", "a".repeat(65_537)),
      422,
      "field_too_long",
      "commit_message",
    ],
    [
      "an output directory too long",
      text("pages_build_output_dir", "a".repeat(1025)),
      422,
      "field_too_long",
      "pages_build_output_dir",
    ],
    [
      "a config hash too long",
      text("wrangler_config_hash", "a".repeat(129)),
      422,
      "field_too_long",
      "wrangler_config_hash",
    ],
    ["a branch that is not UTF-8", text("branch", INVALID_UTF8), 422, "field_invalid", "branch"],
    [
      "a message that is not UTF-8",
      text("commit_message", INVALID_UTF8),
      422,
      "field_invalid",
      "commit_message",
    ],
    [
      "a surrogate in UTF-8",
      text("commit_hash", Uint8Array.of(0xed, 0xa0, 0x80)),
      422,
      "field_invalid",
      "commit_hash",
    ],
    [
      "a manifest that is not UTF-8",
      text("manifest", INVALID_UTF8),
      422,
      "field_invalid",
      "manifest",
    ],
    ["a line end in a branch", text("branch", "a\nb"), 422, "field_invalid", "branch"],
    [
      "a line end in a commit hash",
      text("commit_hash", "a\r\n"),
      422,
      "field_invalid",
      "commit_hash",
    ],
    ["a NUL in a message", text("commit_message", "a\0b"), 422, "field_invalid", "commit_message"],
    [
      "an escape in a message",
      text("commit_message", "\u001b[31m"),
      422,
      "field_invalid",
      "commit_message",
    ],
    [
      "a C1 control in a directory",
      text("pages_build_output_dir", "a\u0085b"),
      422,
      "field_invalid",
      "pages_build_output_dir",
    ],
    ["a manifest that is no JSON", text("manifest", "{"), 422, "json_invalid", "manifest"],
    ["an empty manifest field", text("manifest", ""), 422, "json_invalid", "manifest"],
    ["a manifest that is null", text("manifest", "null"), 422, "json_invalid", "manifest"],
    ["a manifest that is an array", text("manifest", "[]"), 422, "json_invalid", "manifest"],
    [
      "JSON nested without end",
      text("manifest", "[".repeat(500_000)),
      422,
      "json_invalid",
      "manifest",
    ],
    ["a hash too short", [manifest({ "/a": HASH.slice(1) })], 422, "manifest_invalid", "manifest"],
    ["a hash too long", [manifest({ "/a": `${HASH}0` })], 422, "manifest_invalid", "manifest"],
    [
      "a hash with a line end",
      [manifest({ "/a": `${HASH}\n` })],
      422,
      "manifest_invalid",
      "manifest",
    ],
    [
      "a hash with a g",
      [manifest({ "/a": `g${HASH.slice(1)}` })],
      422,
      "manifest_invalid",
      "manifest",
    ],
    ["a hash that is a number", [manifest({ "/a": 12 })], 422, "manifest_invalid", "manifest"],
    ["a hash that is null", [manifest({ "/a": null })], 422, "manifest_invalid", "manifest"],
    [
      "a hash under __proto__",
      text("manifest", '{"__proto__":1}'),
      422,
      "manifest_invalid",
      "manifest",
    ],
    ["an empty path", [manifest({ "": HASH })], 422, "manifest_invalid", "manifest"],
    ["routes that are no JSON", [file("_routes.json", "{,}")], 422, "json_invalid", "_routes.json"],
    ["routes that are an array", [file("_routes.json", "[]")], 422, "json_invalid", "_routes.json"],
    [
      "routing config that is no JSON",
      [file("functions-filepath-routing-config.json", "x")],
      422,
      "json_invalid",
      "functions-filepath-routing-config.json",
    ],
    [
      "routing config that is a string",
      [file("functions-filepath-routing-config.json", '"x"')],
      422,
      "json_invalid",
      "functions-filepath-routing-config.json",
    ],
  ];
  it.each(cases)("%s", async (_, parts, status, code, field) => {
    const { result, failure } = await read([multipart(parts)]);
    expect(refused(result)).toMatchObject({ status, code, field });
    expect(failure).toMatchObject({ name: "FormRefused", problem: refused(result) });
    // A reason and what to do, and never a wall of the sender's text.
    expect(refused(result).detail).toMatch(/^.{20,250}\.$/);
  });

  it("is named by the first one met", async () => {
    const problem = refused(await readForm([manifest({ "/a": 1 }), ...text("branch", "..")]));
    expect(problem.code).toBe("manifest_invalid");
    expect(problem.detail).toContain('"/a"');
  });
});

describe("branch names", () => {
  const good = [
    "main",
    "HEAD",
    "feature/x",
    "a.b",
    "release-1.0",
    "日本",
    "a@b",
    "{x}",
    "refs/heads/a",
    "dependabot/npm_and_yarn/x-1.2",
    "#1",
    "a".repeat(255),
  ];
  it.each(good)("%s is plausible", async (branch) => {
    expect(accepted(await readForm([{ name: "branch", value: branch }])).fields.branch).toBe(
      branch,
    );
  });

  const bad = [
    "",
    "@",
    "-x",
    "/x",
    "x/",
    "a//b",
    "a..b",
    "a b",
    "a~1",
    "a^",
    "a:b",
    "a?",
    "a*",
    "a[b",
    "a\\b",
    "a@{1}",
    ".a",
    "a/.b",
    "a.",
    "a.lock",
    "a.lock/b",
  ];
  it.each(bad)("%j is not", async (branch) => {
    const problem = refused(await readForm([{ name: "branch", value: branch }]));
    expect(problem).toMatchObject({ status: 422, code: "branch_invalid", field: "branch" });
  });
});
