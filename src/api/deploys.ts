import * as z from "zod";
import type { Context } from "hono";

import { secretsOf } from "../env.ts";
import { newId } from "../ids.ts";
import type { Remote } from "../objects.ts";
import { agreed, Problem } from "../problem.ts";
import type { Answered } from "../project/accept.ts";
import type { Project } from "../project/project.ts";
import type { Refusal } from "../project/refusal.ts";
import type { Result } from "../result.ts";
import { DeployStatus, type Accepted as AcceptedBody, type Asker } from "../project/shapes.ts";
import { Environment } from "../project/policy.ts";
import { redact } from "../security/redact.ts";
import { answered, askCloudflare } from "./cloudflare.ts";
import { shown } from "./accept.ts";
import { askProject, nameIn, referenceIn, type Api, type AppEnv } from "./context.ts";
import { onProject } from "./guard.ts";
import { numberAfter, page, pageOf, PageQuery } from "./pages.ts";
import { DeployParams, ProjectParams } from "./params.ts";
import { json, refusals } from "./responses.ts";
import { createRoute } from "./route.ts";
import { Accepted, Deploy } from "./schemas.ts";
import { awaitEnd, findDeploy, WaitQuery } from "./wait.ts";

const tags = ["Deploys"];

/** Who asked for a deploy may see what became of it. */
const LATE = {
  registered: true,
  late: (c: Context<AppEnv>): string[] => [c.req.param("id") ?? ""],
};

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
  ...onProject("read", LATE),
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
  ...onProject("read", LATE),
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

const promote = createRoute({
  method: "post",
  path: "/v1/projects/{project}/deploys/{id}/promote",
  operationId: "promoteDeploy",
  summary: "Publish the upload of a preview in production",
  description:
    "Sends the body that was uploaded for the preview again, for the production branch: a new deploy with a new number, under the same rules as any other of production.",
  tags,
  ...onProject("deploy"),
  request: { params: DeployParams },
  responses: {
    202: json(Accepted, "What became of it. `Location` is the deploy."),
    ...refusals("project_not_found", "not_found", "conflict", "not_promotable", "body_expired"),
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
    const again = triggered(c, "retry");
    return c.json(await made(c, (p, deployId) => p.retry(id, again, deployId)), 202);
  });

  api.openapi(promote, async (c) => {
    const { id } = c.req.valid("param");
    const asked = triggered(c, "api");
    return c.json(await made(c, (p, deployId) => p.promote(id, asked, deployId)), 202);
  });
}

/** Made once for a request, before the project is asked, which may take more than one call. */
export function triggered(c: Context<AppEnv>, kind: "api" | "retry" | "gateway"): Asker {
  return {
    id: newId("trg"),
    kind,
    source: kind === "gateway" ? "gateway" : "api",
    actor: c.var.caller.token,
    delivery_id: null,
    reader: c.var.caller.reader ?? null,
  };
}

/** Has the project make a deploy from what it has; the ids are made here, so that the call can be repeated. */
export async function made(
  c: Context<AppEnv>,
  make: (project: Remote<Project>, deployId: string) => Promise<Result<Answered, Refusal>>,
): Promise<AcceptedBody> {
  const deployId = newId("dpl");
  const answer = agreed(await askProject(c, (project) => make(project, deployId)));
  c.header("location", `/v1/projects/${referenceIn(c)}/deploys/${answer.deploy?.id ?? deployId}`);
  return shown(answer);
}
