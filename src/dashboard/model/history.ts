import type { Deploy } from "../../project/shapes.ts";
import type { Usual } from "../../project/usual.ts";
import { isFailed, reasonOf } from "./now.ts";
import { runOf, usualFor, type GroupName } from "./run.ts";
import type { Sentence } from "./text.ts";
import { brief, dayHead, type Clock } from "./time.ts";

/** One ended deploy among others, on the scale of its page. */
export interface HistoryRow {
  readonly deploy: Deploy;
  readonly live: boolean;
  /** It never ran: its reason stands where stages would. */
  readonly quiet: boolean;
  readonly reason: Sentence | null;
  readonly bar: Bar | null;
  readonly took: string | null;
}

/** In percent of the bar's width. */
export interface Bar {
  readonly segments: readonly {
    readonly name: GroupName;
    readonly x: number;
    readonly width: number;
    readonly failed: boolean;
  }[];
  readonly end: number;
  /** It went on longer than there is room for. */
  readonly clipped: boolean;
  readonly usual: number | null;
}

export interface Day {
  readonly head: string;
  readonly entries: readonly (HistoryRow | { readonly more: readonly HistoryRow[] })[];
}

/** Of deploys that followed upon each other so fast that none of them ran, so many are shown. */
const OF_A_BURST = 2;
/** What is beyond the widest usual run by more than this is cut. */
const ROOM = 1.6;

export function historyOf(
  deploys: readonly Deploy[],
  usual: readonly Usual[],
  live: Deploy | null,
  clock: Clock,
): Day[] {
  const ended = deploys.filter((deploy) => deploy.ended_at !== null);
  const scale = scaleOf(ended, usual);
  const days: { head: string; rows: HistoryRow[] }[] = [];
  for (const deploy of ended) {
    const head = dayHead(Date.parse(deploy.ended_at ?? ""), clock);
    const row = rowOf(deploy, usual, live, scale, clock);
    const last = days.at(-1);
    if (last?.head === head) {
      last.rows.push(row);
    } else {
      days.push({ head, rows: [row] });
    }
  }
  return days.map(({ head, rows }) => ({ head, entries: folded(rows) }));
}

function folded(rows: readonly HistoryRow[]): Day["entries"] {
  const entries: (HistoryRow | { more: HistoryRow[] })[] = [];
  let burst = 0;
  for (const row of rows) {
    burst = row.deploy.status === "superseded" && row.quiet ? burst + 1 : 0;
    const last = entries.at(-1);
    if (burst <= OF_A_BURST) {
      entries.push(row);
    } else if (last !== undefined && "more" in last) {
      last.more.push(row);
    } else {
      entries.push({ more: [row] });
    }
  }
  return entries;
}

function scaleOf(deploys: readonly Deploy[], usual: readonly Usual[]): number {
  const widest = Math.max(0, ...usual.map(({ total_ms: ms }) => ms));
  const longest = Math.max(0, ...deploys.map(took));
  return Math.max(1, widest > 0 ? widest * ROOM : longest * 1.1);
}

function took({ started_at: from, ended_at: to }: Deploy): number {
  return from === null || to === null ? 0 : Date.parse(to) - Date.parse(from);
}

function rowOf(
  deploy: Deploy,
  usual: readonly Usual[],
  live: Deploy | null,
  scale: number,
  clock: Clock,
): HistoryRow {
  const quiet = deploy.started_at === null;
  return {
    deploy,
    live: live?.id === deploy.id,
    quiet,
    reason: deploy.reason === null ? null : reasonOf(deploy, clock),
    bar: quiet ? null : barOf(deploy, usualFor(usual, deploy), scale, clock.now),
    took: quiet ? null : brief(took(deploy)),
  };
}

function barOf(deploy: Deploy, usual: Usual | null, scale: number, now: number): Bar {
  const run = runOf(deploy, usual, now);
  const share = (ms: number): number => Math.min(100, (100 * ms) / scale);
  const passed = run.groups.filter(({ state }) => state !== "next");
  const failed = isFailed(deploy) || deploy.status === "canceled";
  return {
    segments: passed.map(({ name, from, to }, n) => ({
      name,
      x: share(from),
      width: Math.max(0.5, share(to ?? run.elapsed) - share(from)),
      failed: failed && n === passed.length - 1,
    })),
    end: share(run.elapsed),
    clipped: run.elapsed > scale,
    usual: usual === null ? null : share(usual.total_ms),
  };
}
