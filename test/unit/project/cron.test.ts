import { describe, expect, it } from "vitest";

import { checkCron, nextOccurrence, nextOccurrences } from "../../../src/project/cron.ts";

const at = (text: string): number => Date.parse(text);
const text = (ms: number | null): string | null =>
  ms === null ? null : new Date(ms).toISOString();

describe("the next occurrence", () => {
  it.each([
    ["0 9 * * 1-5", "Europe/Paris", "2026-11-20T10:00:00Z", "2026-11-23T08:00:00.000Z"],
    ["0 9 * * *", "UTC", "2026-11-20T09:00:00Z", "2026-11-21T09:00:00.000Z"],
    // The gap in spring: 02:30 does not exist, so it runs right after it.
    ["30 2 * * *", "Europe/Paris", "2026-03-28T12:00:00Z", "2026-03-29T01:00:00.000Z"],
    // The overlap in autumn: once, at the first 02:30.
    ["30 2 * * *", "Europe/Paris", "2026-10-24T12:00:00Z", "2026-10-25T00:30:00.000Z"],
    ["30 2 * * *", "Europe/Paris", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00.000Z"],
    ["0 0 29 2 *", "UTC", "2026-11-20T00:00:00Z", "2028-02-29T00:00:00.000Z"],
    ["0 0 31 * *", "America/New_York", "2026-11-20T00:00:00Z", "2026-12-31T05:00:00.000Z"],
  ])("%s in %s after %s is %s", (cron, zone, after, expected) => {
    expect(text(nextOccurrence(cron, zone, at(after)))).toBe(expected);
  });

  it("comes as a list, strictly rising", () => {
    const times = nextOccurrences("*/15 * * * *", "UTC", at("2026-11-20T10:00:00Z"), 3);
    expect(times.map(text)).toEqual([
      "2026-11-20T10:15:00.000Z",
      "2026-11-20T10:30:00.000Z",
      "2026-11-20T10:45:00.000Z",
    ]);
  });
});

describe("checking a schedule", () => {
  it.each([
    ["61 * * * *", "UTC"],
    ["* * * *", "UTC"],
    ["* * * * * *", "UTC"],
    ["0 9 * * *", "Mars/Olympus"],
    ["0 0 30 2 *", "UTC"],
    ["", "UTC"],
    ["hello world foo bar baz", "UTC"],
  ])("refuses %s in %s", (cron, zone) => {
    expect(checkCron(cron, zone, at("2026-11-20T00:00:00Z")).ok).toBe(false);
  });

  it("takes what cron takes", () => {
    expect(checkCron("*/5 9-17 * * MON-FRI", "Asia/Kolkata", Date.now())).toEqual({
      ok: true,
      value: null,
    });
  });
});
