import type { UpstreamDeployment } from "../cloudflare/schemas.ts";
import { reasons, type Reason } from "./reasons.ts";
import type { DeployStatus, Stage } from "./shapes.ts";

/** What one look at a deployment says. */
export interface Reading {
  readonly stages: Stage[];
  /** The stage it is in, or ended in. */
  readonly stage: string;
  readonly end: { readonly status: DeployStatus; readonly why: Reason | null } | null;
}

/**
 * Reads a deployment. It has ended when its `deploy` stage succeeded, when any stage failed or was canceled, or when it is
 * skipped; every other combination, unknown names and statuses included, is still under way (a finished direct upload
 * keeps its `queued` stage active for ever, so no single stage but `deploy` says success).
 */
export function read(deployment: UpstreamDeployment): Reading {
  const stages = (deployment.stages ?? []).map((s): Stage => ({
    name: s.name,
    status: s.status,
    started_on: s.started_on ?? null,
    ended_on: s.ended_on ?? null,
  }));
  const latest = deployment.latest_stage;
  const all = latest == null ? stages : [...stages, latest];
  const stage = latest?.name ?? stages.find((s) => s.status === "active")?.name ?? "queued";
  const having = (status: string): string | undefined => all.find((s) => s.status === status)?.name;

  if (deployment.is_skipped === true || having("skipped") !== undefined) {
    return { stages, stage, end: skipped(deployment.skip_reason ?? "no reason given") };
  }
  const failed = having("failure");
  if (failed !== undefined) {
    return { stages, stage: failed, end: { status: "failed", why: reasons.failedIn(failed) } };
  }
  const canceled = having("canceled");
  if (canceled !== undefined) {
    return {
      stages,
      stage: canceled,
      end: { status: "canceled", why: reasons.canceledUpstream() },
    };
  }
  if (all.some((s) => s.name === "deploy" && s.status === "success")) {
    return { stages, stage: "deploy", end: { status: "succeeded", why: null } };
  }
  return { stages, stage, end: null };
}

function skipped(why: string): NonNullable<Reading["end"]> {
  return why === "superseded_queued_build"
    ? { status: "superseded", why: reasons.supersededUpstream() }
    : { status: "skipped", why: reasons.skippedUpstream(why.replaceAll("_", " ")) };
}

const ENDED = ["success", "failure", "canceled", "skipped"];

/**
 * The stages that became active or ended between two looks, in their order. One that did both is told of twice, as if it
 * had been seen to run, so that whoever counts on a beginning before each end gets it.
 */
export function stageChanges(before: readonly Stage[], after: readonly Stage[]): Stage[] {
  return after.flatMap((stage) => {
    const old = before.find((s) => s.name === stage.name)?.status ?? "idle";
    if (stage.status === old || (stage.status !== "active" && !ENDED.includes(stage.status))) {
      return [];
    }
    const unseen = old === "idle" && stage.status !== "active" && stage.started_on !== null;
    return unseen ? [{ ...stage, status: "active", ended_on: null }, stage] : [stage];
  });
}
