import { abandon } from "./cancel.ts";
import type { Context } from "./context.ts";
import { alter, move } from "./deploys.ts";
import { markOf, policyOf, type DeployRow } from "./rows.ts";
import { reasons, type Reason } from "./reasons.ts";

/** A slow upload may arrive when something newer of its target has gone first, or waits already. */
export function overtakenBy(
  context: Context,
  row: DeployRow,
): { id: string | null; reason: Reason } | null {
  const mark = markOf(context.sql, row.target);
  if (mark > row.number) {
    const newer = context.sql.one<{ id: string }>("SELECT id FROM deploys WHERE number = ?", mark);
    return { id: newer?.id ?? null, reason: reasons.newerWentFirst(mark) };
  }
  if (policyOf(context.sql).mode === "all") {
    return null;
  }
  // The index is named, here and below: SQLite would read every deploy the target ever had.
  const newer = context.sql.one<DeployRow>(
    "SELECT * FROM deploys INDEXED BY deploys_open WHERE ended_at IS NULL AND target = ? AND number > ? ORDER BY number DESC",
    row.target,
    row.number,
  );
  return newer === null ? null : { id: newer.id, reason: reasons.newerWentFirst(newer.number) };
}

/** In mode supersede, a new deploy ends those of its target that wait. Inside the caller's transaction. */
export function supersedeWaiting(context: Context, newer: DeployRow): void {
  const older = context.sql.all<DeployRow>(
    "SELECT * FROM deploys INDEXED BY deploys_open WHERE ended_at IS NULL AND status = 'queued' AND target = ? AND number < ? ORDER BY number",
    newer.target,
    newer.number,
  );
  for (const row of older) {
    const why = reasons.supersededBy(newer.number, what(newer), newer.created_at - row.created_at);
    move(context, row, "superseded", { why, superseded_by: newer.id });
  }
}

/** Where the policy wants it, a new deploy ends those of its target that run, too. Inside the caller's transaction. */
export function stopRunning(context: Context, newer: DeployRow): void {
  const running = context.sql.all<DeployRow>(
    "SELECT * FROM deploys INDEXED BY deploys_open WHERE ended_at IS NULL AND status NOT IN ('queued', 'verifying') AND kind <> 'rollback' AND target = ? AND number < ? ORDER BY number",
    newer.target,
    newer.number,
  );
  for (const row of running) {
    if (row.status === "running") {
      const why = reasons.supersededBy(
        newer.number,
        what(newer),
        newer.created_at - row.created_at,
      );
      abandon(context, row, "superseded", why, newer.id);
    } else {
      alter(context, row, { cancel_requested: `#${newer.number}` });
    }
  }
}

function what(row: DeployRow): string {
  if (row.kind === "rollback") {
    return "a rollback of production";
  }
  if (row.kind === "promote") {
    return "a promotion";
  }
  if (row.kind === "upload") {
    return `a newer upload to ${row.branch}`;
  }
  switch (row.trigger_kind) {
    case "hook":
      return `a newer push to ${row.branch}`;
    case "schedule":
      return `a scheduled deploy of ${row.branch}`;
    case "retry":
      return `a retry on ${row.branch}`;
    default:
      return `a newer request for ${row.branch}`;
  }
}
