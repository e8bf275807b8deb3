import type { Sql } from "../sql.ts";
import { decide, type Holder, type Line, type Lock, type Rules, type Waiting } from "./queue.ts";
import { policyOf, type DeployRow } from "./rows.ts";
import { holdsLane } from "./status.ts";
import { openingAt } from "./windows.ts";

interface Decided {
  readonly version: number;
  readonly now: number;
  readonly line: Line;
}
const decided = new WeakMap<Sql, Decided>();

/** What may start now and why the others wait, from the rows as they are. Asked several times in a change, decided once. */
export function line(sql: Sql, now: number): Line {
  const last = decided.get(sql);
  if (last?.version === sql.version && last.now === now) {
    return last.line;
  }
  const fresh = decideFrom(sql, now);
  decided.set(sql, { version: sql.version, now, line: fresh });
  return fresh;
}

type Open = Waiting & Pick<DeployRow, "status">;

/** What it rests on of each that has not ended: whole rows are three times as much to read. */
const OPEN = `
  SELECT id, number, target, environment, kind, trigger_kind, created_at, due_at, waiting_for, not_before, quiet_until,
    approval_until, released_by, status
  FROM deploys WHERE ended_at IS NULL ORDER BY number`;

function decideFrom(sql: Sql, now: number): Line {
  const open = sql.all<Open>(OPEN);
  const waiting: Waiting[] = open.filter((d) => d.status === "queued");
  if (waiting.length === 0) {
    return { start: [], waits: new Map(), wakeAt: null };
  }
  return decide(waiting, holders(sql, open, now), rulesOf(sql, now), now);
}

/** Everything that has a lane to itself now; where several have, the last of these is what is told. */
export function holders(
  sql: Sql,
  open: readonly (Holder & Pick<DeployRow, "status">)[],
  now: number,
): Holder[] {
  return [
    ...externalHolders(sql, now),
    ...sql.all<Holder>(
      "SELECT number, target, 'build' AS kind FROM leftovers WHERE kind = 'stray' AND ended_at IS NULL",
    ),
    ...open.filter((d) => holdsLane(d.status)),
  ];
}

function externalHolders(sql: Sql, now: number): Holder[] {
  // One that is stuck must not hold its lane for ever.
  return sql.all<Holder>(
    "SELECT NULL AS number, target, 'build' AS kind, branch AS external FROM externals WHERE ended_at IS NULL AND since > ?",
    now - policyOf(sql).deadline_seconds * 1_000,
  );
}

/** Whether a build of others has this deploy's lane. */
export function isBehindExternal(sql: Sql, row: DeployRow, now: number): boolean {
  const { lane } = policyOf(sql);
  return externalHolders(sql, now).some(
    ({ target }) => lane === "project" || target === row.target,
  );
}

export function rulesOf(sql: Sql, now: number): Rules {
  const policy = policyOf(sql);
  return {
    policy,
    locks: sql.all<Lock & Record<string, string>>(
      "SELECT id, environment, holder, reason, until FROM locks ORDER BY created_at, id",
    ),
    openings: {
      production: openingAt(policy.windows, "production", now),
      preview: openingAt(policy.windows, "preview", now),
    },
    lastStart: (target) =>
      sql.one(
        `SELECT number, started_at AS at FROM deploys
         WHERE started_at IS NOT NULL AND number = (SELECT number FROM marks WHERE target = ?)`,
        target,
      ),
  };
}
