import { iso } from "../ids.ts";
import { err, ok, type Result } from "../result.ts";
import { must } from "../sql.ts";
import type { Refusal } from "./refusal.ts";
import type { Context } from "./context.ts";
import { emit, lastSequence } from "./events.ts";
import type { Event } from "./shapes.ts";

/** An outbound endpoint: what it wants to hear, and how far it has been told. */
export interface SubscriberRow {
  id: string;
  url: string;
  kind: "webhook";
  /** JSON array of patterns: `*`, `deploy.*`, `deploy.succeeded`. */
  events: string;
  /** Sealed for `subscriber/<project>/<id>`. */
  secret: string;
  description: string | null;
  state: "active" | "paused" | "disabled";
  /** Every event up to here has had its first attempt, or was not wanted. */
  cursor: number;
  /** Failed attempts since the last success. */
  failures: number;
  failing_since: number | null;
  /** After repeated failure nothing is tried before this time. */
  blocked_until: number | null;
  created_at: number;
}

export interface SubscriberView {
  id: string;
  url: string;
  kind: "webhook";
  events: string[];
  description: string | null;
  state: SubscriberRow["state"];
  failing_since: string | null;
  waiting: number;
  created_at: string;
}

export interface NewSubscriber {
  readonly id: string;
  readonly url: string;
  readonly kind: "webhook";
  readonly events: readonly string[];
  readonly secret: string;
  readonly description: string | null;
}

const MAX_SUBSCRIBERS = 50;

export function addSubscriber(
  context: Context,
  input: NewSubscriber,
): Result<SubscriberView, Refusal> {
  return context.change(() => {
    const count = context.sql.one<{ n: number }>("SELECT COUNT(*) AS n FROM subscribers");
    if ((count?.n ?? 0) >= MAX_SUBSCRIBERS) {
      return err({
        code: "conflict",
        detail: `A project has at most ${MAX_SUBSCRIBERS} subscribers. Delete one first.`,
      });
    }
    context.sql.insert("subscribers", {
      ...input,
      events: JSON.stringify(input.events),
      state: "active",
      // From now on: nobody wants a project's whole past on the day they subscribe.
      cursor: lastSequence(context),
      created_at: context.now(),
    });
    return ok(view(context, must(subscriberRow(context, input.id))));
  });
}

export function listSubscribers(context: Context): SubscriberView[] {
  return context.sql
    .all<SubscriberRow>("SELECT * FROM subscribers ORDER BY id")
    .map((row) => view(context, row));
}

export function getSubscriber(context: Context, id: string): SubscriberView | null {
  const row = subscriberRow(context, id);
  return row === null ? null : view(context, row);
}

export interface SubscriberChange {
  readonly url?: string;
  readonly events?: readonly string[];
  readonly description?: string | null;
  readonly state?: "active" | "paused";
}

/** Making one active again also clears what was held against it, so that delivery starts at once. */
export function changeSubscriber(
  context: Context,
  id: string,
  change: SubscriberChange,
): SubscriberView | null {
  return context.change(() => {
    const row = subscriberRow(context, id);
    if (row === null) {
      return null;
    }
    const { events, state, ...rest } = change;
    if (state === "active") {
      context.sql.run("DELETE FROM troubles WHERE key = ?", `subscriber/${id}`);
    }
    context.sql.update("subscribers", "id", id, {
      ...rest,
      ...(events === undefined ? {} : { events: JSON.stringify(events) }),
      ...(state === undefined ? {} : { state }),
      ...(state === "active" ? { failures: 0, failing_since: null, blocked_until: null } : {}),
    });
    return view(context, must(subscriberRow(context, id)));
  });
}

export function removeSubscriber(context: Context, id: string): boolean {
  return context.change(() => {
    const row = subscriberRow(context, id);
    context.sql.run("DELETE FROM deliveries WHERE subscriber_id = ?", id);
    context.sql.run("DELETE FROM subscribers WHERE id = ?", id);
    return row !== null;
  });
}

/** Sends a numbered test event on its way to this subscriber alone. */
export function sendTest(context: Context, id: string): boolean {
  return context.change(() => {
    if (subscriberRow(context, id) === null) {
      return false;
    }
    emit(context, "test.ping", {
      subscriber_id: id,
      message: "A test event: if you can read this and its signature is right, you are set up.",
    });
    return true;
  });
}

/** Whether a subscriber is to be told of an event. What happens to a subscriber is told to the others only. */
export function wants(
  row: Pick<SubscriberRow, "id" | "events">,
  event: Pick<Event, "type" | "data">,
): boolean {
  const about = event.data["subscriber_id"];
  if (event.type.startsWith("test.")) {
    return about === row.id;
  }
  if (event.type.startsWith("subscriber.") && about === row.id) {
    return false;
  }
  return (JSON.parse(row.events) as string[]).some(
    (pattern) =>
      pattern === "*" ||
      pattern === event.type ||
      (pattern.endsWith(".*") && event.type.startsWith(pattern.slice(0, -1))),
  );
}

export function subscriberRow(context: Context, id: string): SubscriberRow | null {
  return context.sql.one<SubscriberRow>("SELECT * FROM subscribers WHERE id = ?", id);
}

/** What a subscriber's secret is sealed for. */
export function subscriberSeal(projectKey: string, id: string): string {
  return `subscriber/${projectKey}/${id}`;
}

export interface DeliveryRow {
  id: string;
  subscriber_id: string;
  sequence: number;
  state: "delivered" | "pending" | "exhausted";
  attempts: number;
  due_at: number | null;
  status: number | null;
  error: string | null;
  ms: number | null;
  excerpt: string | null;
  at: number;
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
  duration_ms: number | null;
  error: string | null;
  response: string | null;
}

/** The log of one subscriber, newest first. */
export function listDeliveries(
  context: Context,
  subscriberId: string,
  before: number | null,
  limit: number,
): DeliveryView[] {
  return context.sql
    .all<DeliveryRow & { event_id: string | null; event_type: string | null }>(
      `SELECT d.*, e.id AS event_id, e.type AS event_type FROM deliveries d
       LEFT JOIN events e ON e.sequence = d.sequence
       WHERE d.subscriber_id = ? AND d.sequence < ? ORDER BY d.sequence DESC LIMIT ?`,
      subscriberId,
      before ?? Number.MAX_SAFE_INTEGER,
      limit,
    )
    .map((row) => ({
      id: row.id,
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
    }));
}

function view(context: Context, row: SubscriberRow): SubscriberView {
  const retries = context.sql.one<{ n: number }>(
    "SELECT COUNT(*) AS n FROM deliveries WHERE subscriber_id = ? AND state = 'pending'",
    row.id,
  );
  return {
    id: row.id,
    url: row.url,
    kind: row.kind,
    events: JSON.parse(row.events) as string[],
    description: row.description,
    state: row.state,
    failing_since: row.failing_since === null ? null : iso(row.failing_since),
    waiting: (retries?.n ?? 0) + Math.max(0, lastSequence(context) - row.cursor),
    created_at: iso(row.created_at),
  };
}
