import { iso } from "../ids.ts";
import { KINDS, type SubscriberKind } from "../notify/kinds.ts";
import { err, ok, type Result } from "../result.ts";
import { must } from "../sql.ts";
import type { Refusal } from "./refusal.ts";
import type { Context } from "./context.ts";
import { lastSequence } from "./events.ts";
import { settingsOf, type SubscriberSettings, type Wish } from "./subscriber-settings.ts";
import { subscribersDue } from "./subscribers-due.ts";
import { SUBSCRIBERS } from "./told.ts";

/** An outbound endpoint: what it wants to hear, and how far it has been told. */
export interface SubscriberRow extends Wish {
  id: string;
  /** Of a kind whose URL is its secret: what is shown of it. */
  url: string;
  kind: SubscriberKind;
  /**
   * What proves who we are, by its kind: the signing secret, the URL, or a token. Sealed for `subscriber/<project>/<id>`. Empty
   * from an import until it is given anew.
   */
  secret: string;
  /** The one before signs too until this time. */
  old_secret: string | null;
  old_secret_until: number | null;
  /** JSON of its own headers, sealed for `subscriber/<project>/<id>/headers`, and JSON of their names. */
  headers: string | null;
  header_names: string;
  /** 1: no event is tried before the one before it is delivered or given up. */
  ordered: number;
  description: string | null;
  /** Of a git host: JSON of what was set up. */
  host: string;
  state: "active" | "paused" | "disabled";
  /** Why it is disabled. */
  reason: string | null;
  /** Every event up to here has had its first attempt, or was not wanted: as of when this row was written. */
  cursor: number;
  /** Failed attempts since the last success. */
  failures: number;
  failing_since: number | null;
  /** After repeated failure nothing is tried before this time. */
  blocked_until: number | null;
  /** Of the last attempt, as of then. */
  last_at: number | null;
  last_ms: number | null;
  last_status: number | null;
  last_error: string | null;
  created_at: number;
}

/** The same with what is so by now. */
export interface Subscriber extends SubscriberRow {
  told: number;
  tried_at: number | null;
  tried_ms: number | null;
  tried_status: number | null;
  tried_error: string | null;
}

export interface SubscriberView extends SubscriberSettings {
  id: string;
  url: string;
  kind: SubscriberKind;
  events: string[];
  ordered: boolean;
  headers: string[];
  /** Of a git host: what was set up. */
  host: Record<string, unknown> | null;
  description: string | null;
  state: SubscriberRow["state"];
  reason: string | null;
  failing_since: string | null;
  blocked_until: string | null;
  last_attempt: {
    at: string;
    status: number | null;
    error: string | null;
    duration_ms: number | null;
  } | null;
  next_attempt_at: string | null;
  waiting: number;
  exhausted: number;
  old_secret_until: string | null;
  created_at: string;
}

export interface NewSubscriber {
  readonly id: string;
  readonly url: string;
  readonly kind: SubscriberKind;
  readonly events: readonly string[];
  readonly settings: SubscriberSettings;
  readonly ordered: boolean;
  readonly headers: SealedHeaders;
  readonly secret: string;
  readonly host: object;
  readonly description: string | null;
}

/** The names of a subscriber's own headers, and all of them sealed; null when there are none. */
export interface SealedHeaders {
  readonly names: readonly string[];
  readonly sealed: string | null;
}

export const MAX_SUBSCRIBERS = 50;

export function addSubscriber(
  context: Context,
  { events, settings, ordered, headers, host, ...input }: NewSubscriber,
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
      ...headerColumns(headers),
      events: JSON.stringify(events),
      settings: JSON.stringify(settings),
      host: JSON.stringify(host),
      ordered: Number(ordered),
      state: "active",
      // From now on: nobody wants a project's whole past on the day they subscribe.
      cursor: lastSequence(context),
      created_at: context.now(),
    });
    return ok(must(getSubscriber(context, input.id)));
  });
}

export function listSubscribers(context: Context): SubscriberView[] {
  const due = dueTimes(context);
  return context.sql
    .all<Subscriber>(`SELECT * FROM ${SUBSCRIBERS} ORDER BY id`)
    .map((row) => view(context, row, due.get(row.id)));
}

export function getSubscriber(context: Context, id: string): SubscriberView | null {
  const row = subscriberRow(context, id);
  return row === null ? null : view(context, row, dueTimes(context).get(id));
}

export interface SubscriberChange {
  readonly url?: string;
  /** Where the secret is not ours to make: the new one, sealed. */
  readonly secret?: string;
  readonly host?: object;
  readonly events?: readonly string[];
  /** Those that are given; the others stay. */
  readonly settings?: Partial<SubscriberSettings>;
  readonly ordered?: boolean;
  readonly headers?: SealedHeaders;
  readonly description?: string | null;
  readonly state?: "active" | "paused";
}

/**
 * Making one active again also clears what was held against it, so that delivery starts at once. One that was imported must
 * have its secret by then.
 */
export function changeSubscriber(
  context: Context,
  id: string,
  change: SubscriberChange,
): Result<SubscriberView, Refusal> | null {
  return context.change(() => {
    const row = subscriberRow(context, id);
    if (row === null) {
      return null;
    }
    const { events, state, settings, ordered, headers, host, ...rest } = change;
    if (state === "active" && (rest.secret ?? row.secret) === "") {
      return err({ code: "conflict", detail: row.reason ?? "Its secret is missing." });
    }
    if (state === "active") {
      context.sql.run("DELETE FROM troubles WHERE key = ?", `subscriber/${id}`);
    }
    const well = { failures: 0, failing_since: null, blocked_until: null, reason: null };
    context.sql.update("subscribers", "id", id, {
      ...rest,
      ...(events === undefined ? {} : { events: JSON.stringify(events) }),
      ...(settings === undefined
        ? {}
        : { settings: JSON.stringify({ ...settingsOf(row), ...settings }) }),
      ...(host === undefined ? {} : { host: JSON.stringify(host) }),
      ...(ordered === undefined ? {} : { ordered: Number(ordered) }),
      ...(headers === undefined ? {} : headerColumns(headers)),
      ...(state === undefined ? {} : { state }),
      ...(state === "active" ? well : {}),
    });
    return ok(must(getSubscriber(context, id)));
  });
}

/** A new signing secret. The one that was current signs too for `overlapMs` more; one from before that does not. */
export function rotateSecret(
  context: Context,
  id: string,
  secret: string,
  overlapMs: number,
): Result<SubscriberView, Refusal> | null {
  return context.change(() => {
    const row = subscriberRow(context, id);
    if (row === null) {
      return null;
    }
    const { proof } = KINDS[row.kind];
    if (proof !== "signature") {
      const detail = `A ${row.kind} subscriber has no signing secret: its ${proof} is the secret. PATCH its ${proof}.`;
      return err({ code: "conflict", detail });
    }
    const overlaps = overlapMs > 0 && row.secret !== "";
    context.sql.update("subscribers", "id", id, {
      secret,
      old_secret: overlaps ? row.secret : null,
      old_secret_until: overlaps ? context.now() + overlapMs : null,
    });
    return ok(must(getSubscriber(context, id)));
  });
}

export function removeSubscriber(context: Context, id: string): boolean {
  return context.change(() => {
    const row = subscriberRow(context, id);
    context.sql.run("DELETE FROM attempts WHERE subscriber_id = ?", id);
    context.sql.run("DELETE FROM deliveries WHERE subscriber_id = ?", id);
    context.sql.run("DELETE FROM learnt WHERE subscriber_id = ?", id);
    context.sql.run("DELETE FROM subscribers WHERE id = ?", id);
    return row !== null;
  });
}

export function subscriberRow(context: Context, id: string): Subscriber | null {
  return context.sql.one<Subscriber>(`SELECT * FROM ${SUBSCRIBERS} WHERE id = ?`, id);
}

/** What a subscriber's secret is sealed for. */
export function subscriberSeal(projectKey: string, id: string): string {
  return `subscriber/${projectKey}/${id}`;
}

export function headersSeal(projectKey: string, id: string): string {
  return `${subscriberSeal(projectKey, id)}/headers`;
}

function headerColumns({ names, sealed }: SealedHeaders): object {
  return { headers: sealed, header_names: JSON.stringify(names) };
}

/** When each active subscriber that waits for something is told next. */
function dueTimes(context: Context): Map<string, number> {
  return new Map(subscribersDue(context.sql).map(({ id, at }) => [id, at]));
}

function view(context: Context, row: Subscriber, due: number | undefined): SubscriberView {
  const now = context.now();
  const count = context.sql.one<{ retries: number; exhausted: number }>(
    `SELECT
       (SELECT COUNT(*) FROM deliveries WHERE subscriber_id = ?1 AND due_at IS NOT NULL) AS retries,
       (SELECT COUNT(*) FROM deliveries WHERE subscriber_id = ?1 AND state = 'exhausted') AS exhausted`,
    row.id,
  );
  const later = (at: number | null): string | null => (at === null || at <= now ? null : iso(at));
  return {
    id: row.id,
    url: row.url,
    kind: row.kind,
    events: JSON.parse(row.events) as string[],
    ...settingsOf(row),
    ordered: row.ordered === 1,
    headers: JSON.parse(row.header_names) as string[],
    host:
      KINDS[row.kind].proof === "token" ? (JSON.parse(row.host) as Record<string, unknown>) : null,
    description: row.description,
    state: row.state,
    reason: row.reason,
    failing_since: row.failing_since === null ? null : iso(row.failing_since),
    blocked_until: later(row.blocked_until),
    last_attempt:
      row.tried_at === null
        ? null
        : {
            at: iso(row.tried_at),
            status: row.tried_status,
            error: row.tried_error,
            duration_ms: row.tried_ms,
          },
    next_attempt_at: due === undefined ? null : iso(Math.max(due, now)),
    waiting: (count?.retries ?? 0) + Math.max(0, lastSequence(context) - row.told),
    exhausted: count?.exhausted ?? 0,
    old_secret_until: later(row.old_secret_until),
    created_at: iso(row.created_at),
  };
}
