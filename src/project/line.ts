import type { Sql } from "../sql.ts";
import { decide, type Holder, type Line, type Lock, type Rules, type Waiting } from "./queue.ts";
import { openDeploys, policyOf } from "./rows.ts";
import { holdsLane } from "./status.ts";
import { openingAt } from "./windows.ts";

/** What may start now and why the others wait, from the rows as they are. */
export function line(sql: Sql, now: number): Line {
  const open = openDeploys(sql);
  if (!open.some((d) => d.status === "queued")) {
    return { start: [], waits: new Map(), wakeAt: null };
  }
  const waiting: Waiting[] = open.filter((d) => d.status === "queued");
  const holders: Holder[] = [
    ...open.filter((d) => holdsLane(d.status)),
    ...sql.all<Holder>(
      "SELECT number, target, 'build' AS kind FROM leftovers WHERE kind = 'stray' AND ended_at IS NULL",
    ),
  ];
  return decide(waiting, holders, rulesOf(sql, now), now);
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
