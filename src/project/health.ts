import { fault } from "../fault.ts";
import { newId } from "../ids.ts";
import type { Context } from "./context.ts";
import { alter, emitDeploy, move } from "./deploys.ts";
import { lockInside } from "./locks.ts";
import type { HealthCheck } from "./policy.ts";
import { judge, probe, probeUrl } from "./probe.ts";
import { reasons } from "./reasons.ts";
import { rollBack } from "./rollback.ts";
import { domainsOf, getDeploy, markOf, policyOf, projectRow, type DeployRow } from "./rows.ts";
import type { Health } from "./shapes.ts";
import { succeed } from "./track.ts";

const HOLDER = "health checks";

/** The effect: one try of all health checks of a deploy that is live. It is a look, so it can be repeated without harm. */
export async function checkHealth(context: Context, id: string): Promise<void> {
  const before = getDeploy(context.sql, id);
  if (before?.status !== "verifying") {
    return;
  }
  const domains = domainsOf(projectRow(context.sql));
  const checks: Health["checks"] = [];
  for (const check of policyOf(context.sql).health.checks) {
    // One after the other: a try takes one connection, however many checks there are.
    checks.push(await tryOne(context, check, domains, before.commit_hash));
  }
  fault("health.probed", context.state);
  context.change(() => {
    const row = getDeploy(context.sql, id);
    if (row?.status === "verifying" && row.health === before.health) {
      settle(context, row, { tries: triesOf(row) + 1, checks });
    }
  });
  fault("health.settled", context.state);
}

async function tryOne(
  context: Context,
  check: HealthCheck,
  domains: readonly string[],
  commitHash: string | null,
): Promise<Health["checks"][number]> {
  const url = probeUrl(check.url, domains);
  const { localSites } = await context.config();
  const answered =
    url === null
      ? { failure: "is on no domain of this project any more" }
      : await probe(url, localSites);
  const wrong = judge(check, answered, commitHash);
  return { url: check.url, ok: wrong === null, detail: wrong ?? "is as it must be" };
}

/** Writes what came of a try. Inside the caller's transaction. */
function settle(context: Context, before: DeployRow, health: Health): void {
  const { attempts, interval_seconds: interval } = policyOf(context.sql).health;
  const row = alter(context, before, { health: JSON.stringify(health) });
  const mark = markOf(context.sql, row.target);
  if (mark > row.number) {
    move(context, row, "superseded", { why: reasons.newerWentFirst(mark) });
    return;
  }
  const failing = health.checks.find(({ ok }) => !ok);
  if (failing === undefined) {
    emitDeploy(context, "deploy.verified", row);
    succeed(context, row);
  } else if (health.tries < attempts) {
    alter(context, row, { due_at: context.now() + interval * 1_000 });
  } else {
    const why = reasons.unhealthy(failing.url, failing.detail, health.tries);
    const failed = move(context, row, "failed", { why });
    emitDeploy(context, "deploy.health_failed", failed, { action: react(context, failed) });
  }
}

/** Does what the policy wants after a failure, and says what that was. */
function react(context: Context, row: DeployRow): string {
  const { on_failure: wish } = policyOf(context.sql).health;
  const now = context.now();
  const because = `#${row.number} failed its health check`;
  if (wish === "tell") {
    return "It stays live.";
  }
  if (wish === "lock") {
    lockInside(context, {
      id: newId("lck", now),
      environment: "production",
      holder: HOLDER,
      reason: because,
      until: null,
    });
    return "It stays live, and production is locked.";
  }
  const trigger = {
    id: newId("trg", now),
    kind: "health",
    source: "health",
    actor: HOLDER,
    delivery_id: null,
  } as const;
  const back = rollBack(context, null, trigger, newId("dpl", now), { because });
  return back.ok
    ? `Production is rolled back, by #${back.value.deploy?.number}.`
    : `It stays live: ${back.error.detail}`;
}

function triesOf(row: DeployRow): number {
  return row.health === null ? 0 : (JSON.parse(row.health) as Health).tries;
}
