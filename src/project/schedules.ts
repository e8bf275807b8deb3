import { fault } from "../fault.ts";
import { iso, newId } from "../ids.ts";
import { must } from "../sql.ts";
import { accept } from "./accept.ts";
import type { Context } from "./context.ts";
import { nextOccurrence, nextOccurrences } from "./cron.ts";

interface ScheduleRow {
  id: string;
  cron: string;
  time_zone: string;
  branch: string;
  paused: number;
  due_at: number | null;
  created_at: number;
}

export interface ScheduleView {
  id: string;
  cron: string;
  time_zone: string;
  branch: string;
  paused: boolean;
  next_runs: string[];
  created_at: string;
}

export interface NewSchedule {
  readonly id: string;
  readonly cron: string;
  readonly time_zone: string;
  readonly branch: string;
}

export function addSchedule(context: Context, schedule: NewSchedule): ScheduleView {
  return context.change(() => {
    const now = context.now();
    context.sql.insert("schedules", {
      ...schedule,
      due_at: nextOccurrence(schedule.cron, schedule.time_zone, now),
      created_at: now,
    });
    return view(context, must(scheduleRow(context, schedule.id)));
  });
}

export function listSchedules(context: Context): ScheduleView[] {
  return context.sql
    .all<ScheduleRow>("SELECT * FROM schedules ORDER BY id")
    .map((row) => view(context, row));
}

export function getSchedule(context: Context, id: string): ScheduleView | null {
  const row = scheduleRow(context, id);
  return row === null ? null : view(context, row);
}

export interface ScheduleChange {
  readonly cron?: string;
  readonly time_zone?: string;
  readonly branch?: string;
  readonly paused?: boolean;
}

export function changeSchedule(
  context: Context,
  id: string,
  change: ScheduleChange,
): ScheduleView | null {
  return context.change(() => {
    const row = scheduleRow(context, id);
    if (row === null) {
      return null;
    }
    const { paused = row.paused === 1, ...rest } = change;
    const changed = { ...row, ...rest };
    context.sql.run("DELETE FROM troubles WHERE key = ?", `schedule/${id}`);
    const due = paused ? null : nextOccurrence(changed.cron, changed.time_zone, context.now());
    context.sql.update("schedules", "id", id, { ...rest, paused: Number(paused), due_at: due });
    return view(context, must(scheduleRow(context, id)));
  });
}

export function removeSchedule(context: Context, id: string): boolean {
  return context.change(() => {
    const row = scheduleRow(context, id);
    context.sql.run("DELETE FROM schedules WHERE id = ?", id);
    return row !== null;
  });
}

/**
 * The step of one schedule whose time has come. The trigger is known by the time it was due at, so that running this twice
 * makes one deploy. Times that passed while nothing ran (an outage) are made up for by one deploy, not by one each.
 */
export function runSchedule(context: Context, id: string): void {
  const row = scheduleRow(context, id);
  const now = context.now();
  if (row === null || row.due_at === null || row.due_at > now) {
    return;
  }
  const accepted = accept(context, {
    deploy_id: newId("dpl", now),
    trigger: {
      id: newId("trg", now),
      kind: "schedule",
      source: "schedule",
      actor: row.id,
      delivery_id: null,
    },
    dedupe_key: `${row.id}/${row.due_at}`,
    fingerprint: null,
    kind: "build",
    branch: row.branch,
    form: {},
    content_hash: null,
    upload: null,
    stored_upload: null,
    hook_id: null,
    retry_of: null,
  });
  fault("schedule.accepted", context.state);
  if (!accepted.ok) {
    console.error({ message: "a schedule could not start its deploy", id, ...accepted.error });
  }
  context.change(() => {
    const dueAt = row.due_at ?? now;
    let next = nextOccurrence(row.cron, row.time_zone, dueAt);
    if (next !== null && next <= now) {
      next = nextOccurrence(row.cron, row.time_zone, now);
    }
    context.sql.update("schedules", "id", id, { due_at: next });
  });
  fault("schedule.moved", context.state);
}

function scheduleRow(context: Context, id: string): ScheduleRow | null {
  return context.sql.one<ScheduleRow>("SELECT * FROM schedules WHERE id = ?", id);
}

function view(context: Context, row: ScheduleRow): ScheduleView {
  const next = row.paused === 1 ? [] : nextOccurrences(row.cron, row.time_zone, context.now(), 5);
  return {
    id: row.id,
    cron: row.cron,
    time_zone: row.time_zone,
    branch: row.branch,
    paused: row.paused === 1,
    next_runs: next.map(iso),
    created_at: iso(row.created_at),
  };
}
