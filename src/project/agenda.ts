import type { Sql } from "../sql.ts";
import { line } from "./line.ts";
import type { SlotKind, Slots } from "./slots.ts";
import { subscribersDue } from "./subscribers-due.ts";

/** Something that is to be done at a time: a key for its effect, its connection's kind, and when. */
export interface Due {
  readonly key: string;
  readonly kind: SlotKind;
  readonly at: number;
}

/**
 * Everything in this project that has a time, as rows; the alarm is only a hint that follows from them. `rows` in each
 * table that waits carry it as `due_at`, and whatever starts an effect uses the same key.
 */
export function agenda(sql: Sql, now: number): Due[] {
  const due: Due[] = [];
  const add = (kind: SlotKind, prefix: string, query: string): void => {
    for (const { id, at } of sql.all<{ id: string; at: number }>(query)) {
      due.push({ key: `${prefix}/${id}`, kind, at });
    }
  };

  const { start, wakeAt } = line(sql, now);
  for (const id of start) {
    due.push({ key: `deploy/${id}`, kind: "upstream", at: now });
  }
  if (wakeAt !== null) {
    due.push({ key: "line", kind: "upstream", at: wakeAt });
  }
  add(
    "upstream",
    "deploy",
    "SELECT id, due_at AS at FROM deploys WHERE ended_at IS NULL AND status NOT IN ('queued', 'verifying') AND due_at IS NOT NULL",
  );
  add(
    "outbound",
    "deploy",
    "SELECT id, due_at AS at FROM deploys WHERE ended_at IS NULL AND status = 'verifying'",
  );
  add(
    "upstream",
    "leftover",
    "SELECT deployment_id AS id, due_at AS at FROM leftovers WHERE ended_at IS NULL AND due_at IS NOT NULL",
  );
  add("upstream", "watch", "SELECT deploy_id AS id, due_at AS at FROM stray_watches");
  add(
    "upstream",
    "approval",
    "SELECT id, approval_until AS at FROM deploys WHERE ended_at IS NULL AND status = 'queued' AND approval_until IS NOT NULL",
  );
  add("upstream", "lock", "SELECT id, until AS at FROM locks WHERE until IS NOT NULL");
  for (const { id, at, slow } of subscribersDue(sql)) {
    due.push({ key: `subscriber/${id}`, kind: slow === 1 ? "slow" : "outbound", at });
  }
  add("upstream", "window", "SELECT environment AS id, due_at AS at FROM openings");
  add("upstream", "schedule", "SELECT id, due_at AS at FROM schedules WHERE due_at IS NOT NULL");
  add(
    "upstream",
    "upload",
    "SELECT id, due_at AS at FROM uploads WHERE due_at IS NOT NULL ORDER BY due_at LIMIT 50",
  );
  add(
    "upstream",
    "external",
    "SELECT deployment_id AS id, due_at AS at FROM externals WHERE ended_at IS NULL AND due_at IS NOT NULL",
  );
  add("upstream", "project", "SELECT 'sweep' AS id, sweep_at AS at FROM project");
  add(
    "upstream",
    "project",
    "SELECT 'look' AS id, look_at AS at FROM project WHERE look_at IS NOT NULL",
  );
  return putOff(sql, due);
}

/** What failed in a way nobody foresaw comes again later and later, and at last no more. */
function putOff(sql: Sql, due: Due[]): Due[] {
  const troubles = sql.all<{ key: string; due_at: number | null }>(
    "SELECT key, due_at FROM troubles",
  );
  if (troubles.length === 0) {
    return due;
  }
  const until = new Map(troubles.map((t) => [t.key, t.due_at]));
  return due.flatMap((d) => {
    const at = until.get(d.key);
    return at === undefined ? [d] : at === null ? [] : [{ ...d, at: Math.max(d.at, at) }];
  });
}

/** How soon a restarted object takes up what its predecessor had under way. */
const BEAT_MS = 10_000;

/**
 * When to wake next. What already runs is looked at again soon: it may end at its lease only, but should the object be
 * lost with it, this is what brings another one. What is due but found no slot waits for one to be free, which needs no
 * wake-up, or for the first lease to end.
 */
export function nextWake(sql: Sql, slots: Slots, now: number): number | null {
  let at: number | null = null;
  for (const due of agenda(sql, now)) {
    const slotAt = due.at > now || slots.free(due.kind) ? null : slots.nextLease();
    const busyUntil = slots.leaseOf(due.key, now) ?? slotAt;
    const when = busyUntil === null ? due.at : Math.min(busyUntil, now + BEAT_MS);
    at = Math.min(at ?? Infinity, when);
  }
  return at;
}
