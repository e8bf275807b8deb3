import { describe, expect, it } from "vitest";

import type { SubscriberView } from "../../../src/project/subscribers.ts";

import { nowOf } from "../../../src/dashboard/model/now.ts";
import { needsOf, tellingOf } from "../../../src/dashboard/model/row.ts";
import type { Overview } from "../../../src/project/overview.ts";
import { at, CLOCK, deploy, LOCK, NOW, overview, running, said, waiting } from "./data.ts";

const now = (of: Overview, clock = CLOCK): [string, string] => {
  const { head, more } = nowOf(of, clock);
  return [said(head), said(more)];
};
const failed = deploy({
  number: 410,
  status: "failed",
  commit_hash: "c3f81aa0000",
  reason: "Failed in build.",
  ended_at: at(1_440),
});

describe("the answer", () => {
  it("live and idle", () => {
    expect(now(overview())).toEqual(["4be07a2 is live", "Since 14:23, and nothing is newer."]);
  });

  it("running, with when it is there", () => {
    const of = overview({ running: [running()], waiting: [waiting({}), waiting({ number: 2 })] });
    expect(now(of)).toEqual([
      "8f2c1d9 goes live at about 14:32",
      "Until then storefront.example.com shows 4be07a2. Two more deploys wait.",
    ]);
  });

  it("running without an estimate, and longer than usual", () => {
    const of = overview({ running: [running()] });
    expect(now({ ...of, usual: [] })).toEqual(["8f2c1d9 is building", "1 min 12 s so far."]);
    expect(now(of, { ...CLOCK, now: NOW + 108_000 })).toEqual([
      "8f2c1d9 is building",
      "3 min so far; usually 2 min 8 s.",
    ]);
  });

  it("a preview is not live, but ready", () => {
    const preview = { environment: "preview", target: "preview/a", branch: "a" } as const;
    const usual = overview().usual.map((each) => ({ ...each, target: "preview/a" }));
    expect(now(overview({ running: [running(preview)] }, { usual }))).toEqual([
      "8f2c1d9 is ready at about 14:32",
      "A preview of a.",
    ]);
  });

  it("held by a window", () => {
    const until = new Date(Date.UTC(2026, 10, 24, 17)).toISOString();
    const held = waiting({
      number: 415,
      commit_hash: "b71e0aa1",
      reason: "Waits for a window to open at 17:00:00 UTC.",
      waiting: { for: "window", until },
    });
    expect(now(overview({ waiting: [held] }))).toEqual([
      "b71e0aa goes live after 18:00",
      "Waits for a window to open at 18:00, in 3 h 28 min. storefront.example.com still shows 4be07a2.",
    ]);
  });

  it("locked", () => {
    expect(now(overview({ locks: [LOCK] }))).toEqual([
      "Production is locked",
      "By Ines Marwitz until tomorrow 12:00: “Login loop on Safari”. 4be07a2 stays live.",
    ]);
  });

  it("failed, with what still is live", () => {
    expect(now(overview({}, { last: failed }))).toEqual([
      "c3f81aa failed in build",
      "storefront.example.com still shows 4be07a2.",
    ]);
  });

  it("a failure that something newer has mended is none", () => {
    expect(now(overview({ live: deploy({ number: 411 }) }, { last: failed }))[0]).toBe(
      "4be07a2 is live",
    );
  });

  it("never deployed", () => {
    expect(now(overview({ live: null }))).toEqual([
      "Nothing deployed yet",
      "Add a hook, or deploy main now.",
    ]);
  });

  it("unknown", () => {
    const lost = running({
      status: "reconciling",
      reason: "May have started: Cloudflare's answer was lost; looking until 13:33:00 UTC.",
    });
    expect(now(overview({ running: [lost] }))).toEqual([
      "8f2c1d9 may have started",
      "May have started: Cloudflare's answer was lost; looking until 14:33:00.",
    ]);
  });
});

describe("a row of the overview", () => {
  it("tells of what runs, else of what waits, else that all is quiet", () => {
    const telling = (of: Overview): string => said(tellingOf(of, CLOCK).text);
    expect(telling(overview({ running: [running()], waiting: [waiting({})] }))).toBe(
      "#414 builds, 1 min 12 s of about 2 min 8 s. 1 waits.",
    );
    expect(
      telling(overview({ waiting: [waiting({ number: 61, reason: "Waits for a lock." })] })),
    ).toBe("#61 waits for a lock.");
    expect(telling(overview())).toBe("Idle. The newest change is live.");
    expect(telling(overview({}, { last: failed }))).toBe("Idle. #410 failed, #407 stays live.");
  });

  it("says what only a person can mend", () => {
    const subscriber: SubscriberView = {
      id: "sub_1",
      url: "https://hooks.example.com/x",
      kind: "webhook",
      events: ["*"],
      description: null,
      state: "active",
      failing_since: at(7_200),
      waiting: 6,
      created_at: at(9_000),
      ordered: false,
      headers: [],
      host: null,
      reason: null,
      blocked_until: null,
      last_attempt: null,
      next_attempt_at: null,
      exhausted: 0,
      old_secret_until: null,
      branches: { include: [], exclude: [] },
      environments: [],
      statuses: [],
    };
    const approval = waiting({ number: 420, waiting: { for: "approval", until: null } });
    const of = overview(
      { locks: [LOCK], waiting: [approval] },
      { last: failed, failing: [subscriber] },
    );
    expect(needsOf(of, CLOCK).map(({ head, more }) => [said(head), said(more)])).toEqual([
      ["#410 failed in build", "24 min ago: Explain delivery times"],
      ["Locked by Ines Marwitz", "Login loop on Safari"],
      ["#420 waits for approval", "Explain delivery times"],
      ["hooks.example.com is failing", "6 events undelivered, for 2 h"],
    ]);
  });
});
