import { describe, expect, it } from "vitest";

import { linesOf, type Line } from "../../../src/dashboard/model/line.ts";
import { cutsOf, runOf, scaleOf } from "../../../src/dashboard/model/run.ts";
import type { Overview } from "../../../src/project/overview.ts";
import { DEFAULT_POLICY } from "../../../src/project/policy.ts";
import { LOCK, NOW, overview, running, USUAL, waiting } from "./data.ts";

const line = (of: Overview): Line => {
  const [first] = linesOf(of, NOW);
  return first as Line;
};
const held = (
  for_: "lock" | "window" | "budget" | "approval" | "turn",
): ReturnType<typeof waiting> => waiting({ number: 415, waiting: { for: for_, until: null } });

describe("the line", () => {
  it("is clear when nothing waits, and says what is live", () => {
    expect(line(overview())).toMatchObject({
      signal: "clear",
      block: { is: "empty" },
      live: { number: 407 },
    });
    expect(line(overview({ live: null })).live).toBeNull();
  });

  it.each(["lock", "window", "budget"] as const)(
    "is held by %s: amber, and the train is whole",
    (why) => {
      expect(line(overview({ waiting: [held(why)] }))).toMatchObject({
        signal: "held",
        trains: [{ number: 415, ready: true }],
      });
    },
  );

  it("is clear for others when the next one itself is not ready", () => {
    expect(line(overview({ waiting: [held("approval")] }))).toMatchObject({
      signal: "clear",
      trains: [{ ready: false }],
    });
  });

  it("is held by a lock also when nothing waits, but not by one of previews", () => {
    expect(line(overview({ locks: [LOCK] })).signal).toBe("held");
    expect(line(overview({ locks: [{ ...LOCK, environment: "preview" }] })).signal).toBe("clear");
  });

  it("is at stop while something runs, with those that are ready nearest", () => {
    const of = overview({
      running: [running()],
      waiting: [held("approval"), waiting({ number: 416 })],
    });
    expect(line(of)).toMatchObject({
      signal: "stop",
      block: { is: "run", number: 414 },
      trains: [{ number: 416 }, { number: 415 }],
      label:
        "#414 runs, 1\u00A0min\u00A012\u00A0s of about 2\u00A0min\u00A08\u00A0s; two wait; the signal is at stop; #407 is live.",
    });
  });

  it("shows what may run as a ghost, and what was let go on the siding", () => {
    const stray = { deployment_id: "d", kind: "stray", deploy_id: "x", since: "" } as const;
    expect(line(overview({ running: [running({ status: "reconciling" })] })).block).toMatchObject({
      is: "ghost",
      number: 414,
    });
    expect(line(overview({ leftovers: [stray] }))).toMatchObject({
      block: { is: "ghost" },
      signal: "stop",
    });
    expect(line(overview({ leftovers: [{ ...stray, kind: "abandoned" }] }))).toMatchObject({
      siding: true,
      signal: "clear",
    });
  });

  it("is one for each lane that has something on it", () => {
    const policy = { ...DEFAULT_POLICY, lane: "target" as const };
    const of = overview({
      policy,
      waiting: [waiting({ number: 9, target: "preview/a", environment: "preview" })],
    });
    expect(linesOf(of, NOW).map(({ name, trains }) => [name, trains.length])).toEqual([
      ["production", 0],
      ["preview/a", 1],
    ]);
  });
});

describe("a run against what is usual", () => {
  it("has its stages in groups, with what each takes", () => {
    const { groups, elapsed } = runOf(running(), USUAL, NOW);
    expect(elapsed).toBe(72_000);
    expect(groups).toEqual([
      { name: "start", state: "done", from: 0, to: 12_000, usual: 12_000 },
      { name: "build", state: "now", from: 12_000, to: null, usual: 94_000 },
      { name: "deploy", state: "next", from: 0, to: null, usual: 22_000 },
    ]);
  });

  it("is cut where stages ended and where the next is expected to", () => {
    expect(cutsOf(runOf(running(), USUAL, NOW))).toEqual({ passed: [12_000], expected: [106_000] });
  });

  it("has its scale grow when it takes longer, and none without enough before it", () => {
    expect(scaleOf(runOf(running(), USUAL, NOW))).toBe(128_000);
    expect(scaleOf(runOf(running(), USUAL, NOW + 100_000))).toBeCloseTo(172_000 * 1.1);
    expect(runOf(running(), null, NOW).usual).toBeNull();
  });
});
