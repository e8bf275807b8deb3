import { accountSeal } from "../cloudflare/credential.ts";
import { iso } from "../ids.ts";
import type { Keyring } from "../security/keyring.ts";
import type { Sql } from "../sql.ts";

/** The owner of the configured account's credential, and of every other one that nobody says has another. */
export const CONFIGURED_OWNER = "configured";

/** A further Cloudflare account: its credential, and whose calls Cloudflare counts together with it. */
export interface NewAccount {
  readonly id: string;
  readonly kind: "token" | "key";
  /** The credential as JSON, sealed for {@link accountSeal}. */
  readonly credential: string;
  readonly owner: string;
  readonly description: string | null;
}

export interface AccountView {
  id: string;
  kind: "token" | "key";
  owner: string;
  description: string | null;
  created_at: string;
  /** When its credential was last replaced. */
  changed_at: string;
}

interface Row {
  id: string;
  kind: "token" | "key";
  credential: string;
  owner: string;
  description: string | null;
  created_at: number;
  changed_at: number;
}

/** Stores a verified credential, also in the place of an earlier one, which nothing uses from then on. */
export function putAccount(
  sql: Sql,
  account: NewAccount,
  now: number,
): { created: boolean; account: AccountView } {
  const before = accountRow(sql, account.id);
  const row = { ...account, created_at: before?.created_at ?? now, changed_at: now };
  sql.run("DELETE FROM accounts WHERE id = ?", account.id);
  sql.insert("accounts", row);
  return { created: before === null, account: view(row) };
}

export function listAccounts(sql: Sql): AccountView[] {
  return sql.all<Row>("SELECT * FROM accounts ORDER BY id").map(view);
}

export function accountRow(sql: Sql, id: string): Row | null {
  return sql.one<Row>("SELECT * FROM accounts WHERE id = ?", id);
}

export async function resealAccounts(sql: Sql, keyring: Keyring): Promise<number> {
  let resealed = 0;
  for (const { id, credential } of sql.all<Row>("SELECT * FROM accounts")) {
    const renewed = await keyring.renew(accountSeal(id), credential);
    if (renewed !== credential) {
      resealed += sql.run(
        "UPDATE accounts SET credential = ? WHERE id = ? AND credential = ?",
        renewed,
        id,
        credential,
      );
    }
  }
  return resealed;
}

/** How many projects of an account are registered; with any, it can't be removed. */
export function projectsOf(sql: Sql, id: string): number {
  return (
    sql.one<{ n: number }>("SELECT COUNT(*) AS n FROM projects WHERE account_id = ?", id)?.n ?? 0
  );
}

function view({ id, kind, owner, description, created_at, changed_at }: Row): AccountView {
  return { id, kind, owner, description, created_at: iso(created_at), changed_at: iso(changed_at) };
}
