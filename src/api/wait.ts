import { z } from "@hono/zod-openapi";
import type { Context } from "hono";

import { existing } from "../problem.ts";
import type { Deploy } from "../project/shapes.ts";
import { askProject, type AppEnv } from "./context.ts";

const LOOK_EVERY_S = 1;

export const WaitQuery = z.object({
  wait: z.coerce
    .number()
    .int()
    .min(0)
    .max(60)
    .default(0)
    .openapi({ description: "Answer only when the deploy has ended, or after so many seconds." }),
});

/** The deploy as it is when it has ended, or after `seconds`. The object sleeps in between. */
export async function awaitEnd(c: Context<AppEnv>, id: string, seconds: number): Promise<Deploy> {
  for (let left = seconds; ; left -= LOOK_EVERY_S) {
    const deploy = await findDeploy(c, id);
    if (deploy.ended_at !== null || left <= 0) {
      return deploy;
    }
    await scheduler.wait(Math.min(LOOK_EVERY_S, left) * 1000);
  }
}

export async function findDeploy(c: Context<AppEnv>, id: string): Promise<Deploy> {
  const deploy = await askProject(c, (project) => project.deploy(id));
  return existing(deploy, "deploy_not_found", "There is no such deploy in this project.");
}
