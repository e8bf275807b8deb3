import { describe, expect, it } from "vitest";

import { UpstreamDeployment } from "../../../src/cloudflare/schemas.ts";
import { whatIsExternal, type Known } from "../../../src/project/externals.ts";

const NOW = Date.UTC(2040, 0, 10);
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** One that runs and was made a minute ago by the API, unless said otherwise. */
function deployment(more: {
  id?: string;
  ended?: boolean;
  age?: number;
  trigger?: string;
  branch?: string;
  commit?: string;
  created?: string;
}): UpstreamDeployment {
  const { id = "x", ended = false, age = 60_000, trigger = "ad_hoc", branch = "main" } = more;
  return UpstreamDeployment.parse({
    id,
    environment: "production",
    created_on: more.created ?? new Date(NOW - age).toISOString(),
    source: {},
    latest_stage: ended
      ? { name: "deploy", status: "success" }
      : { name: "build", status: "active" },
    deployment_trigger: {
      type: trigger,
      metadata: { branch, commit_hash: more.commit ?? "c1", commit_message: "m" },
    },
  });
}

const known = (more: Partial<Known> = {}): Known => ({
  settled: new Set(),
  open: [],
  historyUntil: NOW - HOUR,
  ...more,
});

const REQUEST: Known["open"][number] = {
  baseline: [],
  sent: {
    form: { branch: "main", commit_hash: "c1", commit_message: "m" },
    productionBranch: "main",
    manifest: false,
  },
};

const found = (listed: UpstreamDeployment[], what: Known): string[] =>
  whatIsExternal(listed, what, NOW).map(({ id }) => id);

describe("what is external", () => {
  it.each<[string, Parameters<typeof deployment>[0], Partial<Known>, boolean]>([
    ["one that runs", {}, {}, true],
    ["one that has ended since the first list", { ended: true }, {}, true],
    ["not what is settled", {}, { settled: new Set(["x"]) }, false],
    ["at the first list, one that runs", {}, { historyUntil: null }, true],
    ["at the first list, not what has ended", { ended: true }, { historyUntil: null }, false],
    ["not what had ended before", { ended: true, age: 2 * HOUR }, {}, false],
    ["one from before that still runs", { age: 2 * HOUR }, {}, true],
    ["not one that never ended", { age: 25 * HOUR }, {}, false],
    [
      "not what the sweep may have removed",
      { ended: true, age: 29 * DAY },
      { historyUntil: 0 },
      false,
    ],
    ["what has ended lately", { ended: true, age: 28 * DAY }, { historyUntil: 0 }, true],
    ["one that runs since nobody knows when", { created: "" }, {}, true],
    ["not one that has ended nobody knows when", { created: "", ended: true }, {}, false],
    ["not what an open request of ours may have made", {}, { open: [REQUEST] }, false],
    ["another commit than that request's", { commit: "c2" }, { open: [REQUEST] }, true],
    ["a build by a push of the same commit", { trigger: "github:push" }, { open: [REQUEST] }, true],
    ["what was there before that request", {}, { open: [{ ...REQUEST, baseline: ["x"] }] }, true],
  ])("%s", (_what, one, knowing, expected) => {
    expect(found([deployment(one)], known(knowing))).toEqual(expected ? ["x"] : []);
  });

  it("is told by each open request, in the list's order", () => {
    const listed = [
      deployment({ id: "a", commit: "c2" }),
      deployment({ id: "b", commit: "c1" }),
      deployment({ id: "c", branch: "next" }),
      deployment({ id: "d", commit: "c3" }),
    ];
    const other = { ...REQUEST, sent: { ...REQUEST.sent, form: { branch: "next" } } };
    expect(found(listed, known({ open: [REQUEST, other] }))).toEqual(["a", "d"]);
  });
});
