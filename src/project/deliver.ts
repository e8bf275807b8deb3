import { fault } from "../fault.ts";
import { KINDS } from "../notify/kinds.ts";
import { backoff } from "./backoff.ts";
import type { Context } from "./context.ts";
import { changeDelivery, deliveryRow, recordAttempt, type DeliveryRow } from "./deliveries.ts";
import { emit, eventAt, eventsAfter, lastSequence } from "./events.ts";
import { keep } from "./learnt.ts";
import { send, type Attempt } from "./send.ts";
import type { Event } from "./shapes.ts";
import { wants } from "./subscriber-settings.ts";
import { subscriberRow, type Subscriber, type SubscriberRow } from "./subscribers.ts";
import { must } from "../sql.ts";
import { asTold } from "./test-event.ts";

/** Waits after the first attempt, the second, …; then the delivery is given up, which is an event. */
const RETRIES_MS = [5, 300, 1_800, 7_200, 18_000, 36_000, 36_000].map((s) => s * 1000);
/** After so many failures in a row a subscriber is only probed, and no attempt is spent on it in between. */
const BREAKER_FAILURES = 5;
const PROBE_MS = 300_000;
const PROBE_CAP_MS = 3_600_000;
const DISABLE_AFTER_MS = 5 * 24 * 3_600_000;
/** One run of attempts for a subscriber ends here, so that its slot goes round. */
const RUN_ATTEMPTS = 20;
const RUN_MS = 10_000;

/** When to try again after `attempts` attempts: the schedule, stretched by `Retry-After` to at most twice, never early. */
export function retryDelay(
  attempts: number,
  retryAfterMs: number | null,
  random: number = Math.random(),
): number | null {
  const base = RETRIES_MS[attempts - 1];
  if (base === undefined) {
    return null;
  }
  const asked = Math.min(Math.max(base, retryAfterMs ?? 0), 2 * base);
  return Math.round(asked * (1 + random / 10));
}

/**
 * The effect: tells one subscriber what is due, one thing after the other, so that it never takes more than one
 * connection. First attempts are made in the events' order; between them what failed before is tried again.
 */
export async function deliver(context: Context, subscriberId: string): Promise<void> {
  const until = context.now() + RUN_MS;
  for (let n = 0; n < RUN_ATTEMPTS && context.now() < until; n++) {
    const row = subscriberRow(context, subscriberId);
    if (row?.state !== "active" || (row.blocked_until ?? 0) > context.now()) {
      return;
    }
    const failed = failedBefore(context, row);
    const again = failed !== null && (failed.due_at ?? 0) <= context.now() ? failed : null;
    const blocked = row.ordered === 1 && failed !== null;
    const event = blocked || (again !== null && n % 2 === 1) ? null : nextWanted(context, row);
    if (event !== null) {
      await tellFirst(context, row, event);
    } else if (again !== null) {
      await tellAgain(context, row, again);
    } else {
      const last = lastSequence(context);
      // What is not wanted is passed over once, and not again by each run.
      if (!blocked && row.told < last) {
        context.change(() => context.sql.update("subscribers", "id", row.id, { cursor: last }));
      }
      return;
    }
  }
}

/** The delivery to be tried again next: the oldest where order counts, else the one that is due first. */
function failedBefore(context: Context, row: Subscriber): DeliveryRow | null {
  return context.sql.one<DeliveryRow>(
    `SELECT * FROM deliveries INDEXED BY deliveries_due WHERE subscriber_id = ? AND due_at IS NOT NULL
     ORDER BY ${row.ordered === 1 ? "sequence" : "due_at"} LIMIT 1`,
    row.id,
  );
}

/** The first wanted event that it was not told yet. Reads on in pages, so that a narrow filter costs no delivery rows. */
function nextWanted(context: Context, row: Subscriber): Event | null {
  const kind = KINDS[row.kind];
  let after = row.told;
  for (;;) {
    const page = eventsAfter(context, after, 100);
    const found = page.find((event) => wants(row, event) && kind.tells(asTold(event)));
    if (found !== undefined || page.length === 0) {
      return found ?? null;
    }
    after = page.at(-1)?.sequence ?? after;
  }
}

async function tellFirst(context: Context, before: Subscriber, event: Event): Promise<void> {
  const attempt = await send(context, before, event, 1);
  fault("deliver.answered", context.state);
  context.change(() => {
    const row = subscriberRow(context, before.id);
    // Removed meanwhile, or told by another run after a lease ended.
    if (row === null || row.told >= event.sequence) {
      return;
    }
    const delivery: DeliveryRow = {
      subscriber_id: row.id,
      sequence: event.sequence,
      schedule_from: 0,
      ...outcome(context, 1, 0, attempt),
    };
    context.sql.insert("deliveries", delivery);
    keep(context, row, asTold(event), attempt.kept);
    afterAttempt(context, row, delivery, attempt);
  });
  fault("deliver.settled", context.state);
}

async function tellAgain(
  context: Context,
  subscriber: Subscriber,
  before: DeliveryRow,
): Promise<void> {
  const event = eventAt(context, before.sequence);
  const attempt =
    event === null ? null : await send(context, subscriber, event, before.attempts + 1);
  fault("redeliver.answered", context.state);
  context.change(() => {
    const delivery = deliveryRow(context, before.subscriber_id, before.sequence);
    const row = subscriberRow(context, before.subscriber_id);
    if (delivery?.attempts !== before.attempts || row === null) {
      return;
    }
    if (attempt === null) {
      const error = "The event is no longer stored.";
      const change = { state: "exhausted", due_at: null, error } as const;
      changeDelivery(context, delivery, change);
      tellFailing(context, row, { ...delivery, ...change });
      return;
    }
    const change = outcome(context, delivery.attempts + 1, delivery.schedule_from, attempt);
    recordAttempt(context, delivery, change);
    keep(context, row, asTold(must(event)), attempt.kept);
    afterAttempt(context, row, { ...delivery, ...change }, attempt);
  });
  fault("redeliver.settled", context.state);
}

function outcome(
  context: Context,
  attempts: number,
  scheduleFrom: number,
  attempt: Attempt,
): Omit<DeliveryRow, "subscriber_id" | "sequence" | "schedule_from"> {
  const delay =
    attempt.delivered || attempt.refused === true
      ? null
      : retryDelay(attempts - scheduleFrom, attempt.retryAfterMs);
  return {
    state: attempt.delivered ? "delivered" : delay === null ? "exhausted" : "pending",
    attempts,
    due_at: delay === null ? null : context.now() + delay,
    status: attempt.status,
    error: attempt.error,
    ms: attempt.ms,
    excerpt: attempt.excerpt,
    at: context.now(),
  };
}

/** What one attempt means for its subscriber. Inside the caller's transaction. */
function afterAttempt(
  context: Context,
  row: Subscriber,
  delivery: DeliveryRow,
  attempt: Attempt,
): void {
  const now = context.now();
  context.listeners.delivered();
  const write = (change: Partial<SubscriberRow>): void => {
    context.sql.update("subscribers", "id", row.id, {
      cursor: Math.max(row.told, delivery.sequence),
      last_at: now,
      last_ms: attempt.ms,
      last_status: attempt.status,
      last_error: attempt.error,
      ...change,
    });
  };
  if (attempt.delivered) {
    const well = row.failures === 0 && row.failing_since === null && row.blocked_until === null;
    // Its newest delivery says the same then, see told.ts.
    if (!well || delivery.sequence <= row.told) {
      write({ failures: 0, failing_since: null, blocked_until: null });
    }
    if (row.failures >= BREAKER_FAILURES) {
      emit(context, "subscriber.recovered", about(row));
    }
    return;
  }
  const failures = row.failures + 1;
  const since = row.failing_since ?? now;
  const reason =
    attempt.gone ?? (now - since > DISABLE_AFTER_MS ? "Nothing reached it for five days." : null);
  // What is refused says nothing of whether the next one will be.
  const refused = attempt.refused === true;
  const open = failures >= BREAKER_FAILURES && !refused;
  write({
    failures,
    failing_since: since,
    blocked_until: open
      ? now + backoff(failures - BREAKER_FAILURES + 1, PROBE_MS, PROBE_CAP_MS)
      : null,
    ...(reason !== null && { state: "disabled", reason }),
  });
  const worthTelling = failures === BREAKER_FAILURES || delivery.state === "exhausted";
  if (refused ? failures === 1 : worthTelling) {
    tellFailing(context, { ...row, failures }, delivery);
  }
  if (reason !== null) {
    emit(context, "subscriber.disabled", { ...about(row), reason });
  }
}

function tellFailing(context: Context, row: Subscriber, delivery: DeliveryRow): void {
  emit(context, "subscriber.failing", {
    ...about(row),
    failures: row.failures,
    reason: delivery.error ?? `It answered ${delivery.status}.`,
    given_up: delivery.state === "exhausted" ? { sequence: delivery.sequence } : null,
  });
}

function about({ id, url }: Subscriber): { subscriber_id: string; url_host: string } {
  return { subscriber_id: id, url_host: new URL(url).host };
}
