import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { quietPeriod } from "../../../src/project/quiet.ts";

const USUAL = { seconds: 30, max_wait_seconds: 120 };

describe("a quiet period", () => {
  it.each([
    ["begins with its first trigger", null, null, 1_000, { since: 1_000, until: 31_000 }],
    ["is put off by the next", null, 1_000, 20_000, { since: 1_000, until: 50_000 }],
    ["but not for ever", null, 1_000, 110_000, { since: 1_000, until: 121_000 }],
    ["is the hook's own, if it has one", 5, null, 0, { since: 0, until: 5_000 }],
    ["is none where the hook wants none", 0, null, 0, null],
    ["is never shorter than one trigger's own", 300, null, 0, { since: 0, until: 300_000 }],
  ])("%s", (_what, seconds, since, now, expected) => {
    const quiet = quietPeriod(USUAL, seconds, since, now);
    expect(quiet).toEqual(expected && { quiet_since: expected.since, quiet_until: expected.until });
  });

  it("ends at most max_wait after the first trigger, however many come", () => {
    const gaps = fc.array(fc.integer({ min: 0, max: 60_000 }), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(gaps, (times) => {
        let now = 0;
        let since: number | null = null;
        for (const gap of times) {
          now += gap;
          const quiet = quietPeriod(USUAL, null, since, now);
          since = quiet?.quiet_since ?? null;
          expect(quiet?.quiet_until).toBeLessThanOrEqual((since ?? 0) + 120_000);
          if ((quiet?.quiet_until ?? 0) <= now) {
            return;
          }
        }
      }),
    );
  });
});
