import { iso } from "../ids.ts";
import type { Sql, SqlValue } from "../sql.ts";
import type { Context } from "./context.ts";
import { emit } from "./events.ts";
import { decide, type Holder, type Line, type Waiting } from "./queue.ts";
import { reasons, type Reason } from "./reasons.ts";
import type {
  Deploy,
  DeployKind,
  DeployStatus,
  Deployment,
  Environment,
  EventType,
  Policy,
  Stage,
  TriggerKind,
  WaitingFor,
} from "./shapes.ts";
import { assertTransition, holdsLane, isEnd } from "./status.ts";

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
}

export interface ProjectRow {
  key: string;
  account_id: string;
  name: string;
  upstream_id: string;
  production_branch: string;
  subdomain: string;
  source: "git" | "direct_upload";
  policy: string;
  next_number: number;
  live_deploy_id: string | null;
  registered_at: number;
  sweep_at: number;
}

export function projectRow(sql: Sql): ProjectRow {
  const row = sql.one<ProjectRow>("SELECT * FROM project");
  if (row === null) {
    throw new Error("project: not registered");
  }
  return row;
}

export function policyOf(sql: Sql): Policy {
  return JSON.parse(projectRow(sql).policy) as Policy;
}

/** Numbers are given in the order of arrival and never twice. */
export function takeNumber(sql: Sql): number {
  const number = projectRow(sql).next_number;
  sql.run("UPDATE project SET next_number = next_number + 1");
  return number;
}

export function getDeploy(sql: Sql, id: string): DeployRow | null {
  return sql.one<DeployRow>("SELECT * FROM deploys WHERE id = ?", id);
}

/** Those that have not ended, by number. */
export function openDeploys(sql: Sql): DeployRow[] {
  return sql.all<DeployRow>("SELECT * FROM deploys WHERE ended_at IS NULL ORDER BY number");
}

/** What may start now and why the others wait, from the rows as they are. */
export function line(sql: Sql, now: number): Line {
  const open = openDeploys(sql);
  if (!open.some((d) => d.status === "queued")) {
    return { start: [], waits: new Map(), wakeAt: null };
  }
  const waiting: Waiting[] = open.filter((d) => d.status === "queued");
  const holders: Holder[] = [
    ...open.filter((d) => holdsLane(d.status)),
    ...sql.all<Holder>(
      "SELECT number, target FROM leftovers WHERE kind = 'stray' AND ended_at IS NULL",
    ),
  ];
  return decide(waiting, holders, policyOf(sql), now);
}

/** The highest number that was ever claimed for a target: what is lower may not go live there any more. */
export function markOf(sql: Sql, target: string): number {
  return (
    sql.one<{ number: number }>("SELECT number FROM marks WHERE target = ?", target)?.number ?? 0
  );
}

/**
 * Moves a deploy to another status, with whatever else changes. An end closes it, and its event is emitted with it.
 * Must run inside a transaction.
 */
export function move(
  context: Context,
  row: DeployRow,
  to: DeployStatus,
  change: Partial<DeployRow> & { event?: EventType | null; why?: Reason | null } = {},
): DeployRow {
  const { event, why, ...fields } = change;
  assertTransition(row.status, to);
  const now = context.now();
  const update: Partial<DeployRow> = {
    ...fields,
    status: to,
    reason: why?.text ?? null,
    reason_code: why?.code ?? null,
    ...(isEnd(to) ? { ended_at: now, due_at: null, waiting_for: null } : {}),
  };
  context.sql.update("deploys", "id", row.id, update);
  const moved = { ...row, ...update };
  if (isEnd(to)) {
    releaseBody(context, moved);
  }
  const type = event === undefined ? EVENT_OF[to] : event;
  if (type !== null) {
    emitDeploy(context, type, moved);
  }
  return moved;
}

const EVENT_OF: Record<DeployStatus, EventType | null> = {
  queued: null,
  submitting: "deploy.started",
  reconciling: "deploy.reconciling",
  running: null,
  verifying: null,
  succeeded: "deploy.succeeded",
  failed: "deploy.failed",
  timed_out: "deploy.timed_out",
  canceled: "deploy.canceled",
  superseded: "deploy.superseded",
  skipped: "deploy.skipped",
};

/** Changes fields that are not the status. Must run inside a transaction. */
export function alter(context: Context, row: DeployRow, change: Partial<DeployRow>): DeployRow {
  context.sql.update("deploys", "id", row.id, change);
  return { ...row, ...change };
}

export function emitDeploy(
  context: Context,
  type: EventType,
  row: DeployRow,
  more: Record<string, unknown> = {},
): void {
  emit(context, type, { deploy: toDeploy(context, row), ...more }, row.id);
}

const BODY_KEPT_MS = 7 * 24 * 3_600_000;
const BODIES_KEPT_BYTES = 250 * 1024 * 1024;

/** What nobody wants any more goes at once; other bodies are kept for a while, for a retry. */
function releaseBody(context: Context, row: DeployRow): void {
  if (row.upload_id === null) {
    return;
  }
  const shared = context.sql.one(
    "SELECT 1 AS x FROM deploys WHERE ended_at IS NULL AND upload_id = ? AND id <> ?",
    row.upload_id,
    row.id,
  );
  if (shared !== null) {
    return;
  }
  const unwanted = row.status === "superseded" || row.status === "canceled";
  context.sql.update("uploads", "id", row.upload_id, {
    due_at: unwanted ? context.now() : context.now() + BODY_KEPT_MS,
  });
  // Of those that are kept, the newest, up to a bound.
  context.sql.run(
    `UPDATE uploads SET due_at = ? WHERE state = 'sealed' AND due_at > ? AND id IN (
       SELECT id FROM (SELECT id, SUM(bytes) OVER (ORDER BY sealed_at DESC, id DESC) AS newer
         FROM uploads WHERE state = 'sealed' AND due_at IS NOT NULL) WHERE newer > ?)`,
    context.now(),
    context.now(),
    BODIES_KEPT_BYTES,
  );
}

/** The deploy as everybody outside sees it. */
export function toDeploy(context: Context, row: DeployRow): Deploy {
  // One that may start this moment waits for nothing.
  const wait =
    row.status === "queued" ? line(context.sql, context.now()).waits.get(row.id) : undefined;
  const why = wait === undefined ? null : reasons.waits(wait.for, wait.until, wait.behind);
  return {
    id: row.id,
    number: row.number,
    project: projectRow(context.sql).name,
    kind: row.kind,
    status: row.status,
    reason: row.reason ?? why?.text ?? null,
    reason_code: row.reason_code ?? why?.code ?? null,
    waiting:
      wait === undefined
        ? null
        : { for: wait.for, until: wait.until === null ? null : iso(wait.until) },
    trigger: {
      id: row.trigger_id,
      kind: row.trigger_kind,
      source: row.trigger_source,
      actor: row.trigger_actor,
      delivery_id: row.delivery_id,
    },
    branch: row.branch,
    environment: row.environment,
    target: row.target,
    commit_hash: row.commit_hash,
    commit_message: row.commit_message,
    commit_dirty: row.commit_dirty === null ? null : row.commit_dirty === 1,
    created_at: iso(row.created_at),
    started_at: row.started_at === null ? null : iso(row.started_at),
    ended_at: row.ended_at === null ? null : iso(row.ended_at),
    stages: JSON.parse(row.stages) as Stage[],
    deployment: row.deployment === null ? null : (JSON.parse(row.deployment) as Deployment),
    attempts: row.attempts,
    superseded_by: row.superseded_by,
    retry_of: row.retry_of,
  };
}

export interface DeployFilter {
  readonly limit: number;
  /** Numbers below this one. */
  readonly before: number | null;
  readonly branch: string | null;
  readonly environment: Environment | null;
  readonly status: DeployStatus | null;
}

/** Newest first. */
export function listDeploys(context: Context, filter: DeployFilter): Deploy[] {
  const where: string[] = [];
  const bindings: SqlValue[] = [];
  const add = (condition: string, value: SqlValue): void => {
    if (value !== null) {
      where.push(condition);
      bindings.push(value);
    }
  };
  add("number < ?", filter.before);
  add("branch = ?", filter.branch);
  add("environment = ?", filter.environment);
  add("status = ?", filter.status);
  return context.sql
    .all<DeployRow>(
      `SELECT * FROM deploys ${where.length > 0 ? `WHERE ${where.join(" AND ")}` : ""} ORDER BY number DESC LIMIT ?`,
      ...bindings,
      filter.limit,
    )
    .map((row) => toDeploy(context, row));
}
