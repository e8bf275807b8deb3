import { err, type Result } from "../result.ts";
import { accept, type Answered } from "./accept.ts";
import type { Context } from "./context.ts";
import type { Form } from "./form.ts";
import type { Refusal } from "./refusal.ts";
import { getDeploy, projectRow, type DeployRow } from "./rows.ts";
import type { Asker } from "./shapes.ts";
import { branchPart, hasBody } from "./uploads.ts";

/**
 * Publishes what a preview shows: the body that was uploaded for it is sent again, for the production branch. A deploy of its
 * own, with the newest number, in line like any other of production.
 */
export function promote(
  context: Context,
  id: string,
  trigger: Asker,
  deployId: string,
): Result<Answered, Refusal> {
  const row = getDeploy(context.sql, id);
  if (row === null) {
    return err({ code: "not_found", detail: "There is no such deploy." });
  }
  const branch = projectRow(context.sql).production_branch;
  const wrong = whyNot(context, row, branch);
  if (wrong !== null) {
    return err(wrong);
  }
  return accept(context, {
    deploy_id: deployId,
    trigger,
    dedupe_key: null,
    fingerprint: null,
    kind: "promote",
    branch,
    form: { ...(JSON.parse(row.form) as Form), branch },
    content_hash: `promote/${row.upload_id}`,
    upload: null,
    stored_upload: row.upload_id,
    hook_id: null,
    retry_of: null,
    promoted_from: row.id,
  });
}

function whyNot(context: Context, row: DeployRow, production: string): Refusal | null {
  const no = (code: Refusal["code"], detail: string): Refusal => ({ code, detail });
  if (row.environment === "production") {
    return no("conflict", `#${row.number} is of production already. Retry it, or roll back to it.`);
  }
  if (row.upload_id === null) {
    return no(
      "not_promotable",
      `#${row.number} is a build from git, and Cloudflare's API can't promote its preview. Merge ${row.branch} into ${production} and push that: it is then built and deployed.`,
    );
  }
  if (row.status !== "succeeded") {
    return no("conflict", `#${row.number} is ${row.status}. Only what has succeeded is promoted.`);
  }
  return hasBody(context.sql, row.upload_id) && branchPart(context.sql, row.upload_id) !== null
    ? null
    : no(
        "body_expired",
        "The uploaded body is no longer stored (it is kept for 7 days). Upload it again, for the production branch.",
      );
}
