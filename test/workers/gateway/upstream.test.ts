import { exports } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import type { Fault } from "../../../sandbox/types.ts";
import { Edge, leave, ORIGIN } from "../api/edge.ts";

/** What clients of the gateway are told when Cloudflare does not answer as it should. */

let edge: Edge;
beforeEach(async () => {
  edge = await Edge.create();
});
afterEach(leave);

interface Envelope {
  readonly result: { readonly jwt: string } | null;
  readonly success: boolean;
  readonly errors: readonly { readonly code: number; readonly message: string }[];
}

async function call(method: string, path: string, token: string, json?: object) {
  const body = json === undefined ? null : JSON.stringify(json);
  const headers = { authorization: `Bearer ${token}` };
  const request = new Request(`${ORIGIN}/client/v4${path}`, { method, headers, body });
  const response = await exports.default.fetch(request);
  const { result, errors } = await response.json<Envelope>();
  return { status: response.status, headers: response.headers, result, error: errors[0] };
}

const project = (): string =>
  `/accounts/${edge.world.sandbox.accountId}/pages/projects/${edge.world.name}`;

async function uploadToken(): Promise<string> {
  const { result } = await call("GET", `${project()}/upload-token`, edge.token);
  return result?.jwt ?? "";
}

const missing = async (token: string) =>
  call("POST", "/pages/assets/check-missing", token, { hashes: ["0".repeat(32)] });

describe("an asset call", () => {
  it.each([
    [{ kind: "dropped" }, 502, 8_900_502],
    [{ kind: "html", status: 502 }, 502, 8_900_502],
  ] as const)(
    "that gets no answer (%o) is a 502 of Cloudflare's, not ours",
    async (fault, ...is) => {
      const token = await uploadToken();
      edge.world.sandbox.fault({ call: "check-missing", ...fault } satisfies Fault);
      const { status, error } = await missing(token);
      expect([status, error?.code]).toEqual(is);
      expect((await missing(token)).status).toBe(200);
    },
  );

  it("that is answered 429 quiets all", async () => {
    const token = await uploadToken();
    edge.world.sandbox.fault({ call: "check-missing", kind: "rate_limited", retry_after: 60 });
    const { status, headers } = await missing(token);
    expect([status, headers.get("retry-after")]).toEqual([429, "60"]);
    const before = edge.world.sandbox.journal().requests.length;
    expect((await call("GET", project(), edge.token)).status).toBe(503);
    expect(edge.world.sandbox.journal().requests).toHaveLength(before);
    edge.world.pass(65_000);
    expect((await call("GET", project(), edge.token)).status).toBe(200);
  });

  it("that is answered 429 without a word on how long quiets all as well", async () => {
    const token = await uploadToken();
    vi.spyOn(globalThis, "fetch").mockImplementationOnce(async () =>
      Response.json(
        { success: false, errors: [] },
        { status: 429, headers: { "retry-after": "soon" } },
      ),
    );
    expect((await missing(token)).status).toBe(429);
    edge.world.pass(60_000);
    expect((await call("GET", project(), edge.token)).status).toBe(503);
    edge.world.pass(245_000);
    expect((await call("GET", project(), edge.token)).status).toBe(200);
  });

  it("works with an upload token of Cloudflare's of two kilobytes", async () => {
    const theirs = `eyJ4.${"a".repeat(2_000)}.s`;
    const fetched = vi.spyOn(globalThis, "fetch");
    fetched.mockImplementationOnce(async () =>
      Response.json({ result: { jwt: theirs }, success: true, errors: [], messages: [] }),
    );
    const token = await uploadToken();
    let sent: string | null = null;
    fetched.mockImplementationOnce(async (url, init) => {
      const asked = new Request(url, init);
      await asked.text();
      sent = asked.headers.get("authorization");
      return Response.json({ result: [], success: true, errors: [] });
    });
    expect((await missing(token)).status).toBe(200);
    expect(sent).toBe(`Bearer ${theirs}`);
  });
});

it("the refusal of the stored credential is not told as one of the client's token", async () => {
  edge.world.sandbox.fault({ call: "project", kind: "unauthorized" });
  const { status, error } = await call("GET", project(), edge.token);
  expect([status, error?.code]).toEqual([502, 8_900_502]);
  expect(error?.message).toContain("Cloudflare did not accept the stored credential");
});
