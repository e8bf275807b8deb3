import { DurableObject } from "cloudflare:workers";

import { configOf, configuredAccount } from "../env.ts";
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
  sweepTokens,
  type NewToken,
  type TokenRefusal,
  type TokenView,
} from "../tokens.ts";
import {
  accessGrant,
  type AccessGrant,
  addAccessRule,
  listAccessRules,
  removeAccessRule,
  type AccessRuleView,
  type NewAccessRule,
} from "./access.ts";
import {
  accountRow,
  CONFIGURED_OWNER,
  listAccounts,
  projectsOf,
  putAccount,
  resealAccounts,
  type AccountView,
  type NewAccount,
} from "./accounts.ts";
import type { AskedBuild } from "./builds.ts";
import type { Left, PermitKind } from "./budget.ts";
import { Budgets, type OwnersBudget } from "./budgets.ts";
import { ASK_AGAIN_MS, Places, type Builds } from "./places.ts";
import { MIGRATIONS } from "./schema.ts";

export interface Registration {
  readonly key: string;
  readonly name: string;
  readonly account_id: string;
}

export type Permit =
  /** `credential`: sealed, of an account other than the configured one; null: the configured one, or none is stored. */
  | { readonly granted: true; readonly credential: string | null }
  /** `full`: not for want of a call, but because as many builds run as may. */
  | { readonly granted: false; readonly until: number; readonly full: boolean };

/**
 * What spans projects: the registry, further accounts, instance tokens and the budget of each credential's owner. One
 * object; its callers are the edge (which has checked a tag before) and the projects.
 */
export class Instance extends DurableObject<Env> {
  readonly #sql: Sql;
  readonly #budgets: Budgets;
  readonly #places: Places;

  constructor(state: DurableObjectState, env: Env) {
    super(state, env);
    this.#sql = new Sql(state.storage);
    migrate(this.#sql, MIGRATIONS);
    this.#budgets = new Budgets(this.#sql, Date.now());
    this.#places = new Places(this.#sql, (build) => this.ctx.waitUntil(this.#free(build)));
  }

  /**
   * Before the project's own first commit, so that the watchdog can never miss one. false: the account was removed
   * meanwhile.
   */
  register(project: Registration): boolean {
    if (!this.#hasAccount(project.account_id)) {
      return false;
    }
    this.#sql.insert("projects", { ...project, registered_at: Date.now() }, true);
    return true;
  }

  unregister(key: string): void {
    this.#places.forget(key);
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

  /** The next that the watchdog visits, `limit` of them; with fewer its round is over, and begins anew. */
  nextOfRound(limit: number): Registration[] {
    const after = this.#sql.one<{ visited: string }>("SELECT visited FROM settings")?.visited ?? "";
    const chunk = this.projects(after, limit);
    const visited = chunk.length < limit ? "" : (chunk.at(-1)?.key ?? "");
    if (visited !== after) {
      this.#sql.run(
        "INSERT INTO settings (id, visited) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET visited = excluded.visited",
        visited,
      );
    }
    return chunk;
  }

  isRegistered(key: string): boolean {
    return this.#sql.one("SELECT 1 AS x FROM projects WHERE key = ?", key) !== null;
  }

  #hasAccount(id: string): boolean {
    return id === configuredAccount(this.env) || accountRow(this.#sql, id) !== null;
  }

  /** Those besides the configured one. */
  accounts(): AccountView[] {
    return listAccounts(this.#sql);
  }

  putAccount(account: NewAccount): { created: boolean; account: AccountView } {
    return putAccount(this.#sql, account, Date.now());
  }

  /** Answers how many of its projects are in the way; null: there is no such account. */
  removeAccount(id: string): number | null {
    if (accountRow(this.#sql, id) === null) {
      return null;
    }
    const projects = projectsOf(this.#sql, id);
    if (projects === 0) {
      this.#sql.run("DELETE FROM accounts WHERE id = ?", id);
    }
    return projects;
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

  /** Likewise for somebody who came through Cloudflare Access. No scopes: no rule fits there. */
  admit(
    identity: AccessIdentity,
    projectKey: string | null,
  ): AccessGrant & { registered: boolean } {
    return {
      ...accessGrant(this.#sql, identity, projectKey),
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

  /**
   * How many tokens that can still be used rest on each key of the keyring, and until when sessions may. Bootstrap tokens are
   * not stored.
   */
  keys(): { key: string; tokens: number; credentials: number; sessions_until: number | null }[] {
    const now = Date.now();
    return this.#sql.all(
      `SELECT key, SUM(what = 'token') AS tokens, SUM(what = 'credential') AS credentials, MAX(until) AS sessions_until
       FROM (
         SELECT 'token' AS what, key_id AS key, NULL AS until FROM tokens
         WHERE revoked_at IS NULL AND COALESCE(expires_at, ?) >= ?
         UNION ALL SELECT 'credential', substr(credential, 1, instr(credential, '.') - 1), NULL FROM accounts
         UNION ALL SELECT 'session', key, until FROM session_keys WHERE until > ?
       ) GROUP BY key`,
      now,
      now,
      now,
    );
  }

  /** A session of the dashboard is sealed with this key. Of all of them, the latest end is kept. */
  noteSession(key: string, until: number): void {
    this.#sql.run(
      `INSERT INTO session_keys (key, until) VALUES (?, ?)
       ON CONFLICT (key) DO UPDATE SET until = excluded.until WHERE excluded.until > session_keys.until`,
      key,
      until,
    );
  }

  /** Drops what tells of the past alone and is old. */
  sweep(): void {
    sweepTokens(this.#sql, Date.now());
    this.#sql.run("DELETE FROM session_keys WHERE until <= ?", Date.now());
  }

  /** Seals anew, with the current key, the credentials that rest on an older one; those replaced meanwhile are left alone. */
  async reseal(): Promise<number> {
    const config = await configOf(this.env);
    return config.ok ? resealAccounts(this.#sql, config.value.keyring) : 0;
  }

  /**
   * One permit for one call to Cloudflare about an account, to be used within seconds, with the credential for it. For the
   * call that starts a build, one of the account's places goes with it.
   */
  permit(account: string, kind: PermitKind, build: AskedBuild | null = null): Permit {
    const now = Date.now();
    if (build !== null && !this.#places.has(build, now)) {
      return { granted: false, until: now + ASK_AGAIN_MS, full: true };
    }
    const stored = accountRow(this.#sql, account);
    const until = this.#budgets.take(stored?.owner ?? CONFIGURED_OWNER, kind, now);
    if (until !== null) {
      return { granted: false, until, full: false };
    }
    if (build !== null) {
      this.#places.give(build, now);
    }
    return { granted: true, credential: stored?.credential ?? null };
  }

  builds(): Builds {
    return this.#places.shown(Date.now());
  }

  limitBuilds(limit: number | null): void {
    this.#places.limit(limit);
  }

  /**
   * Only the project knows whether a build still has its place, so it is asked when somebody else wants that. Nothing has to
   * be given back, and nothing that crashes keeps a place for ever.
   */
  async #free({ deploy_id: id, project }: AskedBuild): Promise<void> {
    try {
      if (!(await projectOf(this.env, project).isBuilding(id))) {
        this.#places.free(id);
      }
    } catch (error) {
      console.error({ message: "a build could not be asked about", id, error: String(error) });
    }
  }

  /**
   * Somebody was answered 429 about an account, which is for all calls of its credential's owner. Kept in storage, since
   * forgetting it costs another five minutes.
   */
  blocked(account: string, until: number): void {
    this.#budgets.block(accountRow(this.#sql, account)?.owner ?? CONFIGURED_OWNER, until);
  }

  /** Cloudflare has announced about an account how many calls are left, which is for all of its credential's owner. */
  announced(account: string, left: Left): void {
    const owner = accountRow(this.#sql, account)?.owner ?? CONFIGURED_OWNER;
    this.#budgets.announce(owner, left, Date.now());
  }

  /** Of every owner, that of the configured account first. */
  budgets(): OwnersBudget[] {
    const owners = [CONFIGURED_OWNER, ...listAccounts(this.#sql).map(({ owner }) => owner)];
    return this.#budgets.shown([...new Set(owners)], Date.now());
  }
}
