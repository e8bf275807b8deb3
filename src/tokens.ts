import { iso } from "./ids.ts";
import { err, ok, type Result } from "./result.ts";
import type { Scope } from "./security/tokens.ts";
import type { Sql } from "./sql.ts";

/**
 * The tokens an object keeps: SHA-256, scopes, expiry, revocation, never the token itself. The instance and each project
 * have the same table for those that are valid there.
 */
export interface TokenView {
  id: string;
  scopes: Scope[];
  description: string | null;
  created_at: string;
  expires_at: string | null;
  revoked_at: string | null;
}

export interface NewToken {
  readonly id: string;
  readonly hash: string;
  /** The key of the keyring that its tag was made with. */
  readonly key_id: string;
  readonly scopes: readonly Scope[];
  readonly description: string | null;
  readonly expires_at: number | null;
}

export type TokenRefusal = "unknown_token" | "expired_token" | "revoked_token";

interface Row {
  id: string;
  hash: string;
  scopes: string;
  description: string | null;
  created_at: number;
  expires_at: number | null;
  revoked_at: number | null;
}

export function addToken(sql: Sql, token: NewToken, now: number): TokenView {
  sql.insert("tokens", { ...token, scopes: token.scopes.join(" "), created_at: now });
  return view({ ...token, scopes: token.scopes.join(" "), created_at: now, revoked_at: null });
}

export function listTokens(sql: Sql): TokenView[] {
  return sql.all<Row>("SELECT * FROM tokens ORDER BY id").map(view);
}

/** Revocation is for good; the row stays for a while, so that the list says what happened. */
export function revokeToken(sql: Sql, id: string, now: number): boolean {
  const row = sql.one("SELECT id FROM tokens WHERE id = ?", id);
  sql.run("UPDATE tokens SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL", now, id);
  return row !== null;
}

/**
 * The scopes of a token whose tag was already checked. The hash decides: an id alone proves nothing. Comparing hashes
 * needs no constant time, since nobody can aim at a prefix of a SHA-256.
 */
export function authorizeToken(
  sql: Sql,
  token: { readonly id: string; readonly hash: string },
  now: number,
): Result<Scope[], TokenRefusal> {
  const row = sql.one<Row>("SELECT * FROM tokens WHERE id = ? AND hash = ?", token.id, token.hash);
  if (row === null) {
    return err("unknown_token");
  }
  if (row.revoked_at !== null) {
    return err("revoked_token");
  }
  if (row.expires_at !== null && row.expires_at <= now) {
    return err("expired_token");
  }
  return ok(row.scopes.split(" ") as Scope[]);
}

const DAY_MS = 24 * 3_600_000;

/** Drops what has not been good for 30 days; of those that lived for an hour at most, one day, since every run of a CI job makes one. */
export function sweepTokens(sql: Sql, now: number): void {
  sql.run(
    "DELETE FROM tokens WHERE MIN(COALESCE(revoked_at, expires_at), COALESCE(expires_at, revoked_at)) < ? OR (expires_at < ? AND expires_at - created_at <= ?)",
    now - 30 * DAY_MS,
    now - DAY_MS,
    3_600_000,
  );
}

function view(row: Row): TokenView {
  return {
    id: row.id,
    scopes: row.scopes.split(" ") as Scope[],
    description: row.description,
    created_at: iso(row.created_at),
    expires_at: row.expires_at === null ? null : iso(row.expires_at),
    revoked_at: row.revoked_at === null ? null : iso(row.revoked_at),
  };
}
