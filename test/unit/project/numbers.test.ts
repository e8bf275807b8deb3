import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { count, spread, type Counted } from "../../../src/project/numbers.ts";

const MINUTE = 60_000;
let number = 0;

/** A deploy to production, triggered at this minute, started a minute and ended three minutes later. */
function deploy(minute: number, more: Partial<Counted> = {}): Counted {
  number += 1;
  return {
    number,
    kind: "build",
    status: "succeeded",
    reason_code: null,
    environment: "production",
    created_at: minute * MINUTE,
    started_at: (minute + 1) * MINUTE,
    ended_at: (minute + 3) * MINUTE,
    stages: "[]",
    ...more,
  };
}
const failed = { status: "failed", reason_code: "failed_build" } as const;
const unhealthy = { status: "failed", reason_code: "health_failed" } as const;
const rollback = { kind: "rollback" } as const;
const preview = { environment: "preview" } as const;

describe("the numbers", () => {
  it("of nothing are none, not zero", () => {
    expect(count([], 30)).toMatchObject({
      deploys: 0,
      frequency: 0,
      lead_time: { count: 0, p50: null, p95: null },
      change_failure_rate: null,
      failed_rate: null,
      stages: [],
    });
  });

  it("count what went live in production a day, and how long that took", () => {
    const rows = [deploy(0), deploy(10), deploy(20, preview), deploy(30, { status: "superseded" })];
    expect(count(rows, 2)).toMatchObject({
      deploys: 4,
      frequency: 1,
      lead_time: { count: 2, p50: 3 * MINUTE, p95: 3 * MINUTE },
      wait: { count: 4, p50: MINUTE },
    });
  });

  it.each([
    ["a build that failed never was a change", [deploy(0), deploy(9, failed)], 0, 0.5],
    ["an unhealthy one was", [deploy(0), deploy(9, unhealthy)], 0.5, 0],
    ["so was one that was rolled back", [deploy(0), deploy(9), deploy(12, rollback)], 0.5, 0],
    [
      "further back is the same failure",
      [deploy(0), deploy(9), deploy(12, rollback), deploy(15, rollback)],
      0.5,
      0,
    ],
    [
      "a rollback that did not succeed is none",
      [deploy(0), deploy(12, { ...rollback, status: "failed" })],
      0,
      0,
    ],
    [
      "previews do not count",
      [deploy(0, preview), deploy(9, { ...preview, ...failed })],
      null,
      null,
    ],
  ])("of failures: %s", (_, rows, change, never) => {
    const { change_failure_rate, failed_rate } = count(rows, 30);
    expect([change_failure_rate, failed_rate]).toEqual([change, never]);
  });

  it("measure from the first failure to the next success", () => {
    const rows = [deploy(0, failed), deploy(5, failed), deploy(9), deploy(20, failed)];
    expect(count(rows, 30).time_to_restore).toEqual({
      count: 1,
      p50: 9 * MINUTE,
      p95: 9 * MINUTE,
    });
  });

  it("time each stage of what succeeded, and skip what has no times", () => {
    const stage = (name: string, seconds: number | null) => ({
      name,
      status: "success",
      started_on: "2026-11-24T10:00:00.000000Z",
      ended_on:
        seconds === null ? null : new Date(Date.UTC(2026, 10, 24, 10, 0, seconds)).toISOString(),
    });
    const stages = JSON.stringify([stage("build", 40), stage("deploy", 5), stage("queued", null)]);
    expect(count([deploy(0, { stages }), deploy(9, { ...failed, stages })], 30).stages).toEqual([
      { name: "build", count: 1, p50: 40_000, p95: 40_000 },
      { name: "deploy", count: 1, p50: 5_000, p95: 5_000 },
    ]);
  });

  it("have percentiles that really occurred, in order", () => {
    const times = fc.array(fc.nat(1_000_000), { minLength: 1 });
    fc.assert(
      fc.property(times, (all) => {
        const { count: n, p50, p95 } = spread(all);
        expect(n).toBe(all.length);
        expect(all).toContain(p50);
        expect(all).toContain(p95);
        const below = (limit: number | null): number =>
          all.filter((time) => time <= (limit ?? 0)).length / all.length;
        expect(below(p50)).toBeGreaterThanOrEqual(0.5);
        expect(below(p95)).toBeGreaterThanOrEqual(0.95);
      }),
    );
  });
});
