import * as z from "zod";

import { agreed } from "../problem.ts";
import { askProject, type Api } from "./context.ts";
import { onProject } from "./guard.ts";
import { jsonOf } from "./json.ts";
import { DeployParams } from "./params.ts";
import { BODY, json, refusals } from "./responses.ts";
import { createRoute } from "./route.ts";
import { Deploy } from "./schemas.ts";

/** What people with `manage` do to a deploy that waits. */

const tags = ["Deploys"];
const manage = onProject("manage");
const answers = {
  200: json(Deploy, "The deploy as it is now."),
  ...refusals("project_not_found", "not_found", "conflict"),
};
const Reason = z.string().trim().min(1).max(200);

const release = createRoute({
  method: "post",
  path: "/v1/projects/{project}/deploys/{id}/release",
  operationId: "releaseDeploy",
  summary: "Let a waiting deploy start in spite of windows, quiet period and its own time",
  description: "The reason is told to subscribers and kept. Locks and approval are not overridden.",
  tags,
  ...manage,
  request: { params: DeployParams, body: jsonOf(z.strictObject({ reason: Reason })) },
  responses: { ...answers, ...refusals("project_not_found", "not_found", "conflict", ...BODY) },
});

const approve = createRoute({
  method: "post",
  path: "/v1/projects/{project}/deploys/{id}/approve",
  operationId: "approveDeploy",
  summary: "Approve a deploy that waits for it",
  tags,
  ...manage,
  request: { params: DeployParams },
  responses: answers,
});

const reject = createRoute({
  method: "post",
  path: "/v1/projects/{project}/deploys/{id}/reject",
  operationId: "rejectDeploy",
  summary: "Reject a deploy that waits for approval",
  description: "It ends as canceled, with who rejected it and why.",
  tags,
  ...manage,
  request: { params: DeployParams, body: jsonOf(z.strictObject({ reason: Reason.optional() })) },
  responses: { ...answers, ...refusals("project_not_found", "not_found", "conflict", ...BODY) },
});

export function holdRoutes(api: Api): void {
  api.openapi(release, async (c) => {
    const { id } = c.req.valid("param");
    const { reason } = c.req.valid("json");
    const { token } = c.var.caller;
    return c.json(agreed(await askProject(c, (p) => p.release(id, token, reason))), 200);
  });

  api.openapi(approve, async (c) => {
    const { id } = c.req.valid("param");
    return c.json(agreed(await askProject(c, (p) => p.approve(id, c.var.caller.token))), 200);
  });

  api.openapi(reject, async (c) => {
    const { id } = c.req.valid("param");
    const reason = c.req.valid("json").reason ?? null;
    const { token } = c.var.caller;
    return c.json(agreed(await askProject(c, (p) => p.reject(id, token, reason))), 200);
  });
}
