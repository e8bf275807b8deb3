import type { Context } from "hono";

import type { Accepted as AcceptedBody } from "../project/shapes.ts";
import type { Api, AppEnv } from "./context.ts";
import { made, triggered } from "./deploys.ts";
import { onProject } from "./guard.ts";
import { DeployParams, ProjectParams } from "./params.ts";
import { json, refusals } from "./responses.ts";
import { createRoute } from "./route.ts";
import { Accepted } from "./schemas.ts";

const tags = ["Deploys"];
const description =
  "A rollback is a deploy of its own. It acts at once, also while a build runs (which is undone when it goes live later), ends what waits for production, and locks production unless the policy's `rollback.lock` is off.";
const responses = {
  202: json(Accepted, "The rollback. `Location` is its deploy."),
  ...refusals("project_not_found", "not_found", "conflict"),
};

const toLast = createRoute({
  method: "post",
  path: "/v1/projects/{project}/rollback",
  operationId: "rollBack",
  summary: "Roll production back to the success before the one that is live",
  description,
  tags,
  ...onProject("deploy"),
  request: { params: ProjectParams },
  responses,
});

const toThis = createRoute({
  method: "post",
  path: "/v1/projects/{project}/deploys/{id}/rollback",
  operationId: "rollBackTo",
  summary: "Roll production back to this deploy",
  description,
  tags,
  ...onProject("deploy"),
  request: { params: DeployParams },
  responses,
});

export function rollbackRoutes(api: Api): void {
  const back = (c: Context<AppEnv>, to: string | null): Promise<AcceptedBody> => {
    const trigger = triggered(c, "api");
    return made(c, (project, deployId) => project.rollBack(to, trigger, deployId));
  };
  api.openapi(toLast, async (c) => c.json(await back(c, null), 202));
  api.openapi(toThis, async (c) => c.json(await back(c, c.req.valid("param").id), 202));
}
