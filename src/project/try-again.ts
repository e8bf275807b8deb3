import { backoff } from "./backoff.ts";
import type { Context } from "./context.ts";
import { emitDeploy, move } from "./deploys.ts";
import type { Reason } from "./reasons.ts";
import { markOf, policyOf, type DeployRow } from "./rows.ts";

const LONGEST_MS = 3_600_000;

/** Whether the policy has a failed build tried again, as the same deploy. It yields to anything newer of its target. */
export function mayTryAgain(context: Context, row: DeployRow, stage: string): boolean {
  const { retry } = policyOf(context.sql);
  if (row.retries >= retry.limit || row.cancel_requested !== null) {
    return false;
  }
  const newer = context.sql.one(
    "SELECT 1 AS x FROM deploys INDEXED BY deploys_open WHERE ended_at IS NULL AND target = ? AND number > ?",
    row.target,
    row.number,
  );
  const worthIt = retry.stages.length === 0 || retry.stages.includes(stage);
  return worthIt && newer === null && markOf(context.sql, row.target) <= row.number;
}

/** Back into the line with nothing of the failed deployment. Inside the caller's transaction. */
export function tryAgain(
  context: Context,
  row: DeployRow,
  why: Reason | null,
  stage: string,
): void {
  const { retry } = policyOf(context.sql);
  const retries = row.retries + 1;
  // It stays known as ours.
  context.sql.insert(
    "leftovers",
    {
      deployment_id: row.deployment_id,
      deploy_id: row.id,
      number: row.number,
      kind: "abandoned",
      target: row.target,
      environment: row.environment,
      step: "watch",
      since: context.now(),
      ended_at: context.now(),
      outcome: "failed",
    },
    true,
  );
  const queued = move(context, row, "queued", {
    retries,
    deployment_id: null,
    deployment: null,
    stages: "[]",
    stage_since: null,
    baseline: null,
    posted_at: null,
    errors: 0,
    waiting_for: "retry",
    due_at: context.now() + backoff(retries, retry.backoff_seconds * 1_000, LONGEST_MS),
  });
  emitDeploy(context, "deploy.held", queued, {
    failed: {
      stage,
      reason: why?.text ?? null,
      deployment_id: row.deployment_id,
      retries_left: retry.limit - retries,
    },
  });
}
