import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { duration, fit, oneLine, safeUrl } from "../../../src/notify/text.ts";

const any = fc.oneof(
  fc.string({ unit: "binary", maxLength: 60 }),
  fc.string({ unit: "grapheme", maxLength: 60 }),
);
const segments = (text: string): string[] =>
  [...new Intl.Segmenter("en", { granularity: "grapheme" }).segment(text)].map((s) => s.segment);

describe("oneLine", () => {
  it("takes the first line that says something", () => {
    expect(oneLine("\n\n  Fix\tthe  cart \r\nmore")).toBe("Fix the cart");
    expect(oneLine(" \n ")).toBe("");
  });

  it("shows what would be unseen or turn text round", () => {
    expect(oneLine("a\u202Eb\u2066c\u200Bd\u0007e\uFEFFf\u00ADg\u200Dh")).toBe("a�b�c�d�e�f�g�h");
    expect(oneLine("\u001B[31mred\u001B[0m")).toBe("red");
    expect(oneLine("a\uD83Db")).toBe("a�b");
  });

  it("leaves emoji whole that are joined of several", () => {
    expect(oneLine("👩🏽‍🚀 ❤️‍🔥 🏳️‍🌈")).toBe("👩🏽‍🚀 ❤️‍🔥 🏳️‍🌈");
  });
});

describe("fit", () => {
  it("cuts between characters as people see them", () => {
    expect(fit("👨‍👩‍👧👨‍👩‍👧", 9)).toBe("👨‍👩‍👧…");
    expect(fit("👨‍👩‍👧👨‍👩‍👧", 8)).toBe("…");
    expect(fit("abcdef", 6)).toBe("abcdef");
    expect(fit("abcdefg", 6)).toBe("abcde…");
  });

  it("counts what a text becomes, and ends at once in an endless one", () => {
    expect(fit("&&&", 11, (c) => c.replace("&", "&amp;"))).toBe("&amp;&amp;…");
    expect(fit(`e${"\u0301".repeat(1_000_000)}`, 50)).toBe("…");
  });

  it("sets right-to-left text apart", () => {
    expect(fit("שלום", 20)).toBe("\u2068שלום\u2069");
  });

  it("keeps to its limit and to whole characters, whatever the text", () => {
    fc.assert(
      fc.property(any, fc.integer({ min: 3, max: 40 }), (text, limit) => {
        const fitted = fit(text, limit);
        expect(fitted.length).toBeLessThanOrEqual(limit);
        const shown = segments(fitted.replace(/[\u2068\u2069]/g, "").replace(/…$/, ""));
        expect(segments(oneLine(text)).slice(0, shown.length)).toEqual(shown);
      }),
    );
  });
});

describe("safeUrl", () => {
  it("takes http and https only, and leaves nothing that is markup", () => {
    expect(safeUrl("javascript:alert(1)")).toBeNull();
    expect(safeUrl("data:text/html,x")).toBeNull();
    expect(safeUrl(`https://a.example/${"x".repeat(300)}`)).toBeNull();
    expect(safeUrl("no address")).toBeNull();
    expect(safeUrl("https://a.example/a|b(c)_d*")).toBe("https://a.example/a%7cb%28c%29%5fd%2a");
  });
});

describe("duration", () => {
  it("names at most two units", () => {
    expect([400, 72_000, 128_400, 3_600_000, 5_403_000].map(duration)).toEqual([
      "0\u00A0s",
      "1\u00A0min 12\u00A0s",
      "2\u00A0min 8\u00A0s",
      "1\u00A0h",
      "1\u00A0h 30\u00A0min",
    ]);
  });
});
