import * as z from "zod";

import { checkCron } from "./cron.ts";

/** A project's rules, as one document: what is stored, shown, and changed with one validation of the whole. */

export const Environment = z.enum(["production", "preview"]);
export type Environment = z.infer<typeof Environment>;
export const ENVIRONMENTS = Environment.options;

/** A recurring time in which deploys may not start (`deny`), or outside of which they may not (`allow`). */
const Window = z
  .strictObject({
    action: z.enum(["allow", "deny"]),
    environment: Environment.nullable().default(null),
    cron: z.string().max(128),
    duration_minutes: z.int().min(1).max(10_080),
    time_zone: z.string().max(64),
    reason: z.string().trim().max(200).nullable().default(null),
  })
  .superRefine(({ cron, time_zone }, check) => {
    const checked = checkCron(cron, time_zone, Date.now());
    if (!checked.ok) {
      check.addIssue({ code: "custom", message: checked.error });
    }
  });

/** What must be so at an address of the project's own once a deploy is live. */
const HealthCheck = z.strictObject({
  /** A path on the project's `pages.dev` domain, or an https URL on any of its domains. */
  url: z
    .string()
    .max(500)
    .regex(/^(\/(?!\/)|[Hh][Tt][Tt][Pp][Ss]:\/\/)/, "must be a path (/…) or an https:// URL"),
  /** Redirects are not followed: theirs is the status then. */
  status: z.int().min(100).max(599).default(200),
  /** A text that the first 256 KiB of the body must hold. */
  contains: z.string().min(1).max(200).nullable().default(null),
  header: z
    .strictObject({
      name: z.string().regex(/^[A-Za-z0-9-]{1,64}$/, "must be a header's name"),
      value: z.string().max(200),
    })
    .nullable()
    .default(null),
  /** The body must hold the commit's hash, or its first seven digits; for deploys whose commit is known. */
  commit: z.boolean().default(false),
});
export type HealthCheck = z.infer<typeof HealthCheck>;

const Seconds = z.int().min(0).max(86_400);
const StageDeadline = z.int().min(10).max(86_400).optional();

export const PolicyShape = z.strictObject({
  /** What happens to waiting deploys of a target when a newer one arrives. */
  mode: z.enum(["supersede", "all"]),
  lane: z.enum(["project", "target"]),
  /** In mode supersede, a newer deploy stops a running one of its target too, as far as Cloudflare lets it. */
  cancel_running: z.boolean(),
  /** So long between two starts of one target. */
  min_interval_seconds: Seconds,
  /** A deploy of a trigger that nobody waits for starts when none has come for `seconds`, at the latest after `max_wait_seconds`. */
  quiet_period: z
    .strictObject({ seconds: z.int().min(0).max(3_600), max_wait_seconds: Seconds })
    .refine(({ seconds, max_wait_seconds: most }) => seconds <= most, {
      message:
        "max_wait_seconds must not be less than seconds, or the quiet period could never pass.",
    }),
  windows: z.array(Window).max(20),
  approval: z.strictObject({
    environments: z.array(Environment).max(2),
    expires_hours: z.int().min(1).max(720),
  }),
  /** Failed builds are tried again, as the same deploy, unless something newer of the target has come. */
  retry: z.strictObject({
    limit: z.int().min(0).max(5),
    /** The stages whose failure is worth it. Empty: any. */
    stages: z.array(z.string().max(40)).max(10),
    backoff_seconds: z.int().min(5).max(3_600),
  }),
  /** Whether a rollback locks production, so that the next push does not undo it. */
  rollback: z.strictObject({ lock: z.boolean() }),
  /** What is asked of production once a deploy is live; it has succeeded only when all is as it must be. */
  health: z.strictObject({
    checks: z.array(HealthCheck).max(10),
    attempts: z.int().min(1).max(10).default(3),
    interval_seconds: z.int().min(1).max(300).default(10),
    on_failure: z.enum(["tell", "lock", "rollback"]).default("tell"),
  }),
  /** How the gateway answers its clients. */
  gateway: z.strictObject({
    /** A deploy that a newer one has superseded: its client gets the newer one's result, or a failure. */
    superseded: z.enum(["adopt", "fail"]),
    /** So long may a client wait for a lock, a window, approval or a time; then its deploy is canceled, and it is told. */
    max_wait_minutes: z.int().min(1).max(1_440),
  }),
  /** A deploy that runs longer ends `timed_out`. */
  deadline_seconds: z.int().min(30).max(86_400),
  /** The same for one stage. */
  stage_deadlines_seconds: z.strictObject({
    queued: StageDeadline,
    initialize: StageDeadline,
    clone_repo: StageDeadline,
    build: StageDeadline,
    deploy: StageDeadline,
  }),
  /** How often one deploy may ask Cloudflare for its deployment. */
  max_attempts: z.int().min(1).max(20),
});
export type Policy = z.infer<typeof PolicyShape>;

/** Those that are given change; an object or a list is given whole. */
export const PolicyChange = PolicyShape.partial();
export type PolicyChange = Partial<Policy>;

export const DEFAULT_POLICY: Policy = {
  mode: "supersede",
  lane: "project",
  cancel_running: false,
  min_interval_seconds: 0,
  quiet_period: { seconds: 0, max_wait_seconds: 600 },
  windows: [],
  approval: { environments: [], expires_hours: 72 },
  retry: { limit: 0, stages: [], backoff_seconds: 30 },
  rollback: { lock: true },
  gateway: { superseded: "adopt", max_wait_minutes: 30 },
  health: { checks: [], attempts: 3, interval_seconds: 10, on_failure: "tell" },
  deadline_seconds: 2_700,
  stage_deadlines_seconds: {},
  max_attempts: 6,
};
