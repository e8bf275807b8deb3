import * as z from "zod";

import { Environment, PolicyShape } from "./policy.ts";

/**
 * What leaves a project: the shapes that API, events, dashboard and subscribers share. Names follow Cloudflare's API
 * (`snake_case`, RFC 3339 UTC). Fields may be added; these keep their meaning.
 */

export const DeployStatus = z.enum([
  "queued",
  "submitting",
  "reconciling",
  "running",
  "verifying",
  "succeeded",
  "failed",
  "timed_out",
  "canceled",
  "superseded",
  "skipped",
]);
export type DeployStatus = z.infer<typeof DeployStatus>;

export const DeployKind = z.enum(["build", "upload", "rollback", "promote"]);
export type DeployKind = z.infer<typeof DeployKind>;

/** Cloudflare's stages. Values it adds later pass through as they are, so readers must expect others. */
export const Stage = z.object({
  name: z.string(),
  status: z.string(),
  started_on: z.string().nullable(),
  ended_on: z.string().nullable(),
});
export type Stage = z.infer<typeof Stage>;

export const WaitingFor = z.enum([
  "turn",
  "quiet_period",
  "lock",
  "window",
  "approval",
  "not_before",
  "budget",
  "retry",
]);
export type WaitingFor = z.infer<typeof WaitingFor>;

export const TriggerKind = z.enum(["hook", "api", "schedule", "gateway", "retry", "health"]);
export type TriggerKind = z.infer<typeof TriggerKind>;

/** What asked for a deploy. `source` is the hook's source (`github`, …) or the name of the door. */
export const Trigger = z.object({
  id: z.string(),
  kind: TriggerKind,
  source: z.string(),
  actor: z.string().nullable(),
  delivery_id: z.string().nullable(),
});
export type Trigger = z.infer<typeof Trigger>;

/** A trigger at its door, with the hash of a token that soon expires and may go on reading what comes of it. */
export interface Asker extends Trigger {
  readonly reader?: string | null;
}

export const Deployment = z.object({
  id: z.string(),
  url: z.string(),
  aliases: z.array(z.string()),
  environment: z.string(),
});
export type Deployment = z.infer<typeof Deployment>;

/** What the health checks of a deploy have found so far, by their last try. */
export const Health = z.object({
  tries: z.int(),
  checks: z.array(z.object({ url: z.string(), ok: z.boolean(), detail: z.string() })),
});
export type Health = z.infer<typeof Health>;

/** The stage that failed, and the last lines of the build's log, without secrets; none where they could not be had. */
export const Failure = z.object({ stage: z.string(), log: z.array(z.string()) });
export type Failure = z.infer<typeof Failure>;

/** Where people find it; null where that is not known. */
export const Links = z.object({
  /** Here. */
  dashboard: z.string().nullable(),
  /** At Cloudflare. */
  deployment: z.string().nullable(),
  logs: z.string().nullable(),
  site: z.string().nullable(),
});

export const Deploy = z.object({
  id: z.string(),
  number: z.int(),
  project: z.string(),
  kind: DeployKind,
  status: DeployStatus,
  reason: z.string().nullable(),
  reason_code: z.string().nullable(),
  waiting: z.object({ for: WaitingFor, until: z.string().nullable() }).nullable(),
  trigger: Trigger,
  branch: z.string(),
  environment: Environment,
  target: z.string(),
  commit_hash: z.string().nullable(),
  commit_message: z.string().nullable(),
  commit_dirty: z.boolean().nullable(),
  created_at: z.string(),
  started_at: z.string().nullable(),
  ended_at: z.string().nullable(),
  stages: z.array(Stage),
  deployment: Deployment.nullable(),
  attempts: z.int(),
  superseded_by: z.string().nullable(),
  retry_of: z.string().nullable(),
  promoted_from: z.string().nullable(),
  /** How often it was tried again after its build had failed. */
  retries: z.int(),
  not_before: z.string().nullable(),
  approved_by: z.string().nullable(),
  released_by: z.string().nullable(),
  health: Health.nullable(),
  links: Links,
  /** Until it started, or ended without. */
  waited_ms: z.int(),
  waits: z.array(z.object({ for: WaitingFor, ms: z.int() })),
  failure: Failure.nullable(),
});
export type Deploy = z.infer<typeof Deploy>;

export const Outcome = z.enum([
  "queued",
  "held",
  "coalesced",
  "superseded",
  "duplicate",
  "filtered",
  "ignored",
]);
export type Outcome = z.infer<typeof Outcome>;

/** How a project answered one trigger. `deploy` is null where none came of it. */
export interface Accepted {
  id: string;
  outcome: Outcome;
  reason: string | null;
  reason_code: string | null;
  deploy: Deploy | null;
}

export const EventType = z.enum([
  "deploy.queued",
  "deploy.held",
  "deploy.released",
  "deploy.approval_requested",
  "deploy.approved",
  "deploy.superseded",
  "deploy.canceled",
  "deploy.started",
  "deploy.stage",
  "deploy.reconciling",
  "deploy.succeeded",
  "deploy.failed",
  "deploy.recovered",
  "deploy.timed_out",
  "deploy.skipped",
  "deploy.abandoned",
  "deploy.stray",
  "deploy.rolled_back",
  "deploy.promoted",
  "deploy.verified",
  "deploy.health_failed",
  "external.started",
  "external.ended",
  "project.registered",
  "project.policy_changed",
  "project.locked",
  "project.unlocked",
  "project.window_opened",
  "project.window_closed",
  "project.quarantined",
  "project.exported",
  "project.imported",
  "hook.refused",
  "subscriber.failing",
  "subscriber.disabled",
  "subscriber.recovered",
  "test.ping",
]);
export type EventType = z.infer<typeof EventType>;

export type { Event } from "./catalogue.ts";

export const Lock = z.object({
  id: z.string(),
  environment: Environment.nullable(),
  holder: z.string(),
  reason: z.string(),
  until: z.string().nullable(),
  created_at: z.string(),
});
export type Lock = z.infer<typeof Lock>;

/** A deployment that others made: in Cloudflare's dashboard, by its own builds, or straight by its API. */
export const External = z.object({
  deployment_id: z.string(),
  status: z.enum([
    "running",
    "succeeded",
    "failed",
    "canceled",
    "skipped",
    "superseded",
    "deleted",
    "given_up",
  ]),
  /** Its latest stage. */
  stage: z.string(),
  /** What started it, as Cloudflare says: `ad_hoc`, `github:push`, `deploy_hook`, … */
  trigger: z.string().nullable(),
  environment: Environment,
  branch: z.string(),
  target: z.string(),
  url: z.string(),
  commit_hash: z.string().nullable(),
  commit_message: z.string().nullable(),
  created_on: z.string(),
  since: z.string(),
  ended_at: z.string().nullable(),
});
export type External = z.infer<typeof External>;

export const ProjectView = z.object({
  /** What it is called in paths, as in `project` of its deploys. */
  project: z.string(),
  name: z.string(),
  account_id: z.string(),
  production_branch: z.string(),
  subdomain: z.string(),
  domains: z.array(z.string()),
  source: z.enum(["git", "direct_upload"]),
  /** null also while what is live is an external. */
  live: Deploy.nullable(),
  running: z.array(Deploy),
  waiting: z.array(Deploy),
  leftovers: z.array(
    z.object({
      deployment_id: z.string(),
      kind: z.enum(["abandoned", "stray"]),
      deploy_id: z.string(),
      since: z.string(),
    }),
  ),
  /** Those that run, and the one that is live, if it is an external. */
  externals: z.array(External),
  locks: z.array(Lock),
  policy: PolicyShape,
  registered_at: z.string(),
});
export type ProjectView = z.infer<typeof ProjectView>;
