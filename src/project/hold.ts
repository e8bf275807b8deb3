import type { Context } from "./context.ts";
import { alter, emitDeploy, move, type DeployRow } from "./deploys.ts";
import type { WaitingFor } from "./shapes.ts";

/** Shorter waits are over before anybody has read of them. */
const WORTH_TELLING_MS = 5_000;

interface Hold {
  readonly for: WaitingFor;
  readonly until: number;
}

/**
 * Puts a claimed deploy back in the line, its lane free for others meanwhile: if a newer one of its target goes first, the
 * high-water mark ends this one at its next claim. Inside the caller's transaction.
 */
export function requeue(context: Context, row: DeployRow, hold?: Hold): void {
  // What an unanswered create request may still bring to light is told by the baseline from before that request.
  const watched =
    context.sql.one("SELECT 1 AS x FROM stray_watches WHERE deploy_id = ?", row.id) !== null;
  const queued = move(context, row, "queued", {
    due_at: null,
    posted_at: null,
    baseline: watched ? row.baseline : null,
  });
  if (hold !== undefined) {
    holdBack(context, queued, hold);
  }
}

/** Keeps a waiting deploy from starting until a time. Inside the caller's transaction. */
export function holdBack(context: Context, row: DeployRow, hold: Hold): void {
  const held = alter(context, row, { waiting_for: hold.for, due_at: hold.until });
  if (hold.until - context.now() > WORTH_TELLING_MS) {
    emitDeploy(context, "deploy.held", held);
  }
}
