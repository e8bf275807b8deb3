import * as fc from "fast-check";
import { describe, expect, it, vi } from "vitest";

import { globMatches } from "../../../src/glob.ts";

const TABLE: [pattern: string, fits: string[], fitsNot: string[]][] = [
  ["main", ["main"], ["Main", "main ", "amain", "mai", "", "main/x"]],
  ["", [""], ["a", "/"]],
  ["*", ["", "main", "v1.2"], ["a/b", "/"]],
  ["**", ["", "main", "a/b", "/", "a/b/c/"], []],
  ["**/", ["", "a/", "a/b/", "/"], ["a", "a/b"]],
  ["?", ["a", "*", "?", "🪁", "é"], ["", "ab", "/", "e\u0301"]],
  ["release/*", ["release/1", "release/"], ["release", "release/1/2", "x/release/1"]],
  ["release/**", ["release/1", "release/1/2", "release/"], ["release", "releases/1"]],
  ["**/*.md", ["a.md", "docs/a.md", "docs/x/.md"], ["a.mdx", "a.md/b", "md"]],
  ["docs/**/a.md", ["docs/a.md", "docs/x/a.md", "docs/x/y/a.md"], ["docsa.md", "docs/xa.md"]],
  ["**/docs/**", ["docs/a", "x/docs/a/b"], ["docs", "xdocs/a", "docsx/a"]],
  ["feature-*-?", ["feature-x-1", "feature--1", "feature-a-b-c"], ["feature-x-", "feature-x-12"]],
  ["*.*", [".", "a.b", "a.b.c"], ["a", "a/b.c"]],
  ["a*b*c", ["abc", "aXbXc", "abcbc"], ["ab", "abcX", "a/bc"]],
  ["***", ["", "a", "a/b"], []],
  ["dependabot/**", ["dependabot/npm_and_yarn/vite-7"], ["dependabot"]],
  ["[ab]", ["[ab]"], ["a", "b"]],
  ["{a,b}", ["{a,b}"], ["a", "b"]],
  ["!a", ["!a"], ["b"]],
  ["a.b", ["a.b"], ["axb"]],
  ["a\\*", ["a\\", "a\\x"], ["a*"]],
  ["(a+)+$", ["(a+)+$"], ["aaaa"]],
  ["entry.*", ["entry.publish", "entry."], ["entry", "media.publish"]],
  [
    "ContentManagement.*.publish",
    ["ContentManagement.Entry.publish"],
    ["ContentManagement.publish"],
  ],
];

describe("a pattern", () => {
  it.each(TABLE)("%j", (pattern, fits, fitsNot) => {
    expect(fits.filter((name) => !globMatches(pattern, name))).toEqual([]);
    expect(fitsNot.filter((name) => globMatches(pattern, name))).toEqual([]);
  });

  it("matches as the obvious way to do it does", () => {
    const unit = fc.constantFrom("a", "b", "/", ".", "🪁", "\ud800");
    const piece = fc.oneof(fc.constantFrom("*", "**", "**/", "?"), unit);
    const names = fc.string({ unit, maxLength: 8 });
    const patterns = fc.array(piece, { maxLength: 7 }).map((pieces) => pieces.join(""));
    const seen = { true: 0, false: 0 };
    fc.assert(
      fc.property(patterns, names, (pattern, name) => {
        const wanted = slowly(pattern, Array.from(name));
        expect(globMatches(pattern, name)).toBe(wanted);
        seen[`${wanted}`]++;
      }),
      { numRuns: 5_000 },
    );
    expect(Math.min(seen.true, seen.false)).toBeGreaterThan(250);
  });

  it("without wildcards is its own only name", () => {
    const text = fc.string().map((name) => name.replace(/[*?]/g, ""));
    fc.assert(
      fc.property(text, text, (pattern, name) => {
        expect(globMatches(pattern, pattern)).toBe(true);
        expect(globMatches(pattern, name)).toBe(pattern === name);
      }),
    );
  });
});

/** Tries every way there is; takes exponential time. */
function slowly(pattern: string, name: readonly string[]): boolean {
  const [token = ""] = /^(\*\*\/?|[^])/u.exec(pattern) ?? [];
  const rest = pattern.slice(token.length);
  const after = (taken: number): boolean => slowly(rest, name.slice(taken));
  const lengths = Array.from({ length: name.length + 1 }, (_, n) => n);
  switch (token) {
    case "":
      return name.length === 0;
    case "**":
      return lengths.some(after);
    case "**/":
      return lengths.some((n) => (n === 0 || name[n - 1] === "/") && after(n));
    case "*":
      return lengths.some((n) => !name.slice(0, n).includes("/") && after(n));
    case "?":
      return name[0] !== undefined && name[0] !== "/" && after(1);
    default:
      return name[0] === token && after(1);
  }
}

describe("a pattern made to take long", () => {
  const filled = (text: string): string => text.repeat(255).slice(0, 254);
  it.each([
    ["*a", "a"],
    ["**a", "a"],
    ["**/", "a/"],
    ["*a*a*a*a*a*a*a*a*", "a"],
    ["?*", "a"],
  ])("%s, 255 characters of it, ends at once", (pattern, name) => {
    const started = performance.now();
    // Tried one way after the other this would outlive the sun; the bound only has to be below that.
    for (let n = 0; n < 20; n++) {
      expect(globMatches(`${filled(pattern)}b`, filled(name))).toBe(false);
    }
    expect(performance.now() - started).toBeLessThan(5_000);
  });

  it("takes steps as its length times the name's, and no more", () => {
    const steps = (size: number): number => {
      let count = 0;
      const { entries } = Array.prototype;
      // Each token looks at every place in the name through this.
      const counted = vi.spyOn(Array.prototype, "entries").mockImplementation(function* (
        this: unknown[],
      ) {
        for (const entry of entries.call(this)) {
          count++;
          yield entry;
        }
        return undefined;
      });
      globMatches(`${"*a".repeat(size / 2)}b`, "a".repeat(size));
      counted.mockRestore();
      return count;
    };
    for (const size of [100, 250]) {
      expect(steps(size)).toBeGreaterThan(size);
      expect(steps(size)).toBeLessThanOrEqual((size + 1) * (size + 1));
    }
  });
});
