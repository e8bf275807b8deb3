import { iso } from "../ids.ts";
import { must } from "../sql.ts";
import type { Context } from "./context.ts";
import { emit } from "./events.ts";
import type { Environment } from "./policy.ts";
import type { Lock } from "./shapes.ts";

/** A person's stop sign: deploys of its environment wait until it is taken away or its time is over. */
export interface LockRow {
  id: string;
  /** null: both. */
  environment: Environment | null;
  /** Who holds it, as people know them. */
  holder: string;
  reason: string;
  until: number | null;
  created_at: number;
}

export interface NewLock {
  readonly id: string;
  readonly environment: Environment | null;
  readonly holder: string;
  readonly reason: string;
  readonly until: number | null;
}

export function addLock(context: Context, lock: NewLock): Lock {
  return context.change(() => lockInside(context, lock));
}

/** The same inside the caller's transaction. */
export function lockInside(context: Context, lock: NewLock): Lock {
  context.sql.insert("locks", { ...lock, created_at: context.now() });
  const made = view(must(lockRow(context, lock.id)));
  emit(context, "project.locked", { lock: made });
  return made;
}

/** Oldest first. */
export function listLocks(context: Context): Lock[] {
  return context.sql.all<LockRow>("SELECT * FROM locks ORDER BY created_at, id").map(view);
}

export function getLock(context: Context, id: string): Lock | null {
  const row = lockRow(context, id);
  return row === null ? null : view(row);
}

export function removeLock(context: Context, id: string, actor: string): boolean {
  return context.change(() => unlock(context, id, { by: actor, reason: "released" }));
}

/** The lock that keeps deploys of this environment waiting, if one does. */
export function lockOn(context: Context, environment: Environment): Lock | null {
  const row = context.sql.one<LockRow>(
    `SELECT * FROM locks WHERE (environment IS NULL OR environment = ?) AND COALESCE(until, ?) > ?
     ORDER BY created_at, id`,
    environment,
    context.now() + 1,
    context.now(),
  );
  return row === null ? null : view(row);
}

/** The step of one lock whose time is over. */
export function expireLock(context: Context, id: string): void {
  context.change(() => {
    const row = lockRow(context, id);
    if (row?.until != null && row.until <= context.now()) {
      unlock(context, id, { by: null, reason: "expired" });
    }
  });
}

function unlock(
  context: Context,
  id: string,
  how: { readonly by: string | null; readonly reason: "released" | "expired" },
): boolean {
  const row = lockRow(context, id);
  if (row === null) {
    return false;
  }
  context.sql.run("DELETE FROM locks WHERE id = ?", id);
  emit(context, "project.unlocked", { lock: view(row), ...how });
  return true;
}

function lockRow(context: Context, id: string): LockRow | null {
  return context.sql.one<LockRow>("SELECT * FROM locks WHERE id = ?", id);
}

function view(row: LockRow): Lock {
  return {
    ...row,
    until: row.until === null ? null : iso(row.until),
    created_at: iso(row.created_at),
  };
}
