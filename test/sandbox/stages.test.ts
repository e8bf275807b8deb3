import { describe, expect, test } from "vitest";
import { harness } from "./harness.ts";

const stage = (deployment: { latest_stage: { name: string; status: string } }): string =>
  `${deployment.latest_stage.name}/${deployment.latest_stage.status}`;

describe("a git build", () => {
  test("is queued and idle in the answer to create, then goes through its stages by the clock alone", async () => {
    const { build, get, pass } = harness();
    const made = await build();
    expect(made.latest_stage).toEqual({
      name: "queued",
      started_on: null,
      ended_on: null,
      status: "idle",
    });
    const seen: string[] = [];
    for (let ms = 0; ms <= 4100; ms += 50) {
      const now = stage(await get(made.id));
      if (now !== seen.at(-1)) {
        seen.push(now);
      }
      pass(50);
    }
    expect(seen).toEqual([
      "queued/idle",
      "queued/active",
      "initialize/active",
      "clone_repo/active",
      "build/active",
      "deploy/active",
      "deploy/success",
    ]);
  });

  test("dates each stage exactly, however late anyone looks: it starts when the one before has ended", async () => {
    const { build, get, pass, now } = harness();
    const start = now();
    const { id } = await build();
    pass(3_600_000);
    const { stages, modified_on, created_on } = await get(id);
    const times = stages.map(({ started_on, ended_on }) =>
      [started_on, ended_on].map((time) => Date.parse(time ?? "") - start),
    );
    expect(times).toEqual([
      [30, 300],
      [300, 700],
      [700, 1300],
      [1300, 3300],
      [3300, 4000],
    ]);
    expect(stages.every(({ status }) => status === "success")).toBe(true);
    expect(created_on).toBe("2026-11-24T09:00:00.000000Z");
    expect(modified_on).toBe(stages[4]?.ended_on);
  });

  test("fails in build when its commit message says so, and says why in the log", async () => {
    const { build, get, pass, call } = harness();
    const { id } = await build({ commit_message: "broken [fail]" });
    pass(10_000);
    const failed = await get(id);
    expect(stage(failed)).toBe("build/failure");
    expect(failed.stages.at(-1)).toEqual({
      name: "deploy",
      started_on: null,
      ended_on: null,
      status: "idle",
    });
    expect(failed.uses_functions).toBeNull();
    const logs = await call<{ total: number; data: Array<{ line: string }> }>(
      "GET",
      `/blog/deployments/${id}/history/logs`,
    );
    expect(logs.result.total).toBe(logs.result.data.length);
    expect(logs.result.data.at(-1)?.line).toBe("Failed: build command exited with code: 1");
  });

  test("takes as long as the speed says", async () => {
    const { sandbox, build, get, pass } = harness();
    sandbox.speed({ factor: 2, stages: { build: 10_000 } });
    const { id } = await build();
    pass(2 * (300 + 400 + 600 + 10_000 + 700) - 1);
    expect(stage(await get(id))).toBe("deploy/active");
    pass(1);
    expect(stage(await get(id))).toBe("deploy/success");
  });
});

test("a finished direct upload has the stage list Cloudflare really returns", async () => {
  const { call, get, pass, now } = harness();
  const start = now();
  const body = new FormData();
  body.set("manifest", "{}");
  const { result } = await call("POST", "/site/deployments", { body });
  pass(599);
  expect(stage(await get(result.id, "site"))).toBe("queued/active");
  pass(1);
  const done = await get(result.id, "site");
  const time = (ms: number): string => new Date(start + ms).toISOString().replace("Z", "000Z");
  const idle = { started_on: null, ended_on: null, status: "idle" };
  expect(done.stages).toEqual([
    { name: "queued", started_on: time(0), ended_on: null, status: "active" },
    { name: "initialize", ...idle },
    { name: "clone_repo", ...idle },
    { name: "build", ...idle },
    { name: "deploy", started_on: null, ended_on: time(600), status: "success" },
  ]);
  expect(done.latest_stage).toEqual(done.stages[4]);
  expect(done.modified_on).toBe(time(600));
  expect(Object.values(done.build_config).every((value) => value === null)).toBe(true);
  expect(done).not.toHaveProperty("source");
  expect(done.env_vars).toEqual({});
});

test("the journal has every transition, of all deployments together, in order of time", async () => {
  const { sandbox, build, pass } = harness();
  const first = await build();
  pass(1000);
  const second = await build({ branch: "next" });
  pass(10_000);
  const { transitions } = sandbox.journal();
  expect(transitions.map(({ at }) => at)).toEqual(transitions.map(({ at }) => at).toSorted());
  for (const { id } of [first, second]) {
    expect(
      transitions
        .filter(({ deployment }) => deployment === id)
        .map((entry) => `${entry.stage} ${entry.stage_status}`),
    ).toEqual(
      ["queued", "initialize", "clone_repo", "build", "deploy"].flatMap((name) => [
        `${name} active`,
        `${name} success`,
      ]),
    );
  }
});
