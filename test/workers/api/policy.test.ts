import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { Edge, expectProblem, leave } from "./edge.ts";

let edge: Edge;
beforeEach(async () => {
  edge = await Edge.create();
});
afterEach(leave);

const NIGHT = {
  action: "deny",
  cron: "0 22 * * *",
  duration_minutes: 480,
  time_zone: "Europe/Paris",
};
const soon = (ms: number): string => new Date(Date.now() + ms).toISOString();

describe("a project's policy", () => {
  it("has defaults, and only what is named changes", async () => {
    const before = await edge.on("GET", "/policy");
    expect(before.body).toMatchObject({ mode: "supersede", lane: "project", windows: [] });
    const json = { windows: [{ ...NIGHT, environment: "production" }], min_interval_seconds: 30 };
    const changed = await edge.on("PATCH", "/policy", { json });
    expect(changed.status).toBe(200);
    expect(changed.body).toEqual({
      ...before.body,
      min_interval_seconds: 30,
      windows: [{ ...NIGHT, environment: "production", reason: null }],
    });
    expect((await edge.on("GET", "/policy")).body).toEqual(changed.body);
    expect((await edge.on("GET", "")).body.policy).toEqual(changed.body);
    const types = (await edge.on("GET", "/events")).body.items.map((e: { type: string }) => e.type);
    expect(types.filter((type: string) => type === "project.policy_changed")).toHaveLength(1);
  });

  it("is changed only as it was seen, with If-Match", async () => {
    const etag = (await edge.on("GET", "/policy")).headers.get("etag") ?? "";
    const mine = { json: { mode: "all" }, headers: { "if-match": etag } };
    const first = await edge.on("PATCH", "/policy", mine);
    expect(first.status).toBe(200);
    expect(first.headers.get("etag")).not.toBe(etag);
    expectProblem(await edge.on("PATCH", "/policy", mine), 412, "policy_changed");
    const odd = { json: {}, headers: { "if-match": "*" } };
    expectProblem(await edge.on("PATCH", "/policy", odd), 400, "header_invalid");
  });

  it("keeps its revision when nothing changes", async () => {
    const etag = (await edge.on("GET", "/policy")).headers.get("etag");
    const same = await edge.on("PATCH", "/policy", { json: { mode: "supersede" } });
    expect(same.headers.get("etag")).toBe(etag);
  });

  it.each([
    [{ windows: [{ ...NIGHT, time_zone: "Mars/Olympus" }] }, "field_invalid", "time_zone"],
    [{ windows: [{ ...NIGHT, cron: "0 0 30 2 *" }] }, "field_invalid", "never matches"],
    [{ quiet_period: { seconds: 60, max_wait_seconds: 30 } }, "field_invalid", "max_wait_seconds"],
    [{ retry: { limit: 9, stages: [], backoff_seconds: 30 } }, "field_invalid", "retry.limit"],
    [{ mode: "all", cancel_running: true }, "policy_invalid", "cancel_running"],
    [{ stage_deadlines_seconds: { build: 9_000 } }, "policy_invalid", "Raise deadline_seconds"],
    [{ stage_deadlines_seconds: { test: 60 } }, "field_unknown", "test"],
    [
      { windows: [{ ...NIGHT, cron: "0 0 * * *", duration_minutes: 1_500 }] },
      "policy_invalid",
      "never let a deploy to production start",
    ],
  ])("that can't be meant is refused, with field and fix: %j", async (json, code, detail) => {
    const before = (await edge.on("GET", "/policy")).body;
    const got = await edge.on("PATCH", "/policy", { json });
    expectProblem(got, 422, code);
    expect(got.body.detail).toContain(detail);
    expect((await edge.on("GET", "/policy")).body).toEqual(before);
  });

  it("explains what would become of a trigger, now and later", async () => {
    await edge.on("PATCH", "/policy", {
      json: {
        quiet_period: { seconds: 60, max_wait_seconds: 300 },
        approval: { environments: ["production"], expires_hours: 24 },
      },
    });
    const ask = async (json: object) =>
      (await edge.on("POST", "/policy/explain", { json })).body as Record<string, unknown>;
    expect(await ask({})).toMatchObject({
      environment: "production",
      would: "wait",
      waiting: { for: "approval" },
      needs_approval: true,
    });
    expect(await ask({ branch: "next" })).toMatchObject({
      target: "preview/next",
      waiting: { for: "quiet_period" },
      needs_approval: false,
    });
    const api = { branch: "next", trigger_kind: "api" };
    expect(await ask(api)).toMatchObject({ would: "start", waiting: null, reason: null });
    await edge.on("POST", "/locks", { json: { reason: "fair", until: soon(3_600_000) } });
    expect(await ask(api)).toMatchObject({ would: "wait", reason_code: "lock" });
    expect(await ask({ ...api, at: soon(7_200_000) })).toMatchObject({ would: "start" });
    const past = await edge.on("POST", "/policy/explain", { json: { at: soon(-3_600_000) } });
    expectProblem(past, 422, "field_invalid");
    expect((await edge.on("GET", "/deploys")).body.items).toEqual([]);
  });
});

describe("locks", () => {
  it("are made, listed, shown with the project, and taken away", async () => {
    const until = soon(3_600_000);
    const json = { reason: " the fair ", holder: "Ada", environment: "production", until };
    const made = await edge.on("POST", "/locks", { json });
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({ ...json, reason: "the fair" });
    const path = `/locks/${made.body.id}`;
    expect(made.headers.get("location")).toBe(`${edge.base}${path}`);
    expect((await edge.on("GET", path)).body).toEqual(made.body);
    expect((await edge.on("GET", "/locks")).body).toEqual({ items: [made.body] });
    expect((await edge.on("GET", "")).body.locks).toEqual([made.body]);
    expect((await edge.on("DELETE", path)).status).toBe(204);
    expectProblem(await edge.on("DELETE", path), 404, "lock_not_found");
    expectProblem(await edge.on("GET", path), 404, "lock_not_found");
  });

  it("need a reason, and a time that is to come", async () => {
    expectProblem(await edge.on("POST", "/locks", { json: {} }), 422, "field_invalid");
    const over = { reason: "x", until: soon(-1_000) };
    expectProblem(await edge.on("POST", "/locks", { json: over }), 422, "field_invalid");
  });

  it("have a deploy wait, or refuse it where the caller would rather not", async () => {
    await edge.on("POST", "/locks", { json: { reason: "the fair", holder: "Ada" } });
    const before = await edge.trace();
    const refused = await edge.on("POST", "/deploys?if_locked=refuse", { json: {} });
    expectProblem(refused, 423, "locked");
    expect(refused.body.detail).toBe("Everything is locked by Ada: the fair");
    expect(await edge.trace()).toEqual(before);
    const waits = await edge.on("POST", "/deploys", { json: {} });
    expect(waits.status).toBe(202);
    expect(waits.body.deploy).toMatchObject({ waiting: { for: "lock" }, reason_code: "lock" });
  });
});

describe("a deploy that waits", () => {
  const start = async (path = "/deploys"): Promise<string> =>
    (await edge.on("POST", path, { json: {} })).body.deploy.id as string;

  it("for its own time says so, and can be released with a reason", async () => {
    const at = soon(3_600_000);
    const id = await start(`/deploys?not_before=${encodeURIComponent(at)}`);
    const path = `/deploys/${id}`;
    expect((await edge.on("GET", path)).body).toMatchObject({
      not_before: at,
      waiting: { for: "not_before", until: at },
    });
    expectProblem(await edge.on("POST", `${path}/release`, { json: {} }), 422, "field_invalid");
    const { token } = await edge.projectToken("deploy");
    const denied = await edge.on("POST", `${path}/release`, { json: { reason: "now" }, token });
    expectProblem(denied, 403, "insufficient_scope");
    const released = await edge.on("POST", `${path}/release`, { json: { reason: "now" } });
    expect(released.body).toMatchObject({ waiting: null, released_by: expect.any(String) });
  });

  it("for approval is approved or rejected, and nothing else is", async () => {
    const idle = await start();
    expectProblem(await edge.on("POST", `/deploys/${idle}/approve`), 409, "conflict");
    const json = { approval: { environments: ["production"], expires_hours: 1 } };
    await edge.on("PATCH", "/policy", { json });
    const id = await start();
    const approved = await edge.on("POST", `/deploys/${id}/approve`);
    expect(approved.body).toMatchObject({ id, approved_by: expect.any(String) });
    expectProblem(await edge.on("POST", `/deploys/${id}/approve`), 409, "conflict");
    const other = await start();
    const rejected = await edge.on("POST", `/deploys/${other}/reject`, { json: { reason: "no" } });
    expect(rejected.body).toMatchObject({ status: "canceled", reason_code: "rejected" });
    const missing = "/deploys/dpl_01JZZZZZZZZZZZZZZZZZZZZZZZ";
    expectProblem(await edge.on("POST", `${missing}/approve`), 404, "not_found");
  });
});
