import { describe, expect, it } from "vitest";

import { findSource, provenBy, SOURCE_NAMES } from "../../../src/hooks/sources/index.ts";
import { chooseMode, pasteOf, type Chosen } from "../../../src/hooks/sources/modes.ts";
import type { Source } from "../../../src/hooks/sources/source.ts";
import { hmac } from "../../../src/hooks/verify/scheme.ts";
import { HookAuth } from "../../../src/project/hook-settings.ts";
import { HOOK_URL, must } from "./verify/support.ts";

const EVERY_MODE = SOURCE_NAMES.flatMap((name) => {
  const source: Source = must(findSource(name));
  return Object.keys(source.modes).map((mode): [string, string] => [name, mode]);
});
/** A value of every option. */
const OPTIONS = HookAuth.parse({
  header: "X-Acme",
  prefix: "v0=",
  username: "ada",
  hash: "sha512",
  encoding: "base64",
  key: "hex",
  timestamp_header: "X-Time",
  timestamp_unit: "ms",
  content: "{timestamp}.{body}",
});

function choose(source: string, auth: HookAuth): ReturnType<typeof chooseMode> {
  return chooseMode(must(findSource(source)), auth);
}
function chosen(source: string, auth: HookAuth): Chosen {
  const result = choose(source, auth);
  if (!result.ok) {
    throw new Error(result.error.detail);
  }
  return result.value;
}
const wrongIn = (field: string): unknown => ({
  ok: false,
  error: { field, detail: expect.stringMatching(/^[A-Z].*[.]$/) },
});

describe("the mode of a hook", () => {
  it("is its source's first, unless it is named", () => {
    for (const name of SOURCE_NAMES) {
      const source = must(findSource(name));
      const [first = ""] = Object.keys(source.modes);
      expect(chosen(name, {}).mode).toBe(source.modes[first]);
      expect(provenBy({ source: name, settings: { auth: {} } }).source).toBe(source);
    }
  });

  it.each(EVERY_MODE)("can be %s's %s, with the options that it lists", (name, mode) => {
    const { mode: found } = chosen(name, { mode });
    expect(found.options).not.toContain("mode");
    const taken = Object.keys(OPTIONS).filter((option) => found.options.includes(option as never));
    const own = Object.fromEntries(Object.entries(OPTIONS).filter(([key]) => taken.includes(key)));
    expect(choose(name, { mode, ...own })).toMatchObject({ ok: true });
    expect(taken.sort()).toEqual([...found.options].sort());
    for (const [option, value] of Object.entries(OPTIONS)) {
      if (!taken.includes(option)) {
        expect(choose(name, { mode, [option]: value })).toEqual(wrongIn(`auth.${option}`));
        expect(choose(name, { mode, [option]: undefined })).toMatchObject({ ok: true });
      }
    }
  });

  it.each(["", "Signature", "url", "constructor", "__proto__", "toString"])(
    "can't be %j where there is none of that name",
    (mode) => {
      const result = choose("gitlab", { mode });
      expect(result).toEqual(wrongIn("auth.mode"));
      expect(JSON.stringify(result)).toContain("token, signing_token");
      const of = { source: "gitlab", settings: { auth: { mode } } };
      expect(() => provenBy(of)).toThrow("gitlab");
    },
  );

  it.each(["", "GitHub", "toString", "__proto__"])("can't be one of the source %j", (name) => {
    expect(findSource(name)).toBe(null);
    expect(() => provenBy({ source: name, settings: { auth: {} } })).toThrow("not known");
  });

  it("says what it takes when it is given something else", () => {
    const result = choose("basic", { prefix: "x" });
    expect(JSON.stringify(result)).toContain("takes username");
    expect(JSON.stringify(choose("github", { prefix: "x" }))).toContain("takes no options");
  });
});

describe("an HMAC of one's own", () => {
  it("is GitHub's unless told otherwise", () => {
    const { scheme } = chosen("hmac", {});
    expect(scheme).toEqual(hmac("X-Hub-Signature-256", { prefix: "sha256=" }));
    expect(scheme).toEqual(chosen("github", {}).scheme);
    expect(chosen("hmac", { header: "X-Hub-Signature-256" }).scheme).toMatchObject({ prefix: "" });
    expect(chosen("hmac", { prefix: "" }).scheme).toMatchObject({ prefix: "" });
  });

  it.each<[string | null, HookAuth]>([
    [null, { content: "{body}" }],
    [null, { content: "acme:{body}\n" }],
    [null, { content: "{{body}}" }],
    [null, { timestamp_header: "X-Time" }],
    [null, { timestamp_header: "X-Time", timestamp_unit: "ms" }],
    [null, { timestamp_header: "X-Time", content: "{body}{timestamp}" }],
    ["timestamp_unit", { timestamp_unit: "s" }],
    ["timestamp_unit", { timestamp_unit: "s", content: "{body}" }],
    ["content", { content: "" }],
    ["content", { content: "body" }],
    ["content", { content: "{body}{body}" }],
    ["content", { content: "{Body}" }],
    ["content", { content: "{ body }" }],
    ["content", { content: "{body:json}" }],
    ["content", { content: "{body}{}" }],
    ["content", { content: "{id}.{body}" }],
    ["content", { content: "{timestamp}.{body}" }],
    ["content", { timestamp_header: "X-Time", content: "{body}" }],
    ["content", { timestamp_header: "X-Time", content: "{timestamp}" }],
    ["content", { timestamp_header: "X-Time", content: "{timestamp}{timestamp}" }],
    ["content", { timestamp_header: "X-Time", content: "{timestamp}{body}{body}" }],
    ["content", { timestamp_header: "X-Time", content: "{timestamp}.{body}.{id}" }],
  ])("%s is wrong: %j", (field, auth) => {
    const result = choose("hmac", auth);
    if (field === null) {
      expect(result).toMatchObject({ ok: true });
    } else {
      expect(result).toEqual(wrongIn(`auth.${field}`));
    }
  });
});

describe("what to paste", () => {
  const values = { url: HOOK_URL, secret: "s3cret-$&-$1-{url}" };

  it.each(EVERY_MODE)("at %s's %s is filled in", (name, mode) => {
    const all = chosen(name, { mode });
    const pasted = pasteOf(all, values);
    expect(pasted).toHaveLength(all.mode.paste.length);
    const text = pasted.flatMap(({ label, value }) => [label, value.replace(values.secret, "")]);
    expect(text.filter((line) => /[{}]/.test(line))).toEqual([]);
    expect(pasted.filter(({ value }) => value.includes(HOOK_URL))).toHaveLength(1);
    const withSecret = pasted.filter(({ value }) => value.includes(values.secret));
    expect(withSecret).toHaveLength(all.mode.secret === "made" ? 1 : 0);
  });

  it("leaves out what needs a secret that nobody has made", () => {
    for (const [name, mode] of EVERY_MODE) {
      const all = chosen(name, { mode });
      const pasted = pasteOf(all, { ...values, secret: null });
      const needed = all.mode.paste.filter(([, value]) => !value.includes("{secret}"));
      expect(pasted).toHaveLength(needed.length);
      expect(JSON.stringify(pasted)).not.toContain("{secret}");
    }
  });

  const own = (source: string, auth: HookAuth): unknown => pasteOf(chosen(source, auth), values);

  it("has header and username as they were chosen", () => {
    expect(own("basic", { username: "$& ada" })).toContainEqual({
      label: "Username",
      value: "$& ada",
    });
    expect(JSON.stringify(own("header", { header: "X-Acme" }))).toContain("X-Acme");
  });

  it("has the prefix too, since that has to be sent", () => {
    const headers = EVERY_MODE.filter(([name, mode]) => {
      const { mode: found, scheme } = chosen(name, { mode });
      return scheme.kind === "header" && found.options.includes("prefix");
    });
    expect(headers.length).toBeGreaterThan(5);
    const lacking = headers.filter(([name, mode]) => {
      const pasted = pasteOf(chosen(name, { mode, prefix: "Token " }), values);
      return !pasted.some(({ value }) => value.includes(`Token ${values.secret}`));
    });
    expect(lacking).toEqual([]);
  });
});
