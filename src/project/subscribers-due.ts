import type { Sql } from "../sql.ts";
import { SUBSCRIBERS } from "./told.ts";

/** Whoever took longer to answer, or has never been heard, is told in a slot for such alone. */
const SLOW_MS = 2_000;

const FIRST = "CASE WHEN s.told < (SELECT MAX(sequence) FROM events) THEN 0 END";
const WAITING =
  "FROM deliveries INDEXED BY deliveries_due WHERE subscriber_id = s.id AND due_at IS NOT NULL";

/**
 * When each active subscriber is to be told something next: an event for the first time, or one again. One that wants
 * events in order waits for the oldest that failed. Those that were told least recently come first.
 */
export function subscribersDue(sql: Sql): { id: string; at: number; slow: number }[] {
  return sql.all(
    `SELECT id, MAX(COALESCE(blocked_until, 0), at) AS at, COALESCE(tried_ms > ${SLOW_MS}, 1) AS slow FROM (
       SELECT s.*, CASE
         WHEN s.ordered THEN COALESCE((SELECT due_at ${WAITING} ORDER BY sequence LIMIT 1), ${FIRST})
         ELSE COALESCE(${FIRST}, (SELECT MIN(due_at) ${WAITING})) END AS at
       FROM ${SUBSCRIBERS} s WHERE s.state = 'active'
     ) WHERE at IS NOT NULL ORDER BY tried_at`,
  );
}
