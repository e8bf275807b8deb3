import type { Context } from "./context.ts";
import type { DeployRow } from "./rows.ts";
import type { Stage } from "./shapes.ts";

const DAY_MS = 86_400_000;
/** So many of the newest are looked at; a project that deploys more often has its numbers of fewer days. */
const MAX_DEPLOYS = 5_000;

export interface Spread {
  /** Of so many. */
  count: number;
  /** Milliseconds; null without any. */
  p50: number | null;
  p95: number | null;
}

/** How a project has deployed lately. What is about production is about production alone. */
export interface Numbers {
  days: number;
  deploys: number;
  /** Successful deploys to production, a day. */
  frequency: number;
  /** From trigger to live in production. */
  lead_time: Spread;
  /** Of the deploys that went live in production, the share that had to be rolled back or failed their health checks. */
  change_failure_rate: number | null;
  /** Of those to production that ran, the share that never went live. */
  failed_rate: number | null;
  /** From the end of a deploy to production that failed to the next one that succeeded. */
  time_to_restore: Spread;
  /** From trigger to start, of all that started. */
  wait: Spread;
  /** Of those that succeeded. */
  stages: ({ name: string } & Spread)[];
}

/** What of a deploy the numbers are made from. */
export type Counted = Pick<
  DeployRow,
  | "number"
  | "kind"
  | "status"
  | "reason_code"
  | "environment"
  | "created_at"
  | "started_at"
  | "ended_at"
  | "stages"
>;

const NOTHING: Readonly<Spread> = { count: 0, p50: null, p95: null };
export const NO_NUMBERS: Numbers = {
  days: 0,
  deploys: 0,
  frequency: 0,
  lead_time: NOTHING,
  change_failure_rate: null,
  failed_rate: null,
  time_to_restore: NOTHING,
  wait: NOTHING,
  stages: [],
};

export function numbersOf(context: Context, days: number): Numbers {
  const rows = context.sql.all<Counted>(
    `SELECT number, kind, status, reason_code, environment, created_at, started_at, ended_at, stages
     FROM deploys WHERE number > (SELECT COALESCE(MAX(number), 0) - ? FROM deploys) AND created_at > ?
     ORDER BY number`,
    MAX_DEPLOYS,
    context.now() - days * DAY_MS,
  );
  return count(rows, days);
}

/** Pure: from deploys in the order of their numbers. */
export function count(rows: readonly Counted[], days: number): Numbers {
  const production = rows.filter(({ environment }) => environment === "production");
  const changes = production.filter(({ kind }) => kind !== "rollback");
  const live = changes.filter(({ status }) => status === "succeeded");
  const unhealthy = changes.filter(isUnhealthy).length;
  const ran = changes.filter(({ status }) => status === "succeeded" || isFailure(status));
  const wentLive = live.length + unhealthy;
  return {
    days,
    deploys: rows.length,
    frequency: live.length / days,
    lead_time: spread(live.map((row) => (row.ended_at ?? 0) - row.created_at)),
    change_failure_rate: share(unhealthy + rolledBack(production), wentLive),
    failed_rate: share(ran.length - wentLive, ran.length),
    time_to_restore: spread(restores(production)),
    wait: spread(
      rows.flatMap((row) => (row.started_at === null ? [] : [row.started_at - row.created_at])),
    ),
    stages: stageTimes(rows.filter(({ status }) => status === "succeeded")),
  };
}

/** It is live all the same, unless it was rolled back. */
function isUnhealthy({ reason_code: code }: Counted): boolean {
  return code === "health_failed";
}

function isFailure(status: Counted["status"]): boolean {
  return status === "failed" || status === "timed_out";
}

/** How many deploys were live when a rollback was made; one after the other counts once. */
function rolledBack(production: readonly Counted[]): number {
  let count = 0;
  let standing = false;
  for (const { kind, status } of production) {
    if (status === "succeeded") {
      count += Number(kind === "rollback" && standing);
      standing = kind !== "rollback";
    }
  }
  return count;
}

function restores(production: readonly Counted[]): number[] {
  const times: number[] = [];
  let since: number | null = null;
  for (const { status, ended_at: at } of production) {
    if (at !== null && isFailure(status)) {
      since ??= at;
    } else if (at !== null && status === "succeeded" && since !== null) {
      times.push(Math.max(0, at - since));
      since = null;
    }
  }
  return times;
}

function stageTimes(succeeded: readonly Counted[]): Numbers["stages"] {
  const times = new Map<string, number[]>();
  for (const { stages } of succeeded) {
    for (const { name, started_on: from, ended_on: to } of JSON.parse(stages) as Stage[]) {
      const ms = Date.parse(to ?? "") - Date.parse(from ?? "");
      if (ms >= 0) {
        times.set(name, [...(times.get(name) ?? []), ms]);
      }
    }
  }
  return [...times].map(([name, all]) => ({ name, ...spread(all) }));
}

/** By nearest rank, so that each is a time that really occurred. */
export function spread(times: readonly number[]): Spread {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (part: number): number | null => sorted[Math.ceil(part * sorted.length) - 1] ?? null;
  return { count: sorted.length, p50: at(0.5), p95: at(0.95) };
}

function share(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole;
}

/** What a project is like at this moment, and what ended in the last 24 hours, for machines that keep count. */
export interface Gauges {
  running: number;
  waiting: number;
  failing_subscribers: number;
  ended: { environment: string; status: string; count: number }[];
  wait: Spread;
}

export function gauges(context: Context): Gauges {
  const { sql } = context;
  const one = (query: string): number => sql.one<{ n: number }>(query)?.n ?? 0;
  const open = "SELECT COUNT(*) AS n FROM deploys INDEXED BY deploys_open WHERE ended_at IS NULL";
  return {
    running: one(`${open} AND status != 'queued'`),
    waiting: one(`${open} AND status = 'queued'`),
    failing_subscribers: one(
      "SELECT COUNT(*) AS n FROM subscribers WHERE failing_since IS NOT NULL OR state = 'disabled'",
    ),
    ended: sql.all<Gauges["ended"][number]>(
      `SELECT environment, status, COUNT(*) AS count FROM deploys
       WHERE number > (SELECT COALESCE(MAX(number), 0) - ? FROM deploys) AND ended_at > ?
       GROUP BY environment, status ORDER BY environment, status`,
      MAX_DEPLOYS,
      context.now() - DAY_MS,
    ),
    wait: numbersOf(context, 1).wait,
  };
}
