import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { Edge, expectProblem, leave, type Got } from "./edge.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

let edge: Edge;
beforeEach(async () => {
  edge = await Edge.create();
});
afterEach(leave);

/** So long from now, as a time that `at` takes. */
const inA = (ms: number): string => new Date(edge.world.now() + ms).toISOString();

/** The path of a new schedule. */
async function schedule(json: object): Promise<string> {
  const made = await edge.on("POST", "/schedules", { json });
  expect(made.status).toBe(201);
  return `/schedules/${made.body.id}`;
}

const shown = async (path: string): Promise<Got["body"]> => (await edge.on("GET", path)).body;
const deploys = async (): Promise<Got["body"][]> => (await edge.on("GET", "/deploys")).body.items;

describe("schedules", () => {
  it("say when they run next", async () => {
    const json = { cron: "30 6 * * 1-5", time_zone: "Europe/Paris", branch: "main" };
    const made = await edge.on("POST", "/schedules", { json });
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({ ...json, paused: false });
    expect(made.body.next_runs).toHaveLength(5);
    for (const run of made.body.next_runs as string[]) {
      expect(run).toMatch(/T0[45]:30:00\.000Z$/);
    }
    const path = `/schedules/${made.body.id}`;
    expect((await edge.on("GET", path)).body).toEqual(made.body);
    expect((await edge.on("GET", "/schedules")).body).toEqual({ items: [made.body] });
    expect(made.headers.get("location")).toBe(edge.base + path);
  });

  it("run for the production branch and in UTC unless told", async () => {
    const made = await edge.on("POST", "/schedules", { json: { cron: "0 3 * * *" } });
    expect(made.body).toMatchObject({ time_zone: "UTC", branch: "main" });
  });

  it("deploy when their time has come", async () => {
    // Once a day, five minutes from now.
    const soon = new Date(edge.world.now() + 5 * 60_000);
    const cron = `${soon.getUTCMinutes()} ${soon.getUTCHours()} * * *`;
    await edge.on("POST", "/schedules", { json: { cron, branch: "main" } });
    await edge.world.run(11 * 60_000);
    expect((await edge.on("GET", "/deploys")).body.items).toMatchObject([
      { trigger: { kind: "schedule" }, branch: "main" },
    ]);
  });

  it("can be changed, paused and resumed", async () => {
    const made = await edge.on("POST", "/schedules", { json: { cron: "0 3 * * *" } });
    const path = `/schedules/${made.body.id}`;
    const paused = await edge.on("PATCH", path, { json: { paused: true } });
    expect(paused.body).toMatchObject({ paused: true, next_runs: [], cron: "0 3 * * *" });
    const resumed = await edge.on("PATCH", path, { json: { paused: false, cron: "0 4 * * *" } });
    expect(resumed.body.next_runs[0]).toMatch(/T04:00:00/);
  });

  it("are gone when deleted", async () => {
    const made = await edge.on("POST", "/schedules", { json: { cron: "0 3 * * *" } });
    const path = `/schedules/${made.body.id}`;
    expect((await edge.on("DELETE", path)).status).toBe(204);
    expectProblem(await edge.on("GET", path), 404, "schedule_not_found");
  });

  it.each([
    [{ cron: "0 3 * *" }, "cron"],
    [{ cron: "0 0 3 * * *" }, "cron"],
    [{ cron: "61 3 * * *" }, "cron"],
    [{ cron: "0 0 30 2 *" }, "cron"],
    [{ cron: "0 3 * * *", time_zone: "Mars/Olympus" }, "time_zone"],
  ])("can't be %j", async (json, field) => {
    const made = await edge.on("POST", "/schedules", { json: { cron: "0 3 * * *" } });
    const before = await edge.trace();
    const refused = await edge.on("POST", "/schedules", { json });
    expectProblem(refused, 422, "cron_invalid");
    expect(refused.body.errors[0].field).toBe(field);
    const change = await edge.on("PATCH", `/schedules/${made.body.id}`, { json });
    expectProblem(change, 422, "cron_invalid");
    expect(await edge.trace()).toEqual(before);
  });

  it("are refused for a project that has no branches to build", async () => {
    const direct = await Edge.create({ source: "direct_upload" });
    const got = await direct.on("POST", "/schedules", { json: { cron: "0 3 * * *" } });
    expectProblem(got, 409, "not_git_connected");
  });
});

describe("a schedule that runs once", () => {
  it("does so at its time, to the second, and has ended then", async () => {
    const at = inA(95_000);
    const path = await schedule({ at, branch: "next" });
    const before = await shown(path);
    expect(before).toMatchObject({ cron: null, time_zone: null, at, next_runs: [at] });
    expect(before).toMatchObject({ ended_at: null, last_run_at: null, last_outcome: null });
    await edge.world.run(3 * DAY);
    const [deploy, ...more] = await deploys();
    expect(more).toEqual([]);
    expect(deploy).toMatchObject({
      created_at: at,
      status: "succeeded",
      branch: "next",
      trigger: { kind: "schedule", source: "schedule", actor: before.id },
    });
    expect(await shown(path)).toEqual({
      ...before,
      next_runs: [],
      ended_at: at,
      last_run_at: at,
      last_outcome: "queued",
      last_deploy_id: deploy.id,
    });
  });

  it("leaves it to its deploy to say why that waits", async () => {
    await edge.on("POST", "/locks", { json: { reason: "the fair", holder: "Ada" } });
    const path = await schedule({ at: inA(MINUTE) });
    await edge.world.run(HOUR);
    expect(await deploys()).toMatchObject([{ status: "queued", reason_code: "lock" }]);
    const after = await shown(path);
    expect(after).toMatchObject({ last_outcome: "held", last_reason: null });
    expect(after.last_reason_code).toBeNull();
  });

  it("takes a time with an offset, and shows it in UTC", async () => {
    const at = "2060-12-24T18:00:00+01:00";
    expect(await shown(await schedule({ at }))).toMatchObject({
      at: "2060-12-24T17:00:00.000Z",
      next_runs: ["2060-12-24T17:00:00.000Z"],
    });
  });

  it("runs again when it is given another time, and by that alone", async () => {
    const path = await schedule({ at: inA(MINUTE) });
    await edge.world.run(HOUR);
    const ended = await shown(path);
    const changed = await edge.on("PATCH", path, { json: { branch: "next", paused: false } });
    expect(changed.body).toEqual({ ...ended, branch: "next" });
    const at = inA(HOUR);
    const again = await edge.on("PATCH", path, { json: { at } });
    expect(again.body).toMatchObject({ at, next_runs: [at], ended_at: null });
    await edge.world.run(2 * HOUR);
    expect((await deploys()).map(({ branch }) => branch)).toEqual(["next", "main"]);
    expect(await shown(path)).toMatchObject({ next_runs: [], ended_at: at, last_run_at: at });
  });

  it("can be moved before its time", async () => {
    const path = await schedule({ at: inA(MINUTE) });
    const at = inA(HOUR);
    await edge.on("PATCH", path, { json: { at } });
    await edge.world.run(30 * MINUTE);
    expect(await deploys()).toEqual([]);
    await edge.world.run(HOUR);
    expect(await deploys()).toMatchObject([{ created_at: at }]);
  });

  it("can become a recurring one, and that one again", async () => {
    const path = await schedule({ at: inA(MINUTE) });
    await edge.world.run(HOUR);
    const recurring = await edge.on("PATCH", path, { json: { cron: "0 9 * * *" } });
    expect(recurring.body).toMatchObject({ cron: "0 9 * * *", time_zone: "UTC", at: null });
    expect(recurring.body).toMatchObject({ ended_at: null, last_outcome: "queued" });
    expect(recurring.body.next_runs).toHaveLength(5);
    await edge.world.run(2 * DAY);
    expect(await deploys()).toHaveLength(3);
    const at = inA(2 * DAY);
    const once = await edge.on("PATCH", path, { json: { at } });
    expect(once.body).toMatchObject({ cron: null, time_zone: null, at, next_runs: [at] });
    await edge.world.run(4 * DAY);
    expect((await deploys()).map((deploy) => deploy.created_at)).toHaveLength(4);
  });

  it.each([
    [{}, "cron"],
    [{ time_zone: "Europe/Paris" }, "time_zone"],
    [{ cron: "0 3 * * *", at: "2060-01-01T00:00:00Z" }, "at"],
    [{ time_zone: "Europe/Paris", at: "2060-01-01T00:00:00Z" }, "time_zone"],
    [{ at: "2020-01-01T00:00:00Z" }, "at"],
    [{ at: "tomorrow" }, "at"],
    [{ at: "2060-02-30T00:00:00Z" }, "at"],
    [{ at: "2060-01-01T00:00:00" }, "at"],
    [{ at: 2_840_000_000_000 }, "at"],
    [{ at: null }, "at"],
    [{ cron: "0 3 * * *", missed: "later" }, "missed"],
    [{ cron: "0 3 * * *", skip_unchanged: "yes" }, "skip_unchanged"],
  ])("can't be %j", async (json, field) => {
    const before = await edge.trace();
    const refused = await edge.on("POST", "/schedules", { json });
    expectProblem(refused, 422, "field_invalid");
    expect(refused.body.errors.map((e: { field: string }) => e.field)).toEqual([field]);
    expect(await edge.trace()).toEqual(before);
  });

  it.each([
    [{ time_zone: "Europe/Paris" }, "time_zone"],
    [{ cron: "0 3 * * *", at: "2060-01-01T00:00:00Z" }, "at"],
    [{ at: "2020-01-01T00:00:00Z" }, "at"],
    [{ at: null }, "at"],
  ])("can't be changed by %j", async (json, field) => {
    const path = await schedule({ at: inA(HOUR) });
    const before = await shown(path);
    const refused = await edge.on("PATCH", path, { json });
    expectProblem(refused, 422, "field_invalid");
    expect(refused.body.errors.map((e: { field: string }) => e.field)).toEqual([field]);
    expect(await shown(path)).toEqual(before);
  });
});
