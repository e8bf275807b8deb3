import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { Visit } from "../dashboard/visit.ts";
import { Edge, expectProblem, leave } from "./edge.ts";
import { deliver, makeHook, push } from "./github.ts";

/** As in wrangler.toml. */
const REFUSALS = 300;
const SIGN_INS = 30;

let edge: Edge;
let last = 0;
beforeEach(async () => {
  edge = await Edge.create();
  last += 1;
});
afterEach(leave);

/** An address that no other test has come from. */
function address(): { "cf-connecting-ip": string } {
  return { "cf-connecting-ip": `192.0.2.${last}` };
}

async function times(n: number, send: () => Promise<unknown>): Promise<void> {
  await Promise.all(Array.from({ length: n }, send));
}

describe("strangers", () => {
  it("who are refused too often are told to wait, and who is let in is let in", async () => {
    const hook = await makeHook(edge);
    const headers = address();
    const forged = () => edge.send("GET", "/v1/projects", { token: "sbx.forged", headers });
    await times(REFUSALS / 2, forged);
    expectProblem(await forged(), 401, "invalid_token");
    const unsigned = () =>
      deliver(hook, push(), { headers: { ...headers, "x-hub-signature-256": "" } });
    await times(REFUSALS / 2, unsigned);
    const refused = await unsigned();
    expectProblem(refused, 429, "too_many_refusals");
    expect(refused.headers.get("retry-after")).toBe("60");
    expect(refused.body.detail).toContain("missing_signature");
    expectProblem(await forged(), 429, "too_many_refusals");

    const elsewhere = { "cf-connecting-ip": "2001:db8::1" };
    expectProblem(
      await edge.send("GET", "/v1/projects", { token: "sbx.forged", headers: elsewhere }),
      401,
      "invalid_token",
    );
    expect((await edge.on("GET", "", { headers })).status).toBe(200);
    expect((await deliver(hook, push(), { headers })).status).toBe(202);
  });

  it("who sign in too often are not listened to for a minute, not even with the right token", async () => {
    const visit = new Visit(address());
    await times(SIGN_INS, () => visit.signIn(edge.token));
    const page = await visit.signIn(edge.token);
    expect(page.status).toBe(429);
    expect(page.headers.get("retry-after")).toBe("60");
    expect(page.text).toContain("tried to sign in too often. Try again in a minute.");
    expect((await new Visit().signIn(edge.token)).status).toBe(303);
  });
});
