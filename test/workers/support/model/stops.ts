import type { Lock } from "../../../../src/project/shapes.ts";
import { openingAt } from "../../../../src/project/windows.ts";
import type { Ledger } from "./ledger.ts";
import type { Seen } from "./seen.ts";
import { deployIn, eventsOf, ownersOf } from "./told.ts";

/** What keeps deploys from starting, judged by the requests that reached the sandbox all the same. */

interface Locked {
  readonly environment: Lock["environment"];
  readonly from: number;
  readonly to: number;
}

function locksIn({ events }: Seen): Locked[] {
  const lockIn = (data: Record<string, unknown>): Lock => data["lock"] as Lock;
  return events
    .filter(({ type }) => type === "project.locked")
    .map(({ data, timestamp }) => {
      const { id, environment, until } = lockIn(data);
      const gone = events.find((e) => e.type === "project.unlocked" && lockIn(e.data).id === id);
      return {
        environment,
        from: Date.parse(timestamp),
        to: Math.min(
          until === null ? Infinity : Date.parse(until),
          gone === undefined ? Infinity : Date.parse(gone.timestamp),
        ),
      };
    });
}

export function locksHold(seen: Seen): string[] {
  const locks = locksIn(seen);
  return seen.made
    .filter(({ claimedAt: at, environment }) =>
      locks.some(
        (lock) =>
          lock.from < at &&
          at < lock.to &&
          (lock.environment === null || lock.environment === environment),
      ),
    )
    .map(({ message }) => `lock: ${message} was made while its environment was locked`);
}

export function windowsHold(seen: Seen, ledger: Ledger): string[] {
  return seen.made
    .filter(
      (one) =>
        !openingAt(ledger.policyAt(one.claimedAt).windows, one.environment, one.claimedAt).open &&
        ownersOf(one, seen).every((deploy) => deploy.released_by === null),
    )
    .map(({ message }) => `window: ${message} was made while its window was closed`);
}

export function approvalIsWaitedFor(seen: Seen): string[] {
  return seen.made
    .filter((one) => {
      const owners = ownersOf(one, seen);
      return (
        owners.length > 0 &&
        owners.every((deploy) => {
          const types = eventsOf(seen.events, deploy.id).map(({ type }) => type);
          const early =
            deploy.released_by === null &&
            one.claimedAt < Date.parse(deploy.not_before ?? "1970-01-01");
          return (
            early ||
            (types.includes("deploy.approval_requested") && !types.includes("deploy.approved"))
          );
        })
      );
    })
    .map(({ message }) => `approval: ${message} was made before it was approved, or its time`);
}

/** Two starts of one target keep the policy's distance. A rollback starts at once. */
export function startsAreApart({ events }: Seen, ledger: Ledger): string[] {
  const last = new Map<string, number>();
  return events
    .filter(({ type }) => type === "deploy.started")
    .flatMap((event) => {
      const at = Date.parse(event.timestamp);
      const deploy = deployIn(event);
      const target = deploy?.target ?? "";
      const before = last.get(target) ?? -Infinity;
      last.set(target, at);
      const least = ledger.policyAt(at).min_interval_seconds * 1_000;
      return deploy?.kind !== "rollback" && at - before < least
        ? [`apart: #${deploy?.number} started ${at - before} ms after the one before`]
        : [];
    });
}
