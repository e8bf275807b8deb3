import { createRoute, z } from "@hono/zod-openapi";

import { secretsOf } from "../env.ts";
import { newId } from "../ids.ts";
import { agreed, Problem } from "../problem.ts";
import { DeployStatus } from "../project/shapes.ts";
import { Environment } from "../project/policy.ts";
import { redact } from "../security/redact.ts";
import { answered, askCloudflare } from "./cloudflare.ts";
import { askProject, nameIn, type Api } from "./context.ts";
import { onProject } from "./guard.ts";
import { numberAfter, page, pageOf, PageQuery } from "./pages.ts";
import { DeployParams, ProjectParams } from "./params.ts";
import { json, refusals } from "./responses.ts";
import { Accepted, Deploy } from "./schemas.ts";
import { awaitEnd, findDeploy, WaitQuery } from "./wait.ts";

const tags = ["Deploys"];

const list = createRoute({
  method: "get",
  path: "/v1/projects/{project}/deploys",
  operationId: "listDeploys",
  summary: "List deploys, newest first",
  tags,
  ...onProject("read"),
  request: {
    params: ProjectParams,
    query: PageQuery.extend({
      branch: z.string().max(255).optional(),
      environment: Environment.optional(),
      status: DeployStatus.optional(),
    }),
  },
  responses: {
    200: json(pageOf(Deploy), "A page of deploys."),
    ...refusals("project_not_found", "query_invalid", "cursor_invalid"),
  },
});

const get = createRoute({
  method: "get",
  path: "/v1/projects/{project}/deploys/{id}",
  operationId: "getDeploy",
  summary: "Get a deploy, or wait for its end",
  tags,
  ...onProject("read"),
  request: { params: DeployParams, query: WaitQuery },
  responses: {
    200: json(Deploy, "The deploy."),
    ...refusals("project_not_found", "deploy_not_found", "query_invalid"),
  },
});

const logs = createRoute({
  method: "get",
  path: "/v1/projects/{project}/deploys/{id}/logs",
  operationId: "getDeployLogs",
  summary: "Get the build log of a deploy from Cloudflare",
  tags,
  ...onProject("read"),
  request: { params: DeployParams },
  responses: {
    200: json(
      z.object({
        total: z.int(),
        items: z.array(z.object({ timestamp: z.string(), line: z.string() })),
      }),
      "The log as far as it is written.",
    ),
    ...refusals(
      "project_not_found",
      "deploy_not_found",
      "no_deployment_yet",
      "upstream_auth",
      "upstream_refused",
      "upstream_unavailable",
      "budget_spent",
    ),
  },
});

const cancel = createRoute({
  method: "post",
  path: "/v1/projects/{project}/deploys/{id}/cancel",
  operationId: "cancelDeploy",
  summary: "Cancel a deploy",
  description:
    "A waiting deploy ends at once. A running one ends here at once; its deployment is stopped at Cloudflare if that is possible, and watched until it has ended.",
  tags,
  ...onProject("deploy"),
  request: { params: DeployParams },
  responses: {
    200: json(Deploy, "The deploy, canceled or about to be."),
    ...refusals("project_not_found", "not_found", "conflict"),
  },
});

const retry = createRoute({
  method: "post",
  path: "/v1/projects/{project}/deploys/{id}/retry",
  operationId: "retryDeploy",
  summary: "Deploy the same again",
  description:
    "Makes a new deploy with a new number. A build takes the branch as it is now; an upload sends the stored body again.",
  tags,
  ...onProject("deploy"),
  request: { params: DeployParams },
  responses: {
    202: json(Accepted, "What became of it."),
    ...refusals("project_not_found", "not_found", "conflict", "body_expired", "not_git_connected"),
  },
});

export function deployRoutes(api: Api): void {
  api.openapi(list, async (c) => {
    const { limit, cursor, branch, environment, status } = c.req.valid("query");
    const filter = {
      limit: limit + 1,
      before: numberAfter(cursor),
      branch: branch ?? null,
      environment: environment ?? null,
      status: status ?? null,
    };
    const deploys = await askProject(c, (project) => project.deploys(filter));
    return c.json(
      page(deploys, limit, (deploy) => deploy.number),
      200,
    );
  });

  api.openapi(get, async (c) => {
    const { wait } = c.req.valid("query");
    return c.json(await awaitEnd(c, c.req.valid("param").id, wait), 200);
  });

  api.openapi(logs, async (c) => {
    const { deployment } = await findDeploy(c, c.req.valid("param").id);
    if (deployment === null) {
      throw new Problem(
        "no_deployment_yet",
        "This deploy has no deployment at Cloudflare, so there is no log. Its status says why.",
      );
    }
    const name = nameIn(c) ?? "";
    const log = answered(await askCloudflare(c, (client) => client.logs(name, deployment.id)));
    const secrets = secretsOf(c.var.config);
    const items = log.data.map(({ ts, line }) => ({
      timestamp: ts,
      line: redact(line, secrets),
    }));
    return c.json({ total: log.total, items }, 200);
  });

  api.openapi(cancel, async (c) => {
    const { id } = c.req.valid("param");
    const actor = c.var.caller.token;
    return c.json(agreed(await askProject(c, (project) => project.cancel(id, actor))), 200);
  });

  api.openapi(retry, async (c) => {
    const { id } = c.req.valid("param");
    const trigger = {
      id: newId("trg"),
      kind: "retry",
      source: "api",
      actor: c.var.caller.token,
      delivery_id: null,
    } as const;
    const deployId = newId("dpl");
    const answer = agreed(await askProject(c, (project) => project.retry(id, trigger, deployId)));
    const { replayed: _, ...accepted } = answer;
    c.header("location", `/v1/projects/${nameIn(c)}/deploys/${accepted.deploy?.id ?? deployId}`);
    return c.json(accepted, 202);
  });
}
