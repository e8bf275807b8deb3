import { afterEach, beforeEach, describe, expect, it } from "vitest";

import {
  Edge,
  expectProblem,
  filled,
  leave,
  operations,
  type Operation,
  type Sent,
} from "./edge.ts";

const JSON_TYPE = { "content-type": "application/json" };

/** A body that comes in pieces and says nothing of its size. */
function chunked(bytes: number): ReadableStream<Uint8Array> {
  let left = bytes;
  return new ReadableStream({
    pull(controller) {
      if (left <= 0) {
        controller.close();
        return;
      }
      const size = Math.min(left, 16_384);
      controller.enqueue(new Uint8Array(size).fill(0x20));
      left -= size;
    },
  });
}

/** What no route with a JSON body takes, and how each says so. */
const BAD: readonly [string, Sent, number, string][] = [
  ["text that is no JSON", { body: "{not json", headers: JSON_TYPE }, 400, "body_not_json"],
  [
    "invalid UTF-8",
    {
      body: new Uint8Array([...new TextEncoder().encode('{"a":"'), 0xff, 0x22, 0x7d]),
      headers: JSON_TYPE,
    },
    400,
    "body_not_json",
  ],
  ["null", { body: "null", headers: JSON_TYPE }, 422, "body_not_object"],
  ["an array", { body: "[]", headers: JSON_TYPE }, 422, "body_not_object"],
  ["a string", { body: '"x"', headers: JSON_TYPE }, 422, "body_not_object"],
  ["a field that there is not", { json: { no_such_field: 1 } }, 422, "field_unknown"],
  [
    "a polluting field",
    { body: '{"__proto__": {"a": 1}}', headers: JSON_TYPE },
    422,
    "field_unknown",
  ],
  [
    "another content type",
    { body: "{}", headers: { "content-type": "text/plain" } },
    415,
    "unsupported_media_type",
  ],
  [
    "a form that curl sends by itself",
    { body: "a=b", headers: { "content-type": "application/x-www-form-urlencoded" } },
    415,
    "unsupported_media_type",
  ],
  [
    "more than it says",
    { body: `{"a":"${"x".repeat(70_000)}"}`, headers: JSON_TYPE },
    413,
    "body_too_large",
  ],
];

let edge: Edge;
let taking: Operation[];
beforeEach(async () => {
  edge = await Edge.create();
  taking = (await operations(edge)).filter(({ takesJson, scope }) => takesJson && scope !== null);
});
afterEach(leave);

describe("every route with a JSON body", () => {
  it("is in these tests", () => {
    expect(taking.map(({ method, path }) => `${method} ${path}`)).toEqual([
      "PUT /v1/projects/{project}",
      "PUT /v1/accounts/{account}",
      "POST /v1/projects/{project}/deploys",
      "POST /v1/projects/{project}/deploys/{id}/release",
      "POST /v1/projects/{project}/deploys/{id}/reject",
      "PATCH /v1/projects/{project}/policy",
      "POST /v1/projects/{project}/policy/explain",
      "POST /v1/projects/{project}/locks",
      "POST /v1/projects/{project}/hooks",
      "PATCH /v1/projects/{project}/hooks/{id}",
      "POST /v1/projects/{project}/hooks/{id}/explain",
      "POST /v1/projects/{project}/subscribers",
      "PATCH /v1/projects/{project}/subscribers/{id}",
      "POST /v1/projects/{project}/subscribers/{id}/rotate",
      "POST /v1/projects/{project}/subscribers/{id}/test",
      "POST /v1/projects/{project}/subscribers/{id}/recover",
      "POST /v1/projects/{project}/schedules",
      "PATCH /v1/projects/{project}/schedules/{id}",
      "PATCH /v1/projects/{project}/badge",
      "POST /v1/projects/{project}/tokens",
      "POST /v1/tokens",
      "POST /v1/projects/{project}/trust",
      "POST /v1/access",
      "PATCH /v1/builds",
    ]);
  });

  it.each(BAD)("refuses %s, and nothing comes of it", async (_, sent, status, code) => {
    const before = await edge.trace();
    for (const { method, path } of taking) {
      expectProblem(await edge.send(method, filled(path, edge), sent), status, code);
    }
    expect(await edge.trace()).toEqual(before);
  });

  it("stops reading a body that turns out too large", async () => {
    const before = await edge.trace();
    for (const { method, path } of taking) {
      const got = await edge.send(method, filled(path, edge), {
        body: chunked(200_000),
        headers: JSON_TYPE,
      });
      expectProblem(got, 413, "body_too_large");
    }
    expect(await edge.trace()).toEqual(before);
  });

  it("names the field that there is not", async () => {
    for (const { method, path } of taking) {
      const got = await edge.send(method, filled(path, edge), { json: { no_such_field: 1 } });
      expect(got.body.errors).toContainEqual({
        field: "no_such_field",
        detail: expect.stringContaining('"no_such_field"'),
      });
    }
  });
});

describe("a value that a field can't have", () => {
  const LONG = "x".repeat(256);
  const bad: readonly [string, string, object, string][] = [
    ["PUT", "", { policy: { mode: "fastest" } }, "policy.mode"],
    ["PUT", "", { policy: { deadline_seconds: 1 } }, "policy.deadline_seconds"],
    ["PUT", "", { native_builds: "on" }, "native_builds"],
    ["POST", "/deploys", { branch: 1 }, "branch"],
    ["PATCH", "/policy", { mode: "some" }, "mode"],
    ["PATCH", "/policy", { windows: [{ action: "deny" }] }, "windows.0.cron"],
    ["PATCH", "/policy", { approval: { environments: ["staging"] } }, "approval.environments.0"],
    ["POST", "/policy/explain", { at: "tomorrow" }, "at"],
    ["POST", "/locks", { reason: " " }, "reason"],
    ["POST", "/locks", { reason: "x", environment: "both" }, "environment"],
    ["POST", "/deploys/dpl_x/release", { reason: "" }, "reason"],
    ["POST", "/hooks", {}, "source"],
    ["POST", "/hooks", { source: "sourceforge" }, "source"],
    ["POST", "/hooks", { source: "github", secret: "" }, "secret"],
    ["POST", "/hooks", { source: "github", secret: " padded " }, "secret"],
    ["POST", "/hooks", { source: "github", secret: "x".repeat(513) }, "secret"],
    ["POST", "/hooks", { source: "github", repository: "no-owner" }, "repository"],
    ["POST", "/hooks", { source: "github", branch: "a..b" }, "branch"],
    ["POST", "/hooks", { source: "github", branch: LONG }, "branch"],
    ["POST", "/hooks", { source: "github", description: LONG }, "description"],
    ["POST", "/hooks", { source: "github", branches: { include: [""] } }, "branches.include.0"],
    ["POST", "/hooks", { source: "github", paths: { only: [] } }, "paths.only"],
    ["POST", "/hooks", { source: "github", events: [] }, "events"],
    ["POST", "/hooks", { source: "github", skip_ci: "no" }, "skip_ci"],
    ["POST", "/hooks", { source: "github", quiet_period_seconds: 4_000 }, "quiet_period_seconds"],
    ["POST", "/hooks", { source: "basic", auth: { username: "a:b" } }, "auth.username"],
    ["POST", "/hooks", { source: "header", auth: { header: "not a name" } }, "auth.header"],
    ["POST", "/hooks", { source: "header", auth: { headers: "X" } }, "auth.headers"],
    ["POST", "/hooks", { source: "bearer", fields: { branch: "" } }, "fields.branch"],
    ["POST", "/hooks/hok_x/explain", { headers: { "a b": "c" } }, "headers.a b"],
    ["POST", "/hooks/hok_x/explain", { headers: { a: "\n" } }, "headers.a"],
    ["POST", "/hooks/hok_x/explain", { body: 7 }, "body"],
    ["PATCH", "/hooks/hok_x", { rotate_secret: false }, "rotate_secret"],
    ["PATCH", "/hooks/hok_x", { paused: "yes" }, "paused"],
    ["POST", "/subscribers", {}, "url"],
    ["POST", "/subscribers", { url: "https://a.example", events: [] }, "events"],
    ["POST", "/subscribers", { url: "https://a.example", events: ["deploy.finished"] }, "events.0"],
    ["POST", "/subscribers", { url: "https://a.example", events: ["*.failed"] }, "events.0"],
    ["POST", "/subscribers", { url: "https://a.example", kind: "pigeon" }, "kind"],
    ["PATCH", "/subscribers/sub_x", { state: "disabled" }, "state"],
    ["POST", "/subscribers", { url: "https://a.example", statuses: ["done"] }, "statuses.0"],
    [
      "POST",
      "/subscribers",
      { url: "https://a.example", environments: ["test"] },
      "environments.0",
    ],
    ["POST", "/subscribers", { url: "https://a.example", headers: { Host: "b" } }, "headers"],
    ["PATCH", "/subscribers/sub_x", { branches: { only: ["main"] } }, "branches.only"],
    ["PATCH", "/badge", {}, "renew_url"],
    ["PATCH", "/badge", { renew_url: false }, "renew_url"],
    ["POST", "/subscribers/sub_x/rotate", { overlap_seconds: 604_801 }, "overlap_seconds"],
    ["POST", "/subscribers/sub_x/rotate", { overlap_seconds: -1 }, "overlap_seconds"],
    ["POST", "/subscribers/sub_x/test", { type: "deploy.finished" }, "type"],
    ["POST", "/subscribers/sub_x/recover", {}, "since"],
    ["POST", "/subscribers/sub_x/recover", { since: "yesterday" }, "since"],
    ["POST", "/subscribers/sub_x/recover", { since: "2020-01-01T00:00:00Z" }, "since"],
    ["POST", "/schedules", {}, "cron"],
    ["POST", "/schedules", { cron: "0 0 * * *", branch: "-x" }, "branch"],
    ["POST", "/tokens", {}, "scopes"],
    ["POST", "/tokens", { scopes: [] }, "scopes"],
    ["POST", "/tokens", { scopes: ["root"] }, "scopes.0"],
    ["POST", "/tokens", { scopes: ["read"], expires_at: "tomorrow" }, "expires_at"],
    ["POST", "/tokens", { scopes: ["read"], expires_at: "2001-01-01T00:00:00Z" }, "expires_at"],
  ];

  it.each(bad)("is refused: %s %s %j", async (method, path, json, field) => {
    const before = await edge.trace();
    const got = await edge.on(method, path, { json });
    expect(got.status).toBe(422);
    expect(got.body.errors[0].field).toBe(field);
    expectProblem(got, 422, got.body.code);
    expect(await edge.trace()).toEqual(before);
  });

  const queries: readonly [string, string][] = [
    ["/deploys?limit=0", "query_invalid"],
    ["/deploys?limit=101", "query_invalid"],
    ["/deploys?limit=ten", "query_invalid"],
    ["/deploys?status=lost", "query_invalid"],
    ["/deploys?environment=staging", "query_invalid"],
    ["/deploys?cursor=%00", "cursor_invalid"],
    ["/deploys?cursor=e30", "cursor_invalid"],
    ["/deploys/dpl_x?wait=61", "query_invalid"],
    ["/deploys/dpl_x?wait=-1", "query_invalid"],
    ["/events?after=-1", "query_invalid"],
    ["/events?limit=501", "query_invalid"],
    ["/subscribers/sub_x/deliveries?limit=1&limit=2", "query_invalid"],
    ["/subscribers/sub_x/deliveries?state=lost", "query_invalid"],
  ];

  it.each(queries)("in a query is refused: %s", async (path, code) => {
    expectProblem(await edge.on("GET", path), 400, code);
  });
});

describe("an id that there is not", () => {
  const unknown: readonly [string, string, string][] = [
    ["GET", "/deploys/dpl_x", "deploy_not_found"],
    ["GET", "/deploys/dpl_x/logs", "deploy_not_found"],
    ["POST", "/deploys/dpl_x/cancel", "not_found"],
    ["POST", "/deploys/dpl_x/retry", "not_found"],
    ["GET", "/locks/lck_x", "lock_not_found"],
    ["DELETE", "/locks/lck_x", "lock_not_found"],
    ["GET", "/hooks/hok_x", "hook_not_found"],
    ["PATCH", "/hooks/hok_x", "hook_not_found"],
    ["DELETE", "/hooks/hok_x", "hook_not_found"],
    ["GET", "/hooks/hok_x/deliveries", "hook_not_found"],
    ["POST", "/hooks/hok_x/secret", "hook_not_found"],
    ["GET", "/subscribers/sub_x", "subscriber_not_found"],
    ["PATCH", "/subscribers/sub_x", "subscriber_not_found"],
    ["DELETE", "/subscribers/sub_x", "subscriber_not_found"],
    ["POST", "/subscribers/sub_x/test", "subscriber_not_found"],
    ["GET", "/subscribers/sub_x/deliveries", "subscriber_not_found"],
    ["POST", "/subscribers/sub_x/rotate", "subscriber_not_found"],
    ["GET", "/subscribers/sub_x/deliveries/dlv_x", "delivery_not_found"],
    ["POST", "/subscribers/sub_x/deliveries/dlv_x/redeliver", "delivery_not_found"],
    ["GET", "/schedules/sch_x", "schedule_not_found"],
    ["PATCH", "/schedules/sch_x", "schedule_not_found"],
    ["DELETE", "/schedules/sch_x", "schedule_not_found"],
    ["DELETE", "/tokens/tok_x", "token_not_found"],
  ];

  it.each(unknown)("%s %s: 404", async (method, path, code) => {
    const before = await edge.trace();
    const got = await edge.on(method, path, method === "PATCH" ? { json: {} } : {});
    expectProblem(got, 404, code);
    expect(await edge.trace()).toEqual(before);
  });
});
