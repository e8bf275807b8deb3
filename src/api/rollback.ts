import { createRoute } from "@hono/zod-openapi";
import type { Context } from "hono";

import { newId } from "../ids.ts";
import { agreed } from "../problem.ts";
import type { Accepted as AcceptedBody } from "../project/shapes.ts";
import { shown } from "./accept.ts";
import { askProject, nameIn, type Api, type AppEnv } from "./context.ts";
import { onProject } from "./guard.ts";
import { DeployParams, ProjectParams } from "./params.ts";
import { json, refusals } from "./responses.ts";
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
  api.openapi(toLast, async (c) => c.json(await rollBack(c, null), 202));
  api.openapi(toThis, async (c) => c.json(await rollBack(c, c.req.valid("param").id), 202));
}

async function rollBack(c: Context<AppEnv>, to: string | null): Promise<AcceptedBody> {
  const trigger = {
    id: newId("trg"),
    kind: "api",
    source: "api",
    actor: c.var.caller.token,
    delivery_id: null,
  } as const;
  const deployId = newId("dpl");
  const answer = agreed(await askProject(c, (p) => p.rollBack(to, trigger, deployId)));
  c.header("location", `/v1/projects/${nameIn(c)}/deploys/${deployId}`);
  return shown(answer);
}
