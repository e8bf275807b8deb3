import { describe, expect, it } from "vitest";

import { UpstreamDeployment } from "../../../src/cloudflare/schemas.ts";
import { read, stageChanges } from "../../../src/project/reading.ts";

const STAGES = ["queued", "initialize", "clone_repo", "build", "deploy"];

function deployment(statuses: string[], more: object = {}): UpstreamDeployment {
  const stages = statuses.map((status, i) => ({
    name: STAGES[i] ?? "?",
    status,
    started_on: null,
    ended_on: null,
  }));
  const latest = stages.findLast((s) => s.status !== "idle") ?? stages[0];
  return UpstreamDeployment.parse({ id: "d", stages, latest_stage: latest, ...more });
}

describe("reading a deployment", () => {
  it.each([
    [["success", "success", "success", "success", "success"], "succeeded"],
    [["success", "success", "success", "failure", "idle"], "failed"],
    [["success", "success", "canceled", "idle", "idle"], "canceled"],
    [["success", "success", "success", "success", "active"], null],
    [["idle", "idle", "idle", "idle", "idle"], null],
    [["success", "success", "success", "success", "idle"], null],
    // A finished direct upload, as Cloudflare really returns it.
    [["active", "idle", "idle", "idle", "success"], "succeeded"],
    // Something Cloudflare may add one day.
    [["success", "success", "paused", "idle", "idle"], null],
  ])("%j → %s", (statuses, end) => {
    expect(read(deployment(statuses)).end?.status ?? null).toBe(end);
  });

  it("names the stage that failed", () => {
    const reading = read(deployment(["success", "success", "failure", "idle", "idle"]));
    expect(reading.end?.why).toEqual({ code: "failed_clone_repo", text: "Failed in clone." });
  });

  it.each([
    ["superseded_queued_build", "superseded"],
    ["commit_message", "skipped"],
    ["something_new", "skipped"],
    [null, "skipped"],
  ])("takes skip reason %s for %s", (skip_reason, status) => {
    const skipped = deployment(["idle", "idle", "idle", "idle", "idle"], {
      is_skipped: true,
      skip_reason,
    });
    expect(read(skipped).end?.status).toBe(status);
  });

  it("takes a skipped stage without the flag for skipped", () => {
    expect(read(deployment(["skipped", "idle", "idle", "idle", "idle"])).end?.status).toBe(
      "skipped",
    );
  });

  it("survives a deployment with nothing in it", () => {
    expect(read(UpstreamDeployment.parse({ id: "d" }))).toEqual({
      stages: [],
      stage: "queued",
      end: null,
    });
  });
});

describe("what changed between two looks", () => {
  it("is what became active and what ended, once each", () => {
    const before = read(deployment(["success", "active", "idle", "idle", "idle"])).stages;
    const after = read(deployment(["success", "success", "success", "active", "idle"])).stages;
    expect(stageChanges(before, after).map((s) => `${s.name} ${s.status}`)).toEqual([
      "initialize success",
      "clone_repo success",
      "build active",
    ]);
    expect(stageChanges(after, after)).toEqual([]);
  });
});

describe("a stage that ran between two looks", () => {
  it("is told of twice, its beginning first", () => {
    const idle = { name: "build", status: "idle", started_on: null, ended_on: null };
    const ended = { name: "build", status: "success", started_on: "10:00", ended_on: "10:01" };
    expect(stageChanges([idle], [ended])).toEqual([
      { name: "build", status: "active", started_on: "10:00", ended_on: null },
      ended,
    ]);
    // Never begun, as the last stage of a direct upload.
    expect(stageChanges([idle], [{ ...ended, started_on: null }])).toHaveLength(1);
  });
});
