import { err, ok, type Result } from "../result.ts";
import type { Refusal } from "./refusal.ts";
import type { Context } from "./context.ts";
import { alter, move, toDeploy } from "./deploys.ts";
import { getDeploy, type DeployRow } from "./rows.ts";
import { addLeftover } from "./leftovers.ts";
import { reasons, type Reason } from "./reasons.ts";
import type { Deploy } from "./shapes.ts";

/**
 * Stops a deploy. One that waits is simply ended. For one whose create request is out, the wish is noted and carried out
 * when it is known what became of that. A running one ends here at once and leaves its deployment behind.
 *
 * @param waiting only while it waits: what has started is left to run
 */
export function cancel(
  context: Context,
  id: string,
  actor: string | null,
  waiting = false,
): Result<Deploy, Refusal> {
  return context.change(() => {
    const row = getDeploy(context.sql, id);
    if (row === null) {
      return err({ code: "not_found", detail: "There is no such deploy." });
    }
    if (waiting && row.status !== "queued") {
      return err({
        code: "conflict",
        detail: `This deploy does not wait any more: ${row.status}.`,
      });
    }
    switch (row.status) {
      case "queued":
        return ok(
          toDeploy(
            context,
            move(context, row, "canceled", { why: reasons.canceledBy(actor, false) }),
          ),
        );
      case "submitting":
      case "reconciling":
        return ok(toDeploy(context, alter(context, row, { cancel_requested: actor ?? "a token" })));
      case "verifying":
        return err({
          code: "conflict",
          detail:
            "This deploy is live already, and its health is being checked. Roll back instead.",
        });
      case "running":
        return ok(
          toDeploy(context, abandon(context, row, "canceled", reasons.canceledBy(actor, true))),
        );
      default:
        return err({ code: "conflict", detail: `This deploy has ended already: ${row.status}.` });
    }
  });
}

/** Ends our deploy while its deployment may go on at Cloudflare. Inside the caller's transaction. */
export function abandon(
  context: Context,
  row: DeployRow,
  status: "canceled" | "timed_out" | "superseded",
  why: Reason,
  supersededBy: string | null = null,
): DeployRow {
  const ended = move(context, row, status, { why, superseded_by: supersededBy });
  if (ended.deployment_id !== null) {
    addLeftover(context, ended, ended.deployment_id, "abandoned");
  }
  return ended;
}
