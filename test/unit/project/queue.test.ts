import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { decide, type Holder, type Waiting } from "../../../src/project/queue.ts";

const NOW = 1_000_000;

function waiting(number: number, more: Partial<Waiting> = {}): Waiting {
  return {
    id: `dpl_${number}`,
    number,
    target: "production",
    due_at: null,
    waiting_for: null,
    ...more,
  };
}

describe("the line", () => {
  it("starts the lowest number and lets the others wait behind it", () => {
    const line = decide([waiting(3), waiting(1), waiting(2)], [], { lane: "project" }, NOW);
    expect(line.start).toEqual(["dpl_1"]);
    expect(line.waits.get("dpl_2")).toEqual({ for: "turn", until: null, behind: 1 });
    expect(line.waits.get("dpl_3")).toEqual({ for: "turn", until: null, behind: 1 });
  });

  it("starts nothing while the lane is held, whatever the target", () => {
    const line = decide(
      [waiting(2, { target: "preview/a" })],
      [{ number: 1, target: "production" }],
      { lane: "project" },
      NOW,
    );
    expect(line.start).toEqual([]);
    expect(line.waits.get("dpl_2")?.behind).toBe(1);
  });

  it("gives each target a lane of its own when asked to", () => {
    const line = decide(
      [waiting(2, { target: "preview/a" }), waiting(3)],
      [{ number: 1, target: "production" }],
      { lane: "target" },
      NOW,
    );
    expect(line.start).toEqual(["dpl_2"]);
    expect(line.waits.get("dpl_3")?.for).toBe("turn");
  });

  it("lets a ready one pass one that is not, and says when that becomes ready", () => {
    const held = waiting(1, { due_at: NOW + 5_000, waiting_for: "retry" });
    const line = decide([held, waiting(2)], [], { lane: "project" }, NOW);
    expect(line.start).toEqual(["dpl_2"]);
    expect(line.waits.get("dpl_1")).toEqual({ for: "retry", until: NOW + 5_000, behind: null });
    expect(line.wakeAt).toBe(NOW + 5_000);
  });

  it("counts one whose time has come as ready", () => {
    const line = decide([waiting(1, { due_at: NOW })], [], { lane: "project" }, NOW);
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
          fc.record({ number: fc.nat(), target: fc.constantFrom("production", "preview/a") }),
          {
            maxLength: 2,
          },
        ),
        fc.constantFrom("project" as const, "target" as const),
        (deploys, holders: Holder[], lane) => {
          const all = deploys.map((d) => waiting(d.number, d));
          const line = decide(all, holders, { lane }, NOW);
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
