import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { Edge, expectProblem, leave } from "./edge.ts";

let edge: Edge;
beforeEach(async () => {
  edge = await Edge.create();
});
afterEach(leave);

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
    await edge.on("POST", "/schedules", { json: { cron: "*/10 * * * *", branch: "main" } });
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
