import { describe, expect, it } from "vitest";

import { levelAt, newBudget } from "../../../src/instance/budget.ts";

describe("the budget's level, as it is shown", () => {
  it("is what a draw at that time would find, up to the bucket's size", () => {
    const budget = newBudget(0, 0);
    expect(levelAt(budget, 0)).toBe(0);
    expect(levelAt(budget, 1_000)).toBeCloseTo(3.85);
    expect(levelAt(budget, 60_000)).toBe(20);
  });
});
