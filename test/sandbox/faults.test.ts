import { describe, expect, test } from "vitest";
import { harness } from "./harness.ts";
import type { Deployment } from "../../sandbox/types.ts";

const count = async (it: ReturnType<typeof harness>): Promise<number> =>
  (await it.call<Deployment[]>("GET", "/blog/deployments")).result.length;

describe("a call that is not executed", () => {
  test.each([
    [{ kind: "rate_limited", retry_after: 9 }, 429, 10000],
    [{ kind: "server_error", status: 503 }, 503, 10001],
    [{ kind: "unknown_error" }, 500, 8000000],
    [{ kind: "unknown_error", status: 200 }, 200, 8000000],
    [{ kind: "unauthorized" }, 403, 10000],
    [{ kind: "html" }, 502, undefined],
  ] as const)("%o", async (fault, status, code) => {
    const it = harness();
    it.sandbox.fault({ call: "create", ...fault });
    const answer = await it.call("POST", "/blog/deployments");
    expect([answer.status, answer.code]).toEqual([status, code]);
    expect(answer.headers.get("retry-after")).toBe(fault.kind === "rate_limited" ? "9" : null);
    expect(answer.text.startsWith("<html>")).toBe(fault.kind === "html");
    expect(await count(it)).toBe(0);
    expect(it.sandbox.journal().requests[0]).toMatchObject({
      method: "POST",
      project: "blog",
      deployment: null,
      status,
      fault: fault.kind,
    });
    expect((await it.call("POST", "/blog/deployments")).status).toBe(200);
  });

  test("dropped: the connection breaks", async () => {
    const it = harness();
    it.sandbox.fault({ call: "create", kind: "dropped" });
    await expect(it.call("POST", "/blog/deployments")).rejects.toThrow(TypeError);
    expect(it.sandbox.journal().requests[0]).toMatchObject({ status: 0, fault: "dropped" });
    expect(await count(it)).toBe(0);
  });

  test("hang: nothing comes until the caller gives up", async () => {
    const it = harness();
    it.sandbox.fault({ call: "create", kind: "hang" });
    const gaveUp = new AbortController();
    const answer = it.call("POST", "/blog/deployments", { signal: gaveUp.signal });
    gaveUp.abort(new DOMException("too slow", "TimeoutError"));
    await expect(answer).rejects.toMatchObject({ name: "TimeoutError" });
    expect(await count(it)).toBe(0);
  });

  test("hang: asks the option when there is one, at once", async () => {
    const it = harness({
      hang: async ({ request }) => {
        throw new DOMException(request.method, "TimeoutError");
      },
    });
    it.sandbox.fault({ call: "get", kind: "hang" });
    await expect(it.get("x")).rejects.toMatchObject({ name: "TimeoutError", message: "GET" });
  });
});

describe("a call that is executed, but nobody hears of it", () => {
  test("lost: the deployment is there at once", async () => {
    const it = harness();
    it.sandbox.fault({ call: "create", kind: "lost" });
    await expect(it.build()).rejects.toThrow(TypeError);
    const [made] = (await it.call<Deployment[]>("GET", "/blog/deployments")).result;
    expect(it.sandbox.journal().requests[0]).toMatchObject({
      deployment: made?.id,
      status: 200,
      fault: "lost",
    });
  });

  test("late: it can't be seen for a while, yet takes its course", async () => {
    const it = harness();
    it.sandbox.fault({ call: "create", kind: "late", delay_ms: 30_000 });
    await expect(it.build()).rejects.toThrow(TypeError);
    const id = it.sandbox.journal().requests[0]?.deployment ?? "";
    const newer = await it.build();
    it.pass(29_999);
    expect(await count(it)).toBe(1);
    expect((await it.call("GET", `/blog/deployments/${id}`)).status).toBe(404);
    it.pass(1);
    const { result } = await it.call<Deployment[]>("GET", "/blog/deployments");
    expect(result.map((deployment) => deployment.id)).toEqual([newer.id, id]);
    expect(result[1]?.stages[4]?.ended_on).toBe("2026-11-24T09:00:04.000000Z");
  });

  test("late and started late: it goes live over what is newer", async () => {
    const it = harness();
    it.sandbox.fault({ call: "create", kind: "late", delay_ms: 30_000, starts: "visible" });
    await expect(it.build()).rejects.toThrow(TypeError);
    const id = it.sandbox.journal().requests[0]?.deployment;
    await it.build();
    it.pass(40_000);
    expect(it.sandbox.journal().live.at(-1)).toMatchObject({
      deployment: id,
      at: "2026-11-24T09:00:34.000000Z",
    });
  });

  test("and the answer can hang instead of break", async () => {
    const it = harness();
    it.sandbox.fault({ call: "create", kind: "lost", answer: "hang" });
    const gaveUp = AbortSignal.abort(new DOMException("too slow", "TimeoutError"));
    await expect(it.call("POST", "/blog/deployments", { signal: gaveUp })).rejects.toMatchObject({
      name: "TimeoutError",
    });
    expect(await count(it)).toBe(1);
  });
});

describe("a deployment that takes another course", () => {
  test("stuck: a stage never ends, until the deployment is deleted", async () => {
    const it = harness();
    it.sandbox.fault({ call: "create", kind: "stuck", stage: "clone_repo" });
    const { id } = await it.build();
    it.pass(86_400_000);
    expect((await it.get(id)).latest_stage).toMatchObject({
      name: "clone_repo",
      status: "active",
      ended_on: null,
    });
    await it.call("DELETE", `/blog/deployments/${id}?force=true`);
    expect(it.sandbox.journal().transitions.at(-1)).toMatchObject({ stage_status: "canceled" });
  });

  test.each(["blog", "site"])("unknown_enum: %s passes through the unknown", async (project) => {
    const it = harness();
    it.sandbox.fault({ call: "create", kind: "unknown_enum", delay_ms: 5000 });
    const body = new FormData();
    body.set("manifest", "{}");
    const { result } = await it.call("POST", `/${project}/deployments`, {
      body: project === "site" ? body : new FormData(),
    });
    it.pass(4000);
    const unknown = await it.get(result.id, project);
    expect(unknown.latest_stage).toMatchObject({ name: "optimize_assets", status: "provisioning" });
    expect(unknown.stages).toHaveLength(6);
    it.pass(5000);
    expect((await it.get(result.id, project)).latest_stage).toMatchObject({
      name: "deploy",
      status: "success",
    });
  });

  test("fail_build: fails in the stage it is told", async () => {
    const it = harness();
    it.sandbox.fault({ call: "create", kind: "fail_build", stage: "clone_repo" });
    const { id } = await it.build();
    it.pass(10_000);
    expect((await it.get(id)).latest_stage).toMatchObject({
      name: "clone_repo",
      status: "failure",
    });
  });

  test("strikes the deployment that is made, not a call that is refused before", async () => {
    const it = harness();
    it.sandbox.fault({ call: "create", kind: "stuck" });
    it.sandbox.fault({ call: "create", kind: "rate_limited" });
    expect((await it.call("POST", "/blog/deployments")).status).toBe(429);
    const { id } = await it.build();
    it.pass(10_000);
    expect((await it.get(id)).latest_stage.status).toBe("active");
  });

  test("canceled in the dashboard: stays, canceled", async () => {
    const it = harness();
    const { id } = await it.build();
    it.pass(2000);
    const url = `http://sandbox/__sandbox/deployments/${id}/cancel`;
    await it.sandbox.fetch(new Request(url, { method: "POST" }));
    it.pass(10_000);
    expect((await it.get(id)).latest_stage).toMatchObject({ name: "build", status: "canceled" });
    expect(it.sandbox.journal().live).toEqual([]);
  });
});

describe("the admin side", () => {
  const admin = (it: ReturnType<typeof harness>, method: string, path: string, body?: unknown) =>
    it.sandbox.fetch(
      new Request(`http://sandbox/__sandbox${path}`, {
        method,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
    );

  test("takes faults, one or several, for one project, n times or always, and clears them", async () => {
    const it = harness();
    const sent = [
      { call: "project", kind: "unknown_error", times: 2, project: "blog" },
      { call: "any", kind: "server_error", times: "always", project: "site" },
    ];
    expect((await admin(it, "POST", "/faults", sent)).status).toBe(201);
    expect(await (await admin(it, "GET", "/faults")).json()).toEqual(sent);
    const statuses = async (path: string): Promise<number[]> => {
      const answers = [];
      for (let index = 0; index < 3; index += 1) {
        answers.push((await it.call("GET", path)).status);
      }
      return answers;
    };
    expect(await statuses("/blog")).toEqual([500, 500, 200]);
    expect(await statuses("/site")).toEqual([500, 500, 500]);
    await admin(it, "DELETE", "/faults");
    expect(await statuses("/site")).toEqual([200, 200, 200]);
  });

  test("refuses faults that could never strike", async () => {
    const it = harness();
    for (const fault of [
      { call: "nothing", kind: "lost" },
      { call: "create", kind: "nothing" },
      { call: "get", kind: "stuck" },
      { call: "create", kind: "stuck", stage: "nothing" },
      { call: "create", kind: "late" },
      { call: "create", kind: "lost", times: 0 },
      { call: "create", kind: "rate_limited", retry_after: "soon" },
      null,
    ]) {
      expect((await admin(it, "POST", "/faults", fault)).status).toBe(400);
    }
    expect(await (await admin(it, "GET", "/faults")).json()).toEqual([]);
  });

  test("forgets everything at a reset, and starts again", async () => {
    const it = harness();
    it.sandbox.addProject({ name: "more" });
    await it.build();
    await admin(it, "POST", "/reset");
    expect(it.sandbox.journal()).toEqual({ requests: [], transitions: [], live: [] });
    expect((await it.call("GET", "/more")).status).toBe(404);
    expect((await it.call("GET", "/blog")).status).toBe(200);
  });

  test("sets the speed, and refuses one that makes no sense", async () => {
    const it = harness();
    expect((await admin(it, "POST", "/speed", { factor: 0.5 })).status).toBe(200);
    for (const speed of [{ factor: -1 }, { stages: { build: "long" } }, { upload: null }, []]) {
      expect((await admin(it, "POST", "/speed", speed)).status).toBe(400);
    }
    expect(await (await admin(it, "GET", "/speed")).json()).toEqual({ factor: 0.5 });
  });
});
