import { exports } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import * as worker from "../../../src/index.ts";
import type { Reply } from "../../../src/api/inside.ts";
import { allows, SCOPES, type Scope } from "../../../src/security/tokens.ts";
import type { ServiceProps, SignalboxService } from "../../../src/service.ts";
import { INSTANCE_CALLS, PROJECT_CALLS } from "../support/rpc.ts";
import { Edge, leave } from "./edge.ts";

let edge: Edge;
beforeEach(async () => {
  edge = await Edge.create();
});
afterEach(leave);

const methodsOf = (made: { readonly prototype: object }): string[] =>
  Object.getOwnPropertyNames(made.prototype).filter((name) => name !== "constructor");

describe("what can be called by RPC", () => {
  it("is the two objects and the service, and from outside the door alone", () => {
    expect(Object.keys(worker).toSorted()).toEqual([
      "Instance",
      "Project",
      "SignalboxService",
      "default",
    ]);
    expect(Object.keys(worker.default).toSorted()).toEqual(["fetch", "scheduled"]);
  });

  it("of an object has its entry, with who may have it asked", () => {
    expect(methodsOf(worker.Project).toSorted()).toEqual(Object.keys(PROJECT_CALLS).toSorted());
    expect(methodsOf(worker.Instance).toSorted()).toEqual(Object.keys(INSTANCE_CALLS).toSorted());
  });
});

type Service = SignalboxService;
const ID = "xyz_01JZZZZZZZZZZZZZZZZZZZZZZZ";

/** Every method of the service, what it takes, and a call of it about a project. */
const SERVICE: Readonly<
  Record<string, readonly [Scope, (service: Service, project: string) => Promise<Reply<unknown>>]>
> = {
  project: ["read", (s, p) => s.project(p)],
  deploy: ["deploy", (s, p) => s.deploy(p)],
  getDeploy: ["read", (s, p) => s.getDeploy(p, ID)],
  cancel: ["deploy", (s, p) => s.cancel(p, ID)],
  retry: ["deploy", (s, p) => s.retry(p, ID)],
  promote: ["deploy", (s, p) => s.promote(p, ID)],
  rollBack: ["deploy", (s, p) => s.rollBack(p)],
  lock: ["manage", (s, p) => s.lock(p, { reason: "The fair" })],
  unlock: ["manage", (s, p) => s.unlock(p, ID)],
  events: ["read", (s, p) => s.events(p)],
  call: ["manage", (s, p) => s.call("POST", `/v1/projects/${p}/badge`)],
};

function bound(props: unknown): Service {
  const { SignalboxService: entrypoint } = exports as unknown as {
    SignalboxService: (options: { props: unknown }) => Service;
  };
  return entrypoint({ props });
}

describe("the service for other Workers", () => {
  it("has these methods", () => {
    expect(methodsOf(worker.SignalboxService).toSorted()).toEqual(Object.keys(SERVICE).toSorted());
  });

  it.each(SCOPES)("lets a binding with %s do what that allows, where it says", async (scope) => {
    const { name } = edge.world;
    const other = await Edge.create();
    const before = await other.trace();
    const base: ServiceProps = { caller: "cms", scopes: [scope] };
    for (const [method, [needed, call]] of Object.entries(SERVICE)) {
      const answers = async (props: ServiceProps, project: string): Promise<unknown> => {
        const reply = await call(bound(props), project);
        return reply.ok || reply.code !== "insufficient_scope" ? "let in" : reply.code;
      };
      const right = allows([scope], needed) ? "let in" : "insufficient_scope";
      expect([
        method,
        await answers({ ...base, projects: [name] }, other.world.name),
        await answers({ ...base, projects: [] }, name),
        await answers({ ...base, projects: [name] }, name),
        await answers(base, name),
      ]).toEqual([method, "insufficient_scope", "insufficient_scope", right, right]);
    }
    expect(await other.trace()).toEqual(before);
  });

  it.each([
    ["none", undefined],
    ["empty ones", {}],
    ["no scope", { caller: "cms", scopes: [] }],
    ["a scope that there is not", { caller: "cms", scopes: ["root"] }],
    ["one that is a text", { caller: "cms", scopes: "manage" }],
    ["no caller", { scopes: ["manage"] }],
    ["projects that are a text", { caller: "cms", scopes: ["manage"], projects: "blog" }],
  ])("lets a binding with props that can't be used do nothing: %s", async (_, props) => {
    const before = await edge.trace();
    for (const [, call] of Object.values(SERVICE)) {
      expect(await call(bound(props), edge.world.name)).toMatchObject({
        ok: false,
        code: "insufficient_scope",
      });
    }
    expect(await edge.trace()).toEqual(before);
  });

  it("reaches nothing besides the API by a path that goes elsewhere", async () => {
    const service = bound({ caller: "cms", scopes: ["manage"], projects: [edge.world.name] });
    const before = await edge.trace();
    for (const path of [
      "/v1/projects/nobodys/../../accounts",
      "/v1/access",
      "//v1/tokens",
      "/v1/projects/nobodys",
      `/v1/projects/${edge.world.name}%2f..%2f..%2ftokens`,
      `/v1/projects/${edge.config.accountId}:another`,
    ]) {
      const reply = await service.call("GET", path);
      expect([path, reply.ok]).toEqual([path, false]);
    }
    expect(await edge.trace()).toEqual(before);
  });
});
