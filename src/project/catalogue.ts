import * as z from "zod";

import { Environment, PolicyShape } from "./policy.ts";
import { Deploy, type EventType, External, Lock, Stage, WaitingFor } from "./shapes.ts";

interface Entry {
  /** When it is told, in one sentence. */
  readonly description: string;
  readonly data: z.ZodObject;
}

function entry<Shape extends z.ZodRawShape>(description: string, shape: Shape) {
  return { description, data: z.object(shape) };
}

function ofDeploy<Shape extends z.ZodRawShape>(description: string, more: Shape) {
  return entry(description, { deploy: Deploy, ...more });
}

const FailedTry = z.object({
  stage: z.string(),
  reason: z.string().nullable(),
  deployment_id: z.string().nullable(),
  retries_left: z.int(),
});

const Opening = {
  environment: Environment,
  /** When it changes next; null: not in sight. */
  until: z.string().nullable(),
  reason: z.string().nullable(),
};

const Endpoint = { subscriber_id: z.string(), url_host: z.string() };

/**
 * Every type of event: when it is told, and what is in its `data`. What is emitted is typed by this, and the API's document,
 * the JSON Schema and docs/events.md say the same. Fields may be added; those that are there keep their meaning.
 */
export const CATALOGUE = {
  "deploy.queued": ofDeploy("A trigger became a deploy.", {}),
  "deploy.held": ofDeploy(
    "A rule of the policy holds it, or it went back to wait for Cloudflare's API limit or for another try.",
    { failed: FailedTry.optional() },
  ),
  "deploy.released": ofDeploy(
    "No rule holds it any more, or a person overrode window, quiet period or its own time.",
    {
      held_for: WaitingFor.nullable(),
      by: z.string().optional(),
      override: z.string().optional(),
    },
  ),
  "deploy.approval_requested": ofDeploy("The policy wants somebody to approve it.", {}),
  "deploy.approved": ofDeploy("Somebody approved it.", { by: z.string() }),
  "deploy.superseded": ofDeploy("A newer deploy of its target took its place.", {}),
  "deploy.canceled": ofDeploy("It was canceled, here or at Cloudflare.", {}),
  "deploy.started": ofDeploy(
    "It has its lane for the first time, and its deployment is about to be created.",
    {},
  ),
  "deploy.stage": ofDeploy("A stage became active, or ended.", { stage: Stage }),
  "deploy.reconciling": ofDeploy(
    "The create request got no answer; it keeps its lane and looks for its deployment.",
    {},
  ),
  "deploy.succeeded": ofDeploy("Its deployment is live.", { recovered: z.boolean() }),
  "deploy.failed": ofDeploy("It ended without success.", {}),
  "deploy.recovered": ofDeploy(
    "It succeeded after the deploy before it of the same target had failed or timed out.",
    {},
  ),
  "deploy.timed_out": ofDeploy("It ran as long as its deadline.", {}),
  "deploy.skipped": ofDeploy("Cloudflare skipped the build.", {}),
  "deploy.abandoned": ofDeploy("It ended here while its deployment may go on at Cloudflare.", {
    deployment_id: z.string(),
  }),
  "deploy.stray": ofDeploy("A deployment came to light that may be a second one of it.", {
    deployment_id: z.string(),
  }),
  "deploy.rolled_back": ofDeploy(
    "A rollback is done, or a stray or abandoned deployment that had gone live was undone.",
    {
      to_deployment_id: z.string(),
      deployment_id: z.string().optional(),
      reason: z.string().optional(),
    },
  ),
  "deploy.promoted": ofDeploy("It published a preview's upload in production.", {}),
  "deploy.verified": ofDeploy("All health checks were as they must be.", {}),
  "deploy.health_failed": ofDeploy("It is live, but a health check was not as it must be.", {
    action: z.string(),
  }),
  "external.started": entry("A deployment that others made was noticed.", { external: External }),
  "external.ended": entry("A deployment that others made is over.", { external: External }),
  "project.registered": entry("The project was registered.", {
    name: z.string(),
    account_id: z.string(),
  }),
  "project.policy_changed": entry("Its policy is another one now.", { policy: PolicyShape }),
  "project.locked": entry("Somebody locked it, or one environment of it.", { lock: Lock }),
  "project.unlocked": entry("The lock was taken away, or its time is over.", {
    lock: Lock,
    reason: z.enum(["released", "expired"]),
    by: z.string().nullable(),
  }),
  "project.window_opened": entry("Windows let deploys of this environment start again.", Opening),
  "project.window_closed": entry(
    "Windows let no deploy of this environment start from now on.",
    Opening,
  ),
  "project.quarantined": entry(
    "Something failed again and again in a way nobody foresaw, and is not tried any more.",
    { key: z.string(), strikes: z.int() },
  ),
  "project.exported": entry("Somebody took an export of it.", {
    by: z.string(),
    include: z.enum(["all", "settings"]),
  }),
  "project.imported": entry("Somebody imported an export into it.", {
    by: z.string(),
    from: z.string(),
    imported: z.record(z.string(), z.int()),
  }),
  "hook.refused": entry("A delivery with a right hook URL was refused.", {
    hook_id: z.string(),
    source: z.string(),
    reason: z.string(),
    reason_code: z.string(),
  }),
  "subscriber.failing": entry(
    "A subscriber failed five times in a row, or an event was given up.",
    {
      ...Endpoint,
      failures: z.int(),
      reason: z.string(),
      given_up: z.object({ sequence: z.int() }).nullable(),
    },
  ),
  "subscriber.disabled": entry("A subscriber is not told any more until somebody switches it on.", {
    ...Endpoint,
    reason: z.string(),
  }),
  "subscriber.recovered": entry("A subscriber answers again.", Endpoint),
  "test.ping": entry("Somebody asked for a test event; only that subscriber hears it.", {
    subscriber_id: z.string(),
    test: z.literal(true),
    message: z.string(),
    /** The type that the subscriber is shown instead, with an example's data. */
    example: z.string().optional(),
  }),
} as const satisfies Record<EventType, Entry>;

export type EventData<T extends EventType = EventType> = z.infer<(typeof CATALOGUE)[T]["data"]>;

/** What all events have beside `type` and `data`. */
export const Envelope = z.object({
  id: z.string(),
  timestamp: z.string(),
  project: z.string(),
  sequence: z.int(),
});

/**
 * One numbered, immutable fact about a project. Its id is the `webhook-id` of every delivery of it. What was stored by an
 * earlier version may lack the fields that came later.
 */
export type Event<T extends EventType = EventType> = {
  [Type in T]: z.infer<typeof Envelope> & {
    readonly type: Type;
    readonly data: EventData<Type> & Record<string, unknown>;
  };
}[T];

export type DeployEventType = {
  [T in EventType]: EventData<T> extends { deploy: Deploy } ? T : never;
}[EventType];

/** What an event of a deploy says beside the deploy. */
export type More<T extends DeployEventType> = Omit<EventData<T>, "deploy">;

/** Those that need say nothing else. */
export type PlainDeployEvent = {
  [T in DeployEventType]: Partial<More<T>> extends More<T> ? T : never;
}[DeployEventType];
