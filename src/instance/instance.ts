import { DurableObject } from "cloudflare:workers";

import { ok, type Result } from "../result.ts";
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
import { block, draw, levelAt, newBudget, type Budget, type PermitKind } from "./budget.ts";
import { MIGRATIONS } from "./schema.ts";

export interface Registration {
  readonly key: string;
  readonly name: string;
  readonly account_id: string;
}

export type Permit =
  | { readonly granted: true }
  | { readonly granted: false; readonly until: number };

/**
 * What spans projects: the registry, instance tokens and the budget of the one credential. One object; its callers are
 * the edge (which has checked a tag before) and the projects.
 */
export class Instance extends DurableObject<Env> {
  readonly #sql: Sql;
  #budget: Budget;

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

  /**
   * Says what an instance token may do and, in the same call, whether there is such a project, so that a guessed name
   * never wakes an object of its own.
   */
  authorize(
    token: { readonly id: string; readonly hash: string } | { readonly bootstrap: string },
    projectKey: string | null,
  ): Result<{ scopes: Scope[] | null; registered: boolean }, TokenRefusal> {
    const registered =
      projectKey !== null &&
      this.#sql.one("SELECT 1 AS x FROM projects WHERE key = ?", projectKey) !== null;
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

  /** One permit for one call to Cloudflare, to be used within seconds. */
  permit(kind: PermitKind): Permit {
    const drawn = draw(this.#budget, kind, Date.now());
    this.#budget = drawn.budget;
    return drawn.granted ? { granted: true } : { granted: false, until: drawn.until };
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
