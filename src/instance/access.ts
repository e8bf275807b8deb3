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

/** What the rules that fit somebody allow. */
export interface AccessGrant {
  /** Where it was asked for; a rule of one project says nothing of another, nor of the instance. */
  readonly scopes: Scope[];
  /** The keys of the projects that there are rules for; null: a rule is for all of them. */
  readonly projects: string[] | null;
}

export function accessGrant(
  sql: Sql,
  identity: AccessIdentity,
  project: string | null,
): AccessGrant {
  const [email, domain, service] =
    "email" in identity
      ? [identity.email, identity.email.slice(identity.email.lastIndexOf("@") + 1), null]
      : [null, null, identity.service_token];
  const rows = sql.all<Pick<Row, "scopes" | "project">>(
    `SELECT scopes, project FROM access_rules
     WHERE email = ? OR email_domain = ? OR service_token = ? ORDER BY id`,
    email,
    domain,
    service,
  );
  const here = rows.filter((rule) => rule.project === null || rule.project === project);
  const projects = rows.flatMap((rule) => rule.project ?? []);
  return {
    scopes: [...new Set(here.flatMap(({ scopes }) => scopes.split(" ") as Scope[]))],
    projects: rows.some((rule) => rule.project === null) ? null : [...new Set(projects)],
  };
}

function view(row: Row): AccessRuleView {
  return { ...row, scopes: row.scopes.split(" ") as Scope[], created_at: iso(row.created_at) };
}
