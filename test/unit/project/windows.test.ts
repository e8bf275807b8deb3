import { Cron } from "croner";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

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

describe("a window at a clock change", () => {
  it.each([
    // Spring. In Paris there is no 02:00 to 03:00: what would start there does at once after it, and lasts as long.
    ["Europe/Paris", "30 2 * * *", 60, "2027-03-27T12:00Z", "2027-03-28T01:00Z 2027-03-28T02:00Z"],
    // Across it: three hours elapse while clocks go from 01:00 to 05:00.
    ["Europe/Paris", "0 1 * * *", 180, "2027-03-27T12:00Z", "2027-03-28T00:00Z 2027-03-28T03:00Z"],
    // More than one start a day: those that the clock skips fall out.
    [
      "Europe/Paris",
      "*/30 2 * * *",
      30,
      "2027-03-27T12:00Z",
      "2027-03-29T00:00Z 2027-03-29T01:00Z",
    ],
    [
      "Europe/Paris",
      "30 2,14 * * *",
      30,
      "2027-03-27T22:00Z",
      "2027-03-28T12:30Z 2027-03-28T13:00Z",
    ],
    [
      "America/New_York",
      "15 2 * * *",
      60,
      "2027-03-13T12:00Z",
      "2027-03-14T07:00Z 2027-03-14T08:00Z",
    ],
    [
      "America/New_York",
      "0 22 * * 6",
      600,
      "2027-03-13T12:00Z",
      "2027-03-14T03:00Z 2027-03-14T13:00Z",
    ],
    [
      "Australia/Lord_Howe",
      "15 2 * * *",
      60,
      "2027-10-02T00:00Z",
      "2027-10-02T15:30Z 2027-10-02T16:30Z",
    ],
    [
      "Australia/Lord_Howe",
      "0 1 * * *",
      180,
      "2027-10-02T00:00Z",
      "2027-10-02T14:30Z 2027-10-02T17:30Z",
    ],
    // Autumn. 02:30 comes twice in Paris: one start a day is the first of them only.
    ["Europe/Paris", "30 2 * * *", 60, "2027-10-30T12:00Z", "2027-10-31T00:30Z 2027-10-31T01:30Z"],
    ["Europe/Paris", "0 1 * * *", 180, "2027-10-30T12:00Z", "2027-10-30T23:00Z 2027-10-31T02:00Z"],
    // More than one start a day: both.
    [
      "Europe/Paris",
      "*/30 2 * * *",
      30,
      "2027-10-30T12:00Z",
      "2027-10-31T00:00Z 2027-10-31T02:00Z",
    ],
    [
      "Europe/Paris",
      "30 2,14 * * *",
      30,
      "2027-10-30T22:00Z",
      "2027-10-31T00:30Z 2027-10-31T01:00Z 2027-10-31T01:30Z 2027-10-31T02:00Z",
    ],
    [
      "America/New_York",
      "30 1 * * *",
      45,
      "2027-11-06T12:00Z",
      "2027-11-07T05:30Z 2027-11-07T06:15Z",
    ],
    [
      "America/New_York",
      "0 22 * * 6",
      600,
      "2027-11-06T12:00Z",
      "2027-11-07T02:00Z 2027-11-07T12:00Z",
    ],
    [
      "Australia/Lord_Howe",
      "45 1 * * *",
      60,
      "2027-04-03T00:00Z",
      "2027-04-03T14:45Z 2027-04-03T15:45Z",
    ],
    [
      "Australia/Lord_Howe",
      "0 1 * * *",
      180,
      "2027-04-03T00:00Z",
      "2027-04-03T14:00Z 2027-04-03T17:00Z",
    ],
    // A full day each day leaves the hour that a long day has more, and that only.
    [
      "Europe/Paris",
      "0 0 * * *",
      1440,
      "2027-03-30T00:00Z",
      "2027-10-31T22:00Z 2027-10-31T23:00Z 2028-10-29T22:00Z 2028-10-29T23:00Z",
    ],
    // Every minute of a weekend with a clock change in it.
    ["Europe/Paris", "* * * * 0,6", 1, "2027-03-27T12:00Z", "2027-03-28T22:00Z 2027-04-02T22:00Z"],
    ["Europe/Paris", "* * * * 0,6", 1, "2027-10-30T12:00Z", "2027-10-31T23:00Z 2027-11-05T23:00Z"],
    // No change at all.
    ["Asia/Kolkata", "30 2 * * *", 60, "2027-03-27T12:00Z", "2027-03-27T21:00Z 2027-03-27T22:00Z"],
    ["Asia/Kolkata", "30 2 * * *", 60, "2027-10-30T12:00Z", "2027-10-30T21:00Z 2027-10-30T22:00Z"],
    ["Asia/Kolkata", "0 0 * * *", 1440, "2027-03-27T12:00Z", "never"],
  ])(
    "in %s, %s for %i minutes, after %s, begins and ends %s",
    (zone, cron, minutes, from, list) => {
      const windows = [deny(cron, minutes, { time_zone: zone })];
      expect(changes(windows, from, list.split(" ").length)).toBe(list);
    },
  );
});

describe("the calendar", () => {
  it.each([
    ["0 18 L * *", 360, "2028-02-01T00:00Z", "2028-02-29T18:00Z 2028-03-01T00:00Z"],
    ["0 18 28-31 * *", 360, "2027-02-01T00:00Z", "2027-02-28T18:00Z 2027-03-01T00:00Z"],
    ["0 12 31 12 *", 1440, "2027-12-01T00:00Z", "2027-12-31T12:00Z 2028-01-01T12:00Z"],
    ["0 0 29 2 *", 1440, "2027-03-01T00:00Z", "2028-02-29T00:00Z 2028-03-01T00:00Z never"],
    ["0 0 29 2 *", 1440, "2026-06-01T00:00Z", "never"],
    ["0 0 30 2 *", 60, "2026-06-01T00:00Z", "never"],
    // Longer than a day, and longer than its period.
    ["0 18 * * 5", 3_600, "2026-11-18T00:00Z", "2026-11-20T18:00Z 2026-11-23T06:00Z"],
    ["0 0 * * 1-5", 2_880, "2026-11-21T12:00Z", "2026-11-22T00:00Z 2026-11-23T00:00Z"],
    ["* * * * 1-5", 1, "2026-11-21T12:00Z", "2026-11-23T00:00Z 2026-11-28T00:00Z"],
    ["* * * * *", 10_080, "2026-11-21T12:00Z", "never"],
    ["* * * * *", 1, "2026-11-21T12:00Z", "never"],
  ])("%s for %i minutes, after %s, begins and ends %s", (cron, minutes, from, list) => {
    const count = list.split(" ").length;
    expect(changes([deny(cron, minutes)], from, count)).toBe(list);
    expect(changes([allow(cron, minutes)], from, count)).toBe(list);
  });
});

describe("windows together", () => {
  const office = allow("0 9 * * 1-5", 480, { reason: "Office hours only." });
  const lunch = deny("0 12 * * *", 60, { reason: "Lunch." });
  const monday = "2026-11-23T";

  it.each<[string, Window[], string, boolean, string | null, string | null]>([
    ["none", [], `${monday}10:00Z`, true, null, null],
    ["inside an allow", [office], `${monday}10:00Z`, true, null, null],
    ["at its start", [office], `${monday}09:00Z`, true, null, null],
    ["at its end", [office], `${monday}17:00Z`, false, "2026-11-24T09:00Z", "Office hours only."],
    ["outside", [office], "2026-11-20T18:00Z", false, `${monday}09:00Z`, "Office hours only."],
    [
      "a deny inside an allow",
      [office, lunch],
      `${monday}12:30Z`,
      false,
      `${monday}13:00Z`,
      "Lunch.",
    ],
    ["just before it", [office, lunch], `${monday}11:59Z`, true, null, null],
    [
      "an allow that opens inside a deny",
      [office, deny("0 8 * * *", 90)],
      `${monday}07:00Z`,
      false,
      `${monday}09:30Z`,
      "Office hours only.",
    ],
    [
      "an allow that is over when the deny ends",
      [allow("0 9 * * *", 30), deny("0 8 * * 1", 90)],
      `${monday}08:30Z`,
      false,
      "2026-11-24T09:00Z",
      null,
    ],
    [
      "denies back to back",
      [deny("0 12 * * *", 60), deny("0 13 * * *", 60, { reason: "B" }), deny("0 14 * * *", 60)],
      `${monday}12:00Z`,
      false,
      `${monday}15:00Z`,
      null,
    ],
    [
      "denies that overlap: the first reason given",
      [deny("0 12 * * *", 90), deny("0 13 * * *", 60, { reason: "B" })],
      `${monday}13:15Z`,
      false,
      `${monday}14:00Z`,
      "B",
    ],
    [
      "two allows",
      [office, allow("0 20 * * *", 60)],
      `${monday}19:00Z`,
      false,
      `${monday}20:00Z`,
      "Office hours only.",
    ],
    [
      "an allow whose every time is denied",
      [allow("0 9 * * *", 30), deny("0 9 * * *", 30)],
      `${monday}08:00Z`,
      false,
      null,
      null,
    ],
    [
      "an allow that never comes",
      [allow("0 0 30 2 *", 30, { reason: "R" })],
      `${monday}08:00Z`,
      false,
      null,
      "R",
    ],
    [
      "zones of their own",
      [deny("0 12 * * *", 60, { time_zone: "Asia/Kolkata" })],
      `${monday}07:00Z`,
      false,
      `${monday}07:30Z`,
      null,
    ],
  ])("%s", (_, windows, now, open, until, reason) => {
    const opening = openingAt(windows, "production", at(now));
    expect({ ...opening, until: text(opening.until) }).toEqual({ open, until, reason });
  });

  it("concern an environment, or both", () => {
    const windows = [
      deny("0 12 * * *", 60, { environment: "production" }),
      deny("0 13 * * *", 60, { environment: "preview" }),
      deny("0 14 * * *", 60),
    ];
    const closed = (environment: "production" | "preview"): string[] =>
      ["12:30Z", "13:30Z", "14:30Z"].filter(
        (time) => !openingAt(windows, environment, at(monday + time)).open,
      );
    expect(closed("production")).toEqual(["12:30Z", "14:30Z"]);
    expect(closed("preview")).toEqual(["13:30Z", "14:30Z"]);
    const allows = [allow("0 12 * * *", 60, { environment: "production" })];
    expect(openingAt(allows, "preview", at(`${monday}20:00Z`)).open).toBe(true);
  });

  it("made to take long end soon", () => {
    const odd = "1-59/2 * * * *";
    const hard = [
      Array.from({ length: 20 }, (_, n) => deny(`${n} 0 * * *`, 10_080)),
      Array.from({ length: 20 }, (_, n) => allow(`${n} 0 30 2 *`, 10_080)),
      [deny("*/2 * * * *", 1), deny(odd, 1)],
      [allow("*/2 * * * *", 1), allow(odd, 1)],
      [allow("*/2 * * * *", 1), deny("*/2 * * * *", 1)],
      [
        ...Array.from({ length: 19 }, () => deny("0 */2 * * *", 1)),
        deny("0 0 * * *", 1440, { time_zone: "Asia/Kolkata" }),
      ],
    ];
    for (const windows of hard) {
      const started = performance.now();
      openingAt(windows, "production", at(`${monday}12:00Z`));
      nextChange(windows, "production", at(`${monday}12:00Z`));
      expect(performance.now() - started).toBeLessThan(2_000);
    }
  });
});

describe("any windows", () => {
  const zones = ["Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"];
  // Clocks change at midnight in the one, for Ramadan in the other.
  const oddZones = ["America/Santiago", "Africa/Casablanca"];
  const cron = fc
    .tuple(
      fc.constantFrom("0", "30", "15,45", "*/15", "50", "*"),
      fc.constantFrom("0", "1", "2", "2", "1-3", "9-17", "*/6", "14,2", "23", "*"),
      fc.constantFrom("*", "*", "*", "1", "L", "13", "28-31"),
      fc.constantFrom("*", "*", "*", "3,10", "2"),
      fc.constantFrom("*", "*", "0", "1-5", "0,6", "SUN#L"),
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
  const edges = [
    "2026-10-25T01:00Z",
    "2027-03-14T07:00Z",
    "2027-03-28T01:00Z",
    "2027-04-03T15:00Z",
    "2027-10-02T15:30Z",
    "2027-10-31T01:00Z",
    "2027-11-07T06:00Z",
    "2028-02-29T00:00Z",
  ].map(at);
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
      { numRuns: 200 },
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
      { numRuns: 400 },
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
      { numRuns: 400 },
    );
  });
});
