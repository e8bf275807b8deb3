import type { Environment, Policy } from "./policy.ts";
import type { DeployKind, TriggerKind, WaitingFor } from "./shapes.ts";
import type { Opening } from "./windows.ts";

/** A deploy that waits, as far as the line needs to know it. */
export interface Waiting {
  readonly id: string;
  readonly number: number;
  readonly target: string;
  readonly environment: Environment;
  readonly kind: DeployKind;
  readonly trigger_kind: TriggerKind;
  readonly created_at: number;
  /** Not before this time, with the reason in `waiting_for`: what the last attempt left behind. */
  readonly due_at: number | null;
  readonly waiting_for: WaitingFor | null;
  /** As its trigger asked. */
  readonly not_before: number | null;
  readonly quiet_until: number | null;
  /** Approval is asked for until this time; null: it is not needed, or was given. */
  readonly approval_until: number | null;
  /** Who let it start whatever window, quiet period and time of its own say. */
  readonly released_by: string | null;
}

/** What has its lane to itself: a deploy from its claim on, a stray that may still go live, or a build of others. */
export interface Holder {
  /** null: an external. */
  readonly number: number | null;
  readonly target: string;
  readonly kind: DeployKind;
  /** The branch of an external. */
  readonly external?: string;
}

/** A person's stop sign. */
export interface Lock {
  readonly id: string;
  /** null: both. */
  readonly environment: Environment | null;
  readonly holder: string;
  readonly reason: string;
  readonly until: number | null;
}

/** Everything that decides with the deploys themselves. */
export interface Rules {
  readonly policy: Pick<Policy, "lane" | "min_interval_seconds">;
  /** Oldest first. */
  readonly locks: readonly Lock[];
  readonly openings: Readonly<Record<Environment, Opening>>;
  /** The deploy of this target that was claimed last, and when. */
  readonly lastStart: (target: string) => { number: number; at: number } | null;
}

export interface Line {
  /** Those that may be claimed now, at most one a lane. */
  readonly start: readonly string[];
  /** Why each other one waits, and until when. */
  readonly waits: ReadonlyMap<string, Wait>;
  /** When the next one becomes ready by itself. */
  readonly wakeAt: number | null;
}

export interface Wait {
  readonly for: WaitingFor;
  /** The same, or what keeps its turn from coming: a build of others, or as many builds in the account as may run. */
  readonly code: WaitingFor | "external" | "max_builds";
  readonly until: number | null;
  /** The number it waits for its turn behind. */
  readonly behind: number | null;
  /** What people gave as the reason of a lock or a window; the branch, for an external. */
  readonly because: string | null;
  /** Whose lock it is. */
  readonly by: string | null;
}

const DAY_MS = 24 * 3_600_000;

/** A deploy that has waited so long is served as production is, so that a busy production starves nobody. */
export const AGED_MS = 15 * 60_000;

/**
 * Decides what may start now. Those that may are served by class (rollbacks, then production, then previews, then what a
 * schedule asked for), within a class by number. One that may not (lock, window, retry, …) does not hold up the others: if a
 * newer one of its target overtakes it, the high-water mark ends it at its claim.
 */
export function decide(
  waiting: readonly Waiting[],
  holders: readonly Holder[],
  rules: Rules,
  now: number,
): Line {
  // A rollback is one call, and acts while a build runs: it has a lane of its own.
  const laneOf = (x: { target: string; kind: DeployKind }): string =>
    x.kind === "rollback" ? "rollback" : rules.policy.lane === "project" ? "" : x.target;
  const taken = new Map<string, Holder>();
  for (const holder of holders) {
    taken.set(laneOf(holder), holder);
  }

  const start: string[] = [];
  const waits = new Map<string, Wait>();
  let wakeAt: number | null = null;
  for (const deploy of inOrder(waiting, now)) {
    const held = heldBack(deploy, rules, now);
    if (held !== null) {
      waits.set(deploy.id, held);
      // Windows are looked at no further ahead than a year or so: what is closed beyond that is looked at again.
      const again = held.until ?? (held.for === "window" ? now + DAY_MS : deploy.due_at);
      if (again !== null && again > now) {
        wakeAt = Math.min(wakeAt ?? Infinity, again);
      }
      continue;
    }
    const lane = laneOf(deploy);
    const behind = taken.get(lane);
    if (behind === undefined) {
      start.push(deploy.id);
      taken.set(lane, deploy);
    } else {
      const { number, external = null } = behind;
      const code = external === null ? "turn" : "external";
      waits.set(deploy.id, {
        for: "turn",
        code,
        until: null,
        behind: number,
        because: external,
        by: null,
      });
    }
  }
  return { start, waits, wakeAt };
}

function inOrder(waiting: readonly Waiting[], now: number): Waiting[] {
  return [...waiting].sort((a, b) => classOf(a, now) - classOf(b, now) || a.number - b.number);
}

/** 0 rollbacks, 1 production, 2 previews, 3 what a schedule asked for. */
export function classOf(
  deploy: Pick<Waiting, "kind" | "trigger_kind" | "environment" | "created_at">,
  now: number,
): number {
  if (deploy.kind === "rollback") {
    return 0;
  }
  const usual =
    deploy.trigger_kind === "schedule" ? 3 : deploy.environment === "production" ? 1 : 2;
  return now - deploy.created_at >= AGED_MS ? 1 : usual;
}

/** What keeps a deploy from starting, whatever the lane; the first of these that does is what people are told. */
function heldBack(deploy: Waiting, rules: Rules, now: number): Wait | null {
  const wait = (
    reason: WaitingFor,
    until: number | null,
    because: string | null = null,
    by: string | null = null,
  ): Wait => ({
    for: reason,
    code: reason,
    until,
    behind: null,
    because,
    by,
  });
  const later = (at: number | null): at is number => at !== null && at > now;
  if (later(deploy.due_at)) {
    return deploy.waiting_for === "turn"
      ? { ...wait("turn", null), code: "max_builds" }
      : wait(deploy.waiting_for ?? "retry", deploy.due_at);
  }
  // What brings a good version back must not be stopped by what is there to keep bad ones out.
  if (deploy.kind === "rollback") {
    return null;
  }
  const lock = rules.locks.find(
    ({ environment, until }) =>
      (environment === null || environment === deploy.environment) &&
      (until === null || until > now),
  );
  if (lock !== undefined) {
    return wait("lock", lock.until, lock.reason, lock.holder);
  }
  const opening = rules.openings[deploy.environment];
  if (!opening.open && deploy.released_by === null) {
    return wait("window", opening.until, opening.reason);
  }
  if (deploy.approval_until !== null) {
    return wait("approval", deploy.approval_until);
  }
  if (later(deploy.not_before) && deploy.released_by === null) {
    return wait("not_before", deploy.not_before);
  }
  if (later(deploy.quiet_until) && deploy.released_by === null) {
    return wait("quiet_period", deploy.quiet_until);
  }
  const last = rules.policy.min_interval_seconds === 0 ? null : rules.lastStart(deploy.target);
  const other = last === null || last.number === deploy.number ? null : last;
  const nextAt = other === null ? null : other.at + rules.policy.min_interval_seconds * 1_000;
  return later(nextAt) ? wait("turn", nextAt) : null;
}
