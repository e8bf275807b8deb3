import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";

import type { UpstreamProject } from "../cloudflare/schemas.ts";
import { Problem } from "../problem.ts";
import { registeredProjects } from "../walk.ts";
import { answered, askCloudflare } from "./cloudflare.ts";
import type { Api, AppEnv } from "./context.ts";
import { onInstance } from "./guard.ts";
import { json, refusals } from "./responses.ts";

/** Far more than an account can have (its soft limit is 100 projects, ten a page). */
const MAX_PAGES = 50;

const list = createRoute({
  method: "get",
  path: "/v1/accounts/{id}/projects",
  operationId: "listAccountProjects",
  summary: "List the Pages projects of the account, to pick from",
  tags: ["Projects"],
  ...onInstance("read"),
  request: {
    params: z.object({ id: z.string().openapi({ description: "The configured account's id." }) }),
  },
  responses: {
    200: json(
      z.object({
        items: z.array(
          z.object({
            name: z.string(),
            production_branch: z.string(),
            subdomain: z.string(),
            source: z.enum(["git", "direct_upload"]),
            registered: z.boolean(),
          }),
        ),
      }),
      "Everything that the account has.",
    ),
    ...refusals(
      "account_not_found",
      "upstream_auth",
      "upstream_refused",
      "upstream_unavailable",
      "budget_spent",
    ),
  },
});

export function accountRoutes(api: Api): void {
  api.openapi(list, async (c) => {
    if (c.req.valid("param").id !== c.var.config.accountId) {
      throw new Problem(
        "account_not_found",
        "Signalbox looks after one account, and not this one.",
      );
    }
    const found = await allProjects(c);
    const registered = new Set<string>();
    for await (const project of registeredProjects(c.env)) {
      registered.add(project.name);
    }
    const items = found.map(({ name, production_branch, subdomain, source }) => ({
      name,
      production_branch,
      subdomain,
      source: source ? ("git" as const) : ("direct_upload" as const),
      registered: registered.has(name),
    }));
    return c.json({ items }, 200);
  });
}

/** Cloudflare does not say how large its pages are, so one that is smaller than the first is the last. */
async function allProjects(c: Context<AppEnv>): Promise<UpstreamProject[]> {
  const found: UpstreamProject[] = [];
  let size = 1;
  for (let page = 1; page <= MAX_PAGES; page++) {
    const rows = answered(await askCloudflare(c, (client) => client.projects(page)));
    found.push(...rows);
    if (rows.length < size) {
      break;
    }
    size = rows.length;
  }
  return found;
}
