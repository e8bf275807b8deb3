import { err, ok, type Result } from "../result.ts";
import type { Context } from "./context.ts";
import { alter, emitDeploy, move, toDeploy } from "./deploys.ts";
import { line } from "./line.ts";
import type { Wait } from "./queue.ts";
import type { Refusal } from "./refusal.ts";
import { getDeploy, type DeployRow } from "./rows.ts";
import type { Deploy, WaitingFor } from "./shapes.ts";
import { waitsFor } from "./waits.ts";

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

/** What rules hold back, as against what waits for its turn or for Cloudflare. */
const HELD: readonly WaitingFor[] = ["lock", "window", "approval", "not_before", "quiet_period"];

/**
 * Tells which waiting deploys are held and which no longer are, as far as that has not been told. Inside the transaction
 * of whatever may have changed that.
 */
export function tellHolds(context: Context): void {
  const { sql } = context;
  const waiting = sql.all<DeployRow>(
    "SELECT * FROM deploys INDEXED BY deploys_open WHERE ended_at IS NULL AND status = 'queued' ORDER BY number",
  );
  if (waiting.length === 0) {
    return;
  }
  const { waits } = line(sql, context.now());
  for (const row of waiting) {
    const wait = waits.get(row.id);
    const held = heldFor(wait);
    const change = waitsFor(row, wait?.for ?? null, context.now());
    if (held === row.held_for) {
      if ("waits" in change) {
        alter(context, row, change);
      }
      continue;
    }
    const told = alter(context, row, { ...change, held_for: held });
    if (held === null) {
      emitDeploy(context, "deploy.released", told, { held_for: row.held_for });
    } else {
      emitDeploy(context, "deploy.held", told);
    }
  }
}

/** Whether a deploy is held that time alone may have released. */
export function someHeld({ sql }: Context): boolean {
  const held = sql.one(
    "SELECT 1 AS x FROM deploys INDEXED BY deploys_open WHERE ended_at IS NULL AND held_for IS NOT NULL",
  );
  return held !== null;
}

export function isHeld(wait: Wait): boolean {
  return HELD.includes(wait.for);
}

function heldFor(wait: Wait | undefined): WaitingFor | null {
  return wait !== undefined && isHeld(wait) ? wait.for : null;
}

/** Lets a waiting deploy start whatever windows, quiet period and its own time say. A lock stays a lock. */
export function release(
  context: Context,
  id: string,
  actor: string,
  reason: string,
): Result<Deploy, Refusal> {
  return onWaiting(context, id, (row) => {
    const released = alter(context, row, { released_by: actor, held_for: null });
    emitDeploy(context, "deploy.released", released, {
      by: actor,
      override: reason,
      held_for: row.held_for,
    });
    return ok(released);
  });
}

/** Does something to a deploy that waits, in one transaction. */
export function onWaiting(
  context: Context,
  id: string,
  act: (row: DeployRow) => Result<DeployRow, Refusal>,
): Result<Deploy, Refusal> {
  return context.change(() => {
    const row = getDeploy(context.sql, id);
    if (row === null) {
      return err({ code: "not_found", detail: "There is no such deploy." });
    }
    if (row.status !== "queued") {
      return err({ code: "conflict", detail: `This deploy does not wait: it is ${row.status}.` });
    }
    const done = act(row);
    return done.ok ? ok(toDeploy(context, done.value)) : done;
  });
}
