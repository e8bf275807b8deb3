/**
 * What Signalbox tells subscribers, as types and nothing else: copy this file to where events are received. docs/events.md
 * says when each is told, and GET /events.schema.json is the same as a JSON Schema. Later versions add types and fields, and
 * Cloudflare adds names of stages: leave room for what you do not know.
 */

/** The `type` of an event says what is in its `data`. */
export type Event = {
  [Type in keyof EventData]: {
    /** The same for every attempt to deliver it: drop what you have seen. */
    id: string;
    type: Type;
    timestamp: string;
    project: string;
    /** Rises with each event of the project: order by it. */
    sequence: number;
    data: EventData[Type];
  };
}[keyof EventData];

export interface EventData {
  "deploy.queued": { deploy: Deploy };
  "deploy.held": { deploy: Deploy; failed?: FailedTry | undefined };
  "deploy.released": {
    deploy: Deploy;
    held_for: WaitingFor | null;
    by?: string | undefined;
    override?: string | undefined;
  };
  "deploy.approval_requested": { deploy: Deploy };
  "deploy.approved": { deploy: Deploy; by: string };
  "deploy.superseded": { deploy: Deploy };
  "deploy.canceled": { deploy: Deploy };
  "deploy.started": { deploy: Deploy };
  "deploy.stage": { deploy: Deploy; stage: Stage };
  "deploy.reconciling": { deploy: Deploy };
  "deploy.succeeded": { deploy: Deploy; recovered: boolean };
  "deploy.failed": { deploy: Deploy };
  "deploy.recovered": { deploy: Deploy };
  "deploy.timed_out": { deploy: Deploy };
  "deploy.skipped": { deploy: Deploy };
  "deploy.abandoned": { deploy: Deploy; deployment_id: string };
  "deploy.stray": { deploy: Deploy; deployment_id: string };
  "deploy.rolled_back": {
    deploy: Deploy;
    to_deployment_id: string;
    deployment_id?: string | undefined;
    reason?: string | undefined;
  };
  "deploy.promoted": { deploy: Deploy };
  "deploy.verified": { deploy: Deploy };
  "deploy.health_failed": { deploy: Deploy; action: string };
  "external.started": { external: External };
  "external.ended": { external: External };
  "project.registered": { name: string; account_id: string };
  "project.policy_changed": { policy: object };
  "project.locked": { lock: Lock };
  "project.unlocked": { lock: Lock; reason: "released" | "expired"; by: string | null };
  "project.window_opened": Opening;
  "project.window_closed": Opening;
  "project.quarantined": { key: string; strikes: number };
  "project.exported": { by: string; include: "all" | "settings" };
  "project.imported": { by: string; from: string; imported: Record<string, number> };
  "hook.refused": { hook_id: string; source: string; reason: string; reason_code: string };
  "subscriber.failing": {
    subscriber_id: string;
    url_host: string;
    failures: number;
    reason: string;
    given_up: { sequence: number } | null;
  };
  "subscriber.disabled": { subscriber_id: string; url_host: string; reason: string };
  "subscriber.recovered": { subscriber_id: string; url_host: string };
  "test.ping": { subscriber_id: string; test: true; message: string; example?: string | undefined };
}

export interface Deploy {
  id: string;
  number: number;
  project: string;
  kind: "build" | "upload" | "rollback" | "promote";
  status:
    | "queued"
    | "submitting"
    | "reconciling"
    | "running"
    | "verifying"
    | "succeeded"
    | "failed"
    | "timed_out"
    | "canceled"
    | "superseded"
    | "skipped";
  reason: string | null;
  reason_code: string | null;
  waiting: { for: WaitingFor; until: string | null } | null;
  trigger: {
    id: string;
    kind: "hook" | "api" | "schedule" | "gateway" | "retry" | "health";
    source: string;
    actor: string | null;
    delivery_id: string | null;
  };
  branch: string;
  environment: Environment;
  target: string;
  commit_hash: string | null;
  commit_message: string | null;
  commit_dirty: boolean | null;
  created_at: string;
  started_at: string | null;
  ended_at: string | null;
  stages: Stage[];
  deployment: { id: string; url: string; aliases: string[]; environment: string } | null;
  attempts: number;
  superseded_by: string | null;
  retry_of: string | null;
  promoted_from: string | null;
  retries: number;
  not_before: string | null;
  approved_by: string | null;
  released_by: string | null;
  health: { tries: number; checks: { url: string; ok: boolean; detail: string }[] } | null;
  links: {
    dashboard: string | null;
    deployment: string | null;
    logs: string | null;
    site: string | null;
  };
  waited_ms: number;
  waits: { for: WaitingFor; ms: number }[];
  failure: { stage: string; log: string[] } | null;
}

export type Environment = "production" | "preview";

export type WaitingFor =
  | "turn"
  | "quiet_period"
  | "lock"
  | "window"
  | "approval"
  | "not_before"
  | "budget"
  | "retry";

export interface Stage {
  name: string;
  status: string;
  started_on: string | null;
  ended_on: string | null;
}

export interface FailedTry {
  stage: string;
  reason: string | null;
  deployment_id: string | null;
  retries_left: number;
}

export interface External {
  deployment_id: string;
  status:
    | "running"
    | "succeeded"
    | "failed"
    | "canceled"
    | "skipped"
    | "superseded"
    | "deleted"
    | "given_up";
  stage: string;
  trigger: string | null;
  environment: Environment;
  branch: string;
  target: string;
  url: string;
  commit_hash: string | null;
  commit_message: string | null;
  created_on: string;
  since: string;
  ended_at: string | null;
}

export interface Lock {
  id: string;
  environment: Environment | null;
  holder: string;
  reason: string;
  until: string | null;
  created_at: string;
}

export interface Opening {
  environment: Environment;
  until: string | null;
  reason: string | null;
}
