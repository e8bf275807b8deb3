import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { app } from "../../../src/app.ts";
import { Edge, expectProblem, leave, ORIGIN } from "./edge.ts";

let edge: Edge;
beforeEach(async () => {
  edge = await Edge.create();
});
afterEach(leave);

/** The Worker under other bindings. */
function under(
  bindings: object,
  path: string,
  headers: Record<string, string> = {},
): Promise<Response> {
  const request = new Request(`${ORIGIN}${path}`, { headers });
  return Promise.resolve(app.fetch(request, { ...env, ...bindings }, createExecutionContext()));
}

describe("what every answer has", () => {
  it("an id of our own, and headers that keep browsers out of trouble", async () => {
    const got = await edge.send("GET", edge.base, { headers: { "x-request-id": "mine" } });
    expect(got.headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
    expect(got.headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(got.headers.get("x-content-type-options")).toBe("nosniff");
    expect(got.headers.get("x-frame-options")).toBe("DENY");
    expect(got.headers.get("cache-control")).toBe("no-store");
  });

  it("the form of the API in every part of it, though a browser asks", async () => {
    for (const path of ["/v1/projects", "/hooks/a/b", "/badges/a/b", "/metrics"]) {
      const method = path.startsWith("/hooks") ? "POST" : "GET";
      const headers = { accept: "text/html" };
      const got = await edge.send(method, path, { token: null, headers });
      expectProblem(got, got.status, got.body.code);
    }
  });

  it("also when it is a refusal", async () => {
    const got = await edge.send("GET", edge.base, { token: null });
    expectProblem(got, 401, "token_missing");
    expect(got.headers.get("x-content-type-options")).toBe("nosniff");
    expect(got.headers.get("cache-control")).toBe("no-store");
  });
});

describe("an address that there is not", () => {
  it.each(["/v1", "/v1/nothing", "/v1/projects/x/nothing", "/hooks"])("%s: 404", async (path) => {
    expectProblem(await edge.send("GET", path), 404, "not_found");
    expectProblem(await edge.send("GET", path, { token: null }), 404, "not_found");
  });

  it.each([
    ["POST", "/v1/projects", "GET, HEAD"],
    ["PATCH", "/v1/projects/x", "GET, HEAD, DELETE, PUT"],
    ["DELETE", "/v1/projects/x/deploys", "POST, GET, HEAD"],
    ["GET", "/v1/projects/x/deploys/y/cancel", "POST"],
    ["POST", "/healthz", "GET, HEAD"],
  ])("%s %s: 405 with what there is", async (method, path, allow) => {
    const got = await edge.send(method, path);
    expectProblem(got, 405, "method_not_allowed");
    expect(got.headers.get("allow")).toBe(allow);
  });
});

describe("the configuration", () => {
  it("is told by /healthz, which always answers", async () => {
    const good = await edge.send("GET", "/healthz", { token: null });
    expect(good.body).toEqual({ status: "ok", configured: true, version: "0.1.0" });
    const bad = await under({ SIGNALBOX_KEYS: undefined }, "/healthz");
    expect(await bad.json()).toEqual({ status: "ok", configured: false, version: "0.1.0" });
  });

  it("when it is missing, every door says what to set and how", async () => {
    const nothing = {
      SIGNALBOX_KEYS: undefined,
      CLOUDFLARE_ACCOUNT_ID: undefined,
      CLOUDFLARE_API_TOKEN: undefined,
    };
    for (const path of [edge.base, "/v1/tokens", "/hooks/a/b", "/nothing"]) {
      const response = await under(nothing, path, { authorization: `Bearer ${edge.token}` });
      expect(response.status).toBe(503);
      expect(response.headers.get("content-type")).toBe("application/problem+json");
      const body = await response.json<{
        code: string;
        errors: { field: string; detail: string }[];
      }>();
      expect(body.code).toBe("not_configured");
      expect(body.errors.map(({ field }) => field)).toEqual(Object.keys(nothing));
      for (const { field, detail } of body.errors) {
        expect(detail).toContain(`wrangler secret put ${field}`);
      }
    }
  });

  it("when it is wrong, its values are not told", async () => {
    const response = await under({ SIGNALBOX_KEYS: "too-short-secret" }, "/v1/tokens");
    const text = await response.text();
    expect(text).toContain("SIGNALBOX_KEYS");
    expect(text).not.toContain("too-short-secret");
  });

  it("takes the older credential as well", async () => {
    const older = {
      CLOUDFLARE_API_TOKEN: undefined,
      CLOUDFLARE_EMAIL: "sandbox@example.com",
      CLOUDFLARE_API_KEY: "sandbox-key",
    };
    const path = `/v1/accounts/${edge.config.accountId}/projects`;
    const response = await under(older, path, { authorization: `Bearer ${edge.token}` });
    expect(response.status).toBe(200);
  });

  it("can say where people reach this Worker", async () => {
    const request = new Request(`${ORIGIN}${edge.base}/hooks`, {
      method: "POST",
      headers: { authorization: `Bearer ${edge.token}`, "content-type": "application/json" },
      body: '{"source": "github"}',
    });
    const bindings = { ...env, PUBLIC_URL: "https://deploy.example/" };
    const response = await app.fetch(request, bindings, createExecutionContext());
    const { url } = await response.json<{ url: string }>();
    expect(url).toMatch(/^https:\/\/deploy\.example\/hooks\//);
  });
});

describe("an object that does not answer", () => {
  /** A namespace whose objects fail so often, then work. */
  function failing(times: number, marks: object, counter: { calls: number }): object {
    return {
      PROJECT: {
        getByName(name: string): unknown {
          counter.calls += 1;
          if (counter.calls <= times) {
            const error = Object.assign(new Error("sentinel-of-the-platform"), marks);
            return { view: () => Promise.reject(error) };
          }
          return env.PROJECT.getByName(name);
        },
      },
    };
  }
  const asked = (bindings: object): Promise<Response> =>
    under(bindings, edge.base, { authorization: `Bearer ${edge.token}` });

  it("is asked again, by a new stub, when the platform says that this is right", async () => {
    const counter = { calls: 0 };
    const response = await asked(failing(2, { retryable: true }, counter));
    expect(response.status).toBe(200);
    expect(counter.calls).toBe(3);
  });

  it("is not asked more than three times: 503", async () => {
    const counter = { calls: 0 };
    const response = await asked(failing(9, { retryable: true }, counter));
    expect(await response.json()).toMatchObject({ status: 503, code: "unavailable" });
    expect(response.headers.get("retry-after")).toMatch(/^[1-5]$/);
    expect(counter.calls).toBe(3);
  });

  it("is not asked again when it is overloaded: 503 with a time", async () => {
    const counter = { calls: 0 };
    const response = await asked(failing(9, { retryable: true, overloaded: true }, counter));
    expect(await response.json()).toMatchObject({ status: 503, code: "unavailable" });
    expect(response.headers.get("retry-after")).toMatch(/^[1-5]$/);
    expect(counter.calls).toBe(1);
  });

  it("for a reason that nobody foresaw: 500 with the request's id, and the log has the rest", async () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => undefined);
    const counter = { calls: 0 };
    const secret = "Bearer sbx.tok_01JZZZZZZZZZZZZZZZZZZZZZZZ.abcdefgh";
    const response = await asked(failing(9, { message: `boom ${secret}` }, counter));
    const body = await response.json<{ detail: string; code: string }>();
    const id = response.headers.get("x-request-id") ?? "?";
    expect(response.status).toBe(500);
    expect(body.code).toBe("internal_error");
    expect(body.detail).toContain(id);
    expect(JSON.stringify(body)).not.toMatch(/boom|sentinel|\bat \w+ \(/);
    expect(counter.calls).toBe(3);

    const logged = JSON.stringify(log.mock.calls);
    expect(logged).toContain(id);
    expect(logged).toContain("boom");
    expect(logged).not.toContain("abcdefgh");
  });
});
