import { describe, expect, it } from "vitest";

import {
  brief,
  dayHead,
  distance,
  duration,
  moment,
  zoneOr,
} from "../../../src/dashboard/model/time.ts";
import { CLOCK, NOW } from "./data.ts";

const plainly = (text: string | null): string | null => text?.replaceAll("\u00A0", " ") ?? null;
const MINUTE = 60_000;
const DAY = 86_400_000;

describe("times as people read them", () => {
  it.each([
    [0, "14:31"],
    [DAY, "tomorrow 14:31"],
    [-DAY, "yesterday 14:31"],
    [3 * DAY, "Fri 14:31"],
    [-7 * DAY, "17 Nov, 14:31"],
    [8 * DAY, "2 Dec, 14:31"],
  ])("%i ms away: %s", (away, text) => {
    expect(plainly(moment(NOW + away, CLOCK))).toBe(text);
  });

  it("days are the reader's: 23:30 UTC is tomorrow in Berlin", () => {
    expect(dayHead(Date.UTC(2026, 10, 23, 23, 30), CLOCK)).toBe("Today");
    expect(plainly(dayHead(Date.UTC(2026, 10, 23, 22, 30), CLOCK))).toBe("Yesterday, Mon 23 Nov");
  });

  it.each([
    [-30_000, null],
    [-26 * MINUTE, "26 min ago"],
    [209 * MINUTE, "in 3 h 29 min"],
    [2 * DAY, null],
  ])("a distance of %i ms: %s", (away, text) => {
    expect(plainly(distance(NOW + away, CLOCK))).toBe(text);
  });

  it.each([
    [400, "0 s", "0 s"],
    [9_000, "9 s", "9 s"],
    [60_000, "1 min", "1 m 00 s"],
    [128_000, "2 min 8 s", "2 m 08 s"],
    [3_600_000, "1 h", "1 h"],
    [12_540_000, "3 h 29 min", "3 h 29 m"],
  ])("%i ms is %s, or %s in tables", (ms, sentence, table) => {
    expect(plainly(duration(ms))).toBe(sentence);
    expect(plainly(brief(ms))).toBe(table);
  });

  it("a zone that there is not is none", () => {
    expect(zoneOr("Europe/Berlin")).toBe("Europe/Berlin");
    expect([zoneOr("Mars/Olympus"), zoneOr('"><script>'), zoneOr(undefined)]).toEqual([
      null,
      null,
      null,
    ]);
  });
});
