import { err, type Result } from "../result.ts";
import { accept, type Answered } from "./accept.ts";
import type { Context } from "./context.ts";
import { getDeploy, getDeployOf, projectRow } from "./rows.ts";
import { rollBack } from "./rollback.ts";
import type { Form } from "./form.ts";
import type { Refusal } from "./refusal.ts";
import type { Asker } from "./shapes.ts";
import { hasBody } from "./uploads.ts";

/**
 * A person's retry: a new deploy of the same content, with a number of its own. A build takes the branch's head; an upload
 * needs its body to be stored still. A promotion goes to what is the production branch now, a rollback back to the same version.
 */
export function retry(
  context: Context,
  id: string,
  trigger: Asker,
  deployId: string,
): Result<Answered, Refusal> {
  const row = getDeploy(context.sql, id);
  if (row === null) {
    return err({ code: "not_found", detail: "There is no such deploy." });
  }
  if (row.ended_at === null) {
    return err({ code: "conflict", detail: "This deploy has not ended yet. Cancel it first." });
  }
  if (row.kind === "rollback") {
    const origin = getDeployOf(context.sql, row.rollback_to ?? "");
    return rollBack(context, origin?.id ?? "", trigger, deployId, { retryOf: row.id });
  }
  if (row.upload_id !== null && !hasBody(context.sql, row.upload_id)) {
    return err({
      code: "body_expired",
      detail: "The uploaded body is no longer stored (it is kept for 7 days). Upload it again.",
    });
  }
  const form = JSON.parse(row.form) as Form;
  const { production_branch: production } = projectRow(context.sql);
  const promotion = row.kind === "promote";
  return accept(context, {
    deploy_id: deployId,
    trigger,
    dedupe_key: null,
    fingerprint: null,
    kind: row.kind,
    branch: promotion ? production : row.branch,
    form: promotion ? { ...form, branch: production } : form,
    content_hash: null,
    upload: null,
    stored_upload: row.upload_id,
    hook_id: null,
    retry_of: row.id,
    promoted_from: row.promoted_from,
  });
}
