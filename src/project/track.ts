import { fault } from "../fault.ts";
import type { UpstreamDeployment } from "../cloudflare/schemas.ts";
import { abandon } from "./cancel.ts";
import type { Context } from "./context.ts";
import { alter, emitDeploy, move } from "./deploys.ts";
import { logTail } from "./log-tail.ts";
import { type DeployRow, getDeploy, markOf, policyOf, projectRow } from "./rows.ts";
import { nextPoll } from "./poll-plan.ts";
import { read, stageChanges, type Reading } from "./reading.ts";
import { reasons } from "./reasons.ts";
import type { DeployStatus, Deployment, Failure, Health, Stage } from "./shapes.ts";
import { mayTryAgain, tryAgain } from "./try-again.ts";
import { call } from "./upstream.ts";
import { lengthsOf } from "./usual.ts";

/** Its deployment is known: from here on it is watched. Inside the caller's transaction. */
export function follow(context: Context, row: DeployRow, deployment: UpstreamDeployment): void {
  const now = context.now();
  const known: Deployment = {
    id: deployment.id,
    url: deployment.url,
    aliases: deployment.aliases ?? [],
    environment: deployment.environment,
  };
  const running = move(context, row, "running", {
    deployment_id: deployment.id,
    deployment: JSON.stringify(known),
    stage_since: now,
    due_at: now + nextPoll(0),
    errors: 0,
  });
  if (row.cancel_requested !== null) {
    abandon(context, running, "canceled", reasons.canceledBy(row.cancel_requested, true));
  } else {
    apply(context, running, deployment);
  }
}

/** The effect: one look at the deployment of a running deploy. */
export async function poll(context: Context, id: string): Promise<void> {
  const before = getDeploy(context.sql, id);
  const deploymentId = before?.deployment_id;
  if (before?.status !== "running" || deploymentId == null) {
    return;
  }
  const name = projectRow(context.sql).name;
  const called = await call(context, "poll", (c) => c.deployment(name, deploymentId));
  const log =
    called.permitted && called.answer.ok ? await logTail(context, before, called.answer.value) : [];
  fault("track.answered", context.state);
  context.change(() => {
    const row = getDeploy(context.sql, id);
    if (row?.status !== "running" || row.deployment_id !== deploymentId) {
      return;
    }
    if (!called.permitted) {
      late(context, row, called.until);
    } else if (called.answer.ok) {
      apply(context, row, called.answer.value, log);
    } else if (called.answer.error.kind === "refused" && called.answer.error.status === 404) {
      move(context, row, "failed", { why: reasons.deletedUpstream() });
    } else {
      const { retryAfterMs } = called.answer.error;
      late(
        context,
        row,
        context.now() + Math.max(retryAfterMs ?? 0, nextPoll(10_000 * (row.errors + 1))),
      );
    }
  });
  fault("track.settled", context.state);
}

/** Whatever runs is due now, and a look for what others have started: there is word from outside of a change. */
export function lookNow(context: Context): void {
  context.change(() => {
    const now = context.now();
    context.sql.run(
      "UPDATE deploys SET due_at = ? WHERE ended_at IS NULL AND status = 'running' AND due_at > ?",
      now,
      now,
    );
    context.sql.run("UPDATE project SET look_at = ?", now);
  });
}

/** No answer this time. The deadline counts all the same. */
function late(context: Context, row: DeployRow, until: number): void {
  const stages = JSON.parse(row.stages) as Stage[];
  const stage = stages.findLast((s) => s.status === "active")?.name ?? "queued";
  if (!timedOut(context, row, stage)) {
    alter(context, row, { due_at: until, errors: row.errors + 1 });
  }
}

function apply(
  context: Context,
  row: DeployRow,
  deployment: UpstreamDeployment,
  log: string[] = [],
): void {
  const now = context.now();
  const reading = read(deployment);
  const changed = stageChanges(JSON.parse(row.stages) as Stage[], reading.stages);
  const since = changed.length > 0 ? now : (row.stage_since ?? now);
  const seen = alter(context, row, {
    stages: JSON.stringify(reading.stages),
    stage_since: since,
    due_at: now + untilNextPoll(context, row, reading, since),
    errors: 0,
    deployment: JSON.stringify({
      id: deployment.id,
      url: deployment.url,
      aliases: deployment.aliases ?? [],
      environment: deployment.environment,
    } satisfies Deployment),
  });
  for (const stage of changed) {
    emitDeploy(context, "deploy.stage", seen, { stage });
  }
  if (reading.end !== null) {
    end(context, seen, reading.end, { stage: reading.stage, log });
  } else {
    timedOut(context, seen, reading.stage);
  }
}

/** @param since when it was first seen that the stage is what it is */
function untilNextPoll(context: Context, row: DeployRow, reading: Reading, since: number): number {
  const now = context.now();
  const active = reading.stages.findLast(({ status }) => status === "active");
  const began = Date.parse(active?.started_on ?? "");
  if (active === undefined || Number.isNaN(began)) {
    return nextPoll(now - since);
  }
  // Whatever Cloudflare's clock says, it did not begin before the deploy or after it was seen.
  const inStage = now - Math.min(since, Math.max(began, row.started_at ?? since));
  return nextPoll(inStage, lengthsOf(context.sql, row.kind, row.target).get(active.name));
}

function end(
  context: Context,
  row: DeployRow,
  end: NonNullable<Reading["end"]>,
  last: Failure,
): void {
  if (end.status === "succeeded") {
    goLive(context, row);
  } else if (end.status !== "failed") {
    move(context, row, end.status, { why: end.why });
  } else if (mayTryAgain(context, row, last.stage)) {
    tryAgain(context, row, end.why, last.stage);
  } else {
    move(context, row, "failed", { why: end.why, failure: JSON.stringify(last) });
  }
}

/**
 * Its deployment has succeeded, which means that it is live; whether that is good is for the health checks to say. One that a rollback has overtaken while it ran is not
 * what should be live, and is undone. Inside the caller's transaction.
 */
export function goLive(context: Context, row: DeployRow): void {
  const mark = markOf(context.sql, row.target);
  if (mark > row.number) {
    abandon(context, row, "superseded", reasons.newerWentFirst(mark));
    return;
  }
  if (row.environment === "production") {
    context.sql.run("UPDATE project SET live_deploy_id = ?", row.id);
  }
  if (needsChecking(context, row)) {
    beginChecking(context, row);
  } else {
    succeed(context, row);
  }
}

/** Inside the caller's transaction. */
export function succeed(context: Context, row: DeployRow): void {
  const previous = context.sql.one<{ status: DeployStatus }>(
    "SELECT status FROM deploys WHERE target = ? AND number < ? AND status IN ('succeeded', 'failed', 'timed_out') ORDER BY number DESC LIMIT 1",
    row.target,
    row.number,
  );
  const recovered = previous !== null && previous.status !== "succeeded";
  const ended = move(context, row, "succeeded");
  emitDeploy(context, "deploy.succeeded", ended, { recovered });
  if (row.promoted_from !== null) {
    emitDeploy(context, "deploy.promoted", ended);
  }
  if (recovered) {
    emitDeploy(context, "deploy.recovered", ended);
  }
}

function timedOut(context: Context, row: DeployRow, stage: string): boolean {
  const { deadline_seconds: total, stage_deadlines_seconds: stages } = policyOf(context.sql);
  const own = Object.hasOwn(stages, stage) ? stages[stage as keyof typeof stages] : undefined;
  const since = [
    // What Cloudflare put off had nothing running meanwhile.
    [row.posted_at ?? row.started_at ?? 0, total],
    [row.stage_since ?? context.now(), own ?? Infinity],
  ] as const;
  for (const [began, seconds] of since) {
    if (context.now() >= began + seconds * 1_000) {
      abandon(context, row, "timed_out", reasons.timedOut(stage, seconds * 1_000));
      return true;
    }
  }
  return false;
}

/** Only what serves visitors under the project's own addresses is asked; a rollback goes back to what was good. */
function needsChecking(context: Context, row: DeployRow): boolean {
  return (
    row.environment === "production" &&
    row.kind !== "rollback" &&
    policyOf(context.sql).health.checks.length > 0
  );
}

function beginChecking(context: Context, row: DeployRow): void {
  const health: Health = { tries: 0, checks: [] };
  move(context, row, "verifying", { health: JSON.stringify(health), due_at: context.now() });
}
