import { fault } from "../fault.ts";
import { iso, newId } from "../ids.ts";
import { must, type Sql } from "../sql.ts";
import { accept } from "./accept.ts";
import type { Context } from "./context.ts";
import { nextOccurrence, nextOccurrences } from "./cron.ts";
import { reasons, type Reason } from "./reasons.ts";
import type { Outcome } from "./shapes.ts";
import { unchangedSince } from "./unchanged.ts";

/** What becomes of times that passed while nothing ran: one deploy for all of them, or nothing. */
export type Missed = "run_once" | "skip";

/** What its last run was told. */
interface Last {
  last_outcome: Outcome | null;
  last_reason: string | null;
  last_reason_code: string | null;
  last_deploy_id: string | null;
}

interface ScheduleRow extends Last {
  id: string;
  /** Empty for one that runs once. */
  cron: string;
  time_zone: string;
  at: number | null;
  branch: string;
  missed: Missed;
  skip_unchanged: number;
  paused: number;
  due_at: number | null;
  created_at: number;
  ended_at: number | null;
  last_run_at: number | null;
}

export interface ScheduleView extends Last {
  id: string;
  cron: string | null;
  time_zone: string | null;
  at: string | null;
  branch: string;
  missed: Missed;
  skip_unchanged: boolean;
  paused: boolean;
  next_runs: string[];
  created_at: string;
  ended_at: string | null;
  last_run_at: string | null;
}

/** Again and again, or once. */
type Timing = { readonly cron: string; readonly time_zone: string } | { readonly at: number };

export type NewSchedule = Timing & {
  readonly id: string;
  readonly branch: string;
  readonly missed?: Missed;
  readonly skip_unchanged?: boolean;
};

export function addSchedule(context: Context, schedule: NewSchedule): ScheduleView {
  return context.change(() => {
    const now = context.now();
    const timing = {
      cron: "cron" in schedule ? schedule.cron : "",
      time_zone: "cron" in schedule ? schedule.time_zone : "UTC",
      at: "at" in schedule ? schedule.at : null,
    };
    context.sql.insert("schedules", {
      id: schedule.id,
      branch: schedule.branch,
      missed: schedule.missed ?? "run_once",
      skip_unchanged: Number(schedule.skip_unchanged ?? false),
      ...timing,
      due_at: firstRun(timing, now),
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

/** `cron` makes one that ran once a recurring one, `at` the other way round. */
export interface ScheduleChange {
  readonly cron?: string;
  readonly time_zone?: string;
  readonly at?: number;
  readonly branch?: string;
  readonly missed?: Missed;
  readonly skip_unchanged?: boolean;
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
    context.sql.run("DELETE FROM troubles WHERE key = ?", `schedule/${id}`);
    const timing = timingAfter(row, change);
    const retimed =
      timing.cron !== row.cron || timing.time_zone !== row.time_zone || timing.at !== row.at;
    const paused = change.paused ?? row.paused === 1;
    const ended = retimed ? null : row.ended_at;
    let due = row.due_at;
    if (paused || ended !== null) {
      due = null;
    } else if (retimed || row.paused === 1) {
      due = firstRun(timing, context.now());
    }
    context.sql.update("schedules", "id", id, {
      ...timing,
      branch: change.branch ?? row.branch,
      missed: change.missed ?? row.missed,
      skip_unchanged: Number(change.skip_unchanged ?? row.skip_unchanged === 1),
      paused: Number(paused),
      due_at: due,
      ended_at: ended,
    });
    return view(context, must(scheduleRow(context, id)));
  });
}

type StoredTiming = Pick<ScheduleRow, "cron" | "time_zone" | "at">;

function timingAfter(row: ScheduleRow, change: ScheduleChange): StoredTiming {
  if (change.at !== undefined) {
    return { cron: "", time_zone: "UTC", at: change.at };
  }
  if (row.at !== null && change.cron === undefined) {
    return { cron: row.cron, time_zone: row.time_zone, at: row.at };
  }
  const { cron = row.cron, time_zone = row.time_zone } = change;
  return { cron, time_zone, at: null };
}

/** A time of its own stays when it passes while the schedule is paused: then it was missed. */
function firstRun({ cron, time_zone, at }: StoredTiming, now: number): number | null {
  return at ?? nextOccurrence(cron, time_zone, now);
}

export function removeSchedule(context: Context, id: string): boolean {
  return context.change(() => {
    const row = scheduleRow(context, id);
    context.sql.run("DELETE FROM schedules WHERE id = ?", id);
    return row !== null;
  });
}

/** What is later than this was missed. The watchdog comes round as often. */
const LATE_MINUTES = 5;
const LATE_MS = LATE_MINUTES * 60_000;
const MISSED = reasons.missed(LATE_MINUTES);

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
  const last = ask(context, row, row.due_at, now);
  fault("schedule.accepted", context.state);
  context.change(() => {
    // Of what was missed, the times that are not that late are still ahead.
    const after = last.last_reason_code === MISSED.code ? now - LATE_MS - 1 : now;
    const next = row.at === null ? nextOccurrence(row.cron, row.time_zone, after) : null;
    context.sql.update("schedules", "id", id, {
      due_at: next,
      ended_at: next === null ? now : null,
      last_run_at: now,
      ...last,
    });
  });
  fault("schedule.moved", context.state);
}

function ask(context: Context, row: ScheduleRow, dueAt: number, now: number): Last {
  const key = `${row.id}/${dueAt}`;
  // What a run before a crash was told is not decided again.
  if (context.sql.one("SELECT 1 AS x FROM triggers WHERE dedupe_key = ?", key) === null) {
    const against = whyNot(context.sql, row, now - dueAt);
    if (against !== null) {
      return pass(context, row, key, against);
    }
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
    dedupe_key: key,
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
  if (!accepted.ok) {
    const { code, detail } = accepted.error;
    console.error({ message: "a schedule could not start its deploy", id: row.id, code, detail });
    return pass(context, row, key, { code, text: detail });
  }
  const { outcome, reason, reason_code, deploy } = accepted.value;
  // Why a deploy waits changes, and is the deploy's to tell.
  const waits = outcome === "queued" || outcome === "held";
  return {
    last_outcome: outcome,
    last_reason: waits ? null : reason,
    last_reason_code: waits ? null : reason_code,
    last_deploy_id: deploy?.id ?? null,
  };
}

function whyNot(sql: Sql, row: ScheduleRow, late: number): Reason | null {
  if (row.missed === "skip" && late > LATE_MS) {
    return MISSED;
  }
  const since = row.skip_unchanged === 1 ? unchangedSince(sql, row.branch) : null;
  return since === null ? null : reasons.unchanged(row.branch, since);
}

/** Puts on record that it was time and that nothing came of it. */
function pass(context: Context, row: ScheduleRow, key: string, { code, text }: Reason): Last {
  const at = context.now();
  context.change(() =>
    context.sql.insert("triggers", {
      id: newId("trg", at),
      dedupe_key: key,
      kind: "schedule",
      source: "schedule",
      branch: row.branch,
      outcome: "ignored",
      reason: text,
      reason_code: code,
      at,
    }),
  );
  return {
    last_outcome: "ignored",
    last_reason: text,
    last_reason_code: code,
    last_deploy_id: null,
  };
}

function scheduleRow(context: Context, id: string): ScheduleRow | null {
  return context.sql.one<ScheduleRow>("SELECT * FROM schedules WHERE id = ?", id);
}

function view(context: Context, row: ScheduleRow): ScheduleView {
  const once = row.at !== null;
  const time = (ms: number | null): string | null => (ms === null ? null : iso(ms));
  let next: number[] = [];
  if (row.paused === 0 && row.ended_at === null) {
    next = row.at === null ? nextOccurrences(row.cron, row.time_zone, context.now(), 5) : [row.at];
  }
  return {
    id: row.id,
    cron: once ? null : row.cron,
    time_zone: once ? null : row.time_zone,
    at: time(row.at),
    branch: row.branch,
    missed: row.missed,
    skip_unchanged: row.skip_unchanged === 1,
    paused: row.paused === 1,
    next_runs: next.map(iso),
    created_at: iso(row.created_at),
    ended_at: time(row.ended_at),
    last_run_at: time(row.last_run_at),
    last_outcome: row.last_outcome,
    last_reason: row.last_reason,
    last_reason_code: row.last_reason_code,
    last_deploy_id: row.last_deploy_id,
  };
}
