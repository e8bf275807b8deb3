import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import {
  announce,
  block,
  draw,
  leftAt,
  levelAt,
  newBudget,
  type Budget,
  type PermitKind,
} from "../../../src/instance/budget.ts";

const WINDOW_MS = 300_000;
const LIMIT = 1_200;

describe("the budget", () => {
  it("is empty at start, and says when to ask again", () => {
    const drawn = draw(newBudget(0, 0), "create", 0);
    expect(drawn.granted).toBe(false);
    if (!drawn.granted) {
      expect(draw(drawn.budget, "create", drawn.until).granted).toBe(true);
    }
  });

  it("never lets 1,200 calls through in any five minutes, whoever asks how", () => {
    const asks = fc.array(
      fc.record({
        wait: fc.integer({ min: 0, max: 2_000 }),
        burst: fc.integer({ min: 1, max: 60 }),
        kind: fc.constantFrom<PermitKind>("create", "call", "poll", "look", "more"),
      }),
      { minLength: 200, maxLength: 600 },
    );
    fc.assert(
      fc.property(asks, (list) => {
        let budget: Budget = newBudget(0, 0);
        let now = 0;
        const granted: number[] = [];
        for (const { wait, burst, kind } of list) {
          now += wait;
          for (let i = 0; i < burst; i++) {
            const drawn = draw(budget, kind, now);
            budget = drawn.budget;
            if (drawn.granted) {
              granted.push(now);
            }
          }
        }
        let first = 0;
        granted.forEach((at, i) => {
          while ((granted[first] ?? at) <= at - WINDOW_MS) {
            first += 1;
          }
          expect(i - first + 1).toBeLessThan(LIMIT);
        });
      }),
      { numRuns: 50, endOnFailure: true },
    );
  });

  it("gives looks 5 % of it in any five minutes, and all of that, and never of the reserve", () => {
    const steps = fc.array(
      fc.record({
        wait: fc.integer({ min: 0, max: 8_000 }),
        polls: fc.integer({ min: 0, max: 20 }),
      }),
      { minLength: 150, maxLength: 400 },
    );
    fc.assert(
      fc.property(steps, (list) => {
        let budget: Budget = newBudget(0, 0);
        let now = 0;
        const looks: number[] = [];
        for (const { wait, polls } of list) {
          now += wait;
          for (let i = 0; i < polls; i++) {
            budget = draw(budget, "poll", now).budget;
          }
          for (let i = 0; i < 5; i++) {
            const before = levelAt(budget, now);
            const drawn = draw(budget, "look", now);
            budget = drawn.budget;
            if (drawn.granted) {
              looks.push(now);
              expect(before).toBeGreaterThanOrEqual(9);
            }
          }
        }
        for (const first of looks) {
          const within = looks.filter((at) => at >= first && at < first + WINDOW_MS);
          expect(within.length).toBeLessThanOrEqual(0.05 * LIMIT);
        }
      }),
      { numRuns: 50, endOnFailure: true },
    );

    let budget: Budget = newBudget(0, 0);
    let granted = 0;
    for (let now = 0; now <= WINDOW_MS; now += 100) {
      const drawn = draw(budget, "look", now);
      budget = drawn.budget;
      granted += Number(drawn.granted);
    }
    expect(granted).toBeGreaterThanOrEqual(57);
  });

  it("says when the next look can be had, and lets others have theirs meanwhile", () => {
    const first = draw({ ...newBudget(0, 0), level: 20, looks: 1 }, "look", 0);
    expect(first.granted).toBe(true);
    const second = draw(first.budget, "look", 0);
    expect(second).toMatchObject({ granted: false, until: 5_195 });
    expect(draw(second.budget, "poll", 0).granted).toBe(true);
    expect(draw(second.budget, "look", 5_194).granted).toBe(false);
    expect(draw(second.budget, "look", 5_195).granted).toBe(true);
  });

  it("keeps a reserve that polls can't use, and credit for what has begun", () => {
    let budget = { ...newBudget(0, 0), level: 8 };
    expect(draw(budget, "poll", 0).granted).toBe(false);
    for (let i = 0; i < 8; i++) {
      const drawn = draw(budget, "create", 0);
      expect(drawn.granted).toBe(true);
      budget = drawn.budget;
    }
    expect(draw(budget, "create", 0).granted).toBe(false);
    for (let i = 0; i < 15; i++) {
      const drawn = draw(budget, "more", 0);
      expect(drawn.granted).toBe(true);
      budget = drawn.budget;
    }
    expect(draw(budget, "more", 0).granted).toBe(false);
  });

  it("grants nobody anything until a 429 is over, and has saved nothing up meanwhile", () => {
    const blocked = block({ ...newBudget(0, 0), level: 20 }, 60_000);
    for (const kind of ["create", "call", "poll", "look", "more"] as const) {
      expect(draw(blocked, kind, 59_999)).toMatchObject({ granted: false, until: 60_000 });
    }
    expect(draw(blocked, "create", 60_000).granted).toBe(false);
    expect(draw(blocked, "create", 60_300).granted).toBe(true);
    expect(block(blocked, 10_000).blockedUntil).toBe(60_000);
  });

  it("does not run backwards with the clock", () => {
    const { budget } = draw(newBudget(100_000, 0), "create", 100_000);
    expect(draw(budget, "create", 50_000).granted).toBe(false);
  });

  it("stops at what Cloudflare says is left, polls before creates, until that has passed", () => {
    const full = { ...newBudget(0, 0), level: 20 };
    let budget = announce(full, { calls: 10, until: 60_000 }, 0);
    for (const kind of ["poll", "poll", "create"] as const) {
      const drawn = draw(budget, kind, 0);
      expect(drawn.granted).toBe(true);
      budget = drawn.budget;
    }
    expect(draw(budget, "poll", 0)).toMatchObject({ granted: false, until: 60_000 });
    expect(draw(budget, "create", 0).granted).toBe(true);
    expect(draw(budget, "poll", 60_000).granted).toBe(true);

    const none = announce(full, { calls: 0, until: 60_000 }, 0);
    for (const kind of ["create", "call", "poll", "look", "more"] as const) {
      expect(draw(none, kind, 59_999)).toMatchObject({ granted: false, until: 60_000 });
    }
    // Said before, and heard later.
    expect(leftAt(announce(none, { calls: 5, until: 60_000 }, 1), 1)?.calls).toBe(0);
    expect(leftAt(announce(none, { calls: 5, until: 90_000 }, 60_000), 60_000)?.calls).toBe(5);
  });
});
