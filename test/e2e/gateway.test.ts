import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { TestContext } from "vitest";
import Cloudflare from "cloudflare";
import { liveOn, madeFor, overlap } from "../../scripts/demo/journal.ts";
import { until } from "../../scripts/demo/wait.ts";
import type { Policy } from "../../src/project/policy.ts";
import { OUTPUT, workspace } from "../sandbox/wrangler.ts";
import type { Target } from "../sandbox/wrangler.ts";
import { World } from "./support/world.ts";

let world: World;
beforeAll(async () => {
  world = await World.start();
  await world.pages.speed({ factor: 0.1 });
  await world.calls(16);
});
afterAll(async () => {
  await world.stop();
});

const SITE = { "dist/index.html": "<h1>hi</h1>\n", "dist/css/a.css": "body{}\n" };

/** A direct upload project, registered, and a wrangler that knows nothing but this gateway. */
async function project(
  { onTestFinished }: TestContext,
  name: string,
  policy: Partial<Policy> = {},
) {
  await world.pages.addProject({ name });
  await world.signalbox.ask("PUT", `/v1/projects/${name}`, { policy });
  const { token } = await world.signalbox.ask<{ token: string }>(
    "POST",
    `/v1/projects/${name}/tokens`,
    { scopes: ["deploy"] },
  );
  const target: Target = {
    url: world.stack.info.url,
    token,
    accountId: world.stack.info.account_id,
  };
  const space = workspace(SITE);
  onTestFinished(() => space.remove());
  return {
    ...space,
    target,
    base: `/v1/projects/${name}`,
    deploy: async (...more: string[]) =>
      space.wrangler(target, ["pages", "deploy", "dist", "--project-name", name, ...more]),
  };
}

describe.concurrent("wrangler pages deploy, through the gateway", { timeout: 120_000 }, () => {
  test("publishes, and a second time uploads nothing", async (context) => {
    const it = await project(context, "published");
    const first = await it.deploy("--branch", "main", "--commit-hash", "abc");
    expect(first.output).toContain("Uploaded 2 files");
    expect(first.output).toContain("Deployment complete!");
    expect(first.code).toBe(0);
    expect((await world.pages.page("published.pages.dev")).text).toBe("<h1>hi</h1>\n");
    const [deploy] = await world.signalbox.deploys("published");
    expect(deploy).toMatchObject({
      kind: "upload",
      status: "succeeded",
      trigger: { kind: "gateway" },
      commit_hash: "abc",
    });
    const second = await it.deploy("--branch", "main");
    expect(second.output).toContain("Uploaded 0 files (2 already uploaded)");
    expect(second.code).toBe(0);
    const written = it.read(OUTPUT).trim().split("\n");
    const [detailed] = written
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter(({ type }) => type === "pages-deploy-detailed");
    expect(detailed).toMatchObject({
      pages_project: "published",
      deployment_id: deploy?.deployment?.id,
      environment: "production",
      production_branch: "main",
    });
  });

  test("fails with the reason when the deployment fails", async (context) => {
    const it = await project(context, "failing");
    await world.pages.fault({ call: "create", kind: "expired_assets", project: "failing" });
    const { code, output } = await it.deploy("--branch", "main");
    expect(code).toBe(1);
    expect(output).toContain("Deploy #1 ended failed. Failed in deploy.");
  });

  test("waits for a lock, and goes on when it is taken away", async (context) => {
    const it = await project(context, "locked");
    const lock = await world.signalbox.ask<{ id: string }>("POST", `${it.base}/locks`, {
      reason: "moving",
    });
    const running = it.deploy("--branch", "main");
    await until("the deploy to wait", async () => {
      const [deploy] = await world.signalbox.deploys("locked");
      return deploy?.waiting?.for === "lock";
    });
    await world.signalbox.send("DELETE", `${it.base}/locks/${lock.id}`);
    expect((await running).code).toBe(0);
  });

  test("fails when its deploy is canceled while it waits, and says by whom", async (context) => {
    const it = await project(context, "canceled");
    await world.signalbox.ask("POST", `${it.base}/locks`, { reason: "moving" });
    const running = it.deploy("--branch", "main");
    const { id } = await until("the deploy to wait", async () => {
      const [deploy] = await world.signalbox.deploys("canceled");
      return deploy?.waiting?.for === "lock" ? deploy : null;
    });
    await world.signalbox.ask("POST", `${it.base}/deploys/${id}/cancel`);
    const { code, output } = await running;
    expect(code).toBe(1);
    expect(output).toContain("Deploy #1 ended canceled. Canceled by");
  });
});

describe.concurrent("deploys at once, through the gateway", { timeout: 120_000 }, () => {
  test("five run one at a time, all succeed, and the last one accepted is what is served", async (context) => {
    const it = await project(context, "five");
    const spaces = [1, 2, 3, 4, 5].map((n) => workspace({ "dist/index.html": `version ${n}` }));
    context.onTestFinished(() => spaces.forEach((space) => space.remove()));
    const args = ["pages", "deploy", "dist", "--project-name", "five", "--branch", "main"];
    const runs = await Promise.all(spaces.map(async (space) => space.wrangler(it.target, args)));
    expect(runs.map(({ code }) => code)).toEqual([0, 0, 0, 0, 0]);
    const deploys = await world.signalbox.deploys("five");
    const journal = await world.pages.journal();
    const made = madeFor(journal, "five");
    expect(overlap(journal, made)).toBeNull();
    expect(liveOn(journal, "five", "main")).toBe(deploys[0]?.deployment?.id);
    expect(deploys).toHaveLength(5);
    expect(deploys[0]?.status).toBe("succeeded");
  });

  test("a superseded one fails where the policy wants that", async (context) => {
    const it = await project(context, "strict", {
      gateway: { superseded: "fail", max_wait_minutes: 30 },
    });
    const lock = await world.signalbox.ask<{ id: string }>("POST", `${it.base}/locks`, {
      reason: "moving",
    });
    const older = it.deploy("--branch", "main");
    await until("the first to wait", async () => (await world.signalbox.deploys("strict")).length);
    it.write({ "dist/index.html": "newer" });
    const newer = it.deploy("--branch", "main");
    const superseded = await older;
    expect(superseded.code).toBe(1);
    expect(superseded.output).toContain("Deploy #1 ended superseded. Superseded by #2");
    await world.signalbox.send("DELETE", `${it.base}/locks/${lock.id}`);
    expect((await newer).code).toBe(0);
  });
});

describe.concurrent("the SDK, through the gateway", { timeout: 120_000 }, () => {
  function sdk({ target }: { target: Target }, options: object = {}) {
    const cloudflare = new Cloudflare({
      apiToken: target.token,
      baseURL: `${target.url}/client/v4`,
      maxRetries: 0,
      ...options,
    });
    const { deployments } = cloudflare.pages.projects;
    return { cloudflare, deployments, account: { account_id: target.accountId } };
  }

  test("creates, reads, lists, retries and rolls back", async (context) => {
    const it = await project(context, "sdk");
    const { cloudflare, deployments, account } = sdk(it);
    const params = { ...account, project_name: "sdk" };
    const create = async () =>
      deployments.create("sdk", { ...account, manifest: "{}", branch: "main" });
    const first = await create();
    expect(first.latest_stage).toMatchObject({ name: "deploy", status: "success" });
    expect(await deployments.get(first.id, params)).toEqual(first);
    const second = await deployments.retry(first.id, params);
    expect(second.id).not.toBe(first.id);
    expect((await deployments.rollback(first.id, params)).id).toBe(first.id);
    const live = await cloudflare.pages.projects.get("sdk", account);
    expect(live.canonical_deployment?.id).toBe(first.id);
    const listed = [];
    for await (const { id } of deployments.list("sdk", account)) {
      listed.push(id);
    }
    expect(listed).toEqual([second.id, first.id]);
    const logs = await deployments.history.logs.get(first.id, params);
    expect(logs.total).toBe(logs.data?.length);
  });

  test("gets a queued deployment when it would have to wait, whose id stays good", async (context) => {
    const it = await project(context, "patient");
    const { deployments, account } = sdk(it);
    const params = { ...account, project_name: "patient" };
    const lock = await world.signalbox.ask<{ id: string }>("POST", `${it.base}/locks`, {
      reason: "moving",
    });
    const early = await deployments.create("patient", { ...account, manifest: "{}" });
    expect(early.latest_stage).toMatchObject({ name: "queued", status: "active" });
    expect((await deployments.get(early.id, params)).latest_stage.status).toBe("active");
    const listed = await deployments.list("patient", account);
    expect(listed.result.map(({ id }) => id)).toEqual([early.id]);
    await world.signalbox.send("DELETE", `${it.base}/locks/${lock.id}`);
    const done = await until("it to be live", async () => {
      const seen = await deployments.get(early.id, params);
      return seen.latest_stage.status === "success" ? seen : null;
    });
    expect(madeFor(await world.pages.journal(), "patient")).toEqual([done.id]);
  });

  test("that gives up and sends again makes one deployment", async (context) => {
    const it = await project(context, "again");
    const lock = await world.signalbox.ask<{ id: string }>("POST", `${it.base}/locks`, {
      reason: "moving",
    });
    const { deployments, account } = sdk(it, { timeout: 3_000, maxRetries: 4 });
    const asked = deployments.create("again", { ...account, manifest: "{}", branch: "main" });
    await until("it to have been sent twice", async () => {
      const [deploy] = await world.signalbox.deploys("again");
      return Date.now() > Date.parse(deploy?.created_at ?? "") + 4_500;
    });
    await world.signalbox.send("DELETE", `${it.base}/locks/${lock.id}`);
    const { id } = await asked;
    expect(madeFor(await world.pages.journal(), "again")).toEqual([id]);
    expect(await world.signalbox.deploys("again")).toHaveLength(1);
  });
});
