import type { Context } from "./context.ts";
import { liveExternal } from "./live.ts";

const DAY_MS = 24 * 3_600_000;
/** How long is kept what only tells of the past. Deploys themselves stay. */
const KEEP_MS = 30 * DAY_MS;

/**
 * The daily clean-up. Events stay until every subscriber's cursor is past them and no delivery waits for them, however old
 * they are; a paused or disabled subscriber does not hold them.
 */
export function sweep(context: Context): void {
  context.change(() => {
    const { sql } = context;
    const before = context.now() - KEEP_MS;
    const told = sql.one<{ told: number | null }>(
      `SELECT MIN(told) AS told FROM (
         SELECT MIN(cursor) AS told FROM subscribers WHERE state = 'active'
         UNION ALL SELECT MIN(d.sequence) - 1 FROM deliveries d JOIN subscribers s ON s.id = d.subscriber_id
         WHERE d.state = 'pending' AND s.state = 'active')`,
    );
    sql.run(
      "DELETE FROM events WHERE at < ? AND sequence <= ?",
      before,
      told?.told ?? Number.MAX_SAFE_INTEGER,
    );
    sql.run("DELETE FROM deliveries WHERE at < ? AND state <> 'pending'", before);
    // What is known of targets stays: it says which deploy had the last word.
    sql.run("DELETE FROM learnt WHERE at < ? AND about LIKE 'deploy/%'", before);
    sql.run("DELETE FROM attempts WHERE delivery_id NOT IN (SELECT id FROM deliveries)");
    sql.run(
      "UPDATE subscribers SET old_secret = NULL, old_secret_until = NULL WHERE old_secret_until < ?",
      context.now(),
    );
    sql.run("DELETE FROM triggers WHERE at < ?", before);
    sql.run("DELETE FROM leftovers WHERE ended_at < ?", before);
    // Of those that live for an hour at most, one can be made by every run of a CI job.
    sql.run(
      "DELETE FROM tokens WHERE expires_at < ? OR (expires_at < ? AND expires_at - created_at <= ?)",
      before,
      context.now() - DAY_MS,
      3_600_000,
    );
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
