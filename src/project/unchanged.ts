import type { Sql } from "../sql.ts";
import { liveExternal } from "./live.ts";
import { projectRow, type DeployRow } from "./rows.ts";

/**
 * The number of the deploy of this branch that succeeded last, if nothing but schedules has asked for anything since and
 * no hook has told of a change. null: something has changed, or too little is known. Triggers are kept for a month, so
 * what succeeded before that says nothing.
 */
export function unchangedSince(sql: Sql, branch: string): number | null {
  const production = projectRow(sql).production_branch === branch;
  const target = production ? "production" : `preview/${branch}`;
  const last = sql.one<
    Pick<DeployRow, "id" | "number" | "kind" | "branch" | "created_at"> & {
      trigger_row: number | null;
    }
  >(
    `SELECT id, number, kind, branch, created_at, (SELECT rowid FROM triggers WHERE id = trigger_id) AS trigger_row
     FROM deploys WHERE target = ? AND status = 'succeeded' ORDER BY number DESC LIMIT 1`,
    target,
  );
  if (last === null || last.branch !== branch || last.trigger_row === null) {
    return null;
  }
  // A promotion or somebody else's deployment shows something else than the branch; a rollback was meant to stay.
  if (
    last.kind === "promote" ||
    last.kind === "upload" ||
    (production && liveExternal(sql) !== null)
  ) {
    return null;
  }
  const asked = sql.one(
    "SELECT 1 AS x FROM deploys WHERE target = ? AND number > ? AND trigger_kind <> 'schedule' LIMIT 1",
    target,
    last.number,
  );
  // A push that a rule keeps from being deployed is a change all the same; an event of another kind is none.
  const told = sql.one(
    `SELECT 1 AS x FROM triggers
     WHERE rowid > ? AND kind = 'hook' AND outcome NOT IN ('duplicate', 'ignored')
       AND reason_code IS NOT 'event_filtered' AND deploy_id IS NOT ?
       AND (branch = ? OR (branch IS NULL AND ?)) LIMIT 1`,
    last.trigger_row,
    last.id,
    branch,
    Number(production),
  );
  // What a hook has refused, for a wrong secret say, may have been a change.
  const refused = sql.one("SELECT 1 AS x FROM hooks WHERE refused_at >= ?", last.created_at);
  // Where nobody has ever told of a commit, or no hook is left to do so, that nobody does means nothing.
  const heard = sql.one(
    `SELECT 1 AS x FROM deploys WHERE target = ? AND branch = ?
       AND ((trigger_kind = 'hook' AND EXISTS (SELECT 1 FROM hooks))
         OR (trigger_kind IN ('api', 'gateway') AND kind = 'build' AND commit_hash IS NOT NULL)) LIMIT 1`,
    target,
    branch,
  );
  const changed = [asked, told, refused].some((found) => found !== null);
  return changed || heard === null ? null : last.number;
}
