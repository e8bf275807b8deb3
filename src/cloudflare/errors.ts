/**
 * How a call failed, as far as it matters for what to do next.
 *
 * - `refused`: Cloudflare said no, in its envelope, with a 4xx. The thing was not done, and asking again won't help.
 * - `limited`: a 429. Not done; nobody calls until `retryAfterMs` has passed.
 * - `unknown`: anything else (5xx, HTML, no answer, an answer that can't be read). It may have been done.
 */
export interface UpstreamError {
  readonly kind: "refused" | "limited" | "unknown";
  readonly status: number | null;
  /** The first of the envelope's error codes. */
  readonly code: number | null;
  /** For people: Cloudflare's own words, or what happened instead of an answer. Bounded and free of secrets. */
  readonly message: string;
  readonly retryAfterMs: number | null;
}

export const PROJECT_NOT_FOUND = 8_000_007;
export const UNKNOWN_ERROR = 8_000_000;

/** As if Cloudflare had refused: there is nothing to call it with. */
export function noCredential(account: string): UpstreamError {
  return {
    kind: "refused",
    status: 401,
    code: null,
    message: `No credential for the account ${account} can be used. Store it with PUT /v1/accounts/${account}.`,
    retryAfterMs: null,
  };
}

/** The stored credential was not accepted (as opposed to code 10000's other meaning, the Pages rate limit). */
export function isAuthError(error: UpstreamError): boolean {
  return error.kind === "refused" && (error.status === 401 || error.status === 403);
}
