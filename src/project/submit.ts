import { fault } from "../fault.ts";
import type { Answer, Payload } from "../cloudflare/client.ts";
import { isAuthError, PROJECT_NOT_FOUND, type UpstreamError } from "../cloudflare/errors.ts";
import type { UpstreamDeployment } from "../cloudflare/schemas.ts";
import type { AskedBuild } from "../instance/builds.ts";
import { expiredAssets } from "./assets.ts";
import { backoff } from "./backoff.ts";
import type { Context } from "./context.ts";
import { alter, move } from "./deploys.ts";
import { classOf } from "./queue.ts";
import { notice } from "./externals.ts";
import { isBehindExternal, line } from "./line.ts";
import { getDeploy, markOf, policyOf, projectRow, type DeployRow } from "./rows.ts";
import type { Form } from "./form.ts";
import { holdBack, requeue } from "./hold.ts";
import { reasons, type Reason } from "./reasons.ts";
import { beginReconciling, conclude, ids, listBackTo, unclaimed } from "./reconcile.ts";
import { follow } from "./track.ts";
import { bodyOf, hasBody } from "./uploads.ts";
import { callPermitted, permit } from "./upstream.ts";

/** At least the timeout of one call and a minute, so that a lease never ends while its answer may still come. */
const LEASE_MS = 180_000;

/** How a claimed deploy came out of its attempt. */
type Result =
  /** The create request never left. */
  | { readonly kind: "not_sent"; readonly error: UpstreamError }
  | { readonly kind: "no_permit"; readonly until: number }
  /** A build of others has its lane. */
  | { readonly kind: "external" }
  | { readonly kind: "impossible"; readonly why: Reason }
  | { readonly kind: "answered"; readonly answer: Answer<UpstreamDeployment> };

/**
 * The effect: makes the deployment of one deploy, at most once. Permit, claim, baseline, request, settle; a crash between
 * any two of these leaves rows that say how far it came (see {@link recover}).
 */
export async function submit(context: Context, id: string): Promise<void> {
  if (!(await hasPermit(context, id))) {
    return;
  }
  const claimed = claim(context, id);
  if (claimed === null) {
    return;
  }
  fault("submit.claimed", context.state);
  const result = await attempt(context, claimed);
  fault("submit.answered", context.state);
  context.change(() => settle(context, claimed, result));
  fault("submit.settled", context.state);
}

/** Whether a deploy may make its call now; without a permit, or a place to build in, it waits for one, and says so. */
export async function hasPermit(context: Context, id: string): Promise<boolean> {
  const asking = getDeploy(context.sql, id);
  const allowed = await permit(
    context,
    "create",
    asking === null ? null : placeFor(context, asking),
  );
  if (!allowed.granted) {
    context.change(() => {
      const row = getDeploy(context.sql, id);
      if (row?.status === "queued") {
        holdBack(context, row, { for: allowed.full ? "turn" : "budget", until: allowed.until });
      }
    });
  }
  return allowed.granted;
}

/** What is uploaded needs no place among Cloudflare's builds. */
function placeFor(context: Context, row: DeployRow): AskedBuild | null {
  return row.kind === "build"
    ? {
        deploy_id: row.id,
        project: projectRow(context.sql).key,
        class: classOf(row, context.now()),
        since: row.created_at,
      }
    : null;
}

/** Whether the build of a deploy takes one of the account's places: it is under way, or left behind and not over. */
export function isBuilding(context: Context, id: string): boolean {
  const row = getDeploy(context.sql, id);
  return (
    (row !== null && ["submitting", "reconciling", "running"].includes(row.status)) ||
    context.sql.one("SELECT 1 AS x FROM leftovers WHERE deploy_id = ? AND ended_at IS NULL", id) !==
      null
  );
}

/** Takes the lane, if the deploy may still start. One transaction. */
export function claim(context: Context, id: string): DeployRow | null {
  return context.change(() => {
    const row = getDeploy(context.sql, id);
    const now = context.now();
    if (row === null || !line(context.sql, now).start.includes(id)) {
      return null;
    }
    const mark = markOf(context.sql, row.target);
    if (mark > row.number) {
      const newer = context.sql.one<{ id: string }>(
        "SELECT id FROM deploys WHERE number = ?",
        mark,
      );
      move(context, row, "superseded", {
        why: reasons.newerWentFirst(mark),
        superseded_by: newer?.id ?? null,
      });
      return null;
    }
    context.sql.run(
      "INSERT INTO marks (target, number) VALUES (?, ?) ON CONFLICT (target) DO UPDATE SET number = excluded.number",
      row.target,
      row.number,
    );
    return move(context, row, "submitting", {
      event: row.started_at === null ? "deploy.started" : null,
      fence: row.fence + 1,
      // While it has asked for nothing, nothing runs that a deadline could count for.
      started_at: row.attempts === 0 ? now : row.started_at,
      posted_at: null,
      waiting_for: null,
      due_at: now + LEASE_MS,
    });
  });
}

async function attempt(context: Context, claimed: DeployRow): Promise<Result> {
  if (claimed.upload_id !== null) {
    if (!hasBody(context.sql, claimed.upload_id)) {
      return { kind: "impossible", why: reasons.bodyLost() };
    }
    const assets = await expiredAssets(context, claimed.upload_id);
    if (assets.kind !== "fresh") {
      return assets;
    }
  }
  const askedAt = context.now();
  const pages = claimed.baseline === null ? 1 : undefined;
  const listed = await listBackTo(context, ids(claimed.baseline), "more", pages);
  if (!listed.ok) {
    const { error, until } = listed.error;
    return error === null
      ? { kind: "no_permit", until: until ?? context.now() }
      : { kind: "not_sent", error };
  }
  const begun = beginSending(context, claimed, listed.value, askedAt);
  if (begun.kind !== "sending") {
    return begun;
  }
  fault("submit.sending", context.state);
  const payload = payloadOf(context, begun.row);
  if (payload === null) {
    return { kind: "impossible", why: reasons.bodyLost() };
  }
  const name = projectRow(context.sql).name;
  return { kind: "answered", answer: await callPermitted(context, (c) => c.create(name, payload)) };
}

/**
 * The last step before the request, made durable by the output gate before it leaves: from here on, no answer means
 * *unknown*. A deployment of an earlier attempt that has come to light meanwhile is taken instead; and what others have
 * under way in this lane is waited for. Nothing in the list can be of the request that is about to leave.
 */
function beginSending(
  context: Context,
  claimed: DeployRow,
  listed: UpstreamDeployment[],
  askedAt: number,
): Result | { readonly kind: "sending"; readonly row: DeployRow } {
  return context.change(() => {
    const now = context.now();
    const row = getDeploy(context.sql, claimed.id);
    if (row?.status !== "submitting" || row.fence !== claimed.fence) {
      return { kind: "no_permit", until: now };
    }
    if (row.baseline !== null && conclude(context, row, unclaimed(context, listed, row))) {
      return { kind: "no_permit", until: now };
    }
    notice(context, listed, askedAt);
    if (isBehindExternal(context.sql, row, now)) {
      return { kind: "external" };
    }
    const sent = alter(context, row, {
      attempts: row.attempts + 1,
      baseline: row.baseline ?? JSON.stringify(listed.map(({ id }) => id)),
      posted_at: now,
      due_at: now + LEASE_MS,
    });
    return { kind: "sending", row: sent };
  });
}

function payloadOf(context: Context, row: DeployRow): Payload | null {
  if (row.upload_id !== null) {
    return bodyOf(context.sql, row.upload_id, row.kind === "promote" ? row.branch : null);
  }
  const form = JSON.parse(row.form) as Form;
  const body = new FormData();
  for (const [name, value] of Object.entries(form)) {
    body.set(name, String(value));
  }
  return { body };
}

/** Writes what came of an attempt, unless the deploy has moved on without it. Inside the caller's transaction. */
function settle(context: Context, claimed: DeployRow, result: Result): void {
  const row = getDeploy(context.sql, claimed.id);
  if (row?.status !== "submitting" || row.fence !== claimed.fence) {
    return;
  }
  if (result.kind === "answered" && result.answer.ok) {
    follow(context, row, result.answer.value);
    return;
  }
  if (result.kind === "answered" && !result.answer.ok && result.answer.error.kind === "unknown") {
    beginReconciling(context, row);
    return;
  }
  if (row.cancel_requested !== null) {
    move(context, row, "canceled", { why: reasons.canceledBy(row.cancel_requested, false) });
    return;
  }
  switch (result.kind) {
    case "no_permit":
      return requeue(context, row, { for: "budget", until: result.until });
    case "external":
      return requeue(context, row);
    case "impossible":
      move(context, row, "failed", { why: result.why });
      return;
    case "not_sent":
      return notCreated(context, row, result.error);
    case "answered":
      return result.answer.ok ? undefined : notCreated(context, row, result.answer.error);
  }
}

/** It is known that nothing was made: again later, or never. Inside the caller's transaction. */
export function notCreated(context: Context, row: DeployRow, error: UpstreamError): void {
  if (error.kind === "refused") {
    const why =
      error.code === PROJECT_NOT_FOUND
        ? reasons.projectGone()
        : isAuthError(error)
          ? reasons.noCredential(error.message)
          : reasons.refused(error.message, error.code);
    move(context, row, "failed", { why });
    return;
  }
  if (error.kind === "limited") {
    const until = context.now() + (error.retryAfterMs ?? 60_000);
    requeue(context, row, { for: "budget", until });
    return;
  }
  const errors = row.errors + 1;
  if (errors >= policyOf(context.sql).max_attempts) {
    move(context, row, "failed", { why: reasons.attemptsUsedUp(errors, error.message) });
    return;
  }
  const until = context.now() + backoff(errors, 5_000, 300_000);
  requeue(context, alter(context, row, { errors }), { for: "retry", until });
}

/**
 * Its lease has ended or its object was restarted, and nobody will settle it. Before {@link beginSending} nothing can have
 * been made; after it, that is unknown.
 */
export function recover(context: Context, id: string): void {
  context.change(() => {
    const row = getDeploy(context.sql, id);
    if (row?.status !== "submitting") {
      return;
    }
    if (row.posted_at !== null) {
      beginReconciling(context, row);
    } else if (row.cancel_requested !== null) {
      move(context, row, "canceled", { why: reasons.canceledBy(row.cancel_requested, false) });
    } else {
      requeue(context, row);
    }
  });
}
