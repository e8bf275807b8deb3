import { describe, expect, it } from "vitest";

import { ownPath } from "../../../src/dashboard/path.ts";
import {
  firstLine,
  localized,
  person,
  safeUrl,
  shortHash,
  visible,
} from "../../../src/dashboard/model/text.ts";
import { CLOCK, said } from "./data.ts";

describe("what others wrote", () => {
  it.each(["\u202e", "\u2066", "\u200b", "\u0007", "\u001b", "\ufeff"])(
    "shows %j as what it is: unseen",
    (sign) => {
      expect(visible(`a${sign}b`)).toBe("a\uFFFDb");
    },
  );

  it("keeps every letter there is", () => {
    const text = "עדכון <b>&amp; “ünï” \t日本";
    expect(visible(text)).toBe(text);
  });

  it("is one line, the first that says something", () => {
    expect(firstLine("\n  \nFix it\nand more")).toBe("Fix it");
    expect(firstLine("  \n")).toBeNull();
    expect(firstLine(null)).toBeNull();
    expect(shortHash("4be07a2c0000")).toBe("4be07a2");
  });

  it("is followed only where a browser may go", () => {
    expect(safeUrl("https://a.pages.dev")).toBe("https://a.pages.dev");
    expect(["javascript:alert(1)", "data:text/html,x", "nothing"].map(safeUrl)).toEqual([
      null,
      null,
      null,
    ]);
  });

  it("is known by its end when it is a token's id", () => {
    expect(person("tok_01M871XPMBR2JFF2EBD5S7ZMNC")).toBe("tok_…ZMNC");
    expect(person("Ines Marwitz")).toBe("Ines Marwitz");
  });
});

describe("reasons in the reader's zone", () => {
  it.each([
    [
      "Waits for the quiet period, until 13:31:40 UTC.",
      "Waits for the quiet period, until 14:31:40.",
    ],
    ["Waits for approval, until 2026-11-27 08:00 UTC.", "Waits for approval, until Fri 09:00."],
    [
      "Superseded by #414: a newer push to main, 6 s later.",
      "Superseded by #414: a newer push to main, 6 s later.",
    ],
  ])("%s", (reason, text) => {
    expect(said(localized(reason, null, CLOCK))).toBe(text);
  });

  it("with how far off its end is, where that is known", () => {
    const until = Date.UTC(2026, 10, 24, 17);
    expect(
      said(localized("Waits for the window “Evenings”, until 17:00:00 UTC.", until, CLOCK)),
    ).toBe("Waits for the window “Evenings”, until 18:00, in 3 h 28 min.");
  });

  it("of another day, as people say it", () => {
    const until = Date.UTC(2026, 10, 25, 17);
    expect(
      said(localized("Waits for a window to open at 2026-11-25 17:00 UTC.", until, CLOCK)),
    ).toBe("Waits for a window to open tomorrow 18:00.");
  });

  it("a time past midnight UTC is the nearest one", () => {
    const clock = { now: Date.UTC(2026, 10, 24, 23, 50), zone: "UTC" };
    expect(said(localized("Looks until 00:05:00 UTC.", null, clock))).toBe(
      "Looks until tomorrow 00:05.",
    );
  });

  it("a time of a reason that was given before is the next one from then", () => {
    const days = (n: number, hour: number): number => Date.UTC(2026, 10, 24 + n, hour);
    const clock = { now: days(0, 12), zone: "UTC" };
    const read = (given: number): string =>
      said(localized("Waits for approval, until 13:00:00 UTC.", null, clock, given));
    expect(read(days(-1, 12))).toBe(read(days(-1, 13)));
    expect(read(days(-1, 14))).toBe(read(days(0, 12)));
    expect(read(days(-1, 12))).not.toBe(read(days(0, 12)));
    expect(read(days(0, 12))).toBe("Waits for approval, until 13:00.");
  });
});

describe("where sign-in leads", () => {
  it.each(["/", "/projects/a?q=b"])("%s is ours", (path) => expect(ownPath(path)).toBe(path));
  it.each(["//evil.example", "/\\evil.example", "https://evil.example", "", "/a b", null])(
    "%s is not",
    (path) => expect(ownPath(path)).toBe("/"),
  );
});
