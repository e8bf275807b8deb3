import { iso } from "../ids.ts";
import { must } from "../sql.ts";
import type { Context } from "./context.ts";

/** A rule by which CI jobs of one repository may come with the tokens that their provider gives them. */
export interface NewTrust {
  readonly id: string;
  /** The issuer's name: `github`, `gitlab`, or its URL. */
  readonly issuer: string;
  /** Never a name, which somebody else can take once it is free. */
  readonly repository_id: string;
  /** For people alone. */
  readonly repository: string | null;
  /** A pattern; null, here and below: any. */
  readonly ref: string | null;
  readonly environment: string | null;
  /** A pattern. */
  readonly workflow: string | null;
  readonly scope: "read" | "deploy";
}

export interface TrustView extends NewTrust {
  readonly created_at: string;
}

type TrustRow = NewTrust & { readonly created_at: number };

/** How long after its end a deploy can be read with the token that asked for it. */
const READ_MS = 10 * 60_000;

export function addTrust(context: Context, rule: NewTrust): TrustView {
  context.sql.insert("trust", { ...rule, created_at: context.now() }, true);
  return view(must(context.sql.one<TrustRow>("SELECT * FROM trust WHERE id = ?", rule.id)));
}

/** Oldest first. */
export function listTrust(context: Context): TrustView[] {
  return context.sql.all<TrustRow>("SELECT * FROM trust ORDER BY id").map(view);
}

export function removeTrust(context: Context, id: string): boolean {
  return context.sql.run("DELETE FROM trust WHERE id = ?", id) > 0;
}

/** Inside the transaction that made the deploy. Tokens of CI jobs expire within minutes, and deploys may take longer. */
export function letRead(
  context: Context,
  reader: string | null | undefined,
  deployId: string | undefined,
): void {
  if (reader != null && deployId !== undefined) {
    context.sql.insert("readers", { hash: reader, deploy_id: deployId }, true);
  }
}

/** `ids` are of deploys or of deployments. What has taken a deploy's place can be read like that one. */
export function mayRead(context: Context, hash: string, ids: readonly string[]): boolean {
  const named = ids.map(() => "?").join(", ");
  return (
    context.sql.one(
      `WITH RECURSIVE own (id) AS (
         SELECT deploy_id FROM readers WHERE hash = ?
         UNION SELECT superseded_by FROM deploys JOIN own USING (id) WHERE superseded_by IS NOT NULL)
       SELECT 1 AS x FROM deploys JOIN own USING (id)
       WHERE (id IN (${named}) OR deployment_id IN (${named})) AND (ended_at IS NULL OR ended_at > ?)`,
      hash,
      ...ids,
      ...ids,
      context.now() - READ_MS,
    ) !== null
  );
}

function view(row: TrustRow): TrustView {
  return { ...row, created_at: iso(row.created_at) };
}
