import { Cron } from "croner";
import * as fc from "fast-check";
import { describe, expect, it, vi } from "vitest";

import { nextChange, openingAt, type Window } from "../../../src/project/windows.ts";

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

const at = (text: string): number => Date.parse(text);
const text = (ms: number | null): string | null =>
  ms === null ? null : new Date(ms).toISOString().replace(":00.000Z", "Z");

const deny = (cron: string, minutes: number, more: Partial<Window> = {}): Window => ({
  action: "deny",
  environment: null,
  cron,
  duration_minutes: minutes,
  time_zone: "UTC",
  reason: null,
  ...more,
});
const allow = (cron: string, minutes: number, more: Partial<Window> = {}): Window =>
  deny(cron, minutes, { action: "allow", ...more });

/** The next changes, each checked from both sides. */
function changes(windows: readonly Window[], from: string, count: number): string {
  const list: string[] = [];
  let now = at(from);
  for (let n = 0; n < count; n++) {
    const next = nextChange(windows, "production", now);
    if (next === null) {
      list.push("never");
      break;
    }
    const [before, after] = [next - 1, next].map((t) => openingAt(windows, "production", t));
    expect(before?.open).toBe(!after?.open);
    expect(before?.until).toBe(before?.open === true ? null : next);
    list.push(text(next) ?? "");
    now = next;
  }
  return list.join(" ");
}

/** Rows of text, as every cell of its own line would bury the dates. */
const rows = (table: string): string[][] =>
  table
    .split("\n")
    .filter((row) => row.includes("|"))
    .map((row) => row.split("|").map((cell) => cell.trim()));

describe("a window at a clock change", () => {
  // In spring Paris has no 02:00 to 03:00, New York neither, Lord Howe no 02:00 to 02:30. What starts once a day does so
  // right after such a gap, and lasts as long; of several starts a day those in the gap fall out.
  const spring = `
    Europe/Paris        | 30 2 * * *    |   60 | 2027-03-27T12:00Z | 2027-03-28T01:00Z 2027-03-28T02:00Z
    Europe/Paris        | 0 1 * * *     |  180 | 2027-03-27T12:00Z | 2027-03-28T00:00Z 2027-03-28T03:00Z
    Europe/Paris        | */30 2 * * *  |   30 | 2027-03-27T12:00Z | 2027-03-29T00:00Z 2027-03-29T01:00Z
    Europe/Paris        | 30 2,14 * * * |   30 | 2027-03-27T22:00Z | 2027-03-28T12:30Z 2027-03-28T13:00Z
    America/New_York    | 15 2 * * *    |   60 | 2027-03-13T12:00Z | 2027-03-14T07:00Z 2027-03-14T08:00Z
    America/New_York    | 0 22 * * 6    |  600 | 2027-03-13T12:00Z | 2027-03-14T03:00Z 2027-03-14T13:00Z
    Australia/Lord_Howe | 15 2 * * *    |   60 | 2027-10-02T00:00Z | 2027-10-02T15:30Z 2027-10-02T16:30Z
    Australia/Lord_Howe | 0 1 * * *     |  180 | 2027-10-02T00:00Z | 2027-10-02T14:30Z 2027-10-02T17:30Z
    Asia/Kolkata        | 30 2 * * *    |   60 | 2027-03-27T12:00Z | 2027-03-27T21:00Z 2027-03-27T22:00Z`;
  // In autumn 02:00 to 03:00 comes twice in Paris, 01:00 to 02:00 in New York, 01:30 to 02:00 in Lord Howe. What starts
  // once a day does so the first time only, other starts come twice.
  const autumn = `
    Europe/Paris        | 30 2 * * *    |   60 | 2027-10-30T12:00Z | 2027-10-31T00:30Z 2027-10-31T01:30Z
    Europe/Paris        | 0 1 * * *     |  180 | 2027-10-30T12:00Z | 2027-10-30T23:00Z 2027-10-31T02:00Z
    Europe/Paris        | */30 2 * * *  |   30 | 2027-10-30T12:00Z | 2027-10-31T00:00Z 2027-10-31T02:00Z
    Europe/Paris        | 30 2,14 * * * |   30 | 2027-10-30T22:00Z | 2027-10-31T00:30Z 2027-10-31T01:00Z 2027-10-31T01:30Z 2027-10-31T02:00Z
    America/New_York    | 30 1 * * *    |   45 | 2027-11-06T12:00Z | 2027-11-07T05:30Z 2027-11-07T06:15Z
    America/New_York    | 0 22 * * 6    |  600 | 2027-11-06T12:00Z | 2027-11-07T02:00Z 2027-11-07T12:00Z
    Australia/Lord_Howe | 45 1 * * *    |   60 | 2027-04-03T00:00Z | 2027-04-03T14:45Z 2027-04-03T15:45Z
    Australia/Lord_Howe | 0 1 * * *     |  180 | 2027-04-03T00:00Z | 2027-04-03T14:00Z 2027-04-03T17:00Z
    Asia/Kolkata        | 30 2 * * *    |   60 | 2027-10-30T12:00Z | 2027-10-30T21:00Z 2027-10-30T22:00Z`;
  // Every minute of a weekend with a change in it. A full day each day leaves the hour that a long day has more.
  const withoutGap = `
    Europe/Paris        | * * * * 0,6   |    1 | 2027-03-27T12:00Z | 2027-03-28T22:00Z 2027-04-02T22:00Z
    Europe/Paris        | * * * * 0,6   |    1 | 2027-10-30T12:00Z | 2027-10-31T23:00Z 2027-11-05T23:00Z
    Europe/Paris        | 0 0 * * *     | 1440 | 2027-03-30T00:00Z | 2027-10-31T22:00Z 2027-10-31T23:00Z 2028-10-29T22:00Z
    Europe/Paris        | 0 0 * * 0-6   | 1440 | 2026-11-01T00:00Z | 2027-10-31T22:00Z 2027-10-31T23:00Z 2028-10-29T22:00Z
    Asia/Kolkata        | 0 0 * * *     | 1440 | 2027-03-27T12:00Z | never`;

  it.each(rows(spring + autumn + withoutGap))(
    "in %s, %s for %s minutes, after %s, begins and ends %s",
    (zone = "", cron = "", minutes = "", from = "", list = "") => {
      const windows = [deny(cron, Number(minutes), { time_zone: zone })];
      expect(changes(windows, from, list.split(" ").length)).toBe(list);
    },
  );
});

describe("the calendar", () => {
  const calendar = `
    0 18 L * *     |   360 | 2028-02-01T00:00Z | 2028-02-29T18:00Z 2028-03-01T00:00Z
    0 18 28-31 * * |   360 | 2027-02-01T00:00Z | 2027-02-28T18:00Z 2027-03-01T00:00Z
    0 12 31 12 *   |  1440 | 2027-12-01T00:00Z | 2027-12-31T12:00Z 2028-01-01T12:00Z
    0 0 29 2 *     |  1440 | 2027-03-01T00:00Z | 2028-02-29T00:00Z 2028-03-01T00:00Z never
    0 0 29 2 *     |  1440 | 2027-01-01T00:00Z | never
    0 * * * *      |    59 | 2026-11-21T12:00Z | 2026-11-21T12:59Z 2026-11-21T13:00Z
    0 0 30 2 *     |    60 | 2026-06-01T00:00Z | never
    0 18 * * 5     |  3600 | 2026-11-18T00:00Z | 2026-11-20T18:00Z 2026-11-23T06:00Z
    0 0 * * 1-5    |  2880 | 2026-11-21T12:00Z | 2026-11-22T00:00Z 2026-11-23T00:00Z
    * * * * 1-5    |     1 | 2026-11-21T12:00Z | 2026-11-23T00:00Z 2026-11-28T00:00Z
    0 0 * * 0-6    |  1440 | 2026-11-21T12:00Z | never
    * * * * *      | 10080 | 2026-11-21T12:00Z | never
    * * * * *      |     1 | 2026-11-21T12:00Z | never`;

  it.each(rows(calendar))(
    "%s for %s minutes, after %s, begins and ends %s",
    (cron = "", minutes = "", from = "", list = "") => {
      const count = list.split(" ").length;
      expect(changes([deny(cron, Number(minutes))], from, count)).toBe(list);
      expect(changes([allow(cron, Number(minutes))], from, count)).toBe(list);
    },
  );
});

describe("windows together", () => {
  const office = allow("0 9 * * 1-5", 480, { reason: "Office hours." });
  const lunch = deny("0 12 * * *", 60, { reason: "Lunch." });
  const twelve = deny("0 12 * * *", 90);
  const late = deny("0 13 * * *", 60, { reason: "Late." });
  const early = deny("0 8 * * *", 90);
  const brief = allow("0 9 * * *", 30);
  const never = allow("0 0 30 2 *", 30, { reason: "Never." });
  const india = deny("0 12 * * *", 60, { time_zone: "Asia/Kolkata" });

  // 23 November 2026 is a Monday.
  it.each<[string, Window[], string, string]>([
    ["none", [], "23T10:00Z", "open"],
    ["inside an allow", [office], "23T10:00Z", "open"],
    ["at its start", [office], "23T09:00Z", "open"],
    ["at its end", [office], "23T17:00Z", "24T09:00Z Office hours."],
    ["outside", [office], "20T18:00Z", "23T09:00Z Office hours."],
    ["a deny inside an allow", [office, lunch], "23T12:30Z", "23T13:00Z Lunch."],
    ["an allow before the deny in it", [office, lunch], "23T11:59Z", "open"],
    ["an allow that opens inside a deny", [office, early], "23T07:00Z", "23T09:30Z Office hours."],
    ["a deny that ends inside an allow", [office, early], "23T08:30Z", "23T09:30Z"],
    ["an allow always denied", [brief, early], "23T08:00Z", "never"],
    ["an allow denied today", [brief, deny("0 8 * * 1", 90)], "23T08:30Z", "24T09:00Z"],
    ["denies back to back", [lunch, late], "23T12:00Z", "23T14:00Z Lunch."],
    ["denies that overlap: the first reason", [twelve, late], "23T13:15Z", "23T14:00Z Late."],
    ["two allows", [office, allow("0 20 * * *", 60)], "23T19:00Z", "23T20:00Z Office hours."],
    ["an allow that never comes", [never], "23T08:00Z", "never Never."],
    ["beside one that never comes", [never, office], "23T09:00Z", "open"],
    ["a zone of its own", [india], "23T07:00Z", "23T07:30Z"],
  ])("%s", (_, windows, now, expected) => {
    const { open, until, reason } = openingAt(windows, "production", at(`2026-11-${now}`));
    const when = open ? "open" : (text(until)?.slice("2026-11-".length) ?? "never");
    expect(`${when} ${reason ?? ""}`.trim()).toBe(expected);
    expect(open && until !== null).toBe(false);
  });

  it("concern an environment, or both", () => {
    const windows = [
      deny("0 12 * * *", 60, { environment: "production" }),
      deny("0 13 * * *", 60, { environment: "preview" }),
      deny("0 14 * * *", 60),
    ];
    const closed = (environment: "production" | "preview"): string[] =>
      ["12:30Z", "13:30Z", "14:30Z"].filter(
        (time) => !openingAt(windows, environment, at(`2026-11-23T${time}`)).open,
      );
    expect(closed("production")).toEqual(["12:30Z", "14:30Z"]);
    expect(closed("preview")).toEqual(["13:30Z", "14:30Z"]);
    const allows = [allow("0 12 * * *", 60, { environment: "production" })];
    expect(openingAt(allows, "preview", at("2026-11-23T20:00Z")).open).toBe(true);
  });

  const many = (count: number, make: (n: number) => Window): Window[] =>
    Array.from({ length: count }, (_, n) => make(n));
  const odd = "1-59/2 * * * *";
  const paris = { time_zone: "Europe/Paris" };

  // The day after this Saturday has an hour more in Paris.
  it.each<[string, number, Window[]]>([
    ["all minutes", 70, [deny("* * * * *", 1)]],
    ["all days", 70, [deny("0 0 * * *", 1440, paris)]],
    ["all minutes of the weekend", 30, [deny("* * * * 0,6", 1, paris)]],
    ["twenty that never come", 40, many(20, () => allow("0 0 30 2 *", 10_080))],
    ["twenty for a week", 620, many(20, (n) => deny(`${n} 0 * * *`, 10_080))],
    ["even and odd minutes", 620, [deny("*/2 * * * *", 1), deny(odd, 1)]],
    ["the same, allowed", 620, [allow("*/2 * * * *", 1), allow(odd, 1)]],
    ["against each other", 620, [allow(odd, 1), deny(odd, 1)]],
    ["many within one", 620, [...many(19, () => deny(odd, 1)), deny("0 0 * * *", 1440)]],
  ])("%s take at most %i searches", (_, most, windows) => {
    const search = vi.spyOn(Cron.prototype, "nextRun");
    for (const ask of [openingAt, nextChange]) {
      search.mockClear();
      ask(windows, "production", at("2026-10-24T12:00Z"));
      expect(search.mock.calls.length).toBeLessThanOrEqual(most);
    }
    search.mockRestore();
  });
});

// The time is for machines that are busy: it takes a few seconds.
describe("any windows", { timeout: 30_000 }, () => {
  const zones = ["Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"];
  // Clocks change at midnight in the one, for Ramadan in the other.
  const oddZones = ["America/Santiago", "Africa/Casablanca"];
  const cron = fc
    .tuple(
      fc.constantFrom("0", "30", "15,45", "*/15", "50", "*"),
      fc.constantFrom("0", "1", "2", "2", "1-3", "9-17", "*/6", "14,2", "23", "*"),
      fc.constantFrom("*", "*", "*", "1", "L", "13", "28-31"),
      fc.constantFrom("*", "*", "*", "3,10", "2"),
      fc.constantFrom("*", "*", "*", "*", "0", "1-5", "0,6", "SUN#L"),
    )
    .map((fields) => fields.join(" "));
  const window: fc.Arbitrary<Window> = fc.record({
    action: fc.constantFrom("allow", "deny"),
    environment: fc.constantFrom(null, null, "production", "preview"),
    cron,
    duration_minutes: fc.constantFrom(1, 15, 30, 59, 60, 61, 90, 300, 1440, 1500, 2880, 10_080),
    time_zone: fc.constantFrom(...zones, ...zones, ...oddZones),
    reason: fc.constant(null),
  });
  const edges = `2026-10-25T01:00Z 2027-03-14T07:00Z 2027-03-28T01:00Z 2027-04-03T15:00Z
      2027-10-02T15:30Z 2027-10-31T01:00Z 2027-11-07T06:00Z 2028-02-29T00:00Z`
    .split(/\s+/)
    .map(at);
  const now = fc.oneof(
    fc.integer({ min: at("2026-01-01T00:00Z"), max: at("2029-12-31T00:00Z") }),
    fc
      .tuple(fc.constantFrom(...edges), fc.integer({ min: -2 * 24 * 12, max: 2 * 24 * 12 }))
      .map(([edge, fives]) => edge + fives * 5 * MINUTE),
  );
  const asked = fc.tuple(fc.array(window, { maxLength: 4 }), now);
  const fractions = fc.array(fc.double({ min: 0, max: 0.999, noNaN: true }), {
    minLength: 6,
    maxLength: 6,
  });

  type Active = (window: Window, now: number) => boolean;
  const isOpen = (windows: readonly Window[], now: number, active: Active): boolean => {
    const mine = windows.filter(({ environment }) => environment !== "preview");
    const allows = mine.filter(({ action }) => action === "allow");
    return (
      !mine.some((w) => w.action === "deny" && active(w, now)) &&
      (allows.length === 0 || allows.some((w) => active(w, now)))
    );
  };
  const cronOf = (w: Window): Cron => new Cron(w.cron, { timezone: w.time_zone, paused: true });
  const span = (w: Window): number => w.duration_minutes * MINUTE;

  /** Goes through all starts from well before it can matter. */
  const enumerated: Active = (w, now) => {
    const cron = cronOf(w);
    let active = false;
    let start = cron.nextRun(new Date(now - span(w) - DAY));
    while (start !== null && start.getTime() <= now) {
      active ||= now < start.getTime() + span(w);
      start = cron.nextRun(start);
    }
    return active;
  };
  /** Looks back for the last start: croner's other way, which the code under test does not go. */
  const looked: Active = (w, now) => {
    const [last] = cronOf(w).previousRuns(1, new Date(now + 1));
    return last !== undefined && now < last.getTime() + span(w);
  };

  /** Instants from `from` to before `to`: some anywhere, and those where windows begin and end near both. */
  function samples(windows: Window[], from: number, to: number, share: number[]): number[] {
    const anywhere = share.map((fraction) => from + Math.floor((to - from) * fraction));
    const borders = windows.flatMap((w) =>
      [
        ...cronOf(w).nextRuns(2, new Date(from - span(w))),
        ...cronOf(w).previousRuns(1, new Date(to)),
      ]
        .map((start) => start.getTime())
        .flatMap((start) => [start, start + span(w)])
        .flatMap((border) => [border - 1, border]),
    );
    return [from, to - 1, ...anywhere, ...borders].filter((t) => t >= from && t < to);
  }

  it("are open when an enumeration of the starts says so", () => {
    fc.assert(
      fc.property(asked, ([windows, now]) => {
        expect(openingAt(windows, "production", now).open).toBe(isOpen(windows, now, enumerated));
      }),
      { numRuns: 150 },
    );
  });

  it("are closed until they are open", () => {
    fc.assert(
      fc.property(asked, fractions, ([windows, now], share) => {
        const { open, until } = openingAt(windows, "production", now);
        if (open) {
          expect(until).toBeNull();
          return;
        }
        if (until !== null) {
          expect(openingAt(windows, "production", until).open).toBe(true);
          expect(isOpen(windows, until, looked)).toBe(true);
        }
        for (const t of samples(windows, now, until ?? now + 400 * DAY, share)) {
          expect([text(t), isOpen(windows, t, looked)]).toEqual([text(t), false]);
        }
      }),
      { numRuns: 250 },
    );
  });

  it("change at the next change, and not before", () => {
    fc.assert(
      fc.property(asked, fractions, ([windows, now], share) => {
        const { open } = openingAt(windows, "production", now);
        const change = nextChange(windows, "production", now);
        if (change !== null) {
          expect(change).toBeGreaterThan(now);
          expect(isOpen(windows, change, looked)).toBe(!open);
        }
        for (const t of samples(windows, now, change ?? now + 400 * DAY, share)) {
          expect([text(t), isOpen(windows, t, looked)]).toEqual([text(t), open]);
        }
      }),
      { numRuns: 250 },
    );
  });
});
