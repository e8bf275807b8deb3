import * as z from "zod";
import type { Context } from "hono";

import { existing } from "../problem.ts";
import type { Deploy } from "../project/shapes.ts";
import { askProject, type AppEnv } from "./context.ts";
import { Watch } from "./watch.ts";

/** Should the project's news be lost, which they are not meant to be. */
const LOOK_EVERY_MS = 10_000;

export const WaitQuery = z.object({
  wait: z.coerce
    .number()
    .int()
    .min(0)
    .max(60)
    .default(0)
    .meta({ description: "Answer only when the deploy has ended, or after so many seconds." }),
});

/** The deploy as it is when it has ended, or after `seconds`. The object sleeps in between. */
export async function awaitEnd(c: Context<AppEnv>, id: string, seconds: number): Promise<Deploy> {
  if (seconds === 0) {
    return findDeploy(c, id);
  }
  const watch = new Watch(c);
  const timer = setTimeout(() => watch.close(), seconds * 1000);
  try {
    for (let goesOn = true; ; goesOn = await watch.next(LOOK_EVERY_MS)) {
      const deploy = await findDeploy(c, id);
      if (deploy.ended_at !== null || !goesOn) {
        return deploy;
      }
    }
  } finally {
    clearTimeout(timer);
    watch.close();
  }
}

export async function findDeploy(c: Context<AppEnv>, id: string): Promise<Deploy> {
  const deploy = await askProject(c, (project) => project.deploy(id));
  return existing(deploy, "deploy_not_found", "There is no such deploy in this project.");
}
