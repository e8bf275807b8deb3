import type { UpstreamError } from "../cloudflare/errors.ts";
import type { Context } from "./context.ts";
import { projectRow } from "./rows.ts";
import { reasons, type Reason } from "./reasons.ts";
import { manifestOf } from "./uploads.ts";
import { call } from "./upstream.ts";

/** Cloudflare drops assets that no deployment uses after a while; younger ones are not asked about. */
const FRESH_MS = 3_600_000;

type Freshness =
  | { readonly kind: "fresh" }
  | { readonly kind: "impossible"; readonly why: Reason }
  | { readonly kind: "no_permit"; readonly until: number }
  | { readonly kind: "not_sent"; readonly error: UpstreamError };

/** Whether Cloudflare still has every file of an upload's manifest that has waited long. */
export async function expiredAssets(context: Context, uploadId: string): Promise<Freshness> {
  const { hashes, sealedAt } = manifestOf(context.sql, uploadId);
  if (hashes.length === 0 || context.now() - sealedAt < FRESH_MS) {
    return { kind: "fresh" };
  }
  const name = projectRow(context.sql).name;
  const token = await call(context, "more", (c) => c.uploadToken(name));
  if (!token.permitted) {
    return { kind: "no_permit", until: token.until };
  }
  if (!token.answer.ok) {
    return { kind: "not_sent", error: token.answer.error };
  }
  const { jwt } = token.answer.value;
  const missing = await call(context, "more", (c) => c.missingAssets(jwt, hashes));
  if (!missing.permitted) {
    return { kind: "no_permit", until: missing.until };
  }
  if (!missing.answer.ok) {
    return { kind: "not_sent", error: missing.answer.error };
  }
  const count = missing.answer.value.length;
  return count === 0
    ? { kind: "fresh" }
    : { kind: "impossible", why: reasons.assetsExpired(count) };
}
