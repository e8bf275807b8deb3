import type { Sql } from "../sql.ts";
import type { DeployKind, Stage } from "./shapes.ts";

/** How long deploys of one kind and target usually take: medians of the last successful ones. */
export interface Usual {
  readonly kind: DeployKind;
  readonly target: string;
  /** Of so many. */
  readonly runs: number;
  /** From the claim to the end. */
  readonly total_ms: number;
  /** Cloudflare's stages, in their order; `health` is what comes after the last one. */
  readonly stages: readonly { readonly name: string; readonly ms: number }[];
}

const RUNS = 10;
/** Fewer say nothing. */
const ENOUGH = 3;
/** A last stage that is followed by less was followed by no health check. */
const HEALTH_MS = 1_000;

export const HEALTH = "health";

interface Run {
  readonly stages: string;
  readonly started_at: number;
  readonly ended_at: number;
  readonly health: string | null;
}

/** null: too few have succeeded to say. */
export function usualOf(sql: Sql, kind: DeployKind, target: string): Usual | null {
  const runs = runsOf(sql, kind, target);
  return runs.length === 0
    ? null
    : {
        kind,
        target,
        runs: runs.length,
        total_ms: median(runs.map(({ started_at: from, ended_at: to }) => to - from)),
        stages: [...lengths(runs)].map(([name, ms]) => ({ name, ms: median(ms) })),
      };
}

/** How long each stage took in those, the shortest first; empty where too few have succeeded to say. */
export function lengthsOf(sql: Sql, kind: DeployKind, target: string): Map<string, number[]> {
  const sorted = [...lengths(runsOf(sql, kind, target))].map(([name, ms]): [string, number[]] => [
    name,
    ms.toSorted((a, b) => a - b),
  ]);
  return new Map(sorted);
}

/** The last ones that have succeeded, unless there are too few. */
function runsOf(sql: Sql, kind: DeployKind, target: string): Run[] {
  const runs = sql.all<Run & Record<string, string | number | null>>(
    `SELECT stages, started_at, ended_at, health FROM deploys
     WHERE target = ? AND kind = ? AND status = 'succeeded' AND started_at IS NOT NULL
     ORDER BY number DESC LIMIT ?`,
    target,
    kind,
    RUNS,
  );
  return runs.length < ENOUGH ? [] : runs;
}

function lengths(runs: readonly Run[]): Map<string, number[]> {
  const found = new Map<string, number[]>();
  for (const { stages, ended_at: end, health } of runs) {
    const run = JSON.parse(stages) as Stage[];
    for (const { name, started_on: from, ended_on: to } of run) {
      add(found, name, Date.parse(to ?? "") - Date.parse(from ?? ""));
    }
    const after = end - Date.parse(run.at(-1)?.ended_on ?? "");
    if (health !== null && after > HEALTH_MS) {
      add(found, HEALTH, after);
    }
  }
  return found;
}

function add(lengths: Map<string, number[]>, name: string, ms: number): void {
  if (!Number.isNaN(ms)) {
    lengths.set(name, [...(lengths.get(name) ?? []), Math.max(0, ms)]);
  }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const upper = sorted[Math.floor(middle)] ?? 0;
  return Number.isInteger(middle) ? ((sorted[middle - 1] ?? upper) + upper) / 2 : upper;
}
