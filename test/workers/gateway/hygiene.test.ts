import { exports } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { GATEWAY_ROUTES } from "../../../src/gateway/door.ts";
import { Sentinels } from "../../support/sentinels.ts";
import { Edge, leave, ORIGIN } from "../api/edge.ts";

/** What Cloudflare knows of us and repeats, clients of the gateway do not get to see. */

const CANARY = "canary-that-is-no-secret";
/** The credential of an account that is not the configured one. */
const THEIRS = { accountId: "c0ffee".padEnd(32, "0"), token: "credential-of-a-further-account" };

let edge: Edge;
let sentinels: Sentinels;
beforeEach(async () => {
  edge = await Edge.create({ account: THEIRS });
  sentinels = new Sentinels();
  sentinels.add("the account's credential", THEIRS.token);
});
afterEach(leave);

type Said = (status: number, body: object) => Response;
const json: Said = (status, body) => Response.json(body, { status });

/** What it says in the place of what it should: by name, given all that it was sent. */
const ANSWERS: Readonly<Record<string, (sent: string) => Response>> = {
  refused: (sent) => json(400, { success: false, errors: [{ code: 8_000_009, message: sent }] }),
  forbidden: (sent) => json(403, { success: false, errors: [{ code: 10_000, message: sent }] }),
  failing: (sent) => json(500, { success: false, errors: [{ code: 8_000_000, message: sent }] }),
  limited: (sent) => {
    const answer = json(429, { success: false, errors: [{ code: 10_000, message: sent }] });
    answer.headers.set("retry-after", "0");
    return answer;
  },
  page: (sent) => new Response(`<h1>${sent}</h1>`, { status: 502 }),
  text: (sent) => new Response(sent, { status: 200 }),
  done: (sent) => json(200, { success: true, errors: [], messages: [sent], result: { id: sent } }),
  list: (sent) =>
    json(200, { success: true, errors: [], result: [{ env_vars: { sent }, id: sent }] }),
  nothing: () => json(200, { success: true, errors: [], messages: [], result: null }),
  log: (sent) => json(200, { success: true, errors: [], result: { total: 1, data: { sent } } }),
};

function gossip(answer: (sent: string) => Response): void {
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
    const request = new Request(input, init);
    const headers = JSON.stringify([...request.headers]);
    return answer(`${CANARY} ${headers} ${request.headers.get("authorization")}`);
  });
}

async function call(method: string, path: string, token: string, body: object | null) {
  // Time for the budget to fill.
  edge.world.pass(1_000);
  const init = { method, body: body === null ? null : JSON.stringify(body) };
  const headers = { authorization: `Bearer ${token}` };
  const response = await exports.default.fetch(
    new Request(`${ORIGIN}/client/v4${path}`, { ...init, headers }),
  );
  const text = await response.text();
  return { status: response.status, text: `${JSON.stringify([...response.headers])} ${text}` };
}

/** Of an upload that has failed for good, so that there is a reason of ours to be told beside Cloudflare's log. */
async function deployment(): Promise<string> {
  edge.world.sandbox.fault({ call: "create", kind: "fail_build" });
  const { deploy } = await edge.world.push();
  return (await edge.world.ended(deploy?.id ?? "")).deployment?.id ?? "";
}

const BODIES: Readonly<Record<string, object>> = {
  "POST /accounts/:account/pages/projects": { name: "another", production_branch: "main" },
  "PATCH /accounts/:account/pages/projects/:project": { production_branch: "main" },
  "POST /accounts/:account/pages/projects/:project/domains": { name: "blog.example" },
};
/** Those that ask Cloudflare of the project's object: what it says is told by that. */
const QUEUED = /(?:POST \S+\/deployments|\/retry|\/rollback)$/;

describe("a Cloudflare that repeats what it was sent", () => {
  it("is not repeated to a client of the gateway, whatever the call and whatever its status", async () => {
    const values: Record<string, string> = {
      account: THEIRS.accountId,
      project: edge.world.name,
      deployment: await deployment(),
      tail: "a-tail",
      domain: "blog.example",
    };
    const { token } = await edge.instanceToken("manage");
    const theirs = `eyJhbGciOiJIUzI1NiJ9.${btoa('{"exp":4102444800}').replace(/=+$/, "")}.cloudflares-own`;
    sentinels.add("Cloudflare's upload token", theirs);
    gossip(() => json(200, { success: true, errors: [], messages: [], result: { jwt: theirs } }));
    const path = `/accounts/${THEIRS.accountId}/pages/projects/${edge.world.name}/upload-token`;
    const { text } = await call("GET", path, token, null);
    const [jwt = ""] = /eyJ[\w.-]+/.exec(text) ?? [];
    expect(sentinels.in(text)).toEqual([]);
    let told = 0;
    const routes = GATEWAY_ROUTES.filter((route) => !QUEUED.test(`${route.method} ${route.path}`));
    for (const [kind, answer] of Object.entries(ANSWERS)) {
      gossip(answer);
      for (const { method, path: pattern, admission } of routes) {
        const at = pattern.replaceAll(/:(\w+)/g, (_, name: string) => values[name] ?? "");
        const body = method === "GET" ? null : (BODIES[`${method} ${pattern}`] ?? {});
        const got = await call(method, at, admission === null ? jwt : token, body);
        const what = `${kind} ${method} ${pattern}`;
        expect([what, sentinels.in(got.text)]).toEqual([what, []]);
        // Whatever it said, it is not ours to fail by.
        expect([what, got.text.includes("8900500")]).toEqual([what, false]);
        told += Number(got.text.includes(CANARY));
      }
    }
    // What it says is told, but for that.
    expect(told).toBeGreaterThan(100);
  });

  it("is not believed with what a build has printed", async () => {
    const id = await deployment();
    const { token } = await edge.instanceToken("read");
    sentinels.add("a token of ours", token);
    const line = `${CANARY} CLOUDFLARE_API_TOKEN=${THEIRS.token} SIGNALBOX=${token}`;
    gossip(() =>
      json(200, { success: true, errors: [], result: { total: 1, data: [{ line, ts: "" }] } }),
    );
    const { accountId } = THEIRS;
    const at = `/accounts/${accountId}/pages/projects/${edge.world.name}/deployments/${id}/history/logs`;
    const through = await call("GET", at, token, null);
    const deploys = `/v1/projects/${accountId}:${edge.world.name}/deploys`;
    const list = (await edge.send("GET", deploys)).body as { items: { id: string }[] };
    edge.world.pass(1_000);
    const { text } = await edge.send("GET", `${deploys}/${list.items[0]?.id}/logs`);
    for (const answer of [through.text, text]) {
      expect(answer).toContain(CANARY);
      expect(sentinels.in(answer)).toEqual([]);
    }
  });
});
