import type { Context } from "./context.ts";
import { liveExternal } from "./live.ts";
import { projectRow } from "./rows.ts";
import { SUBSCRIBERS } from "./told.ts";
import { sweepTokens } from "../tokens.ts";

const DAY_MS = 24 * 3_600_000;
/** How long is kept what only tells of the past. */
const KEEP_MS = 30 * DAY_MS;
/** Deploys, and what hangs on them, stay for longer: a year can be compared with the one before. */
export const KEEP_DEPLOYS_MS = 400 * DAY_MS;
/** So many of them stay however old they are, and no more than so many however young. */
const KEEP_NEWEST = 1_000;
const KEEP_MOST = 100_000;
/** Of those that succeeded in production: what a rollback may go back to, and what the newest one recovered from. */
const KEEP_GOOD = 25;
/** Removed at once; the rest is the next day's. */
const REMOVE_MOST = 5_000;

/**
 * The daily clean-up. Events stay until every subscriber was told of them and no delivery waits for them, however old
 * they are; a paused or disabled subscriber does not hold them.
 */
export function sweep(context: Context): void {
  context.change(() => {
    const { sql } = context;
    const before = context.now() - KEEP_MS;
    // Of who was well, nothing but a delivery that is deleted below may say how far it was told.
    sql.run(
      `UPDATE subscribers SET cursor = told, last_at = tried_at, last_ms = tried_ms, last_status = tried_status, last_error = tried_error
       FROM ${SUBSCRIBERS} s WHERE s.id = subscribers.id AND (s.told > s.cursor OR s.tried_at IS NOT s.last_at)`,
    );
    const told = sql.one<{ told: number | null }>(
      `SELECT MIN(told) AS told FROM (
         SELECT MIN(told) AS told FROM ${SUBSCRIBERS} WHERE state = 'active'
         UNION ALL SELECT MIN(d.sequence) - 1 FROM deliveries d JOIN subscribers s ON s.id = d.subscriber_id
         WHERE d.state = 'pending' AND s.state = 'active')`,
    );
    sql.run(
      "DELETE FROM events WHERE at < ? AND sequence <= ?",
      before,
      told?.told ?? Number.MAX_SAFE_INTEGER,
    );
    sql.run("DELETE FROM deliveries WHERE at < ? AND state <> 'pending'", before);
    // What is known of targets stays as long as deploys do: it says which deploy had the last word.
    sql.run("DELETE FROM learnt WHERE at < ? AND about LIKE 'deploy/%'", before);
    sql.run(
      "DELETE FROM attempts WHERE (subscriber_id, sequence) NOT IN (SELECT subscriber_id, sequence FROM deliveries)",
    );
    sql.run(
      "UPDATE subscribers SET old_secret = NULL, old_secret_until = NULL WHERE old_secret_until < ?",
      context.now(),
    );
    sql.run("DELETE FROM triggers WHERE at < ?", before);
    sql.run("DELETE FROM leftovers WHERE ended_at < ?", before);
    sweepDeploys(context);
    sweepTokens(sql, context.now());
    sql.run(
      "DELETE FROM readers WHERE deploy_id IN (SELECT id FROM deploys WHERE ended_at < ?)",
      context.now() - DAY_MS,
    );
    sql.run(
      "DELETE FROM externals WHERE ended_at < ? AND deployment_id <> ?",
      before,
      liveExternal(sql)?.deployment_id ?? "",
    );
    sql.run("UPDATE project SET sweep_at = ?", context.now() + DAY_MS);
  });
}

/** Nothing else may rest on a deploy that goes: only what has ended does, and never what is live. */
function sweepDeploys(context: Context): void {
  const { sql } = context;
  const { next_number: next, live_deploy_id: live } = projectRow(sql);
  const young = sql.one<{ number: number }>(
    "SELECT number FROM deploys WHERE created_at >= ? ORDER BY number LIMIT 1",
    context.now() - KEEP_DEPLOYS_MS,
  );
  const before = Math.max(Math.min(young?.number ?? next, next - KEEP_NEWEST), next - KEEP_MOST);
  const removed = sql.run(
    `DELETE FROM deploys WHERE number IN (
       SELECT number FROM deploys WHERE number < ? AND ended_at IS NOT NULL AND id <> ? AND number NOT IN (
         SELECT number FROM deploys WHERE target = 'production' AND status = 'succeeded' ORDER BY number DESC LIMIT ?)
       ORDER BY number LIMIT ?)`,
    before,
    live ?? "",
    KEEP_GOOD,
    REMOVE_MOST,
  );
  if (removed > 0) {
    // Numbers only grow: with no deploy of a target left, there is none that its mark could stop.
    sql.run("DELETE FROM marks WHERE target NOT IN (SELECT target FROM deploys)");
    sql.run("DELETE FROM runs WHERE deploy_id NOT IN (SELECT id FROM deploys)");
    sql.run("DELETE FROM learnt WHERE at < ?", context.now() - KEEP_DEPLOYS_MS);
  }
}
