import { iso } from "../ids.ts";
import type { Sql } from "../sql.ts";
import { getDeploy, projectRow, type DeployRow, type ExternalRow } from "./rows.ts";
import type { External, Stage } from "./shapes.ts";

/** When a deployment went live by its stages, which is Cloudflare's clock; null: they do not say. */
export function liveSince(stages: readonly Stage[]): number | null {
  const at = Date.parse(stages.find(({ name }) => name === "deploy")?.ended_on ?? "");
  return Number.isNaN(at) ? null : at;
}

/**
 * The deployment of others that is live in production; null when what is live is ours. The later one is live, whichever
 * was noticed first: so this is read from both, and nothing has to be kept.
 */
export function liveExternal(sql: Sql): (ExternalRow & { live_at: number }) | null {
  const newest = sql.one<ExternalRow & { live_at: number }>(
    "SELECT * FROM externals WHERE live_at IS NOT NULL ORDER BY live_at DESC LIMIT 1",
  );
  const { live_deploy_id: id } = projectRow(sql);
  const ours = newest === null || id === null ? null : getDeploy(sql, id);
  return newest === null || (ours !== null && ourLiveSince(ours) >= newest.live_at) ? null : newest;
}

/** A rollback has no stages of its own. */
function ourLiveSince(row: DeployRow): number {
  return liveSince(JSON.parse(row.stages) as Stage[]) ?? row.ended_at ?? 0;
}

/** Those that run, oldest first, and the one that is live. */
export function currentExternals(sql: Sql): External[] {
  const live = liveExternal(sql);
  const running = sql.all<ExternalRow>(
    "SELECT * FROM externals WHERE ended_at IS NULL ORDER BY since, created_on",
  );
  return (live === null ? running : [...running, live]).map(toExternal);
}

/** As everybody outside sees it. */
export function toExternal(row: ExternalRow): External {
  return {
    deployment_id: row.deployment_id,
    status: row.outcome ?? "running",
    stage: row.stage,
    trigger: row.trigger_type,
    environment: row.environment,
    branch: row.branch,
    target: row.target,
    url: row.url,
    commit_hash: row.commit_hash,
    commit_message: row.commit_message,
    created_on: row.created_on,
    since: iso(row.since),
    ended_at: row.ended_at === null ? null : iso(row.ended_at),
  };
}
