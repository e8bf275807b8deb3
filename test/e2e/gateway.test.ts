import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { TestContext } from "vitest";
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
