import type { Deploy } from "../../../../src/project/shapes.ts";
import { DEFAULT_POLICY, type Policy } from "../../../../src/project/policy.ts";

/** What a door answered to a trigger. */
export interface Answer {
  readonly id: string;
  readonly outcome: string;
  readonly deploy_id: string | null;
}

/** What the model itself remembers of a run, to judge by: nothing here was asked of the project. */
export class Ledger {
  readonly answers: Answer[] = [];
  /** How long each late deployment stays hidden, in order. */
  readonly lateBy: number[] = [];
  /** The latest end that the quiet period of a deploy may have. */
  readonly quietEnd = new Map<string, number>();
  /** Ended deploys as they were first seen to have ended. */
  readonly ends = new Map<string, string>();
  readonly #policies: { readonly at: number; readonly policy: Policy }[] = [];
  readonly #quietSince = new Map<string, number>();

  policyIs(policy: Partial<Policy>): void {
    this.#policies.push({ at: Date.now(), policy: { ...this.policyAt(Infinity), ...policy } });
  }

  /** As it was in force then. */
  policyAt(at: number): Policy {
    return this.#policies.findLast((p) => p.at <= at)?.policy ?? DEFAULT_POLICY;
  }

  /** The shortest time after which a run may have been given up. */
  get shortestDeadlineMs(): number {
    return Math.min(...this.#policies.map(({ policy }) => policy.deadline_seconds)) * 1_000;
  }

  /** Reckons anew, from the triggers alone, how long their quiet period may last. */
  hookAnswered(
    outcome: string,
    deploy: Pick<Deploy, "id" | "target"> | null,
    waitingBefore: ReadonlyMap<string, readonly string[]>,
    ownSeconds: number | null,
  ): void {
    const now = Date.now();
    const { seconds: usual, max_wait_seconds: most } = this.policyAt(now).quiet_period;
    const seconds = ownSeconds ?? usual;
    const joins = outcome === "coalesced";
    if (
      deploy === null ||
      seconds === 0 ||
      !(joins || outcome === "queued" || outcome === "held")
    ) {
      return;
    }
    const group = joins ? [deploy.id] : (waitingBefore.get(deploy.target) ?? []);
    const firsts = group.flatMap((id) => this.#quietSince.get(id) ?? []);
    const since = Math.min(now, ...firsts);
    if (joins && firsts.length === 0) {
      return;
    }
    this.#quietSince.set(deploy.id, since);
    this.quietEnd.set(deploy.id, since + Math.max(seconds, most) * 1_000);
  }
}
