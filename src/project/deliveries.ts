import { iso } from "../ids.ts";
import { err, ok, type Result } from "../result.ts";
import { must } from "../sql.ts";
import type { Context } from "./context.ts";
import { eventAt } from "./events.ts";
import type { Refusal } from "./refusal.ts";
import { subscriberRow, type SubscriberRow } from "./subscribers.ts";

/** One event on its way to one subscriber, from its first attempt on. */
export interface DeliveryRow {
  subscriber_id: string;
  sequence: number;
  state: "delivered" | "pending" | "exhausted";
  /** How many were made; never set back, since receivers are told. */
  attempts: number;
  /** So many had been made when its schedule of retries began. */
  schedule_from: number;
  due_at: number | null;
  /** Of the last attempt. Those before it are in the table `attempts`. */
  status: number | null;
  error: string | null;
  ms: number;
  excerpt: string;
  at: number;
}

type AttemptRow = Pick<DeliveryRow, "at" | "status" | "error" | "ms" | "excerpt"> & {
  number: number;
};

export interface AttemptView {
  number: number;
  at: string;
  status: number | null;
  duration_ms: number;
  error: string | null;
  response: string;
}

export interface DeliveryView {
  id: string;
  event_id: string | null;
  event_type: string | null;
  sequence: number;
  state: DeliveryRow["state"];
  attempts: number;
  next_attempt_at: string | null;
  last_attempt_at: string;
  /** Of the last attempt: the answer's status, how long it took, why there was none, and how its body began. */
  status: number | null;
  duration_ms: number;
  error: string | null;
  response: string;
}

export interface DeliveryDetail extends DeliveryView {
  attempt_log: AttemptView[];
}

/** So many attempts of one delivery are kept. */
const MAX_LOG = 20;

/** What a delivery is named by; {@link sequenceIn} finds it again. */
export function deliveryId(subscriberId: string, sequence: number): string {
  return `dlv${subscriberId.slice(subscriberId.indexOf("_"))}${String(sequence).padStart(10, "0")}`;
}

/** Of which event this is the delivery to the subscriber; null where it is none. */
function sequenceIn(subscriberId: string, id: string): number | null {
  const sequence = Number(id.slice(deliveryId(subscriberId, 0).length - 10));
  return deliveryId(subscriberId, sequence) === id ? sequence : null;
}

type Found = DeliveryRow & { event_id: string | null; event_type: string | null };
const WITH_EVENT =
  "SELECT d.*, e.id AS event_id, e.type AS event_type FROM deliveries d LEFT JOIN events e ON e.sequence = d.sequence";

/** The log of one subscriber, newest first. */
export function listDeliveries(
  context: Context,
  subscriberId: string,
  filter: { before: number | null; state: DeliveryRow["state"] | null; limit: number },
): DeliveryView[] {
  return context.sql
    .all<Found>(
      `${WITH_EVENT} WHERE d.subscriber_id = ?1 AND d.sequence < ?2 AND (?3 IS NULL OR d.state = ?3)
       ORDER BY d.sequence DESC LIMIT ?4`,
      subscriberId,
      filter.before ?? Number.MAX_SAFE_INTEGER,
      filter.state,
      filter.limit,
    )
    .map(view);
}

/** One delivery with its last attempts, oldest first. */
export function getDelivery(
  context: Context,
  subscriberId: string,
  id: string,
): DeliveryDetail | null {
  const row = context.sql.one<Found>(
    `${WITH_EVENT} WHERE d.subscriber_id = ? AND d.sequence = ?`,
    subscriberId,
    sequenceIn(subscriberId, id),
  );
  if (row === null) {
    return null;
  }
  const before = context.sql.all<AttemptRow>(
    "SELECT * FROM attempts WHERE subscriber_id = ? AND sequence = ? ORDER BY number",
    subscriberId,
    row.sequence,
  );
  const attempts = [...before, { ...row, number: row.attempts }].slice(-MAX_LOG);
  return {
    ...view(row),
    attempt_log: attempts.map(({ number, at, status, ms, error, excerpt }) => ({
      number,
      at: iso(at),
      status,
      duration_ms: ms,
      error,
      response: excerpt,
    })),
  };
}

export function deliveryRow(
  context: Context,
  subscriberId: string,
  sequence: number | null,
): DeliveryRow | null {
  return context.sql.one<DeliveryRow>(
    "SELECT * FROM deliveries WHERE subscriber_id = ? AND sequence = ?",
    subscriberId,
    sequence,
  );
}

export function changeDelivery(
  context: Context,
  { subscriber_id: subscriber, sequence }: Pick<DeliveryRow, "subscriber_id" | "sequence">,
  change: Partial<DeliveryRow>,
): void {
  const columns = Object.keys(change).map((column) => `${column} = ?`);
  context.sql.run(
    `UPDATE deliveries SET ${columns.join(", ")} WHERE subscriber_id = ? AND sequence = ?`,
    ...Object.values(change),
    subscriber,
    sequence,
  );
}

/** Writes another attempt over the last one, which is kept beside it. Inside the caller's transaction. */
export function recordAttempt(
  context: Context,
  delivery: DeliveryRow,
  change: Partial<DeliveryRow>,
): void {
  const { subscriber_id, sequence, attempts: number, at, status, error, ms, excerpt } = delivery;
  const last = { subscriber_id, sequence, number, at, status, error, ms, excerpt };
  context.sql.insert("attempts", last, true);
  context.sql.run(
    "DELETE FROM attempts WHERE subscriber_id = ? AND sequence = ? AND number <= ?",
    subscriber_id,
    sequence,
    number + 1 - MAX_LOG,
  );
  changeDelivery(context, delivery, change);
}

/** Has one delivery tried again now, whatever became of it: the same event under the same id. */
export function redeliver(
  context: Context,
  subscriberId: string,
  id: string,
): Result<DeliveryDetail, Refusal> | null {
  return context.change(() => {
    const row = deliveryRow(context, subscriberId, sequenceIn(subscriberId, id));
    const subscriber = subscriberRow(context, subscriberId);
    if (subscriber === null || row === null) {
      return null;
    }
    if (subscriber.state !== "active") {
      return err(notActive(subscriber));
    }
    if (eventAt(context, row.sequence) === null) {
      const detail = "The event of this delivery is no longer stored, so it can't be sent again.";
      return err({ code: "conflict", detail });
    }
    startAnew(context, subscriber, [row]);
    return ok(must(getDelivery(context, subscriberId, id)));
  });
}

/** Has everything that failed tried again now, of events since a time; says how many deliveries that are. */
export function recover(
  context: Context,
  subscriberId: string,
  since: number,
): Result<{ recovered: number }, Refusal> | null {
  return context.change(() => {
    const subscriber = subscriberRow(context, subscriberId);
    if (subscriber === null) {
      return null;
    }
    if (subscriber.state !== "active") {
      return err(notActive(subscriber));
    }
    const failed = context.sql.all<DeliveryRow>(
      `SELECT d.* FROM deliveries d JOIN events e ON e.sequence = d.sequence
       WHERE d.subscriber_id = ? AND d.state <> 'delivered' AND e.at >= ?`,
      subscriberId,
      since,
    );
    startAnew(context, subscriber, failed);
    return ok({ recovered: failed.length });
  });
}

/** A person asks, so the schedule begins anew, and what is held against the subscriber does not put it off. */
function startAnew(
  context: Context,
  subscriber: SubscriberRow,
  deliveries: readonly DeliveryRow[],
): void {
  for (const row of deliveries) {
    const anew = { state: "pending", due_at: context.now(), schedule_from: row.attempts } as const;
    changeDelivery(context, row, anew);
  }
  context.sql.update("subscribers", "id", subscriber.id, { blocked_until: null });
  context.listeners.delivered();
}

function notActive({ state }: SubscriberRow): Refusal {
  const detail = `The subscriber is ${state}. Set its state to active first.`;
  return { code: "conflict", detail };
}

function view(row: Found): DeliveryView {
  return {
    id: deliveryId(row.subscriber_id, row.sequence),
    event_id: row.event_id,
    event_type: row.event_type,
    sequence: row.sequence,
    state: row.state,
    attempts: row.attempts,
    next_attempt_at: row.due_at === null ? null : iso(row.due_at),
    last_attempt_at: iso(row.at),
    status: row.status,
    duration_ms: row.ms,
    error: row.error,
    response: row.excerpt,
  };
}
