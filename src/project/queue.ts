import type { Policy, WaitingFor } from "./shapes.ts";

/** A deploy that waits, as far as the line needs to know it. */
export interface Waiting {
  readonly id: string;
  readonly number: number;
  readonly target: string;
  /** Not before this time, with the reason in `waiting_for`. */
  readonly due_at: number | null;
  readonly waiting_for: WaitingFor | null;
}

/** What has its lane to itself: a deploy from its claim on, or a stray that may still go live. */
export interface Holder {
  readonly number: number;
  readonly target: string;
}

export interface Line {
  /** Those that may be claimed now, at most one a lane. */
  readonly start: readonly string[];
  /** Why each other one waits, and until when; `behind` is the number it waits for. */
  readonly waits: ReadonlyMap<string, Wait>;
  /** When the next one becomes ready by itself. */
  readonly wakeAt: number | null;
}

export interface Wait {
  readonly for: WaitingFor;
  readonly until: number | null;
  readonly behind: number | null;
}

/**
 * Decides what may start now. Within a lane the lowest ready number goes first; one that is not ready (retry, budget)
 * does not hold up the others: if a newer one of its target overtakes it, the high-water mark ends it at its claim.
 */
export function decide(
  waiting: readonly Waiting[],
  holders: readonly Holder[],
  policy: Pick<Policy, "lane">,
  now: number,
): Line {
  const laneOf = (x: { target: string }): string => (policy.lane === "project" ? "" : x.target);
  const taken = new Map<string, number>();
  for (const holder of holders) {
    taken.set(laneOf(holder), holder.number);
  }

  const start: string[] = [];
  const waits = new Map<string, Wait>();
  let wakeAt: number | null = null;
  for (const deploy of [...waiting].sort((a, b) => a.number - b.number)) {
    const lane = laneOf(deploy);
    if (deploy.due_at !== null && deploy.due_at > now) {
      waits.set(deploy.id, {
        for: deploy.waiting_for ?? "not_before",
        until: deploy.due_at,
        behind: null,
      });
      wakeAt = Math.min(wakeAt ?? Infinity, deploy.due_at);
      continue;
    }
    const behind = taken.get(lane);
    if (behind === undefined) {
      start.push(deploy.id);
      taken.set(lane, deploy.number);
    } else {
      waits.set(deploy.id, { for: "turn", until: null, behind });
    }
  }
  return { start, waits, wakeAt };
}
