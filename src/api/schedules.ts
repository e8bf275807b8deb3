import { createRoute, z } from "@hono/zod-openapi";

import { newId } from "../ids.ts";
import { existing, Problem } from "../problem.ts";
import { checkCron } from "../project/cron.ts";
import { askProject, given, nameIn, type Api } from "./context.ts";
import { onProject } from "./guard.ts";
import { jsonOf, takingJson } from "./json.ts";
import { ProjectParams, ScheduleParams } from "./params.ts";
import { refuseDirectUpload } from "./projects.ts";
import { BODY, json, noContent, refusals } from "./responses.ts";
import { Branch, Schedule } from "./schemas.ts";

const tags = ["Schedules"];
const manage = onProject("manage");

const CronText = z.string().max(100).openapi({
  description: "Minute, hour, day of month, month, day of week.",
  example: "30 6 * * 1-5",
});
const TimeZone = z
  .string()
  .max(64)
  .openapi({ description: "An IANA name.", example: "Europe/Paris" });

const create = createRoute({
  method: "post",
  path: "/v1/projects/{project}/schedules",
  operationId: "createSchedule",
  summary: "Deploy a branch by the clock",
  tags,
  ...takingJson(manage),
  request: {
    params: ProjectParams,
    body: jsonOf(
      z.strictObject({
        cron: CronText,
        time_zone: TimeZone.default("UTC"),
        branch: Branch.optional().openapi({ description: "Default: the production branch." }),
      }),
    ),
  },
  responses: {
    201: json(Schedule, "The schedule, with its next times."),
    ...refusals("project_not_found", "not_git_connected", "cron_invalid", ...BODY),
  },
});

const list = createRoute({
  method: "get",
  path: "/v1/projects/{project}/schedules",
  operationId: "listSchedules",
  summary: "List schedules",
  tags,
  ...onProject("read"),
  request: { params: ProjectParams },
  responses: {
    200: json(z.object({ items: z.array(Schedule) }), "All schedules of the project."),
    ...refusals("project_not_found"),
  },
});

const get = createRoute({
  method: "get",
  path: "/v1/projects/{project}/schedules/{id}",
  operationId: "getSchedule",
  summary: "Get a schedule",
  tags,
  ...onProject("read"),
  request: { params: ScheduleParams },
  responses: {
    200: json(Schedule, "The schedule."),
    ...refusals("project_not_found", "schedule_not_found"),
  },
});

const change = createRoute({
  method: "patch",
  path: "/v1/projects/{project}/schedules/{id}",
  operationId: "changeSchedule",
  summary: "Change, pause or resume a schedule",
  tags,
  ...takingJson(manage),
  request: {
    params: ScheduleParams,
    body: jsonOf(
      z.strictObject({
        cron: CronText.optional(),
        time_zone: TimeZone.optional(),
        branch: Branch.optional(),
        paused: z.boolean().optional(),
      }),
    ),
  },
  responses: {
    200: json(Schedule, "The schedule as it is now."),
    ...refusals("project_not_found", "schedule_not_found", "cron_invalid", ...BODY),
  },
});

const remove = createRoute({
  method: "delete",
  path: "/v1/projects/{project}/schedules/{id}",
  operationId: "removeSchedule",
  summary: "Delete a schedule",
  tags,
  ...manage,
  request: { params: ScheduleParams },
  responses: { 204: noContent, ...refusals("project_not_found", "schedule_not_found") },
});

export function scheduleRoutes(api: Api): void {
  api.openapi(create, async (c) => {
    const { cron, time_zone, branch } = c.req.valid("json");
    check(cron, time_zone);
    const project = existing(
      await askProject(c, (p) => p.view()),
      "project_not_found",
      "It is not registered.",
    );
    refuseDirectUpload(project.source);
    const id = newId("sch");
    const schedule = { id, cron, time_zone, branch: branch ?? project.production_branch };
    const made = await askProject(c, (p) => p.addSchedule(schedule));
    c.header("location", `/v1/projects/${nameIn(c)}/schedules/${id}`);
    return c.json(existing(made, "project_not_found", "It is not registered."), 201);
  });

  api.openapi(list, async (c) => c.json({ items: await askProject(c, (p) => p.schedules()) }, 200));

  api.openapi(get, async (c) => {
    const { id } = c.req.valid("param");
    return c.json(found(await askProject(c, (p) => p.schedule(id))), 200);
  });

  api.openapi(change, async (c) => {
    const { id } = c.req.valid("param");
    const changes = given(c.req.valid("json"));
    const before = found(await askProject(c, (p) => p.schedule(id)));
    check(changes.cron ?? before.cron, changes.time_zone ?? before.time_zone);
    return c.json(found(await askProject(c, (p) => p.changeSchedule(id, changes))), 200);
  });

  api.openapi(remove, async (c) => {
    const { id } = c.req.valid("param");
    found((await askProject(c, (p) => p.removeSchedule(id))) ? true : null);
    return c.body(null, 204);
  });
}

function check(cron: string, timeZone: string): void {
  const checked = checkCron(cron, timeZone, Date.now());
  if (!checked.ok) {
    const field = checked.error.startsWith("time_zone") ? "time_zone" : "cron";
    throw new Problem("cron_invalid", checked.error, {
      errors: [{ field, detail: checked.error }],
    });
  }
}

function found<T>(value: T | null): T {
  return existing(value, "schedule_not_found", "There is no such schedule in this project.");
}
