import * as z from "zod";

import { SubscriberKind } from "../notify/kinds.ts";
import { checkCron } from "./cron.ts";
import { HookSettings } from "./hook-settings.ts";
import { DEFAULT_POLICY, Environment, PolicyChange } from "./policy.ts";
import {
  type Field,
  flag,
  id,
  int,
  json,
  maybe,
  one,
  type PortableRow,
  same,
  text,
  time,
} from "./portable-fields.ts";
import * as shapes from "./shapes.ts";
import { isEnd } from "./status.ts";
import { SubscriberSettings } from "./subscriber-settings.ts";
import { MAX_SUBSCRIBERS } from "./subscribers.ts";

/**
 * What of a project can be carried to another place, as docs/backup.md describes it: the rows of these kinds, with these
 * columns and no others. A secret is in none of them, neither in clear nor sealed: an export is read by people and kept
 * anywhere, and another instance could not open what is sealed. What is added later must be optional when it is read.
 */

export interface Portable {
  readonly table: string;
  /** By what rows are ordered and read on: unique, and rising. */
  readonly key: string;
  readonly fields: Readonly<Record<string, Field>>;
  /** Only these. */
  readonly where?: string;
  /** Part of what a person has set up, rather than of what happened. */
  readonly setting?: true;
  /** So many at most in one import. */
  readonly most?: number;
  /** What does not go together in a row, as the end of a sentence about it. */
  readonly fault?: (row: PortableRow) => string | null;
}

/** By the same rule as in addresses: it is asked for at Cloudflare, by roll back for one. */
const deploymentId: Field = {
  read: z.string().regex(/^[A-Za-z0-9-]{1,64}$/, "must be the id of a deployment"),
  write: same,
};
const Link = z
  .string()
  .max(2_048)
  .regex(/^(?:https:\/\/|$)/, "must be an https:// URL");
const Deployment = shapes.Deployment.extend({ url: Link, aliases: z.array(Link) });
const Form = z.strictObject({
  branch: z.string().optional(),
  commit_hash: z.string().optional(),
  commit_message: z.string().optional(),
  commit_dirty: z.boolean().optional(),
});
const Globs = z.array(z.string().min(1).max(64)).min(1).max(50);
/** It stands for a field that is empty where it is not needed. */
const cron: Field = {
  read: z
    .string()
    .min(1)
    .max(128)
    .nullable()
    .transform((given) => given ?? ""),
  write: (value) => (value === "" ? null : value),
};
const policy = json(
  PolicyChange.transform((given) => ({
    ...DEFAULT_POLICY,
    ...given,
  })),
);

/** In the order in which they are written: what counts up comes last, so that it is never behind what came before it. */
export const PORTABLE = {
  policy: {
    table: "project",
    key: "id",
    setting: true,
    most: 1,
    fields: { policy, policy_revision: int(1) },
  },
  hook: {
    table: "hooks",
    key: "rowid",
    setting: true,
    most: 1_000,
    fields: {
      id: id("hok"),
      source: text(64),
      repository: maybe(text(255)),
      branch: maybe(text(255)),
      settings: json(HookSettings),
      url_key: text(64),
      revision: int(1),
      paused: flag,
      description: maybe(text(200)),
      created_at: time,
      last_delivery_at: maybe(time),
      refusals: int(),
      refused_at: maybe(time),
    },
  },
  subscriber: {
    table: "subscribers",
    key: "rowid",
    setting: true,
    most: MAX_SUBSCRIBERS,
    fields: {
      id: id("sub"),
      url: text(2_048),
      kind: one(SubscriberKind),
      events: json(Globs),
      settings: json(SubscriberSettings),
      ordered: flag,
      header_names: json(z.array(z.string().max(256)).max(10)),
      host: json(z.record(z.string().max(64), z.union([z.string().max(500), z.boolean()]))),
      description: maybe(text(200)),
      state: one(z.enum(["active", "paused", "disabled"])),
      reason: maybe(text()),
      created_at: time,
    },
  },
  schedule: {
    table: "schedules",
    key: "rowid",
    setting: true,
    most: 1_000,
    fields: {
      id: id("sch"),
      cron,
      time_zone: text(64),
      at: maybe(time),
      branch: text(255),
      missed: one(z.enum(["run_once", "skip"])),
      skip_unchanged: flag,
      paused: flag,
      created_at: time,
      ended_at: maybe(time),
      last_run_at: maybe(time),
      last_outcome: maybe(one(shapes.Outcome)),
      last_reason: maybe(text()),
      last_reason_code: maybe(text(64)),
      last_deploy_id: maybe(id("dpl")),
    },
    fault: (row) => {
      if ((row["cron"] === "") !== (row["at"] !== null)) {
        return "has either cron or at";
      }
      const checked =
        row["at"] === null
          ? checkCron(String(row["cron"]), String(row["time_zone"]), Date.now())
          : null;
      return checked === null || checked.ok ? null : checked.error;
    },
  },
  trust: {
    table: "trust",
    key: "rowid",
    setting: true,
    most: 1_000,
    fields: {
      id: id("tru"),
      issuer: text(500),
      repository_id: { read: z.string().regex(/^\d{1,20}$/), write: same },
      repository: maybe(text(200)),
      ref: maybe(text(500)),
      environment: maybe(text(255)),
      workflow: maybe(text(500)),
      scope: one(z.enum(["read", "deploy"])),
      created_at: time,
    },
  },
  lock: {
    table: "locks",
    key: "rowid",
    most: 1_000,
    fields: {
      id: id("lck"),
      environment: maybe(one(Environment)),
      holder: text(),
      reason: text(),
      until: maybe(time),
      created_at: time,
    },
  },
  deploy: {
    table: "deploys",
    key: "number",
    fields: {
      id: id("dpl"),
      number: int(1),
      kind: one(shapes.DeployKind),
      status: one(shapes.DeployStatus),
      reason: maybe(text()),
      reason_code: maybe(text(64)),
      trigger_id: text(64),
      trigger_kind: one(shapes.TriggerKind),
      trigger_source: text(64),
      trigger_actor: maybe(text()),
      delivery_id: maybe(text()),
      not_before: maybe(time),
      approved_by: maybe(text()),
      released_by: maybe(text()),
      retries: int(),
      waits: json(z.partialRecord(shapes.WaitingFor, z.number())),
      failure: maybe(json(shapes.Failure)),
      health: maybe(json(shapes.Health)),
      promoted_from: maybe(id("dpl")),
      rollback_to: maybe(deploymentId),
      branch: text(255),
      environment: one(Environment),
      target: text(300),
      commit_hash: maybe(text()),
      commit_message: maybe(text()),
      commit_dirty: maybe(flag),
      form: json(Form),
      // Which body it was. The body itself stays behind, as if its time were over.
      upload_id: maybe(id("upl")),
      created_at: time,
      started_at: maybe(time),
      ended_at: maybe(time),
      attempts: int(),
      deployment_id: maybe(deploymentId),
      deployment: maybe(json(Deployment)),
      stages: json(z.array(shapes.Stage).max(50)),
      superseded_by: maybe(id("dpl")),
      retry_of: maybe(id("dpl")),
    },
    fault: (row) =>
      isEnd(row["status"] as shapes.DeployStatus) === (row["ended_at"] === null)
        ? "has ended_at exactly when its status is an end"
        : null,
  },
  trigger: {
    table: "triggers",
    key: "rowid",
    fields: {
      id: id("trg"),
      dedupe_key: maybe(text()),
      fingerprint: maybe(text()),
      kind: one(shapes.TriggerKind),
      source: text(64),
      branch: maybe(text(255)),
      outcome: one(shapes.Outcome),
      reason: maybe(text()),
      reason_code: maybe(text(64)),
      deploy_id: maybe(id("dpl")),
      at: time,
      hook_id: maybe(id("hok")),
      delivery_id: maybe(text()),
    },
  },
  run: {
    table: "runs",
    key: "target || ' ' || workflow",
    fields: {
      target: text(300),
      workflow: text(200),
      run: int(),
      attempt: int(),
      deploy_id: id("dpl"),
    },
  },
  external: {
    table: "externals",
    key: "rowid",
    // What still runs is found by looking at Cloudflare.
    where: "ended_at IS NOT NULL",
    fields: {
      deployment_id: deploymentId,
      environment: one(Environment),
      branch: text(),
      target: text(),
      url: one(Link),
      trigger_type: maybe(text()),
      commit_hash: maybe(text()),
      commit_message: maybe(text()),
      stage: text(),
      created_on: text(64),
      since: time,
      ended_at: time,
      outcome: one(shapes.External.shape.status.exclude(["running"])),
      live_at: maybe(time),
    },
  },
  /** `data` is read once more by its type. */
  event: {
    table: "events",
    key: "sequence",
    fields: {
      sequence: int(1),
      id: id("evt"),
      type: one(shapes.EventType),
      at: time,
      deploy_id: maybe(id("dpl")),
      data: json(z.record(z.string(), z.unknown())),
    },
  },
  mark: {
    table: "marks",
    key: "rowid",
    fields: { target: text(300), number: int(1) },
  },
  numbers: {
    table: "project",
    key: "id",
    most: 1,
    fields: {
      next_number: int(1),
      live_deploy_id: maybe(id("dpl")),
      sequence: {
        ...int(),
        sql: "(SELECT COALESCE(MAX(seq), 0) FROM sqlite_sequence WHERE name = 'events')",
      },
    },
  },
} as const satisfies Record<string, Portable>;

export type PortableKind = keyof typeof PORTABLE;

export const KINDS_IN_ORDER = Object.keys(PORTABLE) as readonly PortableKind[];
