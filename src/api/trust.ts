import * as z from "zod";

import { newId } from "../ids.ts";
import { existing, Problem } from "../problem.ts";
import { askProject, given, type Api } from "./context.ts";
import { onProject } from "./guard.ts";
import { jsonOf } from "./json.ts";
import { ProjectParams, TrustParams } from "./params.ts";
import { BODY, json, noContent, refusals } from "./responses.ts";
import { createRoute } from "./route.ts";
import { Trust } from "./schemas.ts";

const tags = ["Tokens"];

const pattern = z.string().min(1).max(500).optional();

const create = createRoute({
  method: "post",
  path: "/v1/projects/{project}/trust",
  operationId: "createTrust",
  summary: "Let CI jobs of a repository in, without a token of ours",
  description:
    "A job whose OIDC token fits all of a rule acts on this project with the rule's scope. In `ref` and `workflow`, `*` is any text within one part of a path and `**` any text at all.",
  tags,
  ...onProject("manage"),
  request: {
    params: ProjectParams,
    body: jsonOf(
      z.strictObject({
        issuer: z.string().min(1).max(500).meta({
          description:
            "`github`, `gitlab`, or the URL of one that the instance is configured with.",
        }),
        repository_id: z
          .string()
          .regex(/^\d{1,20}$/, "must be the repository's number, as text")
          .meta({
            description:
              "The claim `repository_id` (GitLab: `project_id`): names can change hands.",
          }),
        repository: z
          .string()
          .trim()
          .min(1)
          .max(200)
          .optional()
          .meta({ description: "Its name, for people; nothing is compared with it." }),
        ref: pattern.meta({
          description: "Default: any.",
          example: "refs/heads/main",
        }),
        environment: z.string().min(1).max(255).optional().meta({ description: "Default: any." }),
        workflow: pattern.meta({
          description: "The claim `job_workflow_ref` (GitLab: `ci_config_ref_uri`). Default: any.",
        }),
        scope: z.enum(["read", "deploy"]),
      }),
    ),
  },
  responses: { 201: json(Trust, "The rule."), ...refusals("project_not_found", ...BODY) },
});

const list = createRoute({
  method: "get",
  path: "/v1/projects/{project}/trust",
  operationId: "listTrust",
  summary: "List the rules by which CI jobs are let in, the oldest first",
  tags,
  ...onProject("manage"),
  request: { params: ProjectParams },
  responses: {
    200: json(z.object({ items: z.array(Trust) }), "All rules."),
    ...refusals("project_not_found"),
  },
});

const remove = createRoute({
  method: "delete",
  path: "/v1/projects/{project}/trust/{id}",
  operationId: "removeTrust",
  summary: "Take a rule away",
  description: "Tokens that jobs got in exchange before are good until they expire.",
  tags,
  ...onProject("manage"),
  request: { params: TrustParams },
  responses: { 204: noContent, ...refusals("project_not_found", "trust_not_found") },
});

export function trustRoutes(api: Api): void {
  api.openapi(create, async (c) => {
    const body = c.req.valid("json");
    const { issuers } = c.var.config;
    if (!issuers.some(({ name }) => name === body.issuer)) {
      const detail = `Tokens of this issuer are not taken here. There are ${issuers.map(({ name }) => name).join(", ")}; the setting OIDC_ISSUERS adds others.`;
      throw new Problem("field_invalid", detail, { errors: [{ field: "issuer", detail }] });
    }
    const rule = {
      repository: null,
      ref: null,
      environment: null,
      workflow: null,
      ...given(body),
      id: newId("tru"),
    };
    const made = await askProject(c, (project) => project.addTrust(rule));
    return c.json(existing(made, "project_not_found", "It is not registered."), 201);
  });

  api.openapi(list, async (c) => c.json({ items: await askProject(c, (p) => p.trust()) }, 200));

  api.openapi(remove, async (c) => {
    const removed = await askProject(c, (p) => p.removeTrust(c.req.valid("param").id));
    existing(removed ? true : null, "trust_not_found", "There is no such rule in this project.");
    return c.body(null, 204);
  });
}
