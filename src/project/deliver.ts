import { fault } from "../fault.ts";
import { newId } from "../ids.ts";
import { webhookRequest } from "../notify/webhook.ts";
import { secretsOf } from "../env.ts";
import { excerpt, EXCERPT_MARGIN, redact } from "../security/redact.ts";
import { backoff } from "./backoff.ts";
import { beginning } from "./beginning.ts";
import type { Context } from "./context.ts";
import { projectRow } from "./rows.ts";
import { emit, eventAt, eventsAfter, lastSequence } from "./events.ts";
import type { Event } from "./shapes.ts";
import {
  subscriberRow,
  subscriberSeal,
  wants,
  type DeliveryRow,
  type SubscriberRow,
} from "./subscribers.ts";

const TIMEOUT_MS = 15_000;
const EXCERPT_BYTES = 4096;
/** Waits after the first attempt, the second, …; then the delivery is given up, which is an event. */
const RETRIES_MS = [5, 300, 1_800, 7_200, 18_000, 36_000, 36_000].map((s) => s * 1000);
/** After so many failures in a row a subscriber is only probed, and no attempt is spent on it in between. */
const BREAKER_FAILURES = 5;
const PROBE_MS = 300_000;
const PROBE_CAP_MS = 3_600_000;
const DISABLE_AFTER_MS = 5 * 24 * 3_600_000;
/** One run of first attempts for a subscriber ends here, so that its slot goes round. */
const RUN_EVENTS = 20;
const RUN_MS = 10_000;

/** What came of one attempt. */
interface Attempt {
  readonly delivered: boolean;
  readonly status: number | null;
  readonly error: string | null;
  readonly ms: number;
  readonly excerpt: string;
  readonly retryAfterMs: number | null;
}

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

/** The effect: first attempts of one subscriber, in the events' order, from where its cursor stands. */
export async function deliverNext(context: Context, subscriberId: string): Promise<void> {
  const until = context.now() + RUN_MS;
  for (let n = 0; n < RUN_EVENTS && context.now() < until; n++) {
    const row = subscriberRow(context, subscriberId);
    if (row === null || !isOpen(context, row)) {
      return;
    }
    const event = nextWanted(context, row);
    if (event === null) {
      context.change(() =>
        context.sql.update("subscribers", "id", row.id, { cursor: lastSequence(context) }),
      );
      return;
    }
    const attempt = await send(context, row, event, 1);
    fault("deliver.answered", context.state);
    context.change(() => settleFirst(context, row.id, event, attempt));
    fault("deliver.settled", context.state);
  }
}

function isOpen(context: Context, row: SubscriberRow): boolean {
  return row.state === "active" && (row.blocked_until ?? 0) <= context.now();
}

/** The first wanted event after the cursor. Reads on in pages, so that a narrow filter costs no delivery rows. */
function nextWanted(context: Context, row: SubscriberRow): Event | null {
  let after = row.cursor;
  for (;;) {
    const page = eventsAfter(context, after, 100);
    const found = page.find((event) => wants(row, event));
    if (found !== undefined || page.length === 0) {
      return found ?? null;
    }
    after = page.at(-1)?.sequence ?? after;
  }
}

function settleFirst(context: Context, subscriberId: string, event: Event, attempt: Attempt): void {
  const row = subscriberRow(context, subscriberId);
  // Removed meanwhile, or told by another run after a lease ended.
  if (row === null || row.cursor >= event.sequence) {
    return;
  }
  context.sql.update("subscribers", "id", row.id, { cursor: event.sequence });
  const delivery: DeliveryRow = {
    id: newId("dlv", context.now()),
    subscriber_id: row.id,
    sequence: event.sequence,
    ...outcome(context, 1, attempt),
  };
  context.sql.insert("deliveries", delivery);
  afterAttempt(context, row, delivery, attempt);
}

/** The effect: another attempt of one delivery that failed before. */
export async function redeliver(context: Context, deliveryId: string): Promise<void> {
  const before = deliveryRow(context, deliveryId);
  const subscriber = before === null ? null : subscriberRow(context, before.subscriber_id);
  if (
    before === null ||
    subscriber === null ||
    before.due_at === null ||
    !isOpen(context, subscriber)
  ) {
    return;
  }
  const event = eventAt(context, before.sequence);
  const attempt =
    event === null ? null : await send(context, subscriber, event, before.attempts + 1);
  fault("redeliver.answered", context.state);
  context.change(() => {
    const delivery = deliveryRow(context, deliveryId);
    const row = subscriberRow(context, before.subscriber_id);
    if (delivery?.attempts !== before.attempts || row === null) {
      return;
    }
    if (attempt === null) {
      context.sql.update("deliveries", "id", deliveryId, {
        state: "exhausted",
        due_at: null,
        error: "The event is no longer stored.",
      });
      return;
    }
    const change = outcome(context, delivery.attempts + 1, attempt);
    context.sql.update("deliveries", "id", deliveryId, change);
    afterAttempt(context, row, { ...delivery, ...change }, attempt);
  });
  fault("redeliver.settled", context.state);
}

function outcome(
  context: Context,
  attempts: number,
  attempt: Attempt,
): Omit<DeliveryRow, "id" | "subscriber_id" | "sequence"> {
  const delay = attempt.delivered ? null : retryDelay(attempts, attempt.retryAfterMs);
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
  row: SubscriberRow,
  delivery: DeliveryRow,
  attempt: Attempt,
): void {
  const now = context.now();
  const about = { subscriber_id: row.id, url_host: new URL(row.url).host };
  if (attempt.delivered) {
    if (row.failures > 0) {
      const change = { failures: 0, failing_since: null, blocked_until: null };
      context.sql.update("subscribers", "id", row.id, change);
    }
    if (row.failures >= BREAKER_FAILURES) {
      emit(context, "subscriber.recovered", about);
    }
    return;
  }
  const failures = row.failures + 1;
  const since = row.failing_since ?? now;
  const gone = attempt.status === 410;
  if (gone || now - since > DISABLE_AFTER_MS) {
    context.sql.update("subscribers", "id", row.id, {
      state: "disabled",
      failures,
      failing_since: since,
    });
    const why = gone ? "It answered 410 Gone." : "Nothing reached it for five days.";
    emit(context, "subscriber.disabled", { ...about, reason: why });
    return;
  }
  const open = failures >= BREAKER_FAILURES;
  const blocked = open
    ? now + backoff(failures - BREAKER_FAILURES + 1, PROBE_MS, PROBE_CAP_MS)
    : null;
  context.sql.update("subscribers", "id", row.id, {
    failures,
    failing_since: since,
    blocked_until: blocked,
  });
  if (failures === BREAKER_FAILURES || delivery.state === "exhausted") {
    emit(context, "subscriber.failing", {
      ...about,
      failures,
      reason: delivery.error ?? `It answered ${delivery.status}.`,
      given_up: delivery.state === "exhausted" ? { sequence: delivery.sequence } : null,
    });
  }
}

/** One signed POST. Never throws for what the other side does. */
async function send(
  context: Context,
  row: SubscriberRow,
  event: Event,
  attempt: number,
): Promise<Attempt> {
  const config = await context.config();
  const seal = subscriberSeal(projectRow(context.sql).key, row.id);
  const secret = await config.keyring.unseal(seal, row.secret);
  const started = context.now();
  const failed = (error: string): Attempt => ({
    delivered: false,
    status: null,
    error,
    ms: context.now() - started,
    excerpt: "",
    retryAfterMs: null,
  });
  if (secret === null) {
    return failed("Its secret can't be unsealed: the key that sealed it is not in SIGNALBOX_KEYS.");
  }
  const request = await webhookRequest({
    id: event.id,
    timestampSeconds: Math.floor(started / 1000),
    secrets: [secret],
    body: JSON.stringify(event),
    attempt,
  });
  try {
    const response = await fetch(row.url, {
      method: "POST",
      headers: request.headers,
      body: request.body,
      redirect: "manual",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const bytes = await beginning(response, EXCERPT_BYTES + EXCERPT_MARGIN);
    const retryAfter = response.headers.get("retry-after") ?? "";
    return {
      delivered: response.ok,
      status: response.status,
      error: response.ok ? null : `It answered ${response.status}.`,
      ms: context.now() - started,
      excerpt: excerpt(bytes, [...secretsOf(config), secret], EXCERPT_BYTES),
      retryAfterMs: /^\d{1,6}$/.test(retryAfter) ? Number(retryAfter) * 1000 : null,
    };
  } catch (error) {
    const name = error instanceof Error ? error.name : "";
    return failed(
      name === "TimeoutError"
        ? `No answer within ${TIMEOUT_MS / 1000} s.`
        : redact(`It could not be reached: ${String(error)}`.slice(0, 200), [secret]),
    );
  }
}

function deliveryRow(context: Context, id: string): DeliveryRow | null {
  return context.sql.one<DeliveryRow>("SELECT * FROM deliveries WHERE id = ?", id);
}
