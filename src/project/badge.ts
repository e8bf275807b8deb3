import type { Context } from "./context.ts";
import { projectRow } from "./rows.ts";
import type { DeployStatus } from "./shapes.ts";

/** How a target is, in the words of its badge. */
export type BadgeState = "never" | "running" | "live" | "failed";

/** What a badge goes by: what has begun and not ended, and how the last one that ran has ended. */
const RUNNING: readonly DeployStatus[] = ["submitting", "reconciling", "running", "verifying"];
const RESULTS: readonly DeployStatus[] = ["succeeded", "failed", "timed_out"];

/** What the address of a badge is made of. */
export interface Badge {
  readonly nonce: string;
  /** Of the keyring; null: not known. */
  readonly key: string | null;
}

/** Lets everybody see the badge who has its address, or, with null, nobody any more. */
export function setBadge(context: Context, badge: Badge | null): void {
  context.sql.run(
    "UPDATE project SET badge = ?, badge_key = ?",
    badge?.nonce ?? null,
    badge?.key ?? null,
  );
}

/** Has the badge's address made with another key. */
export function renewBadge(context: Context, key: string): Badge | null {
  context.sql.run("UPDATE project SET badge_key = ? WHERE badge IS NOT NULL", key);
  return badgeOf(context);
}

export function badgeOf(context: Context): Badge | null {
  const { badge: nonce, badge_key: key } = projectRow(context.sql);
  return nonce === null ? null : { nonce, key };
}

/** null: this address is not, or no longer, one of this project's badge. Without a branch it is production's. */
export function badgeState(
  context: Context,
  nonce: string,
  branch: string | null,
): BadgeState | null {
  const { badge, production_branch } = projectRow(context.sql);
  if (badge === null || badge !== nonce) {
    return null;
  }
  const target =
    branch === null || branch === production_branch ? "production" : `preview/${branch}`;
  return (
    first(context, target, RUNNING, () => "running") ??
    first(context, target, RESULTS, (status) => (status === "succeeded" ? "live" : "failed")) ??
    "never"
  );
}

function first(
  context: Context,
  target: string,
  statuses: readonly DeployStatus[],
  say: (status: DeployStatus) => BadgeState,
): BadgeState | null {
  const row = context.sql.one<{ status: DeployStatus }>(
    `SELECT status FROM deploys WHERE target = ? AND status IN (${statuses.map(() => "?").join(", ")})
     ORDER BY number DESC LIMIT 1`,
    target,
    ...statuses,
  );
  return row === null ? null : say(row.status);
}
