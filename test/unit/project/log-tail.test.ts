import { describe, expect, it } from "vitest";

import { tailOf } from "../../../src/project/log-tail.ts";

const log = (...lines: string[]): { ts: string; line: string }[] =>
  lines.map((line) => ({ ts: "2026-11-24T05:30:00Z", line }));

describe("the end of a log", () => {
  it("is its last 15 lines that say something", () => {
    const lines = Array.from({ length: 20 }, (_, n) => `line ${n}`);
    expect(tailOf(log(...lines, "", "  "), [])).toEqual(lines.slice(-15));
  });

  it("has no colours, no secrets, and no line without end", () => {
    const secret = "s3cr3t-t0ken";
    const lines = log(
      `\u001B[31mkey \u001B[1m${secret}\u001B[0m`,
      `${"x".repeat(295)}${secret}`,
      "x".repeat(1_000_000),
      `${"x".repeat(299)}😀`,
    );
    const [coloured = "", cut = "", long = "", torn = ""] = tailOf(lines, [secret]);
    expect(coloured).toBe("key [redacted]");
    expect(cut).toBe(`${"x".repeat(295)}[reda`);
    expect(long).toBe("x".repeat(300));
    expect(torn.isWellFormed()).toBe(true);
  });
});
