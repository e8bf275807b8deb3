import { DurableObject } from "cloudflare:workers";

import { projectOf } from "../objects.ts";
import { ok, type Result } from "../result.ts";
import type { AccessIdentity } from "../security/access.ts";
import type { Scope } from "../security/tokens.ts";
import { migrate, Sql } from "../sql.ts";
import {
  addToken,
  authorizeToken,
  listTokens,
  revokeToken,
  type NewToken,
  type TokenRefusal,
  type TokenView,
} from "../tokens.ts";
import {
  accessScopes,
  addAccessRule,
  listAccessRules,
  removeAccessRule,
  type AccessRuleView,
  type NewAccessRule,
} from "./access.ts";
import { mayBuild, type AskedBuild } from "./builds.ts";
import { block, draw, levelAt, newBudget, type Budget, type PermitKind } from "./budget.ts";
import { MIGRATIONS } from "./schema.ts";

export interface Registration {
  readonly key: string;
  readonly name: string;
  readonly account_id: string;
}

export type Permit =
  | { readonly granted: true }
  /** `full`: not for want of a call, but because as many builds run as may. */
  | { readonly granted: false; readonly until: number; readonly full: boolean };

export interface Builds {
  /** null: as many as Cloudflare lets. */
  readonly max_builds: number | null;
  readonly running: readonly (AskedBuild & { granted_at: number })[];
  /** Those that asked within the last seconds, as every one that waits does. */
  readonly waiting: readonly AskedBuild[];
}

/** How soon a build that found no place asks again. */
const ASK_AGAIN_MS = 5_000;
/** Who has not asked for so long does not wait any more. */
const WAITS_MS = 3 * ASK_AGAIN_MS;
/** A place that was given is not asked about before its deploy can have been claimed. */
const SETTLED_MS = 5_000;

/**
 * What spans projects: the registry, instance tokens and the budget of the one credential. One object; its callers are
 * the edge (which has checked a tag before) and the projects.
 */
export class Instance extends DurableObject<Env> {
  readonly #sql: Sql;
  #budget: Budget;
  /** Each that waits asks again within seconds, so that this need not be kept. */
  readonly #waiting = new Map<string, { readonly build: AskedBuild; readonly at: number }>();

  constructor(state: DurableObjectState, env: Env) {
    super(state, env);
    this.#sql = new Sql(state.storage);
    migrate(this.#sql, MIGRATIONS);
    const row = this.#sql.one<{ blocked_until: number }>("SELECT blocked_until FROM budget");
    this.#budget = newBudget(Date.now(), row?.blocked_until ?? 0);
  }

  /** Before the project's own first commit, so that the watchdog can never miss one. */
  register(project: Registration): void {
    this.#sql.insert("projects", { ...project, registered_at: Date.now() }, true);
  }

  unregister(key: string): void {
    this.#sql.run("DELETE FROM builds WHERE project = ?", key);
    this.#sql.run("DELETE FROM access_rules WHERE project = ?", key);
    this.#sql.run("DELETE FROM projects WHERE key = ?", key);
  }

  /** Registered projects by key, `limit` of them after `after`. */
  projects(after: string, limit: number): Registration[] {
    return this.#sql.all<Registration & Record<string, string>>(
      "SELECT key, name, account_id FROM projects WHERE key > ? ORDER BY key LIMIT ?",
      after,
      limit,
    );
  }

  isRegistered(key: string): boolean {
    return this.#sql.one("SELECT 1 AS x FROM projects WHERE key = ?", key) !== null;
  }

  /**
   * Says what an instance token may do and, in the same call, whether there is such a project, so that a guessed name
   * never wakes an object of its own.
   */
  authorize(
    token: { readonly id: string; readonly hash: string } | { readonly bootstrap: string },
    projectKey: string | null,
  ): Result<{ scopes: Scope[] | null; registered: boolean }, TokenRefusal> {
    const registered = projectKey !== null && this.isRegistered(projectKey);
    if ("bootstrap" in token) {
      const id = token.bootstrap;
      const revoked = this.#sql.one("SELECT 1 AS x FROM revoked_bootstrap_tokens WHERE id = ?", id);
      return revoked === null
        ? ok({ scopes: null, registered })
        : { ok: false, error: "revoked_token" };
    }
    const scopes = authorizeToken(this.#sql, token, Date.now());
    return scopes.ok ? ok({ scopes: scopes.value, registered }) : scopes;
  }

  /** Likewise for somebody who came through Cloudflare Access. No scopes: no rule fits. */
  admit(
    identity: AccessIdentity,
    projectKey: string | null,
  ): { scopes: Scope[]; registered: boolean } {
    return {
      scopes: accessScopes(this.#sql, identity, projectKey),
      registered: projectKey !== null && this.isRegistered(projectKey),
    };
  }

  /** null: its project is not registered. */
  addAccessRule(rule: NewAccessRule): AccessRuleView | null {
    return rule.project === null || this.isRegistered(rule.project)
      ? addAccessRule(this.#sql, rule, Date.now())
      : null;
  }

  accessRules(): AccessRuleView[] {
    return listAccessRules(this.#sql);
  }

  removeAccessRule(id: string): boolean {
    return removeAccessRule(this.#sql, id);
  }

  addToken(token: NewToken): TokenView {
    return addToken(this.#sql, token, Date.now());
  }

  listTokens(): TokenView[] {
    return listTokens(this.#sql);
  }

  /** Also takes the id of a token that `npm run token` made, of which nothing is stored before. */
  revokeToken(id: string, bootstrap: boolean): boolean {
    if (bootstrap) {
      this.#sql.insert("revoked_bootstrap_tokens", { id, revoked_at: Date.now() }, true);
      return true;
    }
    return revokeToken(this.#sql, id, Date.now());
  }

  /** How many tokens that can still be used rest on each key of the keyring. Bootstrap tokens are not stored. */
  keys(): { key: string; tokens: number }[] {
    const now = Date.now();
    return this.#sql.all(
      `SELECT key_id AS key, COUNT(*) AS tokens FROM tokens
       WHERE revoked_at IS NULL AND COALESCE(expires_at, ?) >= ? GROUP BY key_id`,
      now,
      now,
    );
  }

  /**
   * One permit for one call to Cloudflare, to be used within seconds. For the call that starts a build, one of the account's
   * places goes with it.
   */
  permit(kind: PermitKind, build: AskedBuild | null = null): Permit {
    const now = Date.now();
    const limit = build === null ? null : this.#maxBuilds();
    if (build !== null && limit !== null && !this.#hasPlace(build, limit, now)) {
      return { granted: false, until: now + ASK_AGAIN_MS, full: true };
    }
    const drawn = draw(this.#budget, kind, now);
    this.#budget = drawn.budget;
    if (!drawn.granted) {
      return { granted: false, until: drawn.until, full: false };
    }
    if (build !== null && limit !== null) {
      this.#sql.insert("builds", { ...build, granted_at: now }, true);
      this.#waiting.delete(build.deploy_id);
    }
    return { granted: true };
  }

  builds(): Builds {
    return {
      max_builds: this.#maxBuilds(),
      running: this.#runningBuilds(),
      waiting: [...this.#waitingBuilds(Date.now())],
    };
  }

  limitBuilds(limit: number | null): void {
    this.#sql.run(
      "INSERT INTO settings (id, max_builds) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET max_builds = excluded.max_builds",
      limit,
    );
    if (limit === null) {
      this.#sql.run("DELETE FROM builds");
      this.#waiting.clear();
    }
  }

  #maxBuilds(): number | null {
    return (
      this.#sql.one<{ max_builds: number | null }>("SELECT max_builds FROM settings")?.max_builds ??
      null
    );
  }

  #runningBuilds(): (AskedBuild & { granted_at: number })[] {
    return this.#sql.all<AskedBuild & { granted_at: number } & Record<string, string | number>>(
      "SELECT * FROM builds ORDER BY granted_at, deploy_id",
    );
  }

  *#waitingBuilds(now: number): Iterable<AskedBuild> {
    for (const { build, at } of this.#waiting.values()) {
      if (now - at < WAITS_MS) {
        yield build;
      } else {
        this.#waiting.delete(build.deploy_id);
      }
    }
  }

  #hasPlace(build: AskedBuild, limit: number, now: number): boolean {
    const running = this.#runningBuilds();
    const admitted = mayBuild(limit, running, [...this.#waitingBuilds(now)], build);
    if (!admitted) {
      this.#waiting.set(build.deploy_id, { build, at: now });
      const settled = running.filter(({ granted_at: at }) => now - at >= SETTLED_MS);
      this.ctx.waitUntil(Promise.all(settled.map(async (each) => this.#free(each))));
    }
    return admitted;
  }

  /**
   * Only the project knows whether a build still has its place, so it is asked when somebody else wants that. Nothing has to
   * be given back, and nothing that crashes keeps a place for ever.
   */
  async #free({ deploy_id: id, project }: AskedBuild): Promise<void> {
    try {
      if (!(await projectOf(this.env, project).isBuilding(id))) {
        this.#sql.run("DELETE FROM builds WHERE deploy_id = ?", id);
      }
    } catch (error) {
      console.error({ message: "a build could not be asked about", id, error: String(error) });
    }
  }

  /** Somebody was answered 429. Kept in storage, since forgetting it costs another five minutes. */
  blocked(until: number): void {
    this.#budget = block(this.#budget, until);
    this.#sql.run(
      "INSERT INTO budget (id, blocked_until) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET blocked_until = excluded.blocked_until",
      this.#budget.blockedUntil,
    );
  }

  budget(): { level: number; blocked_until: number | null } {
    const now = Date.now();
    const { blockedUntil } = this.#budget;
    return {
      level: levelAt(this.#budget, now),
      blocked_until: blockedUntil > now ? blockedUntil : null,
    };
  }
}
