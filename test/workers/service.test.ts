import { exports } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import type { ServiceProps, SignalboxService } from "../../src/service.ts";
import { Edge, leave, ORIGIN } from "./api/edge.ts";

let edge: Edge;
beforeEach(async () => {
  edge = await Edge.create();
});
afterEach(leave);

/** The service as another Worker has it, by a binding with these props. */
function bound(props: ServiceProps): SignalboxService {
  const { SignalboxService: entrypoint } = exports as unknown as {
    SignalboxService: (options: { props: ServiceProps }) => SignalboxService;
  };
  return entrypoint({ props });
}

const cms = (more: Partial<ServiceProps> = {}): SignalboxService =>
  bound({ caller: "cms", scopes: ["deploy"], ...more });

describe("another Worker, over a service binding", () => {
  it("registers a project without taking the place where people were seen to reach it", async () => {
    const { name } = edge.world;
    await edge.send("PUT", edge.base, { json: {} });
    const manager = cms({ scopes: ["manage"] });
    expect(await manager.call("PUT", edge.base, {})).toMatchObject({ ok: true });
    expect(await cms().deploy(name)).toMatchObject({
      value: { deploy: { links: { dashboard: `${ORIGIN}/projects/${name}/deploys/1` } } },
    });
  });

  it("deploys, and is shown as who it is", async () => {
    const { name } = edge.world;
    const accepted = await cms().deploy(name, { branch: "main" }, { idempotency_key: "a" });
    expect(accepted).toMatchObject({
      ok: true,
      value: { outcome: "queued", deploy: { trigger: { actor: "service:cms" } } },
    });
    const again = await cms().deploy(name, { branch: "main" }, { idempotency_key: "a" });
    expect(again).toEqual(accepted);
    const id = accepted.ok ? (accepted.value.deploy?.id ?? "") : "";
    await edge.world.ended(id);
    expect(await cms().getDeploy(name, id)).toMatchObject({ value: { status: "succeeded" } });
    expect(await cms().project(name)).toMatchObject({ value: { live: { id } } });
    expect(await cms().retry(name, id)).toMatchObject({ ok: true });
    expect(await cms().events(name)).toMatchObject({
      value: {
        items: expect.arrayContaining([expect.objectContaining({ type: "deploy.queued" })]),
      },
    });
  });

  it("may do what its binding says, and no more", async () => {
    const { name } = edge.world;
    const before = await edge.trace();
    const refused = { ok: false, status: 403, code: "insufficient_scope" };
    expect(await cms().lock(name, { reason: "x" })).toMatchObject(refused);
    expect(await cms({ scopes: ["read"] }).deploy(name)).toMatchObject(refused);
    expect(await cms({ projects: ["other"] }).deploy(name)).toMatchObject(refused);
    expect(await cms({ projects: [name] }).call("GET", "/v1/projects")).toMatchObject(refused);
    expect(await bound({} as ServiceProps).deploy(name)).toMatchObject(refused);
    expect(await bound(undefined as unknown as ServiceProps).project(name)).toMatchObject(refused);
    expect(await edge.trace()).toEqual(before);
    const manager = cms({ scopes: ["manage"], projects: [name] });
    const lock = await manager.lock(name, { reason: "the fair" });
    expect(lock).toMatchObject({ ok: true, value: { holder: "service:cms" } });
    const lines = await manager.call<string>("GET", `${edge.base}/export`);
    expect(lines.ok && lines.value.split("\n").length).toBeGreaterThan(3);
    expect(await manager.unlock(name, lock.ok ? lock.value.id : "")).toEqual({
      ok: true,
      value: null,
    });
  });

  it("gets refusals as values, with their code", async () => {
    expect(await cms().project("nobodys")).toMatchObject({
      ok: false,
      status: 404,
      code: "project_not_found",
    });
    expect(await cms().getDeploy(edge.world.name, "../../policy")).toMatchObject({ ok: false });
    expect(await cms().deploy(edge.world.name, { branch: "a..b" })).toMatchObject({
      ok: false,
      code: "branch_invalid",
    });
    expect(await cms().call("GET", "https://elsewhere.example/v1/projects")).toMatchObject({
      ok: true,
    });
  });

  it("is nobody from outside, whatever a request says", async () => {
    const got = await edge.send("GET", "/v1/projects", {
      token: null,
      headers: { "cf-worker": "cms", "x-signalbox-caller": "service:cms" },
    });
    expect(got.status).toBe(401);
  });
});
