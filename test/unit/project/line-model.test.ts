import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { command, modelRuns, steps, type Command } from "../../support/runs.ts";
import { LineSimulator, type LinePolicy } from "./line-simulator.ts";

/**
 * The line's decisions alone (src/project/queue.ts, quiet.ts and windows.ts), with claims and ends played around them: 3,000
 * runs of up to 60 random steps. test/workers/project/model.test.ts has the real object in shorter runs.
 */

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const pick = fc.nat(20);
const environment = fc.constantFrom("production" as const, "preview" as const, null);

const window = { environment: null, time_zone: "UTC", reason: null };
const LUNCH = {
  ...window,
  action: "deny" as const,
  environment: "production" as const,
  cron: "0 12 * * *",
  duration_minutes: 10,
};
const OFTEN = { ...window, action: "deny" as const, cron: "*/20 * * * *", duration_minutes: 3 };
const HOURLY = { ...window, action: "allow" as const, cron: "5 * * * *", duration_minutes: 10 };

const policy: fc.Arbitrary<Partial<LinePolicy>> = fc.record(
  {
    lane: fc.constantFrom("project" as const, "target" as const),
    min_interval_seconds: fc.constantFrom(0, 20, 300),
    quiet_period: fc.constantFrom(
      { seconds: 0, max_wait_seconds: 600 },
      { seconds: 10, max_wait_seconds: 15 },
      { seconds: 60, max_wait_seconds: 90 },
    ),
    windows: fc.constantFrom([], [], [LUNCH], [OFTEN], [HOURLY], [HOURLY, LUNCH]),
  },
  { requiredKeys: [] },
);

const COMMANDS: readonly Command<LineSimulator>[] = [
  command(
    "trigger",
    10,
    fc.record({
      target: fc.constantFrom("production", "preview/a", "preview/b"),
      kind: fc.constantFrom("hook" as const, "hook" as const, "api" as const, "schedule" as const),
      notBefore: fc.constantFrom(null, null, 30 * SECOND, 40 * MINUTE),
      approval: fc.constantFrom(false, false, false, true),
      supersedes: fc.boolean(),
    }),
    (line: LineSimulator, { target, kind, notBefore, approval, supersedes }) =>
      line.trigger(
        target,
        {
          trigger_kind: kind,
          not_before: notBefore === null ? null : line.now + notBefore,
          approval_until: approval ? line.now + 72 * 60 * MINUTE : null,
        },
        supersedes,
      ),
  ),
  command("rollBack", 1, fc.constant(null), (line: LineSimulator) =>
    line.trigger("production", { trigger_kind: "api", kind: "rollback" }, true),
  ),
  command(
    "lock",
    2,
    fc.record({ environment, forMs: fc.constantFrom(null, 20 * SECOND, 10 * MINUTE) }),
    (line: LineSimulator, what) => line.lock(what.environment, what.forMs),
  ),
  command("unlock", 2, pick, (line: LineSimulator, which) => line.unlock(which)),
  command("cancel", 1, pick, (line: LineSimulator, which) => line.cancel(which)),
  command("approve", 1, pick, (line: LineSimulator, which) =>
    line.change(which, () => ({ approval_until: null })),
  ),
  command("release", 1, pick, (line: LineSimulator, which) =>
    line.change(which, () => ({ released_by: "ada" })),
  ),
  command("holdBack", 1, pick, (line: LineSimulator, which) =>
    line.change(which, () => ({ waiting_for: "budget", due_at: line.now + 30 * SECOND })),
  ),
  command("policy", 2, policy, (line: LineSimulator, change) => {
    line.policy = { ...line.policy, ...change };
  }),
  command(
    "pass",
    8,
    fc.record({
      ms: fc.constantFrom(0, SECOND, 15 * SECOND, 5 * MINUTE, 40 * MINUTE),
      runMs: fc.constantFrom(1, 4 * SECOND, 3 * MINUTE),
      fails: fc.constantFrom(false, false, true),
    }),
    (line: LineSimulator, what) => line.pass(what.ms, what.runMs, what.fails),
  ),
];

describe("the line's decisions", () => {
  it("keep the rules in any order of things", async () => {
    await fc.assert(
      fc.asyncProperty(steps(COMMANDS, 60), async (sequence) => {
        const line = new LineSimulator();
        for (const { run } of sequence) {
          await run(line);
          line.pass(0, SECOND, false);
          expect(line.complaints).toEqual([]);
        }
        line.finish();
        expect(line.complaints).toEqual([]);
      }),
      modelRuns("the line's model", 3_000),
    );
  }, 60_000);
});
