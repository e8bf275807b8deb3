import * as z from "zod";

import { parseDeployJson } from "../deploy-form/json.ts";
import { SOURCE_NAMES } from "../hooks/sources/index.ts";
import { SubscriberKind } from "../notify/kinds.ts";
import { CATALOGUE, Envelope } from "../project/catalogue.ts";
import { HookSettings } from "../project/hook-settings.ts";
import type { HookDelivery as HookDeliveryView, HookView } from "../project/hooks.ts";
import type { AccessRuleView } from "../instance/access.ts";
import type { ScheduleView } from "../project/schedules.ts";
import { PolicyShape } from "../project/policy.ts";
import * as shapes from "../project/shapes.ts";
import type { AttemptView, DeliveryDetail, DeliveryView } from "../project/deliveries.ts";
import { SubscriberSettings } from "../project/subscriber-settings.ts";
import type { SubscriberView } from "../project/subscribers.ts";
import type { TrustView } from "../project/trust.ts";
import { SCOPES } from "../security/tokens.ts";
import type { TokenView } from "../tokens.ts";

/**
 * The shapes of this API under their names in its document. Those that the project defines are taken from there; where
 * one holds another, it refers to it by name.
 */
export const Deploy = z.object(shapes.Deploy.shape).meta({ id: "Deploy" });

/** Not by `nullable()`: the document would ask for a deploy that is null at the same time. */
const DeployOrNull = z.union([Deploy, z.null()]);

export const Lock = z.object(shapes.Lock.shape).meta({ id: "Lock" });

const External = z.object(shapes.External.shape).meta({ id: "External" });

export const Policy = z.object(PolicyShape.shape).meta({ id: "Policy" });

export const Project = z
  .object({
    ...shapes.ProjectView.shape,
    live: DeployOrNull,
    running: z.array(Deploy),
    waiting: z.array(Deploy),
    externals: z.array(External),
    locks: z.array(Lock),
    policy: Policy,
  })
  .meta({ id: "Project" });

const NAMED = { deploy: Deploy, external: External, lock: Lock, policy: Policy };

/** One schema for each type of event, under a name such as `DeployStageEvent`. */
export const EVENTS = Object.fromEntries(
  shapes.EventType.options.map((type) => {
    const { description, data } = CATALOGUE[type];
    const fields = Object.keys(data.shape).filter((field) => Object.hasOwn(NAMED, field));
    const named = Object.fromEntries(fields.map((f) => [f, NAMED[f as keyof typeof NAMED]]));
    const schema = z
      .object({
        ...Envelope.shape,
        type: z.literal(type),
        data: z.object({ ...data.shape, ...named }),
      })
      .meta({ id: eventName(type), description });
    return [type, schema];
  }),
);

function eventName(type: shapes.EventType): string {
  const words = type.split(/[._]/).map((word) => word[0]?.toUpperCase() + word.slice(1));
  return `${words.join("")}Event`;
}

export const Event = z
  .union(Object.values(EVENTS))
  .meta({ id: "Event" }) as unknown as z.ZodType<shapes.Event>;

export const Accepted = z
  .object({
    id: z.string(),
    outcome: shapes.Outcome,
    reason: z.string().nullable(),
    reason_code: z.string().nullable(),
    deploy: DeployOrNull,
  } satisfies Shape<shapes.Accepted>)
  .meta({ id: "Accepted" });

export const Hook = z
  .object({
    id: z.string(),
    source: z.string(),
    repository: z.string().nullable(),
    branch: z.string().nullable(),
    ...HookSettings.shape,
    state: z.enum(["active", "paused", "awaiting_secret"]),
    secrets: z.int().meta({ description: "How many are good; two while one is rotated." }),
    paused: z.boolean(),
    description: z.string().nullable(),
    created_at: z.string(),
    last_delivery_at: z.string().nullable(),
    refusals: z.int(),
    last_refused_at: z.string().nullable(),
  } satisfies Shape<HookView>)
  .meta({ id: "Hook" });

export const HookDelivery = z
  .object({
    id: z.string(),
    at: z.string(),
    delivery_id: z.string().nullable(),
    branch: z.string().nullable(),
    outcome: shapes.Outcome,
    reason: z.string().nullable(),
    reason_code: z.string().nullable(),
    deploy_id: z.string().nullable(),
  } satisfies Shape<HookDeliveryView>)
  .meta({ id: "HookDelivery" });

export const Subscriber = z
  .object({
    id: z.string(),
    url: z.string().meta({
      description: "Where a kind's URL is its secret, no more than its host is shown.",
    }),
    kind: SubscriberKind,
    events: z.array(z.string()),
    ...SubscriberSettings.shape,
    ordered: z.boolean(),
    headers: z.array(z.string()).meta({ description: "Names alone; values are not shown." }),
    host: z
      .record(z.string(), z.unknown())
      .nullable()
      .meta({ description: "Of a git host: what is set up, without the token." }),
    description: z.string().nullable(),
    state: z.enum(["active", "paused", "disabled"]),
    reason: z.string().nullable().meta({ description: "Why it is disabled." }),
    failing_since: z.string().nullable(),
    blocked_until: z.string().nullable().meta({
      description: "After repeated failure nothing is tried before this time.",
    }),
    last_attempt: z
      .object({
        at: z.string(),
        status: z.int().nullable(),
        error: z.string().nullable(),
        duration_ms: z.number().nullable(),
      })
      .nullable(),
    next_attempt_at: z.string().nullable(),
    waiting: z.int(),
    exhausted: z.int().meta({ description: "Deliveries that were given up." }),
    old_secret_until: z.string().nullable().meta({
      description: "After a rotation: until then the secret before signs too.",
    }),
    created_at: z.string(),
  } satisfies Shape<SubscriberView>)
  .meta({ id: "Subscriber" });

export const DeliveryState = z.enum(["delivered", "pending", "exhausted"]);

export const Delivery = z
  .object({
    id: z.string(),
    event_id: z.string().nullable(),
    event_type: z.string().nullable(),
    sequence: z.int(),
    state: DeliveryState,
    attempts: z.int(),
    next_attempt_at: z.string().nullable(),
    last_attempt_at: z.string(),
    status: z.int().nullable(),
    duration_ms: z.number(),
    error: z.string().nullable(),
    response: z.string(),
  } satisfies Shape<DeliveryView>)
  .meta({ id: "Delivery" });

export const DeliveryWithLog = z
  .object({
    ...Delivery.shape,
    attempt_log: z
      .array(
        z.object({
          number: z.int(),
          at: z.string(),
          status: z.int().nullable(),
          duration_ms: z.number(),
          error: z.string().nullable(),
          response: z.string(),
        } satisfies Shape<AttemptView>),
      )
      .meta({ description: "The last 20, oldest first." }),
  } satisfies Shape<DeliveryDetail>)
  .meta({ id: "DeliveryWithLog" });

export const Schedule = z
  .object({
    id: z.string(),
    cron: z.string().nullable(),
    time_zone: z.string().nullable(),
    at: z.string().nullable().meta({ description: "For one that runs once." }),
    branch: z.string(),
    missed: z.enum(["run_once", "skip"]),
    skip_unchanged: z.boolean(),
    paused: z.boolean(),
    next_runs: z.array(z.string()).meta({ description: "At most five." }),
    created_at: z.string(),
    ended_at: z.string().nullable().meta({ description: "Since when it runs no more." }),
    last_run_at: z.string().nullable(),
    last_outcome: shapes.Outcome.nullable().meta({
      description: "`ignored`: it was its time, but no deploy came of it; `last_reason` says why.",
    }),
    last_reason: z.string().nullable(),
    last_reason_code: z.string().nullable(),
    last_deploy_id: z.string().nullable(),
  } satisfies Shape<ScheduleView>)
  .meta({ id: "Schedule" });

export const Token = z
  .object({
    id: z.string(),
    scopes: z.array(z.enum(SCOPES)),
    description: z.string().nullable(),
    created_at: z.string(),
    expires_at: z.string().nullable(),
    revoked_at: z.string().nullable(),
  } satisfies Shape<TokenView>)
  .meta({ id: "Token" });

export const Trust = z
  .object({
    id: z.string(),
    issuer: z.string(),
    repository_id: z.string(),
    repository: z.string().nullable(),
    ref: z.string().nullable(),
    environment: z.string().nullable(),
    workflow: z.string().nullable(),
    scope: z.enum(["read", "deploy"]),
    created_at: z.string(),
  } satisfies Shape<TrustView>)
  .meta({ id: "Trust" });

export const AccessRule = z
  .object({
    id: z.string(),
    email: z.string().nullable(),
    email_domain: z.string().nullable(),
    service_token: z.string().nullable(),
    scopes: z.array(z.enum(SCOPES)),
    project: z.string().nullable().meta({ description: "null: all, and the instance itself." }),
    description: z.string().nullable(),
    created_at: z.string(),
  } satisfies Shape<AccessRuleView>)
  .meta({ id: "AccessRule" });

export const ProblemShape = z
  .object({
    type: z.literal("about:blank"),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.string(),
    instance: z.string(),
    errors: z.array(z.object({ field: z.string(), detail: z.string() })).optional(),
  })
  .meta({ id: "Problem" });

/** A schema for each field, so that a field added to a view is missed here. */
type Shape<View> = { [Field in keyof View]: z.ZodType<View[Field]> };

// — What people send —

export const SourceNames = z.enum(SOURCE_NAMES);
export const Description = z.string().trim().max(200);

/** By the same rules as the form's field. */
export const Branch = z
  .string()
  .min(1)
  .max(255)
  .superRefine((branch, check) => {
    const read = parseDeployJson({ branch });
    if (!read.ok) {
      check.addIssue({ code: "custom", message: read.error.detail });
    }
  });
