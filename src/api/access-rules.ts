import * as z from "zod";

import { newId } from "../ids.ts";
import type { AccessRuleView } from "../instance/access.ts";
import { referenceOf } from "../objects.ts";
import { existing, Problem } from "../problem.ts";
import { SCOPES } from "../security/tokens.ts";
import { askInstance, given, keyNamed, type Api } from "./context.ts";
import { onInstance } from "./guard.ts";
import { jsonOf } from "./json.ts";
import { AccessRuleParams } from "./params.ts";
import { BODY, json, noContent, refusals } from "./responses.ts";
import { createRoute } from "./route.ts";
import { AccessRule, Description } from "./schemas.ts";

const tags = ["Access"];
const WHO = ["email", "email_domain", "service_token"] as const;

const NewRule = z
  .strictObject({
    email: z.email().max(254).toLowerCase().optional(),
    email_domain: z
      .string()
      .max(253)
      .regex(/^(?:[A-Za-z\d-]{1,63}\.)+[A-Za-z\d-]{1,63}$/, "must be a domain")
      .toLowerCase()
      .optional()
      .meta({ description: "All addresses in it, and none of its subdomains." }),
    service_token: z
      .string()
      .regex(/^[\w.-]{1,200}$/, "must be a client id")
      .optional()
      .meta({
        description: "The client id of a service token of Access, as CF-Access-Client-Id has it.",
      }),
    scopes: z
      .array(z.enum(SCOPES))
      .min(1)
      .meta({ description: "Each includes those before it: read, deploy, manage." }),
    project: z
      .string()
      .max(128)
      .optional()
      .meta({ description: "For this one alone. Default: all, and the instance itself." }),
    description: Description.optional(),
  })
  .refine((rule) => WHO.filter((who) => rule[who] !== undefined).length === 1, {
    path: ["email"],
    message: "Give just one of email, email_domain and service_token.",
  });

const create = createRoute({
  method: "post",
  path: "/v1/access",
  operationId: "createAccessRule",
  summary: "Say what somebody who comes through Cloudflare Access may do",
  description: "Who fits several rules may do what any of them allows.",
  tags,
  ...onInstance("manage"),
  request: { body: jsonOf(NewRule) },
  responses: { 201: json(AccessRule, "The rule."), ...refusals(...BODY) },
});

const list = createRoute({
  method: "get",
  path: "/v1/access",
  operationId: "listAccessRules",
  summary: "List the rules for who comes through Cloudflare Access, the oldest first",
  tags,
  ...onInstance("manage"),
  responses: { 200: json(z.object({ items: z.array(AccessRule) }), "All rules."), ...refusals() },
});

const remove = createRoute({
  method: "delete",
  path: "/v1/access/{id}",
  operationId: "removeAccessRule",
  summary: "Take a rule away",
  description: "It counts from the next request on.",
  tags,
  ...onInstance("manage"),
  request: { params: AccessRuleParams },
  responses: { 204: noContent, ...refusals("access_rule_not_found") },
});

export function accessRoutes(api: Api): void {
  api.openapi(create, async (c) => {
    const body = c.req.valid("json");
    const rule = {
      email: null,
      email_domain: null,
      service_token: null,
      description: null,
      ...given(body),
      scopes: [...new Set(body.scopes)],
      project: body.project === undefined ? null : keyNamed(c, body.project),
      id: newId("acr"),
    };
    const made = await askInstance(c, (instance) => instance.addAccessRule(rule));
    if (made === null) {
      const detail = `No project ${body.project} is registered here. Register it first, or leave the project out.`;
      throw new Problem("field_invalid", detail, { errors: [{ field: "project", detail }] });
    }
    return c.json(shown(made, c.var.config.accountId), 201);
  });

  api.openapi(list, async (c) => {
    const rules = await askInstance(c, (instance) => instance.accessRules());
    const items = rules.map((rule) => shown(rule, c.var.config.accountId));
    return c.json({ items }, 200);
  });

  api.openapi(remove, async (c) => {
    const { id } = c.req.valid("param");
    const removed = await askInstance(c, (instance) => instance.removeAccessRule(id));
    existing(removed ? true : null, "access_rule_not_found", "There is no such access rule here.");
    return c.body(null, 204);
  });
}

function shown(rule: AccessRuleView, configured: string): z.infer<typeof AccessRule> {
  const { project } = rule;
  return {
    ...rule,
    scopes: [...rule.scopes],
    project: project === null ? null : referenceOf(project, configured),
  };
}
