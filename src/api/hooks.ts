import * as z from "zod";

import { hookCache } from "../hooks/cache.ts";
import { askProject, keyIn, type Api } from "./context.ts";
import { onProject } from "./guard.ts";
import { HookParams, ProjectParams } from "./params.ts";
import { existing } from "../problem.ts";
import { json, noContent, refusals } from "./responses.ts";
import { createRoute } from "./route.ts";
import { Hook, HookDelivery } from "./schemas.ts";

const tags = ["Hooks"];

const list = createRoute({
  method: "get",
  path: "/v1/projects/{project}/hooks",
  operationId: "listHooks",
  summary: "List hooks",
  tags,
  ...onProject("read"),
  request: { params: ProjectParams },
  responses: {
    200: json(z.object({ items: z.array(Hook) }), "All hooks of the project."),
    ...refusals("project_not_found"),
  },
});

const get = createRoute({
  method: "get",
  path: "/v1/projects/{project}/hooks/{id}",
  operationId: "getHook",
  summary: "Get a hook",
  tags,
  ...onProject("read"),
  request: { params: HookParams },
  responses: { 200: json(Hook, "The hook."), ...refusals("project_not_found", "hook_not_found") },
});

const deliveries = createRoute({
  method: "get",
  path: "/v1/projects/{project}/hooks/{id}/deliveries",
  operationId: "listHookDeliveries",
  summary: "See what a hook's last deliveries led to",
  description:
    "The last 50, newest first, one for each branch of a delivery. What was refused is only counted, as `refusals` of the hook, at most once a minute.",
  tags,
  ...onProject("read"),
  request: { params: HookParams },
  responses: {
    200: json(
      z.object({
        items: z.array(HookDelivery),
        refusals: z.int(),
        last_refused_at: z.string().nullable(),
      }),
      "What each led to, and why.",
    ),
    ...refusals("project_not_found", "hook_not_found"),
  },
});

const remove = createRoute({
  method: "delete",
  path: "/v1/projects/{project}/hooks/{id}",
  operationId: "removeHook",
  summary: "Delete a hook",
  tags,
  ...onProject("manage"),
  request: { params: HookParams },
  responses: { 204: noContent, ...refusals("project_not_found", "hook_not_found") },
});

export function hookRoutes(api: Api): void {
  api.openapi(list, async (c) => c.json({ items: await askProject(c, (p) => p.hooks()) }, 200));

  api.openapi(get, async (c) => {
    const { id } = c.req.valid("param");
    return c.json(found(await askProject(c, (p) => p.hook(id))), 200);
  });

  api.openapi(deliveries, async (c) => {
    const { id } = c.req.valid("param");
    const hook = found(await askProject(c, (p) => p.hook(id)));
    const items = await askProject(c, (p) => p.hookDeliveries(id));
    return c.json({ items, refusals: hook.refusals, last_refused_at: hook.last_refused_at }, 200);
  });

  api.openapi(remove, async (c) => {
    const { id } = c.req.valid("param");
    const removed = await askProject(c, (p) => p.removeHook(id));
    hookCache.forget({ project: keyIn(c), id });
    found(removed ? true : null);
    return c.body(null, 204);
  });
}

export function found<T>(value: T | null): T {
  return existing(value, "hook_not_found", "There is no such hook in this project.");
}
