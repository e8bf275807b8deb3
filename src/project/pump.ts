import { hasSchema } from "../sql.ts";
import { agenda } from "./agenda.ts";
import { expireApproval } from "./approval.ts";
import { someHeld } from "./hold.ts";
import { expireLock } from "./locks.ts";
import { backoff } from "./backoff.ts";
import { addLeftover } from "./leftovers.ts";
import type { Context } from "./context.ts";
import { deliver } from "./deliver.ts";
import { move } from "./deploys.ts";
import { getDeploy } from "./rows.ts";
import { emit } from "./events.ts";
import { look, watchExternal } from "./externals.ts";
import { tend } from "./leftovers.ts";
import { reasons } from "./reasons.ts";
import { reconcile, watchForStrays } from "./reconcile.ts";
import { checkHealth } from "./health.ts";
import { runSchedule } from "./schedules.ts";
import { performRollback } from "./rollback.ts";
import { isEnd } from "./status.ts";
import { recover, submit } from "./submit.ts";
import { sweep } from "./sweep.ts";
import { poll } from "./track.ts";
import { sweepUpload } from "./uploads.ts";
import { windowsDue } from "./window-events.ts";

/** Longer than any effect can take: its calls end by their own timeouts. */
const LEASE_MS = 180_000;
const MAX_STRIKES = 8;

/** Starts everything that is due and finds a slot, and does not wait for it. */
export function pump(context: Context): void {
  if (someHeld(context)) {
    // What time has released is told of as that, before it starts.
    context.change(() => undefined);
  }
  const now = context.now();
  for (const due of agenda(context.sql, now)) {
    if (due.at <= now) {
      context.slots.start(due.key, due.kind, now, LEASE_MS, () => run(context, due.key));
    }
  }
}

/** One effect in a frame of its own: what fails unforeseen is put off and at last quarantined, and stops nothing else. */
async function run(context: Context, key: string): Promise<void> {
  let failure: unknown = null;
  try {
    await effect(context, key);
  } catch (error) {
    failure = error;
  }
  if (!hasSchema(context.sql)) {
    return; // The project was removed meanwhile.
  }
  if (failure !== null) {
    trouble(context, key, failure);
  } else if (context.sql.one("SELECT 1 AS x FROM troubles WHERE key = ?", key) !== null) {
    context.sql.run("DELETE FROM troubles WHERE key = ?", key);
  }
}

async function effect(context: Context, key: string): Promise<void> {
  const slash = key.indexOf("/");
  const id = key.slice(slash + 1);
  switch (key.slice(0, slash)) {
    case "deploy":
      return deployEffect(context, id);
    case "leftover":
      return tend(context, id);
    case "watch":
      return watchForStrays(context, id);
    case "subscriber":
      return deliver(context, id);
    case "schedule":
      return runSchedule(context, id);
    case "approval":
      return expireApproval(context, id);
    case "lock":
      return expireLock(context, id);
    case "window":
      return windowsDue(context, id);
    case "upload":
      return sweepUpload(context, id);
    case "external":
      return watchExternal(context, id);
    case "project":
      return id === "look" ? look(context) : sweep(context);
    default:
      return;
  }
}

async function deployEffect(context: Context, id: string): Promise<void> {
  const row = getDeploy(context.sql, id);
  switch (row?.status) {
    case "queued":
      return row.kind === "rollback" ? performRollback(context, id) : submit(context, id);
    case "submitting":
      return recover(context, id);
    case "reconciling":
      return reconcile(context, id);
    case "running":
      return poll(context, id);
    case "verifying":
      return checkHealth(context, id);
    default:
      return;
  }
}

function trouble(context: Context, key: string, error: unknown): void {
  const text = String(error).slice(0, 500);
  console.error({ message: "an effect failed unforeseen", key, error: text });
  context.change(() => {
    const row = context.sql.one<{ strikes: number }>(
      "SELECT strikes FROM troubles WHERE key = ?",
      key,
    );
    const strikes = (row?.strikes ?? 0) + 1;
    const last = strikes >= MAX_STRIKES;
    context.sql.run(
      `INSERT INTO troubles (key, strikes, due_at, error) VALUES (?, ?, ?, ?)
       ON CONFLICT (key) DO UPDATE SET strikes = excluded.strikes, due_at = excluded.due_at, error = excluded.error`,
      key,
      strikes,
      last ? null : context.now() + backoff(strikes, 2_000, 600_000),
      text,
    );
    if (last) {
      emit(context, "project.quarantined", { key, strikes });
      giveUpDeploy(context, key);
    }
  });
}

/** A quarantined deploy must not keep its lane; what it may have left at Cloudflare is watched. */
function giveUpDeploy(context: Context, key: string): void {
  const row = key.startsWith("deploy/")
    ? getDeploy(context.sql, key.slice("deploy/".length))
    : null;
  if (row === null || isEnd(row.status)) {
    return;
  }
  const ended = move(context, row, "failed", { why: reasons.internalError() });
  // What was being verified is live, and is what should be.
  if (ended.deployment_id !== null && row.status !== "verifying") {
    addLeftover(context, ended, ended.deployment_id, "abandoned");
  }
}
