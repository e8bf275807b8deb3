import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import {
  block,
  draw,
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
        kind: fc.constantFrom<PermitKind>("create", "call", "poll", "more"),
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
    for (const kind of ["create", "call", "poll", "more"] as const) {
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
});
