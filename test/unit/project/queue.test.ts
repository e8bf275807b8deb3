import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import {
  AGED_MS,
  decide,
  type Holder,
  type Lock,
  type Rules,
  type Waiting,
} from "../../../src/project/queue.ts";

const NOW = 1_000_000;

function waiting(number: number, more: Partial<Waiting> = {}): Waiting {
  return {
    id: `dpl_${number}`,
    number,
    target: "production",
    environment: more.target?.startsWith("preview/") === true ? "preview" : "production",
    kind: "build",
    trigger_kind: "hook",
    created_at: NOW - 1_000,
    due_at: null,
    waiting_for: null,
    not_before: null,
    quiet_until: null,
    approval_until: null,
    released_by: null,
    ...more,
  };
}

const OPEN = { open: true, until: null, reason: null };

function rules({
  lane = "project",
  min_interval_seconds = 0,
  ...more
}: Partial<Rules> & Partial<Rules["policy"]> = {}): Rules {
  return {
    policy: { lane, min_interval_seconds },
    locks: [],
    openings: { production: OPEN, preview: OPEN },
    lastStart: () => null,
    ...more,
  };
}

describe("the line", () => {
  it("starts the lowest number and lets the others wait behind it", () => {
    const line = decide([waiting(3), waiting(1), waiting(2)], [], rules({ lane: "project" }), NOW);
    expect(line.start).toEqual(["dpl_1"]);
    expect(line.waits.get("dpl_2")).toMatchObject({
      for: "turn",
      until: null,
      behind: 1,
      because: null,
      by: null,
    });
    expect(line.waits.get("dpl_3")).toMatchObject({
      for: "turn",
      until: null,
      behind: 1,
      because: null,
      by: null,
    });
  });

  it("starts nothing while the lane is held, whatever the target", () => {
    const line = decide(
      [waiting(2, { target: "preview/a" })],
      [{ number: 1, target: "production", kind: "build" }],
      rules({ lane: "project" }),
      NOW,
    );
    expect(line.start).toEqual([]);
    expect(line.waits.get("dpl_2")?.behind).toBe(1);
  });

  it("waits for a build of others in its lane, and says whose branch that is", () => {
    const external = {
      number: null,
      target: "preview/a",
      kind: "build",
      external: "a",
    } as const;
    const all = [waiting(1), waiting(2, { target: "preview/a" })];
    const line = decide(all, [external], rules(), NOW);
    expect(line.start).toEqual([]);
    expect(line.waits.get("dpl_1")).toMatchObject({
      for: "turn",
      until: null,
      behind: null,
      because: "a",
      by: null,
    });
    expect(decide(all, [external], rules({ lane: "target" }), NOW).start).toEqual(["dpl_1"]);
  });

  it("gives each target a lane of its own when asked to", () => {
    const line = decide(
      [waiting(2, { target: "preview/a" }), waiting(3)],
      [{ number: 1, target: "production", kind: "build" }],
      rules({ lane: "target" }),
      NOW,
    );
    expect(line.start).toEqual(["dpl_2"]);
    expect(line.waits.get("dpl_3")?.for).toBe("turn");
  });

  it("lets a ready one pass one that is not, and says when that becomes ready", () => {
    const held = waiting(1, { due_at: NOW + 5_000, waiting_for: "retry" });
    const line = decide([held, waiting(2)], [], rules({ lane: "project" }), NOW);
    expect(line.start).toEqual(["dpl_2"]);
    expect(line.waits.get("dpl_1")).toMatchObject({
      for: "retry",
      until: NOW + 5_000,
      behind: null,
      because: null,
      by: null,
    });
    expect(line.wakeAt).toBe(NOW + 5_000);
  });

  it("counts one whose time has come as ready", () => {
    const line = decide([waiting(1, { due_at: NOW })], [], rules({ lane: "project" }), NOW);
    expect(line.start).toEqual(["dpl_1"]);
    expect(line.wakeAt).toBeNull();
  });

  it("never starts two in a lane, never one beside a holder, and leaves nobody without a reason", () => {
    const deploy = fc.record({
      number: fc.integer({ min: 1, max: 1_000 }),
      target: fc.constantFrom("production", "preview/a", "preview/b"),
      due_at: fc.option(fc.integer({ min: NOW - 10, max: NOW + 10 })),
      waiting_for: fc.option(fc.constantFrom("retry" as const, "budget" as const)),
    });
    const rows = fc.uniqueArray(deploy, { selector: (d) => d.number, maxLength: 12 });
    fc.assert(
      fc.property(
        rows,
        fc.array(
          fc.record({
            number: fc.nat(),
            target: fc.constantFrom("production", "preview/a"),
            kind: fc.constant("build" as const),
          }),
          {
            maxLength: 2,
          },
        ),
        fc.constantFrom("project" as const, "target" as const),
        (deploys, holders: Holder[], lane) => {
          const all = deploys.map((d) => waiting(d.number, d));
          const line = decide(all, holders, rules({ lane }), NOW);
          const laneOf = (target: string): string => (lane === "project" ? "" : target);
          const started = all.filter((d) => line.start.includes(d.id)).map((d) => laneOf(d.target));
          expect(new Set(started).size).toBe(started.length);
          for (const holder of holders) {
            expect(started).not.toContain(laneOf(holder.target));
          }
          for (const d of all) {
            expect(line.start.includes(d.id)).not.toBe(line.waits.has(d.id));
          }
        },
      ),
    );
  });
});

describe("a rule of the line", () => {
  const lock: Lock = {
    id: "lck_1",
    environment: "production",
    holder: "Ada",
    reason: "the shop is moving",
    until: NOW + 60_000,
  };
  const closed = { open: false, until: NOW + 30_000, reason: "Friday evening" };

  const waitOf = (more: Partial<Waiting>, how: Parameters<typeof rules>[0]) => {
    const { start, waits, wakeAt } = decide([waiting(1, more)], [], rules(how), NOW);
    return start.length > 0 ? "starts" : { ...waits.get("dpl_1"), wakeAt };
  };

  it.each<[string, Partial<Waiting>, Parameters<typeof rules>[0], unknown]>([
    [
      "a lock of its environment, with who and why",
      {},
      { locks: [lock] },
      {
        for: "lock",
        until: NOW + 60_000,
        because: "the shop is moving",
        by: "Ada",
        wakeAt: NOW + 60_000,
      },
    ],
    ["a lock of the other environment", { target: "preview/a" }, { locks: [lock] }, "starts"],
    [
      "a lock of both",
      { target: "preview/a" },
      { locks: [{ ...lock, environment: null, until: null }] },
      { for: "lock", until: null, wakeAt: null },
    ],
    ["a lock whose time is over", {}, { locks: [{ ...lock, until: NOW }] }, "starts"],
    [
      "a closed window",
      {},
      { openings: { production: closed, preview: OPEN } },
      { for: "window", until: NOW + 30_000, because: "Friday evening" },
    ],
    [
      "a window that does not open as far as can be seen, and is looked at again tomorrow",
      {},
      { openings: { production: { ...closed, until: null }, preview: OPEN } },
      { for: "window", until: null, wakeAt: NOW + 24 * 3_600_000 },
    ],
    [
      "a closed window that a person overrode",
      { released_by: "Ada" },
      { openings: { production: closed, preview: OPEN } },
      "starts",
    ],
    [
      "a lock and an override",
      { released_by: "Ada" },
      { locks: [lock] },
      { for: "lock", wakeAt: NOW + 60_000 },
    ],
    ["approval", { approval_until: NOW + 9 }, {}, { for: "approval", until: NOW + 9 }],
    ["its own time", { not_before: NOW + 5 }, {}, { for: "not_before", until: NOW + 5 }],
    ["the quiet period", { quiet_until: NOW + 5 }, {}, { for: "quiet_period", until: NOW + 5 }],
    ["a quiet period that is over", { quiet_until: NOW }, {}, "starts"],
    [
      "the start before it",
      {},
      { min_interval_seconds: 10, lastStart: () => ({ number: 9, at: NOW - 4_000 }) },
      { for: "turn", until: NOW + 6_000, behind: null },
    ],
    [
      "its own earlier start",
      {},
      { min_interval_seconds: 10, lastStart: () => ({ number: 1, at: NOW - 4_000 }) },
      "starts",
    ],
  ])("%s", (_what, more, how, expected) => {
    const wait = waitOf(more, how);
    expect(wait).toEqual(
      typeof expected === "string" ? expected : expect.objectContaining(expected),
    );
  });

  it("stops no rollback, which also needs no lane", () => {
    const back = waiting(5, { kind: "rollback", approval_until: NOW + 1, quiet_until: NOW + 1 });
    const line = decide(
      [back, waiting(4)],
      [{ number: 3, target: "production", kind: "build" }],
      rules({ locks: [lock], openings: { production: closed, preview: closed } }),
      NOW,
    );
    expect(line.start).toEqual(["dpl_5"]);
    expect(line.waits.get("dpl_4")?.for).toBe("lock");
  });

  it("serves rollbacks, production, previews and schedules in this order, each by number", () => {
    const all = [
      waiting(1, { trigger_kind: "schedule" }),
      waiting(2, { target: "preview/a" }),
      waiting(4),
      waiting(3),
    ];
    expect(decide(all, [], rules(), NOW).start).toEqual(["dpl_3"]);
    const without = (...numbers: number[]): Waiting[] =>
      all.filter(({ number }) => !numbers.includes(number));
    expect(decide(without(3, 4), [], rules(), NOW).start).toEqual(["dpl_2"]);
    expect(decide(without(3, 4, 2), [], rules(), NOW).start).toEqual(["dpl_1"]);
  });

  it("lets nobody starve: what has waited long is served as production is", () => {
    const old = waiting(1, { target: "preview/a", created_at: NOW - AGED_MS });
    expect(decide([old, waiting(2)], [], rules(), NOW).start).toEqual(["dpl_1"]);
    const young = { ...old, created_at: NOW - AGED_MS + 1 };
    expect(decide([young, waiting(2)], [], rules(), NOW).start).toEqual(["dpl_2"]);
  });
});
