import { err, ok, type Result } from "../result.ts";
import type { Context } from "./context.ts";
import { alter, emitDeploy, move } from "./deploys.ts";
import { onWaiting } from "./hold.ts";
import { reasons } from "./reasons.ts";
import type { Refusal } from "./refusal.ts";
import { getDeploy, type DeployRow } from "./rows.ts";
import type { Deploy } from "./shapes.ts";

export function approve(context: Context, id: string, actor: string): Result<Deploy, Refusal> {
  return onWaiting(context, id, (row) => {
    if (row.approval_until === null) {
      return err(NOT_ASKED);
    }
    const approved = alter(context, row, { approval_until: null, approved_by: actor });
    emitDeploy(context, "deploy.approved", approved, { by: actor });
    return ok(approved);
  });
}

export function reject(
  context: Context,
  id: string,
  actor: string,
  reason: string | null,
): Result<Deploy, Refusal> {
  return onWaiting(context, id, (row) =>
    row.approval_until === null
      ? err(NOT_ASKED)
      : ok(move(context, row, "canceled", { why: reasons.rejectedBy(actor, reason) })),
  );
}

const NOT_ASKED: Refusal = {
  code: "conflict",
  detail: "This deploy does not wait for approval.",
};

/** Asks for approval where the policy wants it. Inside the caller's transaction. */
export function askApproval(context: Context, row: DeployRow, hours: number): DeployRow {
  const asked = alter(context, row, { approval_until: context.now() + hours * 3_600_000 });
  emitDeploy(context, "deploy.approval_requested", asked);
  return asked;
}

/** The step of one deploy that nobody has approved in time. */
export function expireApproval(context: Context, id: string): void {
  context.change(() => {
    const row = getDeploy(context.sql, id);
    const until = row?.status === "queued" ? row.approval_until : null;
    if (row !== null && until !== null && until <= context.now()) {
      move(context, row, "canceled", { why: reasons.approvalExpired() });
    }
  });
}
