import type { Context } from "./context.ts";
import { reasons, type Reason } from "./reasons.ts";
import { getDeploy, type DeployRow } from "./rows.ts";

/** A run of a CI workflow. Its provider counts them up; a run that is repeated keeps its number. */
export interface Run {
  readonly workflow: string;
  readonly number: number;
  readonly attempt: number;
}

/**
 * Notes that a run has asked for a deploy of a target; or says which deploy of a later run of its workflow was there before. CI
 * runs overtake each other, and an old one must not undo a newer one only because it took longer. Inside the caller's
 * transaction.
 */
export function overtakenRun(
  context: Context,
  row: DeployRow,
  run: Run,
): { id: string; reason: Reason } | null {
  const { sql } = context;
  const last = sql.one<{ run: number; attempt: number; deploy_id: string }>(
    "SELECT run, attempt, deploy_id FROM runs WHERE target = ? AND workflow = ?",
    row.target,
    run.workflow,
  );
  const newer = last === null ? null : getDeploy(sql, last.deploy_id);
  const stale =
    last !== null &&
    (run.number < last.run || (run.number === last.run && run.attempt < last.attempt));
  if (stale && newer !== null) {
    return { id: newer.id, reason: reasons.staleRun(run, last.run, newer.number) };
  }
  sql.run(
    `INSERT INTO runs (target, workflow, run, attempt, deploy_id) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (target, workflow) DO UPDATE SET run = excluded.run, attempt = excluded.attempt, deploy_id = excluded.deploy_id`,
    row.target,
    run.workflow,
    run.number,
    run.attempt,
    row.id,
  );
  return null;
}
