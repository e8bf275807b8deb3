import { iso } from "../ids.ts";
import { err, ok, type Result } from "../result.ts";
import { hasSchema, migrate, type Sql } from "../sql.ts";
import { changePolicy, faultIn } from "./change-policy.ts";
import type { Context } from "./context.ts";
import { currentExternals, liveExternal } from "./live.ts";
import { listLocks } from "./locks.ts";
import { toDeploy } from "./deploys.ts";
import { domainsOf, getDeploy, openDeploys, policyOf, projectRow } from "./rows.ts";
import { emit, referenceTo } from "./events.ts";
import { retarget } from "./retarget.ts";
import type { Refusal } from "./refusal.ts";
import { MIGRATIONS } from "./schema.ts";
import { type ProjectView } from "./shapes.ts";
import { DEFAULT_POLICY, type PolicyChange } from "./policy.ts";
import { windowsChanged } from "./window-events.ts";

/** What Cloudflare said of a project when it was registered. */
export interface ProjectFacts {
  readonly key: string;
  readonly account_id: string;
  readonly name: string;
  readonly upstream_id: string;
  readonly production_branch: string;
  readonly subdomain: string;
  /** Its custom domains, and perhaps the one above. */
  readonly domains: readonly string[];
  readonly source: "git" | "direct_upload";
  /** Where this Worker was reached; null where that says nothing to people. */
  readonly origin: string | null;
}

export function isRegistered(sql: Sql): boolean {
  return hasSchema(sql) && sql.one("SELECT 1 AS x FROM project") !== null;
}

/** Registers a project or, again, takes over what has changed at Cloudflare. Only this makes tables in an empty object. */
export function register(
  context: Context,
  facts: ProjectFacts,
  policy: PolicyChange,
): Result<{ created: boolean; project: ProjectView }, Refusal> {
  const { sql } = context;
  migrate(sql, MIGRATIONS);
  return context.change(() => {
    const { production_branch, subdomain, source, origin } = facts;
    const domains = JSON.stringify(facts.domains);
    const own = domainsOf({ subdomain, domains });
    const known = sql.one<{ upstream_id: string; production_branch: string }>(
      "SELECT upstream_id, production_branch FROM project",
    );
    if (known === null) {
      const now = context.now();
      const wrong = faultIn({ ...DEFAULT_POLICY, ...policy }, now, own);
      if (wrong !== null) {
        return err({ code: "policy_invalid", detail: wrong });
      }
      sql.insert("project", {
        id: 1,
        ...facts,
        domains,
        policy: JSON.stringify({ ...DEFAULT_POLICY, ...policy }),
        next_number: 1,
        registered_at: now,
        sweep_at: now + 24 * 3_600_000,
      });
      emit(context, "project.registered", { name: facts.name, account_id: facts.account_id });
      windowsChanged(context);
      return ok({ created: true, project: viewProject(context) });
    }
    if (known.upstream_id !== facts.upstream_id) {
      return err({
        code: "conflict",
        detail:
          "The Pages project of this name is not the one that was registered: it was deleted and made anew. Delete it here first.",
      });
    }
    const wrong = faultIn({ ...policyOf(sql), ...policy }, context.now(), own);
    if (wrong !== null) {
      return err({ code: "policy_invalid", detail: wrong });
    }
    sql.update("project", "id", 1, {
      production_branch,
      subdomain,
      domains,
      source,
      ...(origin === null ? {} : { origin }),
    });
    if (production_branch !== known.production_branch) {
      retarget(context, production_branch);
    }
    const changed = changePolicy(context, policy, null);
    if (!changed.ok) {
      return changed;
    }
    return ok({ created: false, project: viewProject(context) });
  });
}

/** What is live, running and waiting. */
export function viewProject(context: Context): ProjectView {
  const { sql } = context;
  const row = projectRow(sql);
  const open = openDeploys(sql).map((deploy) => toDeploy(context, deploy));
  const ours = row.live_deploy_id === null ? null : getDeploy(sql, row.live_deploy_id);
  const live = liveExternal(sql) === null ? ours : null;
  return {
    project: referenceTo(context),
    name: row.name,
    account_id: row.account_id,
    production_branch: row.production_branch,
    subdomain: row.subdomain,
    domains: domainsOf(row),
    source: row.source,
    live: live === null ? null : toDeploy(context, live),
    running: open.filter((deploy) => deploy.status !== "queued"),
    waiting: open.filter((deploy) => deploy.status === "queued"),
    leftovers: sql
      .all<{
        deployment_id: string;
        kind: "abandoned" | "stray";
        deploy_id: string;
        since: number;
      }>("SELECT deployment_id, kind, deploy_id, since FROM leftovers WHERE ended_at IS NULL")
      .map((leftover) => ({ ...leftover, since: iso(leftover.since) })),
    externals: currentExternals(sql),
    locks: listLocks(context),
    policy: policyOf(sql),
    registered_at: iso(row.registered_at),
  };
}
