import * as z from "zod";

import { newId } from "../ids.ts";
import { existing, Problem } from "../problem.ts";
import { Environment } from "../project/policy.ts";
import { askProject, referenceIn, type Api } from "./context.ts";
import { onProject } from "./guard.ts";
import { jsonOf } from "./json.ts";
import { LockParams, ProjectParams } from "./params.ts";
import { BODY, json, noContent, refusals } from "./responses.ts";
import { createRoute } from "./route.ts";
import { Lock } from "./schemas.ts";

const tags = ["Locks"];

const create = createRoute({
  method: "post",
  path: "/v1/projects/{project}/locks",
  operationId: "createLock",
  summary: "Lock a project, or one environment of it",
  description:
    "Deploys wait with the lock's holder and reason until it is taken away or its time is over; rollbacks go on. What runs already goes on, too.",
  tags,
  ...onProject("manage"),
  request: {
    params: ProjectParams,
    body: jsonOf(
      z.strictObject({
        reason: z.string().trim().min(1).max(200),
        holder: z
          .string()
          .trim()
          .min(1)
          .max(100)
          .optional()
          .meta({ description: "Who holds it. Default: the token's id." }),
        environment: Environment.optional().meta({ description: "Default: both." }),
        until: z.iso.datetime({ offset: true }).optional(),
      }),
    ),
  },
  responses: { 201: json(Lock, "The lock."), ...refusals("project_not_found", ...BODY) },
});

const list = createRoute({
  method: "get",
  path: "/v1/projects/{project}/locks",
  operationId: "listLocks",
  summary: "List locks, the oldest first",
  tags,
  ...onProject("read"),
  request: { params: ProjectParams },
  responses: {
    200: json(z.object({ items: z.array(Lock) }), "All locks that are there."),
    ...refusals("project_not_found"),
  },
});

const get = createRoute({
  method: "get",
  path: "/v1/projects/{project}/locks/{id}",
  operationId: "getLock",
  summary: "Get a lock",
  tags,
  ...onProject("read"),
  request: { params: LockParams },
  responses: { 200: json(Lock, "The lock."), ...refusals("project_not_found", "lock_not_found") },
});

const remove = createRoute({
  method: "delete",
  path: "/v1/projects/{project}/locks/{id}",
  operationId: "removeLock",
  summary: "Take a lock away",
  tags,
  ...onProject("manage"),
  request: { params: LockParams },
  responses: { 204: noContent, ...refusals("project_not_found", "lock_not_found") },
});

export function lockRoutes(api: Api): void {
  api.openapi(create, async (c) => {
    const { reason, holder, environment, until } = c.req.valid("json");
    const end = until === undefined ? null : Date.parse(until);
    if (end !== null && end <= Date.now()) {
      const detail = "The time is over already. Give a later one, or leave it out.";
      throw new Problem("field_invalid", detail, { errors: [{ field: "until", detail }] });
    }
    const lock = {
      id: newId("lck"),
      environment: environment ?? null,
      holder: holder ?? c.var.caller.token,
      reason,
      until: end,
    };
    const made = await askProject(c, (p) => p.addLock(lock));
    c.header("location", `/v1/projects/${referenceIn(c)}/locks/${lock.id}`);
    return c.json(existing(made, "project_not_found", "It is not registered."), 201);
  });

  api.openapi(list, async (c) => c.json({ items: await askProject(c, (p) => p.locks()) }, 200));

  api.openapi(get, async (c) => {
    const { id } = c.req.valid("param");
    return c.json(found(await askProject(c, (p) => p.lock(id))), 200);
  });

  api.openapi(remove, async (c) => {
    const { id } = c.req.valid("param");
    const removed = await askProject(c, (p) => p.removeLock(id, c.var.caller.token));
    found(removed ? true : null);
    return c.body(null, 204);
  });
}

function found<T>(value: T | null): T {
  return existing(value, "lock_not_found", "There is no such lock in this project.");
}
