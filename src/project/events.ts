import { configuredAccount } from "../env.ts";
import { iso, newId } from "../ids.ts";
import { referenceOf } from "../objects.ts";
import type { Event, EventData } from "./catalogue.ts";
import type { Context } from "./context.ts";
import { projectRow } from "./rows.ts";
import type { EventType } from "./shapes.ts";

interface Row {
  sequence: number;
  id: string;
  type: EventType;
  at: number;
  deploy_id: string | null;
  data: string;
}

/**
 * Appends one event. Call it inside the transaction that makes it true: then there is no event without its fact and no
 * fact without its event.
 */
export function emit<T extends EventType>(
  context: Context,
  type: T,
  data: EventData<T>,
  deployId: string | null = null,
): void {
  const at = context.now();
  context.sql.insert("events", {
    id: newId("evt", at),
    type,
    at,
    deploy_id: deployId,
    data: JSON.stringify(data),
  });
}

/** Events after a sequence number, oldest first. */
export function eventsAfter(context: Context, after: number, limit: number): Event[] {
  const project = referenceTo(context);
  return context.sql
    .all<Row>("SELECT * FROM events WHERE sequence > ? ORDER BY sequence LIMIT ?", after, limit)
    .map((row) => toEvent(row, project));
}

/** Which of the events are wanted, the newest first. */
export interface NewestAsked {
  /** Only those before this sequence number, */
  readonly before: number | null;
  /** or, without one, those before this time. */
  readonly until: number | null;
  /** What their type has before the dot. */
  readonly kind: string | null;
  /** The id of the deploy that they are about. */
  readonly deploy: string | null;
  /** There are ten for each deploy. */
  readonly stages: boolean;
  readonly limit: number;
}

/** The newest that are wanted; newest first. */
export function eventsBefore(context: Context, asked: NewestAsked): Event[] {
  const { until, kind, deploy, stages, limit } = asked;
  const before =
    asked.before ?? (until === null ? Number.MAX_SAFE_INTEGER : firstFrom(context, until));
  const wanted: readonly (readonly [clause: string, value: string | number])[] = [
    ["sequence < ?", before],
    ...(kind === null ? [] : [["type GLOB ?", `${kind}.*`] as const]),
    ...(deploy === null ? [] : [["deploy_id = ?", deploy] as const]),
    ...(stages ? [] : [["type <> ?", "deploy.stage"] as const]),
  ];
  const clauses = wanted.map(([clause]) => clause).join(" AND ");
  const values = wanted.map(([, value]) => value);
  const project = referenceTo(context);
  return context.sql
    .all<Row>(
      `SELECT * FROM events WHERE ${clauses} ORDER BY sequence DESC LIMIT ?`,
      ...values,
      limit,
    )
    .map((row) => toEvent(row, project));
}

/** The first sequence number from a time on. Times rise with the numbers, so a few looks find it among any number of events. */
function firstFrom({ sql }: Context, time: number): number {
  const ends = sql.one<{ first: number | null; last: number | null }>(
    "SELECT (SELECT MIN(sequence) FROM events) AS first, (SELECT MAX(sequence) FROM events) AS last",
  );
  let low = ends?.first ?? 1;
  let high = (ends?.last ?? 0) + 1;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const row = sql.one<{ at: number }>("SELECT at FROM events WHERE sequence = ?", middle);
    // One that is missing was swept, being old.
    if (row === null || row.at < time) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

/** The same, of one deploy alone. */
export function eventsOf(
  context: Context,
  deployId: string,
  after: number,
  limit: number,
): Event[] {
  const project = referenceTo(context);
  return context.sql
    .all<Row>(
      "SELECT * FROM events WHERE deploy_id = ? AND sequence > ? ORDER BY sequence LIMIT ?",
      deployId,
      after,
      limit,
    )
    .map((row) => toEvent(row, project));
}

export function eventAt(context: Context, sequence: number): Event | null {
  const row = context.sql.one<Row>("SELECT * FROM events WHERE sequence = ?", sequence);
  return row === null ? null : toEvent(row, referenceTo(context));
}

/** The sequence number of the newest event, 0 before the first. */
export function lastSequence(context: Context): number {
  const row = context.sql.one<{ last: number }>(
    "SELECT COALESCE(MAX(sequence), 0) AS last FROM events",
  );
  return row?.last ?? 0;
}

/** The project as people name it. */
export function referenceTo(context: Context): string {
  return referenceOf(projectRow(context.sql).key, configuredAccount(context.env));
}

function toEvent(row: Row, project: string): Event {
  return {
    id: row.id,
    type: row.type,
    timestamp: iso(row.at),
    project,
    sequence: row.sequence,
    data: JSON.parse(row.data) as EventData,
  } as Event;
}
