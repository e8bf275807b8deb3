import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { liveOn, overlap } from "../../scripts/demo/journal.ts";
import { until } from "../../scripts/demo/wait.ts";
import { DEFAULT_POLICY } from "../../src/project/policy.ts";
import type { Policy } from "../../src/project/policy.ts";
import type { Deploy, Lock } from "../../src/project/shapes.ts";
import { closedNow, documentedReasons, Ruled } from "./support/ruled.ts";
import { DEFAULT_BRANCH, isGapless, World } from "./support/world.ts";

let world: World;
let locked: Ruled;
let approving: Ruled;
let windowed: Ruled;
let quiet: Ruled;
let retried: Ruled;
let stuck: Ruled;
let checked: Ruled;
let timed: Ruled;
let rolled: Ruled;
/** Its build takes longer than its stage may. */
let slow: string;

/** The page that a build makes holds the message of its commit. */
const HEALTH: Policy["health"] = {
  checks: [{ url: "/", status: 200, contains: "Welcome", header: null, commit: true }],
  attempts: 2,
  interval_seconds: 1,
  on_failure: "rollback",
};

beforeAll(async () => {
  world = await World.start();
  [locked, approving, windowed, quiet, retried, stuck, checked, timed, rolled] = await Promise.all([
    Ruled.make(world, "locked"),
    Ruled.make(world, "approving", {
      approval: { environments: ["production"], expires_hours: 1 },
    }),
    Ruled.make(world, "windowed"),
    Ruled.make(world, "quiet", { quiet_period: { seconds: 30, max_wait_seconds: 60 } }),
    Ruled.make(world, "retried", { retry: { limit: 1, stages: ["build"], backoff_seconds: 5 } }),
    Ruled.make(world, "stuck", { stage_deadlines_seconds: { build: 10 } }),
    Ruled.make(world, "checked", { health: HEALTH }),
    Ruled.make(world, "timed"),
    Ruled.make(world, "rolled"),
  ]);
  await world.pages.fault({ call: "delete", kind: "unauthorized", project: "stuck" });
  await world.pages.speed({ factor: 0.1, stages: { build: 300_000 } });
  slow = await stuck.push();
  await until("it to be under way", async () => (await stuck.made()).length === 1);
  await world.pages.speed({ factor: 0.1 });
  // So that no lack of calls puts off what is to start at its time.
  await world.calls(16);
});
afterAll(async () => {
  await world.stop();
});

/** It started when it was let, and not before. */
function expectStart({ started_at: started }: Deploy, from: number): void {
  const late = Date.parse(started ?? "") - from;
  expect(late).toBeGreaterThanOrEqual(0);
  expect(late).toBeLessThan(2_000);
}

describe.concurrent("rules", { timeout: 100_000 }, () => {
  test("a stuck build ends at its stage's deadline, the next runs, and the late one is undone", async () => {
    const end = await stuck.ended(slow);
    expect(end).toMatchObject({ status: "timed_out", reason_code: "timed_out" });
    expect(end.reason).toBe("Timed out in build: it ran 10 s, its deadline.");
    expect(await stuck.told("deploy.abandoned", slow)).toMatchObject({
      data: { deployment_id: end.deployment?.id },
    });
    const next = await stuck.ended(await stuck.push());
    expect(next.status).toBe("succeeded");
    const before = await world.pages.journal();
    expect(liveOn(before, "stuck", DEFAULT_BRANCH)).toBe(next.deployment?.id);
    expect(before.live.filter(({ deployment }) => deployment === end.deployment?.id)).toEqual([]);
    expect(await stuck.view()).toMatchObject({
      leftovers: [{ kind: "abandoned", deployment_id: end.deployment?.id, deploy_id: slow }],
    });

    expect(await stuck.told("deploy.rolled_back", slow)).toMatchObject({
      data: { deployment_id: end.deployment?.id, to_deployment_id: next.deployment?.id },
    });
    const after = await world.pages.journal();
    const lives = after.live.filter(({ project }) => project === "stuck");
    expect(lives.map(({ deployment, cause }) => [deployment, cause])).toEqual([
      [next.deployment?.id, "deployed"],
      [end.deployment?.id, "deployed"],
      [next.deployment?.id, "rollback"],
    ]);
    expect(await stuck.view()).toMatchObject({ leftovers: [], live: { id: next.id } });
    expect(await stuck.get(slow)).toEqual(end);
  });

  test("a window holds the newest push until it opens, but for what somebody releases", async () => {
    const { window, opens } = closedNow();
    await windowed.policy({ windows: [window] });
    const opening = new Date(opens).toISOString();
    expect(await windowed.told("project.window_closed")).toMatchObject({
      data: { environment: "production", until: opening, reason: "the fair" },
    });
    const first = await windowed.push();
    const second = await windowed.push();
    const third = await windowed.push();
    const held = await windowed.get(third);
    expect(held).toMatchObject({
      status: "queued",
      reason_code: "window",
      waiting: { for: "window", until: opening },
    });
    expect(held.reason).toContain("Waits for the window “the fair”, until ");
    const older = await Promise.all([windowed.ended(first), windowed.ended(second)]);
    expect(older).toMatchObject([
      { status: "superseded", superseded_by: second },
      { status: "superseded", superseded_by: third },
    ]);
    expect(await windowed.ask("POST", "/policy/explain", {})).toMatchObject({
      would: "wait",
      waiting: held.waiting,
    });

    const urgent = await windowed.push("urgent");
    await windowed.told("deploy.held", urgent);
    const { id: by, as } = await windowed.token("manage");
    const path = `${windowed.base}/deploys/${urgent}/release`;
    expect((await as.send("POST", path, {})).status).toBe(422);
    await as.ask("POST", path, { reason: "the shop is down" });
    expect(await windowed.told("deploy.released", urgent)).toMatchObject({
      data: { by, override: "the shop is down", held_for: "window" },
    });
    const released = await windowed.ended(urgent);
    expect(released).toMatchObject({ status: "succeeded", released_by: by });
    expect(Date.parse(released.started_at ?? "")).toBeLessThan(opens);

    const end = await windowed.ended(third, 80_000);
    expect(end).toMatchObject({ status: "succeeded", released_by: null });
    expectStart(end, opens);
    expect(await windowed.told("deploy.released", third)).toMatchObject({
      data: { held_for: "window" },
    });
    const opened = await windowed.told("project.window_opened");
    expect(Date.parse(opened.timestamp) - opens).toBeGreaterThanOrEqual(0);
    expect(Date.parse(opened.timestamp) - opens).toBeLessThan(2_000);
    expect(windowed.toldOf(third)).toEqual([
      "deploy.queued",
      "deploy.held",
      "deploy.released",
      "deploy.started",
      "deploy.succeeded",
    ]);
    expect(await windowed.made()).toEqual([released.deployment?.id, end.deployment?.id]);
  });

  test("a quiet period puts a burst together into its last push, until the hook's rule is off", async () => {
    const hook = `/hooks/${quiet.project.hook.id}`;
    await quiet.ask("PATCH", hook, { quiet_period_seconds: 3 });
    const ids = await Promise.all(Array.from({ length: 10 }, async () => quiet.push()));
    const [newest, ...others] = await world.signalbox.deploys("quiet");
    const last = newest?.id ?? "";
    expect(newest).toMatchObject({ status: "queued", number: 10, reason_code: "quiet_period" });
    const over = Date.parse(newest?.waiting?.until ?? "");
    expect(over - Date.parse(newest?.created_at ?? "")).toBeCloseTo(3_000, -2);
    const end = await quiet.ended(last);
    expect(end.status).toBe("succeeded");
    expectStart(end, over);
    expect(await quiet.made()).toEqual([end.deployment?.id]);
    expect(others.map(({ status }) => status)).toEqual(ids.slice(1).map(() => "superseded"));
    expect(quiet.toldOf(last)).toEqual([
      "deploy.queued",
      "deploy.held",
      "deploy.released",
      "deploy.started",
      "deploy.succeeded",
    ]);

    await quiet.ask("PATCH", hook, { quiet_period_seconds: 0 });
    const loud = await quiet.push();
    expect((await quiet.ended(loud)).status).toBe("succeeded");
    expect(quiet.toldOf(loud)).not.toContain("deploy.held");

    await quiet.ask("PATCH", hook, { quiet_period_seconds: null });
    const { waiting, created_at: at } = await quiet.get(await quiet.push());
    expect(waiting?.for).toBe("quiet_period");
    expect(Date.parse(waiting?.until ?? "") - Date.parse(at)).toBeCloseTo(30_000, -2);
  });

  test("a failed build is tried again as the same deploy", async () => {
    await world.pages.fault({ call: "create", kind: "fail_build", project: "retried" });
    const id = await retried.push();
    const told = await retried.told("deploy.held", id);
    const { waiting } = (told.data as { deploy: Deploy }).deploy;
    expect(waiting?.for).toBe("retry");
    expect(told.data).toMatchObject({ failed: { stage: "build", retries_left: 0 } });
    expect(await retried.get(id)).toMatchObject({ status: "queued", retries: 1, waiting });

    const end = await retried.ended(id);
    expect(end).toMatchObject({ status: "succeeded", retries: 1, attempts: 2 });
    expect(retried.toldOf(id)).toEqual([
      "deploy.queued",
      "deploy.started",
      "deploy.held",
      "deploy.succeeded",
    ]);
    const made = await retried.made();
    expect(made).toHaveLength(2);
    expect(made[1]).toBe(end.deployment?.id);
    const journal = await world.pages.journal();
    expect(liveOn(journal, "retried", DEFAULT_BRANCH)).toBe(made[1]);
    const second = journal.requests.find(({ deployment }) => deployment === made[1]);
    expect(Date.parse(second?.at ?? "")).toBeGreaterThanOrEqual(Date.parse(waiting?.until ?? ""));
    expect(await world.signalbox.deploys("retried")).toHaveLength(1);
  });

  test("a version that fails its health check is rolled back by itself, which the site shows", async () => {
    const page = async (): Promise<string> => (await world.pages.page("checked.pages.dev")).text;
    const good = await checked.ended(await checked.push(DEFAULT_BRANCH, "Welcome"));
    expect(good).toMatchObject({ status: "succeeded", health: { tries: 1 } });
    expect(checked.toldOf(good.id)).toContain("deploy.verified");
    expect(await page()).toContain("Welcome");

    const bad = await checked.ended(await checked.push(DEFAULT_BRANCH, "Out of order"));
    expect(bad).toMatchObject({
      status: "failed",
      reason: "Failed its health check: / does not hold the text “Welcome”, 2 times.",
    });
    const { data } = await checked.told("deploy.health_failed", bad.id);
    expect(data["action"]).toBe(`Production is rolled back, by #${bad.number + 1}.`);
    const back = await checked.told("deploy.rolled_back");
    expect(back).toMatchObject({
      data: { deploy: { kind: "rollback" }, to_deployment_id: good.deployment?.id },
    });
    expect(await page()).toContain("Welcome");
    expect(await checked.view()).toMatchObject({
      locks: [{ holder: "health checks", environment: "production" }],
    });
    expect((await checked.get(await checked.push())).reason_code).toBe("lock");
    expect(await checked.made()).toEqual([good.deployment?.id, bad.deployment?.id]);
  });

  test("a rollback is what the site shows, and the next push waits for its lock", async () => {
    const page = async (): Promise<string> => (await world.pages.page("rolled.pages.dev")).text;
    const first = await rolled.ended(await rolled.push(DEFAULT_BRANCH, "Version one"));
    await rolled.ended(await rolled.push(DEFAULT_BRANCH, "Version two"));
    expect(await page()).toContain("Version two");
    const { deploy } = await rolled.ask<{ deploy: Deploy }>("POST", "/rollback");
    expect(await rolled.ended(deploy.id)).toMatchObject({
      kind: "rollback",
      status: "succeeded",
      deployment: { id: first.deployment?.id },
    });
    expect(await page()).toContain("Version one");
    expect(await rolled.told("project.locked")).toMatchObject({
      data: { lock: { reason: `rolled back to #${first.number}`, environment: "production" } },
    });
    const next = await rolled.push(DEFAULT_BRANCH, "Version three");
    expect(await rolled.get(next)).toMatchObject({
      waiting: { for: "lock" },
      reason: expect.stringContaining(`rolled back to #${first.number}`),
    });
    expect(await page()).toContain("Version one");
    const [lock] = (await rolled.view()).locks;
    await world.signalbox.send("DELETE", `${rolled.base}/locks/${lock?.id}`);
    expect((await rolled.ended(next)).status).toBe("succeeded");
    expect(await page()).toContain("Version three");
  });

  test("a lock holds pushes with holder and reason, and lets the newest go when it is taken away", async () => {
    const why = { holder: "Ada", reason: "moving the shop" };
    const lock = await locked.ask<Lock>("POST", "/locks", { ...why, environment: "production" });
    expect(await locked.told("project.locked")).toMatchObject({ data: { lock } });
    const first = await locked.push();
    const second = await locked.push();
    expect(await locked.ended(first)).toMatchObject({
      status: "superseded",
      superseded_by: second,
    });
    const held = await locked.get(second);
    expect(held).toMatchObject({
      status: "queued",
      waiting: { for: "lock", until: null },
      reason_code: "lock",
      reason: "Waits for the lock by Ada: “moving the shop”.",
    });
    const { id, reason, waiting } = held;
    const same = { id, reason, waiting };
    expect(await locked.told("deploy.held", second)).toMatchObject({ data: { deploy: same } });
    expect(await locked.view()).toMatchObject({ locks: [lock], waiting: [same], running: [] });

    const events = await world.signalbox.events("locked");
    const key = { "idempotency-key": randomUUID() };
    const path = `${locked.base}/deploys?if_locked=refuse`;
    const refused = await world.signalbox.send("POST", path, {}, key);
    expect(refused.json).toMatchObject({ status: 423, code: "locked" });
    expect(refused.text).toContain("Ada: moving the shop");
    expect(await world.signalbox.events("locked")).toEqual(events);
    expect(await world.signalbox.deploys("locked")).toHaveLength(2);
    expect(await locked.made()).toEqual([]);

    const { status } = await world.signalbox.send("DELETE", `${locked.base}/locks/${lock.id}`);
    expect(status).toBe(204);
    expect((await locked.ended(second)).status).toBe("succeeded");
    expect(await locked.told("project.unlocked")).toMatchObject({
      data: { lock, reason: "released" },
    });
    expect(locked.toldOf(second)).toEqual([
      "deploy.queued",
      "deploy.held",
      "deploy.released",
      "deploy.started",
      "deploy.succeeded",
    ]);
    // The key of what was refused was not used up.
    const again = await world.signalbox.send("POST", path, {}, key);
    expect([again.status, again.headers.get("idempotency-replayed")]).toEqual([202, null]);
    expect((await locked.view()).locks).toEqual([]);
  });

  test("a schedule deploys once, at the time that it was given", async () => {
    const time = Date.now() + 6_000;
    const at = new Date(time).toISOString();
    const made = await timed.ask<{ id: string }>("POST", "/schedules", { at });
    expect(made).toMatchObject({ at, branch: DEFAULT_BRANCH, next_runs: [at], ended_at: null });
    const { data } = await timed.told("deploy.queued");
    const { id, created_at: created } = (data as { deploy: Deploy }).deploy;
    expect(Date.parse(created)).toBeGreaterThanOrEqual(time);
    const end = await timed.ended(id);
    expect(end).toMatchObject({
      status: "succeeded",
      branch: DEFAULT_BRANCH,
      trigger: { kind: "schedule", actor: made.id },
    });
    expectStart(end, time);
    const after = await timed.ask<{ ended_at: string | null }>("GET", `/schedules/${made.id}`);
    expect(after).toMatchObject({ next_runs: [], last_outcome: "queued", last_deploy_id: id });
    expect(Date.parse(after.ended_at ?? "")).toBeGreaterThanOrEqual(time);
    expect(await timed.made()).toEqual([end.deployment?.id]);
  });

  test("approval is asked for, and given or refused by whoever manages", async () => {
    const id = await approving.push();
    expect(await approving.get(id)).toMatchObject({
      status: "queued",
      waiting: { for: "approval" },
      reason_code: "approval",
    });
    const deployer = await approving.token("deploy");
    const manager = await approving.token("manage");
    const path = (what: string, of = id): string => `${approving.base}/deploys/${of}/${what}`;
    for (const what of ["approve", "reject", "release"]) {
      const { json } = await deployer.as.send("POST", path(what), { reason: "because" });
      expect(json).toMatchObject({ status: 403, code: "insufficient_scope" });
    }
    expect((await approving.get(id)).status).toBe("queued");
    await manager.as.ask("POST", path("approve"));
    expect(await approving.ended(id)).toMatchObject({
      status: "succeeded",
      approved_by: manager.id,
    });
    expect(await approving.told("deploy.approved", id)).toMatchObject({
      data: { by: manager.id },
    });
    expect(approving.toldOf(id)).toEqual([
      "deploy.queued",
      "deploy.approval_requested",
      "deploy.held",
      "deploy.approved",
      "deploy.released",
      "deploy.started",
      "deploy.succeeded",
    ]);

    const other = await approving.push();
    await manager.as.ask("POST", path("reject", other), { reason: "not on a Friday" });
    expect(await approving.ended(other)).toMatchObject({
      status: "canceled",
      reason_code: "rejected",
      reason: `Rejected by ${manager.id}: not on a Friday`,
    });
    expect((await manager.as.send("POST", path("approve", other))).status).toBe(409);
    expect(await approving.made()).toHaveLength(1);
  });
});

describe("a policy", () => {
  test("is changed only by who has seen it as it is, and only as a whole that can be meant", async () => {
    const path = `${retried.base}/policy`;
    const patch = async (change: object, etag?: string) =>
      world.signalbox.send("PATCH", path, change, etag === undefined ? {} : { "if-match": etag });
    const seen = await world.signalbox.send("GET", path);
    const etag = seen.headers.get("etag") ?? "";
    const changed = await patch({ max_attempts: 3 }, etag);
    expect(changed.json).toEqual({ ...(seen.json as Policy), max_attempts: 3 });
    expect(changed.headers.get("etag")).not.toBe(etag);
    expect((await patch({ max_attempts: 9 }, etag)).json).toMatchObject({
      status: 412,
      code: "policy_changed",
    });
    const [{ window }, forever] = [closedNow(), { cron: "* * * * *", duration_minutes: 60 }];
    for (const [change, field] of [
      [{ windows: [{ ...window, ...forever }] }, "windows"],
      [{ mode: "all", cancel_running: true }, "cancel_running"],
      [{ stage_deadlines_seconds: { build: 3_600 } }, "stage_deadlines_seconds.build"],
    ] as const) {
      const { json } = await patch({ ...change, max_attempts: 9 });
      expect(json).toMatchObject({ status: 422, code: "policy_invalid" });
      expect((json as { detail: string }).detail).toContain(field);
    }
    const now = await world.signalbox.send("GET", path);
    expect(now.json).toEqual(changed.json);
    expect(now.headers.get("etag")).toBe(changed.headers.get("etag"));
    const policy = { ...DEFAULT_POLICY, ...(changed.json as Policy) };
    expect(await retried.told("project.policy_changed")).toMatchObject({ data: { policy } });
  });
});

describe("a rollback while a build runs", () => {
  test("stays, though that build ends well", async () => {
    await world.calls(16);
    const page = async (): Promise<string> => (await world.pages.page("rolled.pages.dev")).text;
    const live = await page();
    const [last, before] = (await world.signalbox.deploys("rolled")).filter(
      ({ status, kind }) => status === "succeeded" && kind === "build",
    );
    await world.pages.speed({ factor: 0.1, stages: { build: 60_000 } });
    const running = await rolled.push(DEFAULT_BRANCH, "Version four");
    await until("it to run", async () => (await rolled.get(running)).status === "running");
    await world.pages.speed({ factor: 0.1 });
    const { deploy } = await rolled.ask<{ deploy: Deploy }>("POST", "/rollback");
    expect((await rolled.ended(deploy.id)).deployment?.id).toBe(before?.deployment?.id);
    expect((await rolled.get(running)).status).toBe("running");
    const shown = await page();
    expect(shown).not.toBe(live);
    expect(await rolled.ended(running)).toMatchObject({
      status: "superseded",
      reason_code: "newer_went_first",
      superseded_by: null,
    });
    expect(await rolled.told("deploy.rolled_back", running)).toMatchObject({
      data: { to_deployment_id: before?.deployment?.id },
    });
    expect(await page()).toBe(shown);
    expect((await rolled.view()).live?.id).toBe(deploy.id);
    expect(last?.deployment?.id).not.toBe(before?.deployment?.id);
  });
});

describe("max_builds", () => {
  test("lets one project of the account build at a time, production first", async () => {
    await world.calls(16);
    await world.signalbox.ask("PATCH", "/v1/builds", { max_builds: 1 });
    const first = await retried.push("one");
    await until("it to build", async () => (await retried.get(first)).status === "running");
    const preview = await retried.push("two");
    const hotfix = await windowed.push();
    await until("both to wait", async () => {
      const { waiting } = await world.signalbox.ask<{ waiting: object[] }>("GET", "/v1/builds");
      return waiting.length > 0;
    });
    expect((await windowed.get(hotfix)).waiting?.for).toBe("turn");
    const ends = [
      await retried.ended(first),
      await windowed.ended(hotfix),
      await retried.ended(preview),
    ];
    const deployments = ends.map(({ deployment }) => deployment?.id ?? "");
    expect(overlap(await world.pages.journal(), deployments)).toBeNull();
    const starts = ends.map(({ started_at: at }) => Date.parse(at ?? ""));
    expect(starts).toEqual(starts.toSorted((a, b) => a - b));
    await world.signalbox.ask("PATCH", "/v1/builds", { max_builds: null });
  });
});

describe("after SIGKILL and a restart", () => {
  test("without anybody calling, a lock ends at its time; what waits for approval still does", async () => {
    await world.calls(16);
    const ends = Date.now() + 7_000;
    const reason = "the books are closed";
    const lock = await locked.ask<Lock>("POST", "/locks", {
      reason,
      until: new Date(ends).toISOString(),
    });
    const [held, asked] = await Promise.all([locked.push(), approving.push()]);
    await Promise.all([locked.told("deploy.held", held), approving.told("deploy.held", asked)]);
    expect((await locked.get(held)).waiting).toEqual({ for: "lock", until: lock.until });
    await world.stack.kill();
    await world.stack.restart();
    const back = Date.now();

    const end = await locked.project.toldOfEnd(held);
    expect(end.status).toBe("succeeded");
    expect(Date.parse(end.started_at ?? "")).toBeGreaterThanOrEqual(ends);
    expectStart(end, Math.max(ends, back));
    await until("the lock's end to be told", () =>
      locked.project.receiver
        .events()
        .some(({ data }) => data["reason"] === "expired" && data["by"] === null),
    );
    expect((await locked.view()).locks).toEqual([]);

    expect(await approving.get(asked)).toMatchObject({
      status: "queued",
      waiting: { for: "approval" },
    });
    await approving.ask("POST", `/deploys/${asked}/approve`);
    expect((await approving.ended(asked)).status).toBe("succeeded");
  });
});

describe("all of it", () => {
  const each = (): Ruled[] => [
    locked,
    approving,
    windowed,
    quiet,
    retried,
    stuck,
    checked,
    timed,
    rolled,
  ];

  test("gave no reason that the documents do not list", async () => {
    const documented = documentedReasons(await readFile("docs/api.md", "utf8"));
    const given = (await Promise.all(each().map(async (one) => [...(await one.codes())]))).flat();
    expect(given.filter(([code]) => !documented.has(code))).toEqual([]);
    expect(given.map(([code]) => code)).toEqual(
      expect.arrayContaining(
        ["approval", "health_failed", "lock", "quiet_period", "rejected", "retry"].concat([
          "superseded",
          "timed_out",
          "window",
        ]),
      ),
    );
  });

  test("was told without a gap, and had one deployment at a time", async () => {
    const journal = await world.pages.journal();
    for (const { project } of each()) {
      expect(project.receiver.refused).toEqual([]);
      expect(isGapless(project.receiver.events())).toBe(true);
    }
    for (const one of each().filter((each) => each !== stuck && each !== rolled)) {
      expect(overlap(journal, await one.made())).toBeNull();
    }
  });
});
