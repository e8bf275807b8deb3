import type { Sql } from "../sql.ts";
import { DEFAULT_POLICY, type Policy } from "./policy.ts";
import type { DeployKind, DeployStatus, External, TriggerKind, WaitingFor } from "./shapes.ts";
import type { Environment } from "./policy.ts";

/** A deploy as it is stored. */
export interface DeployRow {
  id: string;
  number: number;
  kind: DeployKind;
  status: DeployStatus;
  reason: string | null;
  reason_code: string | null;
  waiting_for: WaitingFor | null;
  trigger_id: string;
  trigger_kind: TriggerKind;
  trigger_source: string;
  trigger_actor: string | null;
  delivery_id: string | null;
  branch: string;
  environment: Environment;
  target: string;
  commit_hash: string | null;
  commit_message: string | null;
  commit_dirty: number | null;
  /** JSON of {@link Form}: what is sent of the fields above, and so what a deployment of ours can be told by. */
  form: string;
  content_hash: string | null;
  upload_id: string | null;
  created_at: number;
  started_at: number | null;
  ended_at: number | null;
  due_at: number | null;
  attempts: number;
  fence: number;
  posted_at: number | null;
  baseline: string | null;
  looks: number;
  errors: number;
  cancel_requested: string | null;
  deployment_id: string | null;
  deployment: string | null;
  stages: string;
  stage_since: number | null;
  superseded_by: string | null;
  retry_of: string | null;
  /** As its trigger asked. */
  not_before: number | null;
  quiet_until: number | null;
  /** When the first of the triggers came that this quiet period has put together. */
  quiet_since: number | null;
  /** It needs approval until this time; null: it does not, or has it. */
  approval_until: number | null;
  approved_by: string | null;
  /** Who let it start whatever window, quiet period and time of its own say. */
  released_by: string | null;
  /** What subscribers were last told that it is held for. */
  held_for: WaitingFor | null;
  /** How often it was tried again after its build had failed. */
  retries: number;
  /** Of a rollback: the deployment that is to be live again. */
  rollback_to: string | null;
  /** Of a promotion: the deploy of the preview. */
  promoted_from: string | null;
  /** JSON of {@link Health}, from when it is live. */
  health: string | null;
  /** JSON: for how many milliseconds it has waited, by what for; without the wait that goes on. */
  waits: string;
  wait_for: WaitingFor | null;
  wait_since: number | null;
  /** JSON of {@link Failure}, if a stage failed. */
  failure: string | null;
}

export interface ProjectRow {
  key: string;
  account_id: string;
  name: string;
  upstream_id: string;
  production_branch: string;
  subdomain: string;
  /** JSON: all host names it is served on. */
  domains: string;
  source: "git" | "direct_upload";
  policy: string;
  policy_revision: number;
  next_number: number;
  live_deploy_id: string | null;
  registered_at: number;
  sweep_at: number;
  /** Part of the address of its badge; null: nobody may see one. */
  badge: string | null;
  /**
   * The key of the keyring that the badge's address was last made with. Null with a badge: it was made before this was kept,
   * and every look at it may have handed it out with another key.
   */
  badge_key: string | null;
  /** When to look next for what others have started; null: no look is due. */
  look_at: number | null;
  /** When its deployments were last listed with an eye to that. */
  listed_at: number | null;
  /** What had been made by then (Cloudflare's clock) was there at the first list; null: there was none yet. */
  history_until: number | null;
  /** Where this Worker was reached when it was registered last. */
  origin: string | null;
}

/** A deployment that others made. */
export interface ExternalRow {
  deployment_id: string;
  environment: Environment;
  branch: string;
  target: string;
  url: string;
  trigger_type: string | null;
  commit_hash: string | null;
  commit_message: string | null;
  stage: string;
  created_on: string;
  /** When it was noticed. */
  since: number;
  errors: number;
  due_at: number | null;
  ended_at: number | null;
  outcome: Exclude<External["status"], "running"> | null;
  /** When it went live in production (Cloudflare's clock). */
  live_at: number | null;
}

export function projectRow(sql: Sql): Readonly<ProjectRow> {
  const row = sql.one<ProjectRow>("SELECT * FROM project");
  if (row === null) {
    throw new Error("project: not registered");
  }
  return row;
}

/** The host names that are the project's own. */
export function domainsOf({
  subdomain,
  domains,
}: Pick<ProjectRow, "subdomain" | "domains">): string[] {
  return [...new Set([subdomain, ...(JSON.parse(domains) as string[])])];
}

const read = new WeakMap<Sql, { readonly text: string; readonly policy: Readonly<Policy> }>();

export function policyOf(sql: Sql): Readonly<Policy> {
  const { policy: text } = projectRow(sql);
  const last = read.get(sql);
  if (last?.text === text) {
    return last.policy;
  }
  // What was stored before a rule existed has its default.
  const policy = { ...DEFAULT_POLICY, ...(JSON.parse(text) as Partial<Policy>) };
  read.set(sql, { text, policy });
  return policy;
}

/** Numbers are given in the order of arrival and never twice. */
export function takeNumber(sql: Sql): number {
  sql.run("UPDATE project SET next_number = next_number + 1");
  return projectRow(sql).next_number - 1;
}

export function getDeploy(sql: Sql, id: string): DeployRow | null {
  return sql.one<DeployRow>("SELECT * FROM deploys WHERE id = ?", id);
}

/** The deploy that has made this deployment, rather than one that went back to it. */
export function getDeployOf(sql: Sql, deploymentId: string): DeployRow | null {
  return sql.one<DeployRow>(
    "SELECT * FROM deploys WHERE deployment_id = ? AND kind <> 'rollback'",
    deploymentId,
  );
}

/** Those that have not ended, by number. */
export function openDeploys(sql: Sql): DeployRow[] {
  return sql.all<DeployRow>("SELECT * FROM deploys WHERE ended_at IS NULL ORDER BY number");
}

/** The highest number that was ever claimed for a target: what is lower may not go live there any more. */
export function markOf(sql: Sql, target: string): number {
  return (
    sql.one<{ number: number }>("SELECT number FROM marks WHERE target = ?", target)?.number ?? 0
  );
}
