import * as z from "zod";

import type { Context } from "hono";

import { callInstance, callProject } from "../call.ts";
import { noCredential } from "../cloudflare/errors.ts";
import type { UpstreamProject } from "../cloudflare/schemas.ts";
import { agreed, Problem } from "../problem.ts";
import { projectKey } from "../objects.ts";
import { faultIn } from "../project/change-policy.ts";
import { DEFAULT_POLICY, PolicyChange, type Policy } from "../project/policy.ts";
import type { ProjectView } from "../project/shapes.ts";
import { answered, askCloudflare, isMissingProject } from "./cloudflare.ts";
import { accountIn, given, nameIn, type Api, type AppEnv } from "./context.ts";
import { onProject } from "./guard.ts";
import { jsonOf } from "./json.ts";
import { ProjectParams } from "./params.ts";
import { BODY, json, refusals } from "./responses.ts";
import { createRoute } from "./route.ts";
import { Project } from "./schemas.ts";
import { NOWHERE } from "./trusted.ts";

const Registered = Project.and(
  z.object({
    native_builds: z
      .enum(["on", "off"])
      .nullable()
      .meta({ description: "Whether Cloudflare builds pushes by itself; null without git." }),
    warnings: z.array(z.object({ code: z.string(), detail: z.string() })),
  }),
);

const register = createRoute({
  method: "put",
  path: "/v1/projects/{project}",
  operationId: "registerProject",
  summary: "Register a Pages project, or change its policy",
  description:
    "Asks Cloudflare what the project is; doing it again takes over what has changed there. Fields of the policy that are left out stay as they are.",
  tags: ["Projects"],
  ...onProject("manage", { registered: false }),
  request: {
    params: ProjectParams,
    body: jsonOf(
      z.strictObject({
        policy: PolicyChange.optional(),
        native_builds: z.literal("off").optional().meta({
          description:
            "Switches Cloudflare's own automatic builds off, which would build each push a second time.",
        }),
      }),
    ),
  },
  responses: {
    200: json(Registered, "It was registered before; this is how it is now."),
    201: json(Registered, "It is registered."),
    ...refusals(
      "account_not_found",
      "project_not_found",
      "conflict",
      "policy_invalid",
      "upstream_auth",
      "upstream_refused",
      "upstream_unavailable",
      "budget_spent",
      ...BODY,
    ),
  },
});

export function registerRoute(api: Api): void {
  api.openapi(register, async (c) => {
    const name = nameIn(c);
    if (name === null) {
      throw noSuchProject();
    }
    const { policy = {}, native_builds: wish } = c.req.valid("json");
    let upstream = await askCloudflare(c, (client) => client.project(name));
    if (!upstream.ok && isMissingProject(upstream.error)) {
      throw noSuchProject();
    }
    const { source } = answered(upstream);
    if (wish === "off" && source && buildsByItself(source)) {
      const change = { source: { type: source.type, config: NO_NATIVE_BUILDS } };
      upstream = await askCloudflare(c, (client) => client.patchProject(name, change));
    }
    const found = answered(upstream);

    if (found.name !== name) {
      throw new Problem("upstream_unavailable", "Cloudflare answered with another project.");
    }
    const { created, project } = await registerFound(c, found, given(policy));
    const builds = found.source ? (buildsByItself(found.source) ? "on" : "off") : null;
    return c.json(
      { ...project, native_builds: builds, warnings: builds === "on" ? [BUILDS_TWICE] : [] },
      created ? 201 : 200,
    );
  });
}

/** Registers a project as Cloudflare has described it. */
export async function registerFound(
  c: Context<AppEnv>,
  found: UpstreamProject,
  policy: Partial<Policy>,
): Promise<{ created: boolean; project: ProjectView }> {
  const accountId = accountIn(c);
  const { name } = found;
  const key = projectKey(accountId, name);
  const domains = found.domains ?? [];
  if (!(await callInstance(c.env, (i) => i.isRegistered(key)))) {
    // Before it is in the registry: the project itself can only refuse once it is there.
    const first = { ...DEFAULT_POLICY, ...policy };
    const wrong = faultIn(first, Date.now(), [found.subdomain, ...domains]);
    if (wrong !== null) {
      throw new Problem("policy_invalid", wrong);
    }
  }
  const known = await callInstance(c.env, (i) => i.register({ key, name, account_id: accountId }));
  if (!known) {
    throw new Problem("account_not_found", noCredential(accountId).message);
  }
  const { origin } = new URL(c.req.url);
  const facts = {
    key,
    account_id: accountId,
    name,
    upstream_id: found.id,
    production_branch: found.production_branch,
    subdomain: found.subdomain,
    domains,
    source: found.source ? "git" : "direct_upload",
    origin: origin === NOWHERE ? null : origin,
  } as const;
  return agreed(await callProject(c.env, key, (p) => p.register(facts, policy)));
}

/** Both must be said: one is for the production branch, the other for every other one. */
const NO_NATIVE_BUILDS = {
  production_deployments_enabled: false,
  preview_deployment_setting: "none",
} as const;

const BUILDS_TWICE = {
  code: "native_builds_on",
  detail:
    'Cloudflare builds each push to this project by itself, so a hook here would have it built twice. Register it again with {"native_builds": "off"}, or switch automatic deployments off in the project\'s settings at Cloudflare (Builds & deployments).',
} as const;

function buildsByItself({ config }: NonNullable<UpstreamProject["source"]>): boolean {
  return (
    config?.production_deployments_enabled !== false || config.preview_deployment_setting !== "none"
  );
}

function noSuchProject(): Problem {
  return new Problem(
    "project_not_found",
    "Cloudflare has no Pages project of this name in this account. Create it there first.",
  );
}
