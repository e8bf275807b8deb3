import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { nextPoll } from "../../../src/project/poll-plan.ts";

/** Looks at a stage of this length until it has ended. */
function follow(length: number, lengths: readonly number[] = []): { calls: number; lag: number } {
  let at = 0;
  let calls = 0;
  while (at < length) {
    at += nextPoll(at, lengths);
    calls += 1;
  }
  return { calls, lag: at - length };
}

/** Ten runs of a stage, spread evenly by so much to either side. */
const runs = (ms: number, spread: number): number[] =>
  Array.from({ length: 10 }, (_, n) => ms * (1 + spread * ((2 * (n + 0.5)) / 10 - 1)));

const middle = (values: number[]): number => values.toSorted((a, b) => a - b)[5] ?? 0;

describe("the poll plan", () => {
  it("notices a stage's end within a quarter of its length, and asks ever more seldom", () => {
    expect(nextPoll(0)).toBe(1_000);
    expect(nextPoll(40_000)).toBe(10_000);
    expect(nextPoll(3_600_000)).toBe(30_000);
    expect(follow(90_000).calls).toBeLessThan(25);
  });

  it("has learnt when a stage ends: a median lag under a second at nine looks, for 90 s and 5 % more or less", () => {
    const seen = runs(90_000, 0.05).map((length) => follow(length, runs(90_000, 0.05)));
    expect(middle(seen.map(({ lag }) => lag))).toBeLessThanOrEqual(1_000);
    expect(middle(seen.map(({ calls }) => calls))).toBeLessThanOrEqual(9);
  });

  it("is there a moment after the end of a stage that always takes as long", () => {
    expect(follow(2_000, [2_000, 2_000, 2_000])).toEqual({ calls: 1, lag: 100 });
    expect(follow(20_000, [20_000, 20_000, 20_000])).toEqual({ calls: 1, lag: 100 });
  });

  it("is not led astray by one run that took an hour", () => {
    const lengths = [...runs(90_000, 0.05).slice(1), 3_600_000].toSorted((a, b) => a - b);
    expect(follow(92_000, lengths).lag).toBeLessThanOrEqual(1_000);
  });

  it("asks every 30 s at least and every 250 ms at most, whatever it has learnt", () => {
    const ms = fc.integer({ min: 0, max: 10_000_000 });
    fc.assert(
      fc.property(ms, fc.array(ms, { maxLength: 10 }), (inStage, some) => {
        const wait = nextPoll(
          inStage,
          some.toSorted((a, b) => a - b),
        );
        expect(wait).toBeGreaterThanOrEqual(250);
        expect(wait).toBeLessThanOrEqual(30_000);
      }),
    );
  });
});
