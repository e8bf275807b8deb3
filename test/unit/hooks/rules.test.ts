import { describe, expect, it } from "vitest";

import { checkRules, skipWordIn, type Check, type Rules } from "../../../src/hooks/rules.ts";
import { findSource, type SourceName } from "../../../src/hooks/sources/index.ts";
import type { HookTrigger, Source } from "../../../src/hooks/sources/source.ts";
import { HookSettings } from "../../../src/project/hook-settings.ts";
import { must } from "./verify/support.ts";

const TRIGGER: HookTrigger = {
  branch: "main",
  commit_hash: "a".repeat(40),
  commit_message: "Fix the door",
  actor: "ada",
  paths: ["src/door.ts"],
};
const PASSES = [null, null, null, null, null, null];
const ORDER = ["paused", "events", "branch", "branches", "skip_ci", "paths"];

const source = (name: SourceName): Source => must(findSource(name));

interface Asked {
  readonly rules?: Partial<Omit<Rules, "settings">>;
  readonly settings?: object;
  readonly from?: SourceName;
  readonly event?: string | null;
  readonly trigger?: Partial<HookTrigger>;
}

function checks({
  rules,
  settings = {},
  from = "github",
  event = "push",
  trigger,
}: Asked): Check[] {
  const hook = { paused: false, branch: null, settings: HookSettings.parse(settings), ...rules };
  return checkRules(hook, source(from), event, { ...TRIGGER, ...trigger });
}

/** What each rule has against a trigger, in their order. */
const against = (asked: Asked): (string | null)[] =>
  checks(asked).map((check) => check.against?.code ?? null);

/** The first rule that is against it. */
const reason = (asked: Asked): string | null =>
  against(asked).find((code) => code !== null) ?? null;

describe("the rules", () => {
  it("are looked at in their order, and all of them", () => {
    expect(checks({}).map(({ rule }) => rule)).toEqual(ORDER);
    expect(against({})).toEqual(PASSES);
    const everything: Asked = {
      rules: { paused: true, branch: "dev" },
      settings: {
        events: ["release"],
        branches: { exclude: ["main"] },
        paths: { include: ["docs/**"] },
      },
      trigger: { commit_message: "Fix [skip ci]" },
    };
    const codes = [
      "hook_paused",
      "event_filtered",
      "other_branch",
      "branch_filtered",
      "skip_ci",
      "paths_filtered",
    ];
    expect(against(everything)).toEqual(codes);
  });

  it("say why, in a sentence each", () => {
    const all = [
      ...checks({}),
      ...checks({
        rules: { paused: true, branch: "dev" },
        settings: {
          skip_ci: false,
          branches: { include: ["main"], exclude: ["x"] },
          paths: { exclude: ["src/**"] },
        },
        event: null,
      }),
      ...checks({ trigger: { branch: null, paths: null, commit_message: null } }),
    ];
    for (const { detail, against: no } of all) {
      expect(detail).toMatch(/^[A-Z].*[.]$/);
      expect(no?.text ?? "Fine.").toMatch(/^[A-Z].*[.]$/);
    }
  });
});

describe("a paused hook", () => {
  it("deploys nothing", () => {
    expect(against({ rules: { paused: true } })).toEqual(["hook_paused", ...PASSES.slice(1)]);
  });
});

describe("events", () => {
  it.each<[string | null, SourceName, string | null, object]>([
    [null, "github", "push", {}],
    ["event_filtered", "github", "create", {}],
    [null, "strapi", "entry.publish", {}],
    [null, "strapi", "releases.publish", {}],
    ["event_filtered", "strapi", "releases.create", {}],
    [null, "contentful", "ContentManagement.Entry.publish", {}],
    ["event_filtered", "contentful", "ContentManagement.Entry.save", {}],
    [null, "storyblok", "anything at all", {}],
    ["event_filtered", "storyblok", "unpublished", { events: ["published"] }],
    [null, "storyblok", "published", { events: ["x", "publ*"] }],
    // The hook's own list is instead of the source's, not beside it.
    ["event_filtered", "strapi", "entry.publish", { events: ["media.*"] }],
    [null, "strapi", "entry.publish", { events: null }],
    // A sender that names no event: held against a list of one's own alone.
    [null, "standard-webhooks", null, {}],
    [null, "strapi", null, {}],
    ["event_filtered", "standard-webhooks", null, { events: ["published"] }],
    ["event_filtered", "standard-webhooks", null, { events: ["**"] }],
    ["event_filtered", "github", "Push", {}],
  ])("%s: %s sends %j, hook %j", (code, from, event, settings) => {
    expect(against({ from, event, settings })).toEqual([null, code, ...PASSES.slice(2)]);
  });
});

describe("a hook's own branch", () => {
  it.each<[string | null, string | null, string | null]>([
    [null, "main", "main"],
    ["other_branch", "main", "dev"],
    ["other_branch", "main", "Main"],
    ["other_branch", "main", "main2"],
    ["other_branch", "ma*", "main"],
    [null, "main", null],
    [null, null, "anything"],
    [null, null, null],
  ])("%s: hook %j, delivery %j", (code, branch, sent) => {
    const asked = { rules: { branch }, trigger: { branch: sent } };
    expect(against(asked)).toEqual([null, null, code, ...PASSES.slice(3)]);
  });

  it("is not looked for among the branches that are left out", () => {
    const settings = { branches: { exclude: ["main"] } };
    expect(reason({ rules: { branch: "main" }, settings, trigger: { branch: null } })).toBe(null);
    expect(reason({ rules: { branch: "main" }, settings })).toBe("branch_filtered");
  });
});

describe("branches", () => {
  it.each<[string | null, object, string | null]>([
    [null, {}, "main"],
    [null, { include: ["main"] }, "main"],
    ["branch_filtered", { include: ["main"] }, "dev"],
    [null, { include: ["main", "release/*"] }, "release/1"],
    ["branch_filtered", { include: ["release/*"] }, "release/1/2"],
    ["branch_filtered", { exclude: ["dependabot/**"] }, "dependabot/npm/vite"],
    [null, { exclude: ["dependabot/**"] }, "main"],
    ["branch_filtered", { include: ["release/*"], exclude: ["release/old"] }, "release/old"],
    ["branch_filtered", { include: ["main"], exclude: ["main"] }, "main"],
    // Whoever names no branch gets the hook's, whatever the rules.
    [null, { include: ["dev"], exclude: ["**"] }, null],
  ])("%s: %j for %j", (code, branches, branch) => {
    const asked = { settings: { branches }, trigger: { branch } };
    expect(against(asked)).toEqual([null, null, null, code, null, null]);
  });
});

describe("words that ask for no build", () => {
  const WORDS = [
    "[CI Skip]",
    "[CI-Skip]",
    "[Skip CI]",
    "[Skip-CI]",
    "[CF-Pages-Skip]",
    "[no ci]",
    "[no-ci]",
    "[skip actions]",
    "[actions skip]",
    "***NO_CI***",
  ];
  it.each(WORDS)("%s, in any letter case, anywhere", (word) => {
    for (const written of [word, word.toLowerCase(), word.toUpperCase()]) {
      for (const message of [written, `x${written}y`, `Fix\n\nA long story.\n${written}\n`]) {
        expect(skipWordIn(message)).toBe(written);
        const asked = { trigger: { commit_message: message } };
        expect(against(asked)).toEqual([null, null, null, null, "skip_ci", null]);
        expect(against({ ...asked, settings: { skip_ci: false } })).toEqual(PASSES);
      }
    }
  });

  it.each([
    "",
    "skip ci",
    "ci skip",
    "no ci",
    "NO_CI",
    "**NO_CI**",
    "[skip]",
    "[ci]",
    "[skip  ci]",
    "[ skip ci ]",
    "[skip\nci]",
    "(skip ci)",
    "[skipci]",
    "[no cigar]",
    "[cf pages skip]",
    "skip-checks: true",
  ])("not %j", (message) => {
    expect(skipWordIn(message)).toBe(null);
    expect(against({ trigger: { commit_message: message } })).toEqual(PASSES);
  });

  it("nor a message that is not known, or is no commit's", () => {
    expect(against({ trigger: { commit_message: null } })).toEqual(PASSES);
    const post = { commit_message: "How to [skip ci]", commit_hash: null };
    expect(against({ trigger: post })).toEqual(PASSES);
  });
});

describe("paths", () => {
  it.each<[string | null, object, string[] | null]>([
    [null, {}, ["src/a.ts"]],
    [null, { include: ["src/**"] }, ["src/a.ts"]],
    [null, { include: ["src/**"] }, ["docs/a.md", "src/a.ts"]],
    ["paths_filtered", { include: ["src/**"] }, ["docs/a.md", "a.ts"]],
    ["paths_filtered", { exclude: ["**/*.md"] }, ["a.md", "docs/a.md"]],
    [null, { exclude: ["**/*.md"] }, ["a.md", "a.ts"]],
    ["paths_filtered", { include: ["docs/**"], exclude: ["**/*.md"] }, ["docs/a.md", "a.ts"]],
    // Not known, or not all of them: then it deploys.
    [null, { include: ["src/**"] }, null],
    [null, { exclude: ["**"] }, null],
  ])("%s: %j for %j", (code, paths, changed) => {
    const asked = { settings: { paths }, trigger: { paths: changed } };
    expect(against(asked)).toEqual([null, null, null, null, null, code]);
  });
});
