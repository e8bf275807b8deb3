import { expect, test } from "vitest";

import { Budgets } from "../../../src/instance/budgets.ts";
import type { Sql } from "../../../src/sql.ts";

const EMPTY = { one: () => null } as unknown as Sql;

/** So many deploys want a call at once, and each asks again when it was told to. */
function allAsk(count: number): { asked: number; ms: number } {
  const budgets = new Budgets(EMPTY, 0);
  const waiting = Array<number>(count).fill(0);
  let asked = 0;
  let now = 0;
  while (waiting.length > 0) {
    waiting.sort((a, b) => a - b);
    now = waiting.shift() ?? 0;
    asked += 1;
    const until = budgets.take("configured", "create", now);
    if (until !== null) {
      expect(until).toBeGreaterThan(now);
      waiting.push(until);
    }
  }
  return { asked, ms: now };
}

test("each of those that wait for a call is told a turn of its own, so that few ask in vain", () => {
  expect(allAsk(10).asked).toBeLessThanOrEqual(20);
  // Four seconds ahead is as far as turns are given: each asks again as often as that.
  expect(allAsk(200).asked).toBeLessThanOrEqual(200 * 8);
});

test("no permit lies idle while somebody waits for it", () => {
  // 3.85 a second.
  expect(allAsk(200).ms).toBeLessThan(200 * 260 + 1_000);
});
