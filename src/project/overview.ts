import { iso } from "../ids.ts";
import type { SqlValue } from "../sql.ts";
import type { Context } from "./context.ts";
import { deliveryId } from "./deliveries.ts";
import { listDeploys, toDeploy, type DeployFilter } from "./deploys.ts";
import { eventsOf } from "./events.ts";
import { viewProject } from "./registration.ts";
import type { DeployRow } from "./rows.ts";
import type { Deploy, Event, ProjectView } from "./shapes.ts";
import { listSubscribers, type SubscriberView } from "./subscribers.ts";
import { median, usualOf, type Usual } from "./usual.ts";
import { openingAt, type Opening } from "./windows.ts";

/** What a page about a whole project is made of, read at one moment. */
export interface Overview {
  readonly project: ProjectView;
  /** For each kind and target among the deploys here; those of which too few have succeeded are not there. */
  readonly usual: readonly Usual[];
  readonly failing: readonly SubscriberView[];
  /** The newest end of production. */
  readonly last: Deploy | null;
  readonly openings: Readonly<Record<"production" | "preview", Opening>>;
}

export function overviewOf(context: Context, deploys: readonly Deploy[] = []): Overview {
  const { sql } = context;
  const project = viewProject(context);
  const last = sql.one<DeployRow>(
    `SELECT * FROM deploys WHERE target = 'production' AND ended_at IS NOT NULL
       AND status IN ('succeeded', 'failed', 'timed_out') ORDER BY number DESC LIMIT 1`,
  );
  const now = context.now();
  return {
    project,
    usual: usualsOf(context, [...project.running, ...project.waiting, ...deploys]),
    failing: listSubscribers(context).filter(
      ({ state, failing_since: since }) => state === "disabled" || since !== null,
    ),
    last: last === null ? null : toDeploy(context, last),
    openings: {
      production: openingAt(project.policy.windows, "production", now),
      preview: openingAt(project.policy.windows, "preview", now),
    },
  };
}

function usualsOf(context: Context, deploys: readonly Deploy[]): Usual[] {
  const kinds = new Map(deploys.map((each) => [`${each.kind} ${each.target}`, each]));
  return [...kinds.values()].flatMap(
    ({ kind, target }) => usualOf(context.sql, kind, target) ?? [],
  );
}

/** The same with a page of its deploys, and how the last week was. */
export interface History extends Overview {
  readonly deploys: readonly Deploy[];
  readonly branches: readonly string[];
  readonly week: {
    readonly deploys: number;
    readonly failed: number;
    readonly took_ms: number | null;
    readonly waited_ms: number | null;
  };
}

const WEEK_MS = 7 * 24 * 3_600_000;
/** What a busy week is judged by. */
const MOST = 1_000;

export function historyOf(context: Context, filter: DeployFilter): History {
  const deploys = listDeploys(context, filter);
  const week = context.sql.all<
    Pick<DeployRow, "status" | "created_at" | "started_at" | "ended_at" | "branch">
  >(
    `SELECT status, created_at, started_at, ended_at, branch FROM deploys
     WHERE number > (SELECT COALESCE(MAX(number), 0) - ? FROM deploys) AND created_at > ?`,
    MOST,
    context.now() - WEEK_MS,
  );
  const took = week.flatMap(({ status, started_at: from, ended_at: to }) =>
    status === "succeeded" && from !== null && to !== null ? [to - from] : [],
  );
  const waited = week.flatMap(({ created_at: from, started_at: to }) =>
    to === null ? [] : [to - from],
  );
  return {
    ...overviewOf(context, deploys),
    deploys,
    branches: [...new Set([...deploys, ...week].map(({ branch }) => branch))].sort(),
    week: {
      deploys: week.length,
      failed: week.filter(({ status }) => status === "failed" || status === "timed_out").length,
      took_ms: took.length === 0 ? null : median(took),
      waited_ms: waited.length === 0 ? null : median(waited),
    },
  };
}

/** One deploy with all that is known of how it went. */
export interface Story extends Overview {
  readonly deploy: Deploy;
  readonly events: readonly Event[];
  /** Those that came later and joined it. */
  readonly joined: readonly { readonly source: string; readonly at: string }[];
  /** Other deploys that it or its events name, by id. */
  readonly others: Readonly<Record<string, number>>;
  readonly told: readonly Told[];
}

/** What became of one of its events at one subscriber. */
export interface Told {
  readonly delivery: string;
  readonly subscriber: string;
  readonly url: string;
  readonly event: string;
  readonly state: "delivered" | "pending" | "exhausted";
  readonly attempts: number;
  readonly status: number | null;
  readonly error: string | null;
  readonly ms: number | null;
  readonly excerpt: string | null;
  readonly next_at: string | null;
}

const EVENTS = 200;

export function storyOf(context: Context, number: number): Story | null {
  const { sql } = context;
  const row = sql.one<DeployRow>("SELECT * FROM deploys WHERE number = ?", number);
  if (row === null) {
    return null;
  }
  const deploy = toDeploy(context, row);
  return {
    ...overviewOf(context, [deploy]),
    deploy,
    events: eventsOf(context, row.id, 0, EVENTS),
    joined: sql
      .all<{ source: string; at: number }>(
        "SELECT source, at FROM triggers WHERE deploy_id = ? AND outcome = 'coalesced' ORDER BY at LIMIT 50",
        row.id,
      )
      .map(({ source, at }) => ({ source, at: iso(at) })),
    others: othersOf(context, deploy),
    told: toldOf(context, row.id),
  };
}

/** Whatever a deploy supersedes waited just before it. */
const SUPERSEDED_WITHIN = 100;

function othersOf(context: Context, deploy: Deploy): Record<string, number> {
  const named = [deploy.superseded_by, deploy.retry_of, deploy.promoted_from];
  const ids = named.filter((id) => id !== null);
  const rows = context.sql.all<{ id: string; number: number }>(
    `SELECT id, number FROM deploys
     WHERE (superseded_by = ? AND number BETWEEN ? AND ?)${ids.map(() => " OR id = ?").join("")}`,
    deploy.id,
    deploy.number - SUPERSEDED_WITHIN,
    deploy.number,
    ...ids,
  );
  return Object.fromEntries(rows.map(({ id, number }) => [id, number]));
}

function toldOf(context: Context, deployId: string): Told[] {
  const bindings: SqlValue[] = [deployId, EVENTS];
  return context.sql
    .all<Omit<Told, "delivery" | "next_at"> & { sequence: number; due_at: number | null }>(
      `SELECT d.sequence, s.id AS subscriber, s.url, e.type AS event, d.state, d.attempts, d.status, d.error, d.ms, d.excerpt, d.due_at
       FROM events e CROSS JOIN subscribers s
       JOIN deliveries d ON d.subscriber_id = s.id AND d.sequence = e.sequence
       WHERE e.deploy_id = ? ORDER BY e.sequence DESC, s.id LIMIT ?`,
      ...bindings,
    )
    .map(({ sequence, due_at: due, ...each }) => ({
      ...each,
      delivery: deliveryId(each.subscriber, sequence),
      next_at: due === null ? null : iso(due),
    }));
}
