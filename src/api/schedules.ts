import * as z from "zod";

import { newId } from "../ids.ts";
import { existing, Problem } from "../problem.ts";
import { checkCron } from "../project/cron.ts";
import type { ScheduleView } from "../project/schedules.ts";
import { askProject, given, referenceIn, type Api } from "./context.ts";
import { onProject } from "./guard.ts";
import { jsonOf } from "./json.ts";
import { ProjectParams, ScheduleParams } from "./params.ts";
import { refuseDirectUpload } from "./projects.ts";
import { BODY, json, noContent, refusals } from "./responses.ts";
import { createRoute } from "./route.ts";
import { Branch, Schedule } from "./schemas.ts";

const tags = ["Schedules"];
const manage = onProject("manage");

const CronText = z.string().max(100).meta({
  description: "Minute, hour, day of month, month, day of week.",
  example: "30 6 * * 1-5",
});
const TimeZone = z
  .string()
  .max(64)
  .meta({ description: "An IANA name; of `cron`. Default: UTC.", example: "Europe/Paris" });
const At = z.iso.datetime({ offset: true }).meta({
  description: "Instead of `cron`: once, at this time.",
  example: "2030-12-24T18:00:00+01:00",
});
const MissedRuns = z.enum(["run_once", "skip"]).meta({
  description:
    "Times that passed while nothing ran are made up for by one deploy, or, if they are more than 5 minutes ago, skipped.",
});
const SkipUnchanged = z.boolean().meta({
  description:
    "Deploys only when something has changed: a deploy was asked for by other than a schedule, or a hook has told of a push, since the branch was last deployed. When in doubt it deploys.",
});

const create = createRoute({
  method: "post",
  path: "/v1/projects/{project}/schedules",
  operationId: "createSchedule",
  summary: "Deploy a branch by the clock",
  description: "Again and again by `cron`, or once by `at`: exactly one of the two.",
  tags,
  ...manage,
  request: {
    params: ProjectParams,
    body: jsonOf(
      z.strictObject({
        cron: CronText.optional(),
        time_zone: TimeZone.optional(),
        at: At.optional(),
        branch: Branch.optional().meta({ description: "Default: the production branch." }),
        missed: MissedRuns.default("run_once"),
        skip_unchanged: SkipUnchanged.default(false),
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
  description:
    "Another `cron`, `time_zone` or `at` has its next time worked out anew. `cron` instead of `at`, or `at` instead of `cron`, makes it one of the other kind; one that has run is made to run again by another `at`.",
  tags,
  ...manage,
  request: {
    params: ScheduleParams,
    body: jsonOf(
      z.strictObject({
        cron: CronText.optional(),
        time_zone: TimeZone.optional(),
        at: At.optional(),
        branch: Branch.optional(),
        missed: MissedRuns.optional(),
        skip_unchanged: SkipUnchanged.optional(),
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
    const asked = given(c.req.valid("json"));
    const timing = timingOf(asked, null);
    if (timing === null) {
      throw invalid("cron", "Give cron, or at for a schedule that runs once.");
    }
    const project = existing(
      await askProject(c, (p) => p.view()),
      "project_not_found",
      "It is not registered.",
    );
    refuseDirectUpload(project.source);
    const id = newId("sch");
    const { missed, skip_unchanged } = asked;
    const branch = asked.branch ?? project.production_branch;
    const schedule = { id, branch, missed, skip_unchanged, ...timing };
    const made = await askProject(c, (p) => p.addSchedule(schedule));
    c.header("location", `/v1/projects/${referenceIn(c)}/schedules/${id}`);
    return c.json(existing(made, "project_not_found", "It is not registered."), 201);
  });

  api.openapi(list, async (c) => c.json({ items: await askProject(c, (p) => p.schedules()) }, 200));

  api.openapi(get, async (c) => {
    const { id } = c.req.valid("param");
    return c.json(found(await askProject(c, (p) => p.schedule(id))), 200);
  });

  api.openapi(change, async (c) => {
    const { id } = c.req.valid("param");
    const { cron, time_zone, at, ...rest } = given(c.req.valid("json"));
    const before = found(await askProject(c, (p) => p.schedule(id)));
    const asked = given({ cron, time_zone, at });
    const timing = timingOf(asked, before);
    // Only what was asked for: the rest may be changed by somebody else at this moment.
    const retimed = timing !== null && "at" in timing ? timing : given({ cron, time_zone });
    const changes = { ...rest, ...retimed };
    return c.json(found(await askProject(c, (p) => p.changeSchedule(id, changes))), 200);
  });

  api.openapi(remove, async (c) => {
    const { id } = c.req.valid("param");
    found((await askProject(c, (p) => p.removeSchedule(id))) ? true : null);
    return c.body(null, 204);
  });
}

interface AskedTiming {
  readonly cron?: string;
  readonly time_zone?: string;
  readonly at?: string;
}

type Timing = { readonly cron: string; readonly time_zone: string } | { readonly at: number };

/** Checked. null: nothing was asked, so it stays as it is. */
function timingOf(asked: AskedTiming, before: ScheduleView | null): Timing | null {
  const { cron, time_zone: zone, at } = asked;
  if (at !== undefined) {
    if (cron !== undefined) {
      throw invalid("at", "A schedule has cron or at. Leave one of them out.");
    }
    if (zone !== undefined) {
      throw invalid("time_zone", "It goes with cron. Leave it out, and give at with its offset.");
    }
    const time = Date.parse(at);
    if (time <= Date.now()) {
      const detail =
        "The time is over already. Give a later one, or ask for a deploy now with POST …/deploys.";
      throw invalid("at", detail);
    }
    return { at: time };
  }
  if (cron === undefined && zone === undefined) {
    return null;
  }
  const pattern = cron ?? before?.cron ?? null;
  if (pattern === null) {
    throw invalid("time_zone", "It goes with cron. Give cron too, or leave it out.");
  }
  const timeZone = zone ?? before?.time_zone ?? "UTC";
  check(pattern, timeZone);
  return { cron: pattern, time_zone: timeZone };
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

function invalid(field: string, detail: string): Problem {
  return new Problem("field_invalid", detail, { errors: [{ field, detail }] });
}

function found<T>(value: T | null): T {
  return existing(value, "schedule_not_found", "There is no such schedule in this project.");
}
