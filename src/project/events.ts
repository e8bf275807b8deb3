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

/** The newest before a sequence number, or of all; newest first. */
export function eventsBefore(context: Context, before: number | null, limit: number): Event[] {
  const project = referenceTo(context);
  return context.sql
    .all<Row>(
      "SELECT * FROM events WHERE sequence < ? ORDER BY sequence DESC LIMIT ?",
      before ?? Number.MAX_SAFE_INTEGER,
      limit,
    )
    .map((row) => toEvent(row, project));
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
