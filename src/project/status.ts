import type { DeployStatus } from "./shapes.ts";

/**
 * The one table of transitions. An end leads nowhere; `superseded` and `skipped` are not failures.
 */
const NEXT: Record<DeployStatus, readonly DeployStatus[]> = {
  queued: ["submitting", "superseded", "canceled", "failed"],
  submitting: ["running", "reconciling", "queued", "failed", "canceled", "superseded"],
  reconciling: ["running", "queued", "failed", "canceled"],
  running: [
    "queued",
    "verifying",
    "succeeded",
    "failed",
    "timed_out",
    "canceled",
    "superseded",
    "skipped",
  ],
  verifying: ["succeeded", "failed", "superseded"],
  succeeded: [],
  failed: [],
  timed_out: [],
  canceled: [],
  superseded: [],
  skipped: [],
};

/** @throws on a transition that the table does not have: that is a bug, never input. */
export function assertTransition(from: DeployStatus, to: DeployStatus): void {
  if (!NEXT[from].includes(to)) {
    throw new Error(`deploy: no way from ${from} to ${to}`);
  }
}

/** Whether a deploy in this status has come to its end. */
export function isEnd(status: DeployStatus): boolean {
  return NEXT[status].length === 0;
}

/** From claim until its deployment is terminal at Cloudflare, a deploy has its lane to itself. */
export function holdsLane(status: DeployStatus): boolean {
  return ["submitting", "reconciling", "running", "verifying"].includes(status);
}
