import { fault } from "../fault.ts";
import { newId } from "../ids.ts";
import { err, ok, type Result } from "../result.ts";
import { must } from "../sql.ts";
import type { Answered } from "./accept.ts";
import type { Context } from "./context.ts";
import { alter, emitDeploy, move, toDeploy } from "./deploys.ts";
import { liveExternal } from "./live.ts";
import { lockInside } from "./locks.ts";
import type { Refusal } from "./refusal.ts";
import {
  getDeploy,
  getDeployOf,
  policyOf,
  projectRow,
  takeNumber,
  type DeployRow,
} from "./rows.ts";
import type { Asker } from "./shapes.ts";
import { claim, hasPermit, notCreated } from "./submit.ts";
import { supersedeWaiting } from "./supersede.ts";
import { goLive } from "./track.ts";
import { call, callPermitted } from "./upstream.ts";
import { letRead } from "./trust.ts";

/**
 * Asks for a rollback of production: a deploy of its own, with the highest number, so that nothing older goes live over it.
 * It acts at once, also while a build runs; that one is undone when it ends. Production is locked with it, if the policy
 * says so.
 *
 * @param because what brought it about, for those who meet the lock; `retryOf` the rollback that this repeats
 * @param to the deploy that is to be live again; null: the success before the one that is live
 */
export function rollBack(
  context: Context,
  to: string | null,
  trigger: Asker,
  deployId: string,
  {
    because = null,
    retryOf = null,
  }: { readonly because?: string | null; readonly retryOf?: string | null } = {},
): Result<Answered, Refusal> {
  return context.change(() => {
    const { sql } = context;
    const again = getDeploy(sql, deployId);
    if (again !== null) {
      return ok(answer(context, again, trigger.id));
    }
    const target = to === null ? lastGood(context) : getDeploy(sql, to);
    const wrong = whyNot(context, target, to);
    if (target === null || wrong !== null) {
      return err(wrong ?? NOTHING_BEFORE);
    }
    const number = takeNumber(sql);
    sql.insert("deploys", {
      id: deployId,
      number,
      kind: "rollback",
      status: "queued",
      trigger_id: trigger.id,
      trigger_kind: trigger.kind,
      trigger_source: trigger.source,
      trigger_actor: trigger.actor,
      branch: target.branch,
      environment: "production",
      target: "production",
      commit_hash: target.commit_hash,
      commit_message: target.commit_message,
      form: "{}",
      rollback_to: target.deployment_id,
      created_at: context.now(),
      retry_of: retryOf,
    });
    const row = must(getDeploy(sql, deployId));
    letRead(context, trigger.reader, deployId);
    emitDeploy(context, "deploy.queued", row);
    supersedeWaiting(context, row);
    if (policyOf(sql).rollback.lock) {
      lockInside(context, {
        id: newId("lck", context.now()),
        environment: "production",
        holder: trigger.actor ?? "a rollback",
        reason: `rolled back to #${target.number}${because === null ? "" : `: ${because}`}`,
        until: null,
      });
    }
    sql.insert("triggers", {
      id: trigger.id,
      kind: trigger.kind,
      source: trigger.source,
      branch: target.branch,
      outcome: "queued",
      deploy_id: deployId,
      at: context.now(),
    });
    return ok(answer(context, row, trigger.id));
  });
}

/** The newest success before the one that is live; from a deployment of others, the newest of ours. */
function lastGood(context: Context): DeployRow | null {
  const live = liveRow(context);
  if (live === null) {
    return null;
  }
  const external = liveExternal(context.sql) !== null;
  // After a rollback, what was live before is not tried again: it was rolled back for a reason.
  const { number } = originOf(context, live);
  return context.sql.one<DeployRow>(
    `SELECT * FROM deploys WHERE target = 'production' AND status = 'succeeded' AND kind <> 'rollback'
       AND number < ? AND deployment_id IS NOT NULL AND deployment_id <> ? ORDER BY number DESC LIMIT 1`,
    external ? number + 1 : number,
    external ? "" : live.deployment_id,
  );
}

/** The deploy whose deployment is live: for a rollback the one that it went back to. */
function originOf(context: Context, live: DeployRow): DeployRow {
  const origin =
    live.kind === "rollback" ? getDeployOf(context.sql, live.deployment_id ?? "") : null;
  return origin ?? live;
}

/** Of ours, the one that was live last. */
function liveRow(context: Context): DeployRow | null {
  const { live_deploy_id: id } = projectRow(context.sql);
  return id === null ? null : getDeploy(context.sql, id);
}

const NOTHING_BEFORE: Refusal = {
  code: "conflict",
  detail:
    "There is no earlier production deploy that succeeded, so there is nothing to go back to.",
};

function whyNot(context: Context, target: DeployRow | null, to: string | null): Refusal | null {
  if (target === null) {
    return to === null ? NOTHING_BEFORE : { code: "not_found", detail: "There is no such deploy." };
  }
  if (target.environment !== "production" || target.status !== "succeeded") {
    return {
      code: "conflict",
      detail: `Only a production deploy that succeeded can be gone back to; #${target.number} is ${target.environment} and ${target.status}.`,
    };
  }
  return liveRow(context)?.deployment_id === target.deployment_id &&
    liveExternal(context.sql) === null
    ? { code: "conflict", detail: `#${target.number} is what is live.` }
    : null;
}

function answer(context: Context, row: DeployRow, triggerId: string): Answered {
  const deploy = toDeploy(context, row);
  const { reason, reason_code } = deploy;
  return { id: triggerId, outcome: "queued", reason, reason_code, deploy, replayed: false };
}

/**
 * The effect: one call, which can be repeated without harm, so that a lost answer is asked for again rather than looked
 * for.
 */
export async function performRollback(context: Context, id: string): Promise<void> {
  if (!(await hasPermit(context, id))) {
    return;
  }
  const claimed = claim(context, id);
  const to = claimed?.rollback_to;
  if (claimed === null || to == null) {
    return;
  }
  fault("rollback.claimed", context.state);
  const { name } = projectRow(context.sql);
  const called = await callPermitted(context, (c) => c.rollback(name, to));
  // What was carried out although nobody heard of it is done, however often the answer is lost.
  const done = called.ok || (called.error.kind === "unknown" && (await isLive(context, to)));
  fault("rollback.answered", context.state);
  context.change(() => {
    const row = getDeploy(context.sql, id);
    if (row?.status !== "submitting" || row.fence !== claimed.fence) {
      return;
    }
    const tried = alter(context, row, { attempts: row.attempts + 1 });
    if (!called.ok && !done) {
      notCreated(context, tried, called.error);
      return;
    }
    const origin = getDeployOf(context.sql, to);
    const running = move(context, tried, "running", {
      deployment_id: to,
      deployment: origin?.deployment ?? null,
    });
    goLive(context, running);
    emitDeploy(context, "deploy.rolled_back", must(getDeploy(context.sql, id)), {
      to_deployment_id: to,
    });
  });
  fault("rollback.settled", context.state);
}

async function isLive(context: Context, deploymentId: string): Promise<boolean> {
  const { name } = projectRow(context.sql);
  const called = await call(context, "more", (c) => c.project(name));
  return (
    called.permitted &&
    called.answer.ok &&
    called.answer.value.canonical_deployment?.id === deploymentId
  );
}
