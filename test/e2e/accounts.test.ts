import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { createSandbox } from "../../sandbox/app.ts";
import type { Sandbox } from "../../sandbox/types.ts";
import { Signalbox } from "../../scripts/demo/signalbox.ts";
import { freePort } from "../../scripts/lib/port.ts";
import { localSecrets } from "../../scripts/lib/secrets.ts";
import { startWorker } from "../../scripts/lib/workerd.ts";
import { workspace } from "../sandbox/wrangler.ts";
import { cloudflare } from "./support/cloudflare.ts";

const account = (letter: string): Sandbox =>
  createSandbox({
    accountId: letter.repeat(32),
    token: `token-of-${letter}`,
    speed: { factor: 0.1 },
  });

const made = (sandbox: Sandbox): string[] =>
  sandbox
    .journal()
    .requests.filter(({ method, path }) => method === "POST" && path.endsWith("/deployments"))
    .map(({ status, project }) => `${project} ${status}`);

it("wrangler deploys to projects of the same name in two accounts, each with its own credential", async ({
  onTestFinished,
}) => {
  const [ours, theirs] = [account("a"), account("b")];
  const api = await cloudflare([ours, theirs]);
  onTestFinished(() => api.close());
  const dir = await mkdtemp(join(tmpdir(), "signalbox-accounts-"));
  onTestFinished(async () => rm(dir, { recursive: true, force: true, maxRetries: 3 }));
  const { keys, token } = await localSecrets(dir);
  const worker = await startWorker({
    port: await freePort(),
    stateDir: join(dir, "signalbox"),
    vars: {
      SIGNALBOX_KEYS: keys,
      CLOUDFLARE_ACCOUNT_ID: ours.accountId,
      CLOUDFLARE_API_TOKEN: ours.token,
      CLOUDFLARE_API_BASE_URL: api.url,
      SIGNALBOX_LOCAL: "1",
    },
  });
  onTestFinished(async () => worker.stop());
  const signalbox = new Signalbox(worker.url, token);
  const added = await signalbox.send("PUT", `/v1/accounts/${theirs.accountId}`, {
    api_token: theirs.token,
  });
  expect(added.status).toBe(201);

  const runs = [ours, theirs].map(async (each) => {
    const { accountId } = each;
    each.addProject({ name: "shop" });
    await signalbox.ask("PUT", `/v1/projects/${accountId}:shop`, {});
    const space = workspace({ "dist/index.html": `the site in ${accountId}` });
    onTestFinished(() => space.remove());
    const args = ["pages", "deploy", "dist", "--project-name", "shop", "--branch", "main"];
    return space.wrangler({ url: worker.url, token, accountId }, args);
  });
  expect(await Promise.all(runs)).toMatchObject([{ code: 0 }, { code: 0 }]);
  expect([made(ours), made(theirs)]).toEqual([["shop 200"], ["shop 200"]]);
  const served = await Promise.all(
    [ours, theirs].map(async (each) =>
      (await each.fetch(new Request("https://shop.pages.dev/"))).text(),
    ),
  );
  expect(served).toEqual([ours, theirs].map(({ accountId }) => `the site in ${accountId}`));
  const { project } = await signalbox.ask<{ project: string }>(
    "GET",
    `/v1/projects/${theirs.accountId}:shop`,
  );
  expect(project).toBe(`${theirs.accountId}:shop`);
});
