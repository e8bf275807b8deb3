import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { checkCron, nextOccurrence, nextOccurrences } from "../../../src/project/cron.ts";

const at = (text: string): number => Date.parse(text);

/** Rows of text, as every cell of its own line would bury the dates. */
const rows = (table: string): string[][] =>
  table
    .split("\n")
    .filter((row) => row.includes("|"))
    .map((row) => row.split("|").map((cell) => cell.trim()));

const short = (ms: number): string => new Date(ms).toISOString().replace(":00.000Z", "Z");

describe("the next occurrences", () => {
  // In spring Paris has no 02:00 to 03:00 (from 01:00Z on), New York neither (07:00Z), Lord Howe no 02:00 to 02:30
  // (15:30Z). Named hours are made up for right after the gap, once for all of them; a rhythm leaves it out.
  const spring = `
    Europe/Paris        | 30 2 * * *      | 2027-03-27T12:00Z | 2027-03-28T01:00Z 2027-03-29T00:30Z
    Europe/Paris        | 0 2 * * *       | 2027-03-27T12:00Z | 2027-03-28T01:00Z 2027-03-29T00:00Z
    Europe/Paris        | 0 3 * * *       | 2027-03-27T12:00Z | 2027-03-28T01:00Z 2027-03-29T01:00Z
    Europe/Paris        | 59 1 * * *      | 2027-03-27T12:00Z | 2027-03-28T00:59Z 2027-03-28T23:59Z
    Europe/Paris        | 0 1,2,3 * * *   | 2027-03-27T12:00Z | 2027-03-28T00:00Z 2027-03-28T01:00Z 2027-03-28T23:00Z
    Europe/Paris        | 30 1-4 * * *    | 2027-03-27T12:00Z | 2027-03-28T00:30Z 2027-03-28T01:00Z 2027-03-28T01:30Z 2027-03-28T02:30Z
    Europe/Paris        | 30 2,14 * * *   | 2027-03-27T22:00Z | 2027-03-28T01:00Z 2027-03-28T12:30Z 2027-03-29T00:30Z
    Europe/Paris        | */30 2 * * *    | 2027-03-27T12:00Z | 2027-03-28T01:00Z 2027-03-29T00:00Z 2027-03-29T00:30Z
    Europe/Paris        | 0 0-6/2 * * *   | 2027-03-27T22:00Z | 2027-03-27T23:00Z 2027-03-28T01:00Z 2027-03-28T02:00Z 2027-03-28T04:00Z
    Europe/Paris        | 0 */2 * * *     | 2027-03-27T22:00Z | 2027-03-27T23:00Z 2027-03-28T02:00Z 2027-03-28T04:00Z
    Europe/Paris        | 30 * * * *      | 2027-03-28T00:00Z | 2027-03-28T00:30Z 2027-03-28T01:30Z 2027-03-28T02:30Z
    Europe/Paris        | */20 * * * *    | 2027-03-28T00:30Z | 2027-03-28T00:40Z 2027-03-28T01:00Z 2027-03-28T01:20Z
    Europe/Paris        | 30 2 * * 1-6    | 2027-03-27T12:00Z | 2027-03-29T00:30Z
    America/New_York    | 15 2 * * *      | 2027-03-13T12:00Z | 2027-03-14T07:00Z 2027-03-15T06:15Z
    America/New_York    | 0,30 1-3 * * *  | 2027-03-13T12:00Z | 2027-03-14T06:00Z 2027-03-14T06:30Z 2027-03-14T07:00Z 2027-03-14T07:30Z 2027-03-15T05:00Z
    America/New_York    | 0 * * * *       | 2027-03-14T05:30Z | 2027-03-14T06:00Z 2027-03-14T07:00Z 2027-03-14T08:00Z
    Australia/Lord_Howe | 15 2 * * *      | 2027-10-02T00:00Z | 2027-10-02T15:30Z 2027-10-03T15:15Z
    Australia/Lord_Howe | */15 2 * * *    | 2027-10-02T00:00Z | 2027-10-02T15:30Z 2027-10-02T15:45Z 2027-10-03T15:00Z
    Australia/Lord_Howe | 30 2 * * *      | 2027-10-02T00:00Z | 2027-10-02T15:30Z 2027-10-03T15:30Z
    Australia/Lord_Howe | 0 * * * *       | 2027-10-02T14:00Z | 2027-10-02T14:30Z 2027-10-02T16:00Z 2027-10-02T17:00Z
    Asia/Kolkata        | */30 2 * * *    | 2027-03-27T12:00Z | 2027-03-27T20:30Z 2027-03-27T21:00Z 2027-03-28T20:30Z`;
  // In autumn 02:00 to 03:00 comes twice in Paris (the second time at 01:00Z), 01:00 to 02:00 in New York (06:00Z), 01:30 to
  // 02:00 in Lord Howe (15:00Z). Named hours are run the first time, a rhythm both times.
  const autumn = `
    Europe/Paris        | 30 2 * * *      | 2027-10-30T12:00Z | 2027-10-31T00:30Z 2027-11-01T01:30Z
    Europe/Paris        | 30 2 * * *      | 2027-10-31T00:45Z | 2027-11-01T01:30Z
    Europe/Paris        | 30 2 * * *      | 2027-10-31T01:15Z | 2027-11-01T01:30Z
    Europe/Paris        | 0 2 * * *       | 2027-10-30T12:00Z | 2027-10-31T00:00Z 2027-11-01T01:00Z
    Europe/Paris        | 0 3 * * *       | 2027-10-30T12:00Z | 2027-10-31T02:00Z 2027-11-01T02:00Z
    Europe/Paris        | 0 1,2,3 * * *   | 2027-10-30T12:00Z | 2027-10-30T23:00Z 2027-10-31T00:00Z 2027-10-31T02:00Z 2027-11-01T00:00Z
    Europe/Paris        | 30 2,14 * * *   | 2027-10-30T22:00Z | 2027-10-31T00:30Z 2027-10-31T13:30Z 2027-11-01T01:30Z
    Europe/Paris        | */30 2 * * *    | 2027-10-30T12:00Z | 2027-10-31T00:00Z 2027-10-31T00:30Z 2027-11-01T01:00Z
    Europe/Paris        | 0 */2 * * *     | 2027-10-30T21:00Z | 2027-10-30T22:00Z 2027-10-31T00:00Z 2027-10-31T01:00Z 2027-10-31T03:00Z
    Europe/Paris        | 30 * * * *      | 2027-10-31T00:00Z | 2027-10-31T00:30Z 2027-10-31T01:30Z 2027-10-31T02:30Z
    Europe/Paris        | */30 * * * *    | 2027-10-31T00:15Z | 2027-10-31T00:30Z 2027-10-31T01:00Z 2027-10-31T01:30Z 2027-10-31T02:00Z
    America/New_York    | 30 1 * * *      | 2027-11-06T12:00Z | 2027-11-07T05:30Z 2027-11-08T06:30Z
    America/New_York    | 0,30 1,2 * * *  | 2027-11-06T12:00Z | 2027-11-07T05:00Z 2027-11-07T05:30Z 2027-11-07T07:00Z 2027-11-07T07:30Z 2027-11-08T06:00Z
    America/New_York    | 0 * * * *       | 2027-11-07T04:30Z | 2027-11-07T05:00Z 2027-11-07T06:00Z 2027-11-07T07:00Z
    Australia/Lord_Howe | 45 1 * * *      | 2027-04-03T00:00Z | 2027-04-03T14:45Z 2027-04-04T15:15Z
    Australia/Lord_Howe | */15 1 * * *    | 2027-04-03T14:10Z | 2027-04-03T14:15Z 2027-04-03T14:30Z 2027-04-03T14:45Z 2027-04-04T14:30Z
    Australia/Lord_Howe | 0 2 * * *       | 2027-04-03T00:00Z | 2027-04-03T15:30Z 2027-04-04T15:30Z
    Australia/Lord_Howe | 45 * * * *      | 2027-04-03T14:00Z | 2027-04-03T14:45Z 2027-04-03T15:15Z 2027-04-03T16:15Z
    Asia/Kolkata        | 30 2 * * *      | 2027-10-30T12:00Z | 2027-10-30T21:00Z 2027-10-31T21:00Z`;
  const calendar = `
    UTC                 | 0 9 * * *       | 2026-11-20T09:00Z | 2026-11-21T09:00Z 2026-11-22T09:00Z
    UTC                 | */15 * * * *    | 2026-11-20T10:00Z | 2026-11-20T10:15Z 2026-11-20T10:30Z 2026-11-20T10:45Z
    Europe/Paris        | 0 9 * * 1-5     | 2026-11-20T10:00Z | 2026-11-23T08:00Z 2026-11-24T08:00Z
    Europe/Paris        | 0 9 * * MON,FRI | 2026-11-20T10:00Z | 2026-11-23T08:00Z 2026-11-27T08:00Z
    America/New_York    | 0 0 31 * *      | 2026-11-20T00:00Z | 2026-12-31T05:00Z 2027-01-31T05:00Z 2027-03-31T04:00Z
    Asia/Kolkata        | 0 0 31 * *      | 2026-11-20T00:00Z | 2026-12-30T18:30Z 2027-01-30T18:30Z 2027-03-30T18:30Z
    Europe/Paris        | 0 18 L * *      | 2028-02-01T00:00Z | 2028-02-29T17:00Z 2028-03-31T16:00Z
    UTC                 | 0 0 29 2 *      | 2026-11-20T00:00Z | 2028-02-29T00:00Z 2032-02-29T00:00Z
    Australia/Lord_Howe | 30 2 29 2 *     | 2026-11-20T00:00Z | 2028-02-28T15:30Z 2032-02-28T15:30Z
    UTC                 | 30 12 31 12 *   | 2027-12-31T12:30Z | 2028-12-31T12:30Z`;

  it.each(rows(spring + autumn + calendar))(
    "in %s, of %s, after %s, are %s",
    (zone = "", cron = "", after = "", list = "") => {
      const count = list.split(" ").length;
      expect(nextOccurrences(cron, zone, at(after), count).map(short).join(" ")).toBe(list);
    },
  );

  it("come after the time that is given, to the millisecond", () => {
    const nine = at("2027-06-01T07:00:00Z");
    const next = (after: number): number | null =>
      nextOccurrence("0 9 1 6 *", "Europe/Paris", after);
    expect(next(nine - 1)).toBe(nine);
    expect(next(nine)).toBe(at("2028-06-01T07:00:00Z"));
    expect(next(nine + 1)).toBe(at("2028-06-01T07:00:00Z"));
  });
});

// The time is for machines that are busy: it takes a few seconds.
describe("named hours, over a year", { timeout: 30_000 }, () => {
  /** The day whose clock skips a stretch, from when, and what it shows after it. */
  const zones = {
    "Europe/Paris": ["2027-03-28", "02:00", "03:00"],
    "America/New_York": ["2027-03-14", "02:00", "03:00"],
    "Australia/Lord_Howe": ["2027-10-03", "02:00", "02:30"],
    "Asia/Kolkata": ["none", "24:00", "24:00"],
  } as const;

  const wallIn = (timeZone: string): ((ms: number) => string) => {
    const format = new Intl.DateTimeFormat("sv", {
      timeZone,
      dateStyle: "short",
      timeStyle: "short",
    });
    return (ms) => format.format(ms);
  };

  const two = (n: number): string => String(n).padStart(2, "0");
  const hours = fc.oneof(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 0, max: 23 }));
  const some = <T>(one: fc.Arbitrary<T>): fc.Arbitrary<T[]> =>
    fc.uniqueArray(one, { minLength: 1, maxLength: 3 });

  it.each(Object.entries(zones))(
    "come once each day in %s, and always later than the one before",
    (zone, [gapDay, from, after]) => {
      const wall = wallIn(zone);
      const year = fc.tuple(some(hours), some(fc.integer({ min: 0, max: 59 })));
      const check = ([named, minutes]: [number[], number[]]): void => {
        const cron = `${minutes.join()} ${named.join()} * * *`;
        const shown = new Map<string, string[]>();
        let now = at("2026-12-31T00:00:00Z");
        for (;;) {
          const next = nextOccurrence(cron, zone, now) ?? 0;
          expect(next).toBeGreaterThan(now);
          now = next;
          const [day = "", time = ""] = wall(now).split(" ");
          if (day.startsWith("2028")) {
            break;
          }
          shown.set(day, [...(shown.get(day) ?? []), time]);
        }
        const times = named.flatMap((h) => minutes.map((m) => `${two(h)}:${two(m)}`)).sort();
        const days = [...shown].filter(([day]) => day.startsWith("2027"));
        expect(days).toHaveLength(365);
        for (const [day, walls] of days) {
          const skipped = (time: string): boolean => day === gapDay && time >= from && time < after;
          const due = times.map((time) => (skipped(time) ? after : time));
          expect([day, ...walls]).toEqual([day, ...new Set(due.sort())]);
        }
      };
      fc.assert(fc.property(year, check), { numRuns: 6 });
    },
  );
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
