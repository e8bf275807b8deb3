import { fault } from "../fault.ts";
import { backoff } from "./backoff.ts";
import type { Context } from "./context.ts";
import { emitDeploy } from "./deploys.ts";
import { getDeploy, policyOf, projectRow, type DeployRow } from "./rows.ts";
import { liveExternal } from "./live.ts";
import { slowPoll } from "./poll-plan.ts";
import { read } from "./reading.ts";
import type { Environment } from "./policy.ts";

import { call } from "./upstream.ts";

/** Nothing at Cloudflare runs this long; then it is no longer looked at. */
export const GIVE_UP_MS = 24 * 3_600_000;

/**
 * A deployment that no deploy counts on: `abandoned` by a cancel or a deadline, or a `stray`, the late twin of a create
 * request whose answer was lost. It is watched until it is terminal, and undone if it went live over what is right.
 */
export interface LeftoverRow {
  deployment_id: string;
  deploy_id: string;
  number: number;
  kind: "abandoned" | "stray";
  target: string;
  environment: Environment;
  /** `delete`: try to stop it · `watch`: until it is terminal · `undo`: it succeeded, is it live wrongly? */
  step: "delete" | "watch" | "undo";
  errors: number;
  since: number;
  due_at: number | null;
  ended_at: number | null;
  outcome: string | null;
}

/** Inside the caller's transaction. */
export function addLeftover(
  context: Context,
  row: DeployRow,
  deploymentId: string,
  kind: LeftoverRow["kind"],
): void {
  const now = context.now();
  context.sql.insert("leftovers", {
    deployment_id: deploymentId,
    deploy_id: row.id,
    number: row.number,
    kind,
    target: row.target,
    environment: row.environment,
    step: kind === "abandoned" ? "delete" : "watch",
    since: now,
    due_at: now,
  });
  const type = kind === "abandoned" ? "deploy.abandoned" : "deploy.stray";
  emitDeploy(context, type, row, { deployment_id: deploymentId });
}

/** The effect: one step with one leftover, which is one call (two for an undo). */
export async function tend(context: Context, deploymentId: string): Promise<void> {
  const row = leftover(context, deploymentId);
  if (row === null || row.ended_at !== null) {
    return;
  }
  const step = { delete: remove, watch, undo }[row.step];
  const next = await step(context, row);
  fault("leftover.answered", context.state);
  context.change(() => {
    const current = leftover(context, deploymentId);
    if (current?.step !== row.step || current.ended_at !== null) {
      return;
    }
    context.sql.update("leftovers", "deployment_id", deploymentId, next.change);
    if (next.undone) {
      if (row.environment === "preview") {
        lookAtOthers(context, row.target);
      }
      const deploy = getDeploy(context.sql, row.deploy_id);
      if (deploy !== null) {
        emitDeploy(context, "deploy.rolled_back", deploy, {
          deployment_id: deploymentId,
          to_deployment_id: next.undone,
          reason: `A${row.kind === "stray" ? " stray" : "n abandoned"} deployment of #${row.number} had gone live over a newer one and was undone.`,
        });
      }
    }
  });
}

/** A deletion brings back what was live before, which may be another one that is not right. */
function lookAtOthers(context: Context, target: string): void {
  context.sql.run(
    "UPDATE leftovers SET ended_at = NULL, outcome = NULL, due_at = ? WHERE target = ? AND step = 'undo' AND outcome = 'succeeded'",
    context.now(),
    target,
  );
}

interface Step {
  readonly change: Partial<LeftoverRow>;
  /** The deployment that is live again. */
  readonly undone?: string;
}

const later = (row: LeftoverRow, at: number): Step => ({
  change: { due_at: at, errors: row.errors + 1 },
});

const ended = (context: Context, outcome: string): Step => ({
  change: { ended_at: context.now(), due_at: null, outcome },
});

/** Cloudflare has no cancel; deleting a deployment that builds is as near as it gets, and may be refused. */
async function remove(context: Context, row: LeftoverRow): Promise<Step> {
  const name = projectRow(context.sql).name;
  const called = await call(context, "call", (c) => c.remove(name, row.deployment_id));
  if (!called.permitted) {
    return later(row, called.until);
  }
  const { answer } = called;
  if (!answer.ok && answer.error.kind !== "refused" && row.errors < 5) {
    return later(row, retryAt(context, row, answer.error.retryAfterMs));
  }
  return { change: { step: "watch", errors: 0, due_at: context.now() } };
}

async function watch(context: Context, row: LeftoverRow): Promise<Step> {
  const name = projectRow(context.sql).name;
  const called = await call(context, "poll", (c) => c.deployment(name, row.deployment_id));
  if (!called.permitted) {
    return later(row, called.until);
  }
  const { answer } = called;
  const now = context.now();
  if (answer.ok) {
    const { end } = read(answer.value);
    if (end?.status === "succeeded") {
      return { change: { step: "undo", errors: 0, due_at: now } };
    }
    if (end !== null) {
      return ended(context, end.status);
    }
  } else if (answer.error.kind === "refused" && answer.error.status === 404) {
    return ended(context, "deleted");
  }
  const age = now - row.since;
  if (age > GIVE_UP_MS) {
    return ended(context, "given_up");
  }
  const due = answer.ok ? now + slowPoll(age) : retryAt(context, row, answer.error.retryAfterMs);
  // A stray that is stuck must not hold its lane for ever.
  const stuck = row.kind === "stray" && age > policyOf(context.sql).deadline_seconds * 1000;
  return {
    change: {
      due_at: due,
      errors: answer.ok ? 0 : row.errors + 1,
      ...(stuck ? { kind: "abandoned" } : {}),
    },
  };
}

async function undo(context: Context, row: LeftoverRow): Promise<Step> {
  if (rollsBack(context, row)) {
    // What is right will be known when that has its answer.
    return later(row, context.now() + 2_000);
  }
  const right = rightOne(context, row);
  if (right === null) {
    return ended(context, "succeeded");
  }
  const live = await isLive(context, row);
  if (typeof live !== "boolean") {
    return live;
  }
  if (!live) {
    return ended(context, "succeeded");
  }
  fault("leftover.undoing", context.state);
  const name = projectRow(context.sql).name;
  const called = await call(context, "more", (c) =>
    row.environment === "production"
      ? c.rollback(name, right)
      : // A preview can't be rolled back; without this deployment its branch shows the one before.
        c.remove(name, row.deployment_id),
  );
  if (!called.permitted) {
    return later(row, called.until);
  }
  if (called.answer.ok) {
    return { ...ended(context, "undone"), undone: right };
  }
  return context.now() - row.since > GIVE_UP_MS
    ? ended(context, "given_up")
    : later(row, retryAt(context, row, called.answer.error.retryAfterMs));
}

/**
 * What should be live instead: what went live last of the target, healthy or not, if that is newer (for a stray: or its own
 * deploy's), or what others have put live since.
 */
function rightOne(context: Context, row: LeftoverRow): string | null {
  const from = row.kind === "stray" ? row.number : row.number + 1;
  const newest = context.sql.one<{ deployment_id: string }>(
    "SELECT deployment_id FROM deploys WHERE target = ? AND (status IN ('succeeded', 'verifying') OR reason_code = 'health_failed') AND number >= ? ORDER BY number DESC LIMIT 1",
    row.target,
    from,
  );
  const external = row.environment === "production" ? liveExternal(context.sql) : null;
  return newest === null ? null : (external ?? newest).deployment_id;
}

function rollsBack(context: Context, row: LeftoverRow): boolean {
  const open = context.sql.one(
    "SELECT 1 AS x FROM deploys INDEXED BY deploys_open WHERE ended_at IS NULL AND kind = 'rollback' AND target = ? AND number > ?",
    row.target,
    row.number,
  );
  return open !== null;
}

async function isLive(context: Context, row: LeftoverRow): Promise<boolean | Step> {
  const name = projectRow(context.sql).name;
  const production = row.environment === "production";
  const called = production
    ? await call(context, "call", (c) => c.project(name))
    : await call(context, "call", (c) => c.deployment(name, row.deployment_id));
  if (!called.permitted) {
    return later(row, called.until);
  }
  if (!called.answer.ok) {
    const { kind, status, retryAfterMs } = called.answer.error;
    return kind === "refused" && status === 404
      ? ended(context, "deleted")
      : later(row, retryAt(context, row, retryAfterMs));
  }
  const found = called.answer.value;
  return "canonical_deployment" in found
    ? found.canonical_deployment?.id === row.deployment_id
    : "aliases" in found && (found.aliases?.length ?? 0) > 0;
}

function retryAt(context: Context, row: LeftoverRow, retryAfterMs: number | null): number {
  return context.now() + Math.max(retryAfterMs ?? 0, backoff(row.errors + 1, 5_000, 300_000));
}

function leftover(context: Context, id: string): LeftoverRow | null {
  return context.sql.one<LeftoverRow>("SELECT * FROM leftovers WHERE deployment_id = ?", id);
}
