import { err, ok, type Result } from "../result.ts";
import type { Context } from "./context.ts";
import { emit } from "./events.ts";
import { ENVIRONMENTS, type Policy, type PolicyChange } from "./policy.ts";
import type { Refusal } from "./refusal.ts";
import { probeUrl } from "./probe.ts";
import { domainsOf, policyOf, projectRow } from "./rows.ts";
import { windowsChanged } from "./window-events.ts";
import { openingAt } from "./windows.ts";

export interface RevisedPolicy {
  readonly policy: Policy;
  /** Rises with each change. */
  readonly revision: number;
}

export function revisedPolicy(context: Context): RevisedPolicy {
  return {
    policy: policyOf(context.sql),
    revision: projectRow(context.sql).policy_revision,
  };
}

/**
 * Changes the fields that are given; the whole must hold together afterwards.
 *
 * @param expected the revision that the caller has seen, or null for any
 */
export function changePolicy(
  context: Context,
  change: PolicyChange,
  expected: number | null,
): Result<RevisedPolicy, Refusal> {
  return context.change(() => {
    const before = revisedPolicy(context);
    if (expected !== null && expected !== before.revision) {
      return err({
        code: "policy_changed",
        detail: "Somebody has changed the policy meanwhile. Read it again, and change that.",
      });
    }
    const policy = { ...before.policy, ...change };
    const wrong = faultIn(policy, context.now(), domainsOf(projectRow(context.sql)));
    if (wrong !== null) {
      return err({ code: "policy_invalid", detail: wrong });
    }
    if (JSON.stringify(policy) === JSON.stringify(before.policy)) {
      return ok(before);
    }
    const revision = before.revision + 1;
    context.sql.update("project", "id", 1, {
      policy: JSON.stringify(policy),
      policy_revision: revision,
    });
    emit(context, "project.policy_changed", { policy });
    if (change.windows !== undefined) {
      windowsChanged(context);
    }
    return ok({ policy, revision });
  });
}

/** What does not go together, with the field and what to do; `null` when all does. */
export function faultIn(policy: Policy, now: number, domains: readonly string[]): string | null {
  if (policy.cancel_running && policy.mode === "all") {
    return 'cancel_running has no sense with mode "all", where nothing is superseded. Choose mode "supersede", or false.';
  }
  for (const [stage, seconds] of Object.entries(policy.stage_deadlines_seconds)) {
    if (seconds !== undefined && seconds > policy.deadline_seconds) {
      return `stage_deadlines_seconds.${stage} is longer than deadline_seconds (${policy.deadline_seconds}), so it would never count. Raise deadline_seconds, or lower it.`;
    }
  }
  for (const environment of ENVIRONMENTS) {
    const { open, until } = openingAt(policy.windows, environment, now);
    if (!open && until === null) {
      return `windows would never let a deploy to ${environment} start. Shorten a deny window, or add an allow window that is outside of them.`;
    }
  }
  for (const [n, { url }] of policy.health.checks.entries()) {
    if (probeUrl(url, domains) === null) {
      return `health.checks.${n}.url is not on a domain of this project (${domains.join(", ")}). Use a path or one of those; if the domain is new, register the project again first.`;
    }
  }
  return null;
}
