/** A deployment's life as data: planned whole when it is made, read at any time. No timers, so virtual clocks work. */
import { timestamp } from "./time.ts";
import { STAGES } from "./types.ts";
import type { Speed, Stage, StageName } from "./types.ts";

export interface Step {
  at: number;
  stage: string;
  status: string;
}

/** What departs from the ordinary course. */
export interface Twist {
  fails?: StageName | undefined;
  stuck?: StageName | undefined;
  /** How long the deployment sits in a stage nobody has heard of. */
  unknown?: number | undefined;
}

const DURATIONS: Record<StageName, number> = {
  queued: 300,
  initialize: 400,
  clone_repo: 600,
  build: 2000,
  deploy: 700,
};
const UPLOAD_DURATION = 600;
const UNKNOWN = { stage: "optimize_assets", status: "provisioning" };
const FINAL = ["success", "failure", "canceled", "skipped"];

/** A git build: each stage starts when the one before has ended. */
export function planBuild(start: number, speed: Speed, twist: Twist): Step[] {
  const steps: Step[] = [];
  const factor = speed.factor ?? 1;
  let at = start;
  for (const stage of STAGES) {
    const duration = (speed.stages?.[stage] ?? DURATIONS[stage]) * factor;
    if (stage === "deploy" && twist.unknown !== undefined) {
      steps.push({ at, ...UNKNOWN });
      at += twist.unknown;
      steps.push({ at, stage: UNKNOWN.stage, status: "success" });
    }
    // The answer to create says `queued`, `idle`: it becomes active a moment later.
    const active = stage === "queued" ? at + Math.ceil(duration / 10) : at;
    steps.push({ at: active, stage, status: "active" });
    if (twist.stuck === stage) {
      return steps;
    }
    at = Math.round(at + duration);
    if (twist.fails === stage) {
      steps.push({ at, stage, status: "failure" });
      return steps;
    }
    steps.push({ at, stage, status: "success" });
  }
  return steps;
}

/** A direct upload: `queued` is active and never ends, and `deploy` ends without having started. */
export function planUpload(start: number, speed: Speed, twist: Twist): Step[] {
  const steps: Step[] = [{ at: start, stage: "queued", status: "active" }];
  if (twist.stuck) {
    return steps;
  }
  let at = Math.round(start + (speed.upload ?? UPLOAD_DURATION) * (speed.factor ?? 1));
  if (twist.unknown !== undefined) {
    steps.push({ at, ...UNKNOWN });
    at += twist.unknown;
    steps.push({ at, stage: UNKNOWN.stage, status: "success" });
  }
  steps.push({ at, stage: "deploy", status: twist.fails ? "failure" : "success" });
  return steps;
}

/** The stage list after the given steps, as the API shows it. */
export function stagesAfter(steps: Step[]): { stages: Stage[]; latest: Stage } {
  const stages: Stage[] = STAGES.map((name) => ({
    name,
    started_on: null,
    ended_on: null,
    status: "idle",
  }));
  let latest = stages[0] as Stage;
  for (const step of steps) {
    let stage = stages.find(({ name }) => name === step.stage);
    if (!stage) {
      stage = { name: step.stage, started_on: null, ended_on: null, status: "idle" };
      stages.splice(-1, 0, stage);
    }
    const at = timestamp(step.at);
    stage.status = step.status;
    if (FINAL.includes(step.status)) {
      stage.ended_on = at;
    } else {
      stage.started_on = at;
    }
    latest = stage;
  }
  return { stages, latest };
}

/** Whether nothing can follow these steps. */
export function isTerminal(steps: Step[]): boolean {
  const last = steps.at(-1);
  return (
    last !== undefined && (["failure", "canceled", "skipped"].includes(last.status) || isLive(last))
  );
}

/** The one step that puts a deployment live. */
export function isLive(step: Step): boolean {
  return step.stage === "deploy" && step.status === "success";
}
