import Cloudflare from "cloudflare";
import type { TestContext } from "vitest";

import { until } from "../../../scripts/demo/wait.ts";
import type { Policy } from "../../../src/project/policy.ts";
import type { Deploy } from "../../../src/project/shapes.ts";
import { workspace } from "../../sandbox/wrangler.ts";
import type { Target } from "../../sandbox/wrangler.ts";
import type { World } from "./world.ts";

export type Gated = Awaited<ReturnType<typeof gated>>;

/** A registered project, and clients of it that know nothing but the gateway. */
export async function gated(
  world: World,
  { onTestFinished }: TestContext,
  name: string,
  policy: Partial<Policy> = {},
) {
  const { pages, signalbox, stack } = world;
  const base = `/v1/projects/${name}`;
  await pages.addProject({ name });
  await signalbox.ask("PUT", base, { policy });
  const { token } = await signalbox.ask<{ token: string }>("POST", `${base}/tokens`, {
    scopes: ["deploy"],
  });
  const target: Target = { url: stack.info.url, token, accountId: stack.info.account_id };
  const args = ["pages", "deploy", "dist", "--project-name", name];
  /** wrangler in a folder of its own. */
  const inFolder = (files: Record<string, string>) => {
    const space = workspace(files);
    onTestFinished(() => space.remove());
    return {
      ...space,
      deploy: async (...more: string[]) => space.wrangler(target, [...args, ...more]),
    };
  };
  return {
    // Of its own: all share one asset store, from which a fault takes what expires.
    ...inFolder({ "dist/index.html": name, "dist/css/a.css": `/* ${name} */` }),
    inFolder,
    name,
    base,
    target,
    /** The newest deploy, once it is so. */
    newest: async (what: string, isSo: (deploy: Deploy) => boolean) =>
      until(`the newest deploy of ${name} to ${what}`, async () => {
        const [deploy] = await signalbox.deploys(name);
        return deploy !== undefined && isSo(deploy) && deploy;
      }),
    /** Locks the project; what is answered takes the lock away. */
    lock: async (more: object = {}) => {
      const { id } = await signalbox.ask<{ id: string }>("POST", `${base}/locks`, {
        reason: "moving",
        ...more,
      });
      return async () => signalbox.send("DELETE", `${base}/locks/${id}`);
    },
  };
}

export const waitsFor =
  (what: string) =>
  ({ waiting }: Deploy): boolean =>
    waiting?.for === what;

export function sdkOf(target: Target, options: object = {}) {
  const cloudflare = new Cloudflare({
    apiToken: target.token,
    baseURL: `${target.url}/client/v4`,
    maxRetries: 0,
    ...options,
  });
  const { deployments } = cloudflare.pages.projects;
  return { cloudflare, deployments, account: { account_id: target.accountId } };
}

/** How a deploy ended for a client that adopts: as the last of those that took one another's place. */
export function adopted(deploys: readonly Deploy[], deploy: Deploy): Deploy {
  const newer = deploys.find(({ id }) => id === deploy.superseded_by);
  return newer === undefined ? deploy : adopted(deploys, newer);
}

/** wrangler's exit code for an end. */
export function exitOf({ status }: Deploy): number {
  return status === "succeeded" ? 0 : 1;
}

/** The last that wrangler says of the deploy, before it tells where to complain and where its log is. */
export function lastLine(output: string): string {
  const lines = output.split("\n").map((line) => line.trim());
  const about = lines.filter(
    (line) => !/^$|If you think this is a bug|Logs were written/.test(line),
  );
  return about.at(-1) ?? "";
}
