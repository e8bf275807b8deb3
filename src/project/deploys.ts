import { iso } from "../ids.ts";
import type { SqlValue } from "../sql.ts";
import type { DeployEventType, EventData, More, PlainDeployEvent } from "./catalogue.ts";
import type { Context } from "./context.ts";
import { emit, referenceTo } from "./events.ts";
import { reasons, type Reason } from "./reasons.ts";
import type { Deploy, DeployStatus, Deployment, Failure, Health, Stage } from "./shapes.ts";
import { projectRow, type DeployRow } from "./rows.ts";
import { line } from "./line.ts";
import { linksOf } from "./links.ts";
import type { Environment } from "./policy.ts";
import { assertTransition, isEnd } from "./status.ts";
import { waitsFor, waitsOf } from "./waits.ts";

/**
 * Moves a deploy to another status, with whatever else changes. An end closes it, and its event is emitted with it.
 * Must run inside a transaction.
 */
export function move(
  context: Context,
  row: DeployRow,
  to: DeployStatus,
  change: Partial<DeployRow> & { event?: PlainDeployEvent | null; why?: Reason | null } = {},
): DeployRow {
  const { event, why, ...fields } = change;
  assertTransition(row.status, to);
  const now = context.now();
  const update: Partial<DeployRow> = {
    ...waitsFor(row, null, now),
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

const EVENT_OF: Record<DeployStatus, PlainDeployEvent | null> = {
  queued: null,
  submitting: "deploy.started",
  reconciling: "deploy.reconciling",
  running: null,
  verifying: null,
  succeeded: null,
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

export function emitDeploy<T extends DeployEventType>(
  context: Context,
  type: T,
  row: DeployRow,
  ...[more]: Partial<More<T>> extends More<T> ? [more?: More<T>] : [more: More<T>]
): void {
  const data = { deploy: toDeploy(context, row), ...more };
  emit(context, type, data as EventData<T>, row.id);
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
  const first = row.retry_of === null && row.promoted_from === null;
  const unwanted = first && (row.status === "superseded" || row.status === "canceled");
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
  const why = wait === undefined ? null : reasons.waits(wait);
  const project = projectRow(context.sql);
  const deployment = row.deployment === null ? null : (JSON.parse(row.deployment) as Deployment);
  return {
    id: row.id,
    number: row.number,
    project: referenceTo(context),
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
    deployment,
    attempts: row.attempts,
    superseded_by: row.superseded_by,
    retry_of: row.retry_of,
    promoted_from: row.promoted_from,
    retries: row.retries,
    not_before: row.not_before === null ? null : iso(row.not_before),
    approved_by: row.approved_by,
    released_by: row.released_by,
    health: row.health === null ? null : (JSON.parse(row.health) as Health),
    links: linksOf(context.env, project, row, deployment),
    ...waitsOf(row, context.now()),
    failure: row.failure === null ? null : (JSON.parse(row.failure) as Failure),
  };
}

export interface DeployFilter {
  readonly limit: number;
  /** Numbers below this one. */
  readonly before: number | null;
  readonly branch: string | null;
  readonly environment: Environment | null;
  readonly status: DeployStatus | null;
  /** A part of commit, message, branch or actor. */
  readonly text?: string | null;
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
  add(
    "instr(lower(concat_ws(char(10), commit_hash, commit_message, branch, trigger_actor)), lower(?)) > 0",
    filter.text ?? null,
  );
  return context.sql
    .all<DeployRow>(
      `SELECT * FROM deploys ${where.length > 0 ? `WHERE ${where.join(" AND ")}` : ""} ORDER BY number DESC LIMIT ?`,
      ...bindings,
      filter.limit,
    )
    .map((row) => toDeploy(context, row));
}
