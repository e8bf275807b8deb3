import * as z from "zod";

import { agreed, existing, Problem } from "../problem.ts";
import { PolicyChange } from "../project/policy.ts";
import { DeployKind, TriggerKind, WaitingFor } from "../project/shapes.ts";
import { askProject, given, type Api } from "./context.ts";
import { onProject } from "./guard.ts";
import { jsonOf } from "./json.ts";
import { ProjectParams } from "./params.ts";
import { BODY, json, refusals } from "./responses.ts";
import { createRoute } from "./route.ts";
import { Branch, Policy } from "./schemas.ts";

const tags = ["Policy"];
const ETag = z.object({ etag: z.string().meta({ description: "For `If-Match`." }) });

const get = createRoute({
  method: "get",
  path: "/v1/projects/{project}/policy",
  operationId: "getPolicy",
  summary: "Get a project's rules",
  tags,
  ...onProject("read"),
  request: { params: ProjectParams },
  responses: {
    200: { ...json(Policy, "All rules, with the defaults of those never set."), headers: ETag },
    ...refusals("project_not_found"),
  },
});

const change = createRoute({
  method: "patch",
  path: "/v1/projects/{project}/policy",
  operationId: "changePolicy",
  summary: "Change a project's rules",
  description:
    "The fields that are given change, each as a whole; then all of it is checked together. With `If-Match` it is refused when somebody else was faster. Deploys that wait are looked at anew at once.",
  tags,
  ...onProject("manage"),
  request: {
    params: ProjectParams,
    headers: z.object({
      "if-match": z
        .string()
        .regex(/^"\d{1,15}"$/, "must be the etag of an answer")
        .optional(),
    }),
    body: jsonOf(PolicyChange),
  },
  responses: {
    200: { ...json(Policy, "The rules as they are now."), headers: ETag },
    ...refusals("project_not_found", "header_invalid", "policy_changed", "policy_invalid", ...BODY),
  },
});

const explain = createRoute({
  method: "post",
  path: "/v1/projects/{project}/policy/explain",
  operationId: "explainPolicy",
  summary: "Explain what would become of a trigger",
  description:
    "Now, with what runs and waits; or at a later time, with nothing else in the line. Nothing is deployed.",
  tags,
  ...onProject("read"),
  request: {
    params: ProjectParams,
    body: jsonOf(
      z.strictObject({
        branch: Branch.optional().meta({ description: "Default: the production branch." }),
        kind: DeployKind.default("build"),
        trigger_kind: TriggerKind.default("hook"),
        at: z.iso.datetime({ offset: true }).optional(),
      }),
    ),
  },
  responses: {
    200: json(
      z
        .object({
          at: z.string(),
          environment: z.enum(["production", "preview"]),
          target: z.string(),
          would: z.enum(["start", "wait"]),
          waiting: z.object({ for: WaitingFor, until: z.string().nullable() }).nullable(),
          reason: z.string().nullable(),
          reason_code: z.string().nullable(),
          needs_approval: z.boolean(),
          supersedes: z.array(z.int()),
        })
        .meta({ id: "PolicyExplanation" }),
      "What would happen.",
    ),
    ...refusals("project_not_found", ...BODY),
  },
});

export function policyRoutes(api: Api): void {
  api.openapi(get, async (c) => {
    const found = await askProject(c, (p) => p.policy());
    const { policy, revision } = existing(found, "project_not_found", "It is not registered.");
    c.header("etag", `"${revision}"`);
    return c.json(policy, 200);
  });

  api.openapi(change, async (c) => {
    const match = c.req.valid("header")["if-match"];
    const expected = match === undefined ? null : Number(match.slice(1, -1));
    const asked = given(c.req.valid("json"));
    const result = agreed(await askProject(c, (p) => p.changePolicy(asked, expected)));
    c.header("etag", `"${result.revision}"`);
    return c.json(result.policy, 200);
  });

  api.openapi(explain, async (c) => {
    const { branch, kind, trigger_kind, at } = c.req.valid("json");
    const time = at === undefined ? null : Date.parse(at);
    if (time !== null && time < Date.now() - 60_000) {
      const detail = "The time is over. Leave at out for now, or give a later one.";
      throw new Problem("field_invalid", detail, { errors: [{ field: "at", detail }] });
    }
    const supposed = { branch: branch ?? null, kind, trigger_kind, at: time };
    const explained = await askProject(c, (p) => p.explainPolicy(supposed));
    return c.json(existing(explained, "project_not_found", "It is not registered."), 200);
  });
}
