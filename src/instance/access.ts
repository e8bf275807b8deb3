import { iso } from "../ids.ts";
import type { AccessIdentity } from "../security/access.ts";
import type { Scope } from "../security/tokens.ts";
import { must, type Sql } from "../sql.ts";

/** What somebody who comes through Cloudflare Access may do. Just one of the first three says who that is. */
export interface NewAccessRule {
  readonly id: string;
  /** In small letters, as the domain is. */
  readonly email: string | null;
  readonly email_domain: string | null;
  /** The client id of a service token. */
  readonly service_token: string | null;
  readonly scopes: readonly Scope[];
  /** A project's key; null: every project, and what is about the whole instance. */
  readonly project: string | null;
  readonly description: string | null;
}

export interface AccessRuleView extends NewAccessRule {
  readonly created_at: string;
}

type Row = Omit<NewAccessRule, "scopes"> & { readonly scopes: string; readonly created_at: number };

/** Inserts once: a call that is repeated finds its row. */
export function addAccessRule(sql: Sql, rule: NewAccessRule, now: number): AccessRuleView {
  const row = { ...rule, scopes: rule.scopes.join(" "), created_at: now };
  sql.insert("access_rules", row, true);
  return view(must(sql.one<Row>("SELECT * FROM access_rules WHERE id = ?", rule.id)));
}

/** Oldest first. */
export function listAccessRules(sql: Sql): AccessRuleView[] {
  return sql.all<Row>("SELECT * FROM access_rules ORDER BY id").map(view);
}

export function removeAccessRule(sql: Sql, id: string): boolean {
  return sql.run("DELETE FROM access_rules WHERE id = ?", id) > 0;
}

/** All that the rules allow which fit; a rule of one project says nothing of another, nor of the instance. */
export function accessScopes(sql: Sql, identity: AccessIdentity, project: string | null): Scope[] {
  const [email, domain, service] =
    "email" in identity
      ? [identity.email, identity.email.slice(identity.email.lastIndexOf("@") + 1), null]
      : [null, null, identity.service_token];
  const rows = sql.all<{ scopes: string }>(
    `SELECT scopes FROM access_rules
     WHERE (email = ? OR email_domain = ? OR service_token = ?) AND (project IS NULL OR project = ?)`,
    email,
    domain,
    service,
    project,
  );
  return [...new Set(rows.flatMap(({ scopes }) => scopes.split(" ") as Scope[]))];
}

function view(row: Row): AccessRuleView {
  return { ...row, scopes: row.scopes.split(" ") as Scope[], created_at: iso(row.created_at) };
}
