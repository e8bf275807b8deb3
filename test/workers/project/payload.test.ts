import { afterEach, describe, expect, it, vi } from "vitest";

import { World } from "../support/world.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

const id = (answer: { deploy: { id: string } | null }): string => answer.deploy?.id ?? "";

/** The deploy as the last event of this type told of it. */
async function told(world: World, type: string): Promise<Record<string, unknown>> {
  const events = (await world.events()).filter((event) => event.type === type);
  return events.at(-1)?.data["deploy"] as Record<string, unknown>;
}

describe("where to find it", () => {
  it("is in each event, as far as it is known", async () => {
    const world = await World.create();
    const deploy = await world.ended(id(await world.push()));
    const here = "https://signalbox.example.com";
    const links = {
      dashboard: `${here}/projects/${world.name}/deploys/1`,
      deployment: `https://dash.cloudflare.com/${world.sandbox.accountId}/pages/view/${world.name}/${deploy.deployment?.id}`,
      logs: `${here}/v1/projects/${world.name}/deploys/${deploy.id}/logs`,
      site: `https://${world.name}.pages.dev`,
    };
    expect(await told(world, "deploy.queued")).toMatchObject({
      links: { ...links, deployment: null },
    });
    expect(await told(world, "deploy.succeeded")).toMatchObject({ links });
    expect(deploy.links).toEqual(links);
  });

  it("is null for a project that was registered before that was kept, and a preview's site its own", async () => {
    const world = await World.create();
    await world.inside(({ context }) => {
      context.sql.run("UPDATE project SET origin = NULL");
    });
    const deploy = await world.ended(id(await world.push({ branch: "cart" })));
    expect(deploy.links).toMatchObject({ dashboard: null, logs: null });
    expect([...(deploy.deployment?.aliases ?? []), deploy.deployment?.url]).toContain(
      deploy.links.site,
    );
  });
});

describe("how long it waited", () => {
  it("is told by what for, and ends when it starts", async () => {
    const world = await World.create({ policy: { mode: "all" } });
    const lock = { id: "lck_1", environment: null, holder: "Ada", reason: "the fair" };
    await world.stub().addLock({ ...lock, until: world.now() + 600_000 });
    const first = id(await world.push());
    const second = id(await world.push());
    expect(await told(world, "deploy.queued")).toMatchObject({ waited_ms: 0, waits: [] });
    await world.run(60_000);
    expect(await world.deploy(first)).toMatchObject({
      waited_ms: 60_000,
      waits: [{ for: "lock", ms: 60_000 }],
    });
    const one = await world.ended(first);
    const two = await world.ended(second);
    expect(one).toMatchObject({ waited_ms: 600_000, waits: [{ for: "lock", ms: 600_000 }] });
    expect(two.waits.map((wait) => wait.for)).toEqual(["lock", "turn"]);
    expect(two.waits.reduce((all, { ms }) => all + ms, 0)).toBe(two.waited_ms);
    expect(two.waited_ms).toBe(Date.parse(two.started_at ?? "") - Date.parse(two.created_at));
  });

  it("ends with a deploy that never started", async () => {
    const world = await World.create();
    const lock = { id: "lck_1", environment: null, holder: "Ada", reason: "the fair", until: null };
    await world.stub().addLock(lock);
    const deploy = id(await world.push());
    await world.run(30_000);
    await world.stub().cancel(deploy, "tok_ada");
    await world.run(30_000);
    expect(await world.deploy(deploy)).toMatchObject({
      waited_ms: 30_000,
      waits: [{ for: "lock", ms: 30_000 }],
    });
  });
});

describe("what it failed of", () => {
  it("is the stage and the last lines of its log, read once", async () => {
    const world = await World.create();
    world.sandbox.fault({ call: "create", kind: "fail_build" });
    const deploy = await world.ended(id(await world.push()));
    expect(deploy).toMatchObject({ status: "failed", failure: { stage: "build" } });
    expect(deploy.failure?.log.length).toBeGreaterThan(0);
    expect(await told(world, "deploy.failed")).toMatchObject({ failure: deploy.failure });
    const reads = world.sandbox.journal().requests.filter(({ path }) => path.endsWith("/logs"));
    expect(reads.length).toBe(1);
  });

  it("is told all the same when the log can't be had", async () => {
    const world = await World.create();
    world.sandbox.fault({ call: "create", kind: "fail_build" });
    world.sandbox.fault({ call: "logs", kind: "hang" });
    const deploy = await world.ended(id(await world.push()));
    expect(deploy).toMatchObject({ status: "failed", failure: { stage: "build", log: [] } });
  });

  it("is read only when the last try has failed", async () => {
    const retry = { limit: 1, stages: [], backoff_seconds: 5 };
    const world = await World.create({ policy: { retry } });
    world.sandbox.fault({ call: "create", kind: "fail_build" });
    const deploy = await world.ended(id(await world.push()));
    expect(deploy).toMatchObject({ status: "succeeded", retries: 1, failure: null });
    const reads = world.sandbox.journal().requests.filter(({ path }) => path.endsWith("/logs"));
    expect(reads).toEqual([]);
  });
});
