import { iso } from "../ids.ts";
import type { Context } from "./context.ts";
import { holders, rulesOf } from "./line.ts";
import type { Environment } from "./policy.ts";
import { decide, type Waiting } from "./queue.ts";
import { quietPeriod } from "./quiet.ts";
import { reasons } from "./reasons.ts";
import { openDeploys, policyOf, projectRow } from "./rows.ts";
import type { DeployKind, TriggerKind, WaitingFor } from "./shapes.ts";

export interface Supposed {
  readonly branch: string | null;
  readonly kind: DeployKind;
  readonly trigger_kind: TriggerKind;
  /** When the trigger comes; null: now. */
  readonly at: number | null;
}

export interface PolicyExplanation {
  at: string;
  environment: Environment;
  target: string;
  would: "start" | "wait";
  waiting: { for: WaitingFor; until: string | null } | null;
  reason: string | null;
  reason_code: string | null;
  needs_approval: boolean;
  /** Numbers of waiting deploys that it would end. */
  supersedes: number[];
}

/**
 * What would become of a trigger, by the functions that decide on real ones. For a later time nothing is supposed to run or
 * wait by then; locks that end before it are gone.
 */
export function explainPolicy(context: Context, supposed: Supposed): PolicyExplanation {
  const { sql } = context;
  const now = context.now();
  const at = supposed.at ?? now;
  const project = projectRow(sql);
  const policy = policyOf(sql);
  const promotion = supposed.kind === "promote";
  // Wherever it comes from.
  const branch = (promotion ? null : supposed.branch) ?? project.production_branch;
  const environment = branch === project.production_branch ? "production" : "preview";
  const target = environment === "production" ? "production" : `preview/${branch}`;
  const open = at > now ? [] : openDeploys(sql);
  const queued = open.filter(({ status }) => status === "queued");
  const older = policy.mode === "supersede" ? queued.filter((d) => d.target === target) : [];
  const since = Math.min(...older.map((d) => d.quiet_since ?? Infinity));
  const quiet =
    supposed.trigger_kind === "hook" && !promotion
      ? quietPeriod(policy.quiet_period, null, Number.isFinite(since) ? since : null, at)
      : null;
  const asked = policy.approval.environments.includes(environment) && supposed.kind !== "rollback";
  const deploy: Waiting = {
    id: "supposed",
    number: project.next_number,
    target,
    environment,
    kind: supposed.kind,
    trigger_kind: supposed.trigger_kind,
    created_at: at,
    due_at: null,
    waiting_for: null,
    not_before: null,
    quiet_until: quiet?.quiet_until ?? null,
    approval_until: asked ? at + policy.approval.expires_hours * 3_600_000 : null,
    released_by: null,
  };
  const waiting = [...queued.filter((d) => !older.includes(d)), deploy];
  const holding = at > now ? [] : holders(sql, open, now);
  const wait = decide(waiting, holding, rulesOf(sql, at), at).waits.get(deploy.id);
  const why = wait === undefined ? null : reasons.waits(wait);
  return {
    at: iso(at),
    environment,
    target,
    would: wait === undefined ? "start" : "wait",
    waiting:
      wait === undefined
        ? null
        : { for: wait.for, until: wait.until === null ? null : iso(wait.until) },
    reason: why?.text ?? null,
    reason_code: why?.code ?? null,
    needs_approval: asked,
    supersedes: older.map(({ number }) => number),
  };
}
