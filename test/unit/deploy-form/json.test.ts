import { describe, expect, it } from "vitest";
import { parseDeployJson } from "../../../src/deploy-form/json.ts";

describe("a JSON create", () => {
  it("may say nothing, or all that a build can know", () => {
    expect(parseDeployJson({})).toEqual({ ok: true, value: {} });
    const all = {
      branch: "main",
      commit_hash: "abc",
      commit_message: "a\n\tb",
      commit_dirty: false,
    };
    expect(parseDeployJson(all)).toEqual({ ok: true, value: all });
    expect(parseDeployJson({ commit_hash: "", commit_message: "" })).toEqual({
      ok: true,
      value: {},
    });
  });

  const cases: [string, unknown, string, string | undefined][] = [
    ["null", null, "body_not_object", undefined],
    ["an array", [], "body_not_object", undefined],
    ["a string", "main", "body_not_object", undefined],
    ["nothing", undefined, "body_not_object", undefined],
    ["an unknown key", { branch: "main", brunch: "x" }, "field_unknown", "brunch"],
    ["a form-only field", { manifest: {} }, "field_unknown", "manifest"],
    ["__proto__", JSON.parse('{"__proto__":{}}'), "field_unknown", "__proto__"],
    ["a very long unknown key", { ["k".repeat(9999)]: 1 }, "field_unknown", "k".repeat(64)],
    ["a branch that is a number", { branch: 1 }, "field_invalid", "branch"],
    ["a branch that is null", { branch: null }, "field_invalid", "branch"],
    ["an empty branch", { branch: "" }, "branch_invalid", "branch"],
    ["a branch no git would take", { branch: "a..b" }, "branch_invalid", "branch"],
    ["a branch too long", { branch: "ü".repeat(128) }, "field_too_long", "branch"],
    ["half a surrogate pair", { commit_message: "\ud800" }, "field_invalid", "commit_message"],
    ["a control character", { commit_hash: "a\u0000" }, "field_invalid", "commit_hash"],
    ["commit_dirty as text", { commit_dirty: "true" }, "field_invalid", "commit_dirty"],
  ];
  it.each(cases)("is refused for %s", (_, value, code, field) => {
    expect(parseDeployJson(value)).toEqual({
      ok: false,
      error: {
        status: 422,
        code,
        detail: expect.stringMatching(/^.{20,250}\.$/),
        ...(field === undefined ? {} : { field }),
      },
    });
  });
});
