import type { Context } from "hono";

import type { AppEnv } from "../api/context.ts";
import type { Problem } from "../problem.ts";

/** Why something was refused, as Cloudflare's clients read it. */
export interface Refused {
  readonly status: number;
  readonly code: number;
  readonly message: string;
}

export function okBody(result: unknown): object {
  return { result, success: true, errors: [], messages: [] };
}

export function refusedBody({ code, message }: Refused): object {
  return { result: null, success: false, errors: [{ code, message }], messages: [] };
}

/** Codes that wrangler and the SDK know to mean something. */
const KNOWN: Partial<Record<Problem["code"], number>> = {
  token_missing: 10_000,
  invalid_token: 10_000,
  unknown_token: 10_000,
  // On 10000 wrangler asks who it is, and ends with the refusal of that; a job whose token has run out is to see that.
  expired_token: 9_109,
  revoked_token: 10_000,
  account_not_found: 10_000,
  insufficient_scope: 9_109,
  not_trusted: 9_109,
  no_access_rule: 9_109,
  cross_site: 9_109,
  not_found: 7_003,
  manifest_missing: 8_000_096,
  upload_token_invalid: 8_000_013,
};
/** Cloudflare uses no codes from here on: ours are this and the HTTP status, or what `hold.ts` says of a deploy's end. */
export const OWN = 8_900_000;

export function refusedBy({ status, code, message }: Problem): Refused {
  return { status, code: KNOWN[code] ?? OWN + status, message };
}

/** A refusal of this door. The SDK is told not to repeat what a repetition would not mend. */
export function answerEnvelope(c: Context<AppEnv>, problem: Problem): Response {
  const again = problem.status === 429 || problem.status === 503;
  return c.json(refusedBody(refusedBy(problem)), problem.status, {
    ...problem.extras.headers,
    ...(again ? {} : { "x-should-retry": "false" }),
  });
}
