import type { UpstreamDeployment } from "../cloudflare/schemas.ts";
import type { Form } from "./form.ts";

/** What our create request asked for, as far as a deployment can be told by it. */
export interface Sent {
  readonly form: Form;
  readonly productionBranch: string;
  /** Whether a manifest went along: then it is a direct upload, which has no `source`. */
  readonly manifest: boolean;
}

/**
 * The deployments that may be ours: not there before we asked (`baseline`), asked for by API, and with the same branch,
 * commit, message and dirty flag where we sent them. Cloudflare has no idempotency key, so this is all there is.
 */
export function mayBeOurs(
  deployments: readonly UpstreamDeployment[],
  baseline: readonly string[],
  sent: Sent,
): UpstreamDeployment[] {
  const { form } = sent;
  return deployments.filter((deployment) => {
    const trigger = deployment.deployment_trigger;
    const meta = trigger?.metadata;
    const direct = deployment.source == null;
    return (
      !baseline.includes(deployment.id) &&
      trigger?.type === "ad_hoc" &&
      meta?.branch === (form.branch ?? sent.productionBranch) &&
      (form.commit_hash === undefined || meta.commit_hash === form.commit_hash) &&
      (form.commit_message === undefined ||
        sameMessage(meta.commit_message, form.commit_message)) &&
      (form.commit_dirty === undefined || meta.commit_dirty === form.commit_dirty) &&
      direct === sent.manifest
    );
  });
}

/** Whether anything was sent that sets this deployment apart from others of its branch. */
export function canBeTold(form: Form): boolean {
  return form.commit_hash !== undefined || form.commit_message !== undefined;
}

/** Cloudflare may keep a long message cut (wrangler itself cuts at 384 bytes). */
function sameMessage(kept: string | null | undefined, sent: string): boolean {
  return kept != null && kept !== "" ? sent.startsWith(kept) : sent === "";
}
