import { fault } from "../fault.ts";
import type { UpstreamError } from "../cloudflare/errors.ts";
import type { UpstreamDeployment } from "../cloudflare/schemas.ts";
import type { PermitKind } from "../instance/budget.ts";
import { err, ok, type Result } from "../result.ts";
import { backoff } from "./backoff.ts";
import type { Context } from "./context.ts";
import { alter, move } from "./deploys.ts";
import { getDeploy, openDeploys, policyOf, projectRow, type DeployRow } from "./rows.ts";
import type { Form } from "./form.ts";
import { requeue } from "./hold.ts";
import { addLeftover } from "./leftovers.ts";
import { reasons } from "./reasons.ts";
import { follow } from "./track.ts";
import { canBeTold, mayBeOurs, type Sent } from "./twin.ts";
import { call } from "./upstream.ts";

/** When to look for a deployment after its create request got no answer: the settle window. */
const LOOKS_MS = [0, 5_000, 15_000, 30_000, 60_000, 120_000];
/** So long may Cloudflare's list itself be out of reach. */
const LIST_OUT_MS = 3_600_000;
/** A list that does not reach the baseline within this many pages is read no further. */
const MAX_PAGES = 20;
/** For so long after its deploy's end, a late twin is still looked for. */
const STRAY_WATCH_MS = 900_000;
const STRAY_LOOK_MS = 20_000;

/**
 * The create request may or may not have been carried out. The deploy keeps its lane, looks for its deployment, and from
 * now on a twin of it is watched for. Inside the caller's transaction.
 */
export function beginReconciling(context: Context, row: DeployRow): void {
  const now = context.now();
  const why = reasons.reconciling(now + (LOOKS_MS.at(-1) ?? 0));
  move(context, row, "reconciling", { looks: 0, posted_at: now, due_at: now, why });
  context.sql.insert("stray_watches", { deploy_id: row.id, due_at: now + STRAY_LOOK_MS }, true);
}

/** The effect: one look for the deployment of a deploy whose create request got no answer. */
export async function reconcile(context: Context, id: string): Promise<void> {
  const before = getDeploy(context.sql, id);
  if (before?.status !== "reconciling") {
    return;
  }
  const listed = await listBackTo(context, ids(before.baseline), "create");
  fault("reconcile.listed", context.state);
  context.change(() => {
    const row = getDeploy(context.sql, id);
    if (row?.status !== "reconciling" || row.fence !== before.fence) {
      return;
    }
    if (listed.ok) {
      if (!conclude(context, row, unclaimed(context, listed.value, row))) {
        lookAgain(context, row);
      }
    } else {
      listFailed(context, row, listed.error);
    }
  });
  fault("reconcile.settled", context.state);
}

/** Decides by what was found; false when that was nothing. Inside the caller's transaction. */
export function conclude(context: Context, row: DeployRow, found: UpstreamDeployment[]): boolean {
  const [first] = found;
  if (first === undefined) {
    return false;
  }
  if (found.length === 1 && canBeTold(JSON.parse(row.form) as Form)) {
    follow(context, row, first);
  } else {
    const why =
      found.length > 1
        ? `${found.length} deployments at Cloudflare may be it`
        : "nothing was sent by which its deployment could be told";
    const failed = move(context, row, "failed", { why: reasons.outcomeUncertain(why) });
    for (const deployment of found) {
      addLeftover(context, failed, deployment.id, "stray");
    }
  }
  return true;
}

function lookAgain(context: Context, row: DeployRow): void {
  const looks = row.looks + 1;
  const next = LOOKS_MS[looks];
  if (next !== undefined) {
    alter(context, row, { looks, errors: 0, due_at: (row.posted_at ?? context.now()) + next });
  } else if (row.cancel_requested !== null) {
    move(context, row, "canceled", { why: reasons.canceledBy(row.cancel_requested, false) });
  } else if (row.attempts >= policyOf(context.sql).max_attempts) {
    const why = reasons.attemptsUsedUp(
      row.attempts,
      "Cloudflare did not answer, and made nothing.",
    );
    move(context, row, "failed", { why });
  } else {
    requeue(context, row);
  }
}

function listFailed(context: Context, row: DeployRow, problem: ListProblem): void {
  const now = context.now();
  if (now - (row.posted_at ?? now) > LIST_OUT_MS) {
    move(context, row, "failed", {
      why: reasons.outcomeUncertain("its list of deployments could not be read for an hour"),
    });
    return;
  }
  const errors = row.errors + 1;
  const due = problem.until ?? now + backoff(errors, 2_000, 60_000);
  alter(context, row, { errors, due_at: due });
}

/** The effect: one look for a late twin of a deploy whose create request once got no answer. */
export async function watchForStrays(context: Context, deployId: string): Promise<void> {
  const before = getDeploy(context.sql, deployId);
  // Before it is known which deployment counts, what is found may be that one: reconciling sees to it.
  const listed = isSettled(before)
    ? await listBackTo(context, ids(before?.baseline ?? null), "poll")
    : null;
  fault("watch.listed", context.state);
  context.change(() => {
    const row = getDeploy(context.sql, deployId);
    const now = context.now();
    const found =
      row !== null && listed?.ok === true && isSettled(row)
        ? unclaimed(context, listed.value, row)
        : [];
    const awaited = awaitedOf(context, found);
    for (const stray of found) {
      if (row !== null && !awaited.has(stray.id)) {
        addLeftover(context, row, stray.id, "stray");
      }
    }
    const isOver = row === null || (row.ended_at !== null && now > row.ended_at + STRAY_WATCH_MS);
    if (isOver && awaited.size === 0) {
      context.sql.run("DELETE FROM stray_watches WHERE deploy_id = ?", deployId);
      return;
    }
    const due = listed?.ok === false ? (listed.error.until ?? now + 30_000) : now + STRAY_LOOK_MS;
    context.sql.run("UPDATE stray_watches SET due_at = ? WHERE deploy_id = ?", due, deployId);
  });
}

/** Of these, the ones that may be what a deploy is looking for that sent the same, such as a retry: that has the first word. */
function awaitedOf(context: Context, found: readonly UpstreamDeployment[]): Set<string> {
  const looking =
    found.length === 0
      ? []
      : openDeploys(context.sql).filter(
          ({ status }) => status === "submitting" || status === "reconciling",
        );
  return new Set(
    looking
      .flatMap((row) => mayBeOurs(found, ids(row.baseline), sentOf(context, row)))
      .map(({ id }) => id),
  );
}

function isSettled(row: DeployRow | null): boolean {
  return row !== null && (row.deployment_id !== null || row.ended_at !== null);
}

/** Deployments that may be this deploy's and that nothing here counts as its own yet. */
export function unclaimed(
  context: Context,
  listed: readonly UpstreamDeployment[],
  row: DeployRow,
): UpstreamDeployment[] {
  const known = knownOf(context, listed);
  return mayBeOurs(listed, ids(row.baseline), sentOf(context, row)).filter(
    ({ id }) => !known.has(id),
  );
}

/** Those of the listed deployments of which it is settled whose they are: once an external, never ours, and vice versa. */
export function knownOf(context: Context, listed: readonly UpstreamDeployment[]): Set<string> {
  const known = context.sql.all<{ id: string }>(
    `SELECT value AS id FROM json_each(?) WHERE EXISTS (SELECT 1 FROM deploys WHERE deployment_id = value)
       OR EXISTS (SELECT 1 FROM leftovers WHERE deployment_id = value)
       OR EXISTS (SELECT 1 FROM externals WHERE deployment_id = value)`,
    JSON.stringify(listed.map(({ id }) => id)),
  );
  return new Set(known.map(({ id }) => id));
}

export function sentOf(context: Context, row: DeployRow): Sent {
  return {
    form: JSON.parse(row.form) as Form,
    productionBranch: projectRow(context.sql).production_branch,
    manifest: row.upload_id !== null,
  };
}

interface ListProblem {
  /** When a permit may be had; null after an error. */
  readonly until: number | null;
  readonly error: UpstreamError | null;
}

/** Everything in the project's list that is newer than the baseline, and the page on which that was met. */
export async function listBackTo(
  context: Context,
  baseline: readonly string[],
  kind: PermitKind,
  maxPages: number = MAX_PAGES,
): Promise<Result<UpstreamDeployment[], ListProblem>> {
  const name = projectRow(context.sql).name;
  const listed: UpstreamDeployment[] = [];
  for (let page = 1; page <= maxPages; page++) {
    const called = await call(context, page === 1 ? kind : "more", (c) =>
      c.deployments(name, page),
    );
    if (!called.permitted) {
      return err({ until: called.until, error: null });
    }
    if (!called.answer.ok) {
      const { error } = called.answer;
      const until = error.retryAfterMs === null ? null : context.now() + error.retryAfterMs;
      return err({ until, error });
    }
    listed.push(...called.answer.value);
    const reached = called.answer.value.some(({ id }) => baseline.includes(id));
    if (reached || called.answer.value.length === 0) {
      break;
    }
  }
  return ok(listed);
}

export function ids(baseline: string | null): string[] {
  return baseline === null ? [] : (JSON.parse(baseline) as string[]);
}
