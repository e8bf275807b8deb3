import { decodeJwt, decodeProtectedHeader, errors, jwtVerify, type LocalJWKSet } from "jose";

import { err, ok, type Result } from "../result.ts";
import { jobClaims, type Issuer, type JobClaims } from "./issuers.ts";
import { keysFor } from "./jwks.ts";

/** Signatures by a private key alone: never `none`, and nothing that a public key could be used as the secret of. */
const ALGORITHMS = ["RS256", "ES256"];
const TOLERANCE_S = 60;
/** Beside this Signalbox's own address, for those who can't know it. */
export const AUDIENCE = "signalbox";

export interface OidcToken {
  readonly claims: JobClaims;
  /** All else about it is good. */
  readonly expired: boolean;
}

export interface OidcRefusal {
  readonly code: "invalid_token" | "issuer_unavailable";
  readonly detail: string;
}

/** Whether this has the form of a JWT, which no token of ours has. */
export function isJwt(text: string): boolean {
  return /^eyJ[\w-]*\.[\w-]*\.[\w-]*$/.test(text);
}

/**
 * Verifies the token of a CI job: one of the issuers, its key, our audience, its time. Says nothing of what it may do.
 */
export async function verifyOidc(
  issuers: readonly Issuer[],
  audience: readonly string[],
  text: string,
  now: number,
): Promise<Result<OidcToken, OidcRefusal>> {
  const named = unverified(text);
  const issuer = issuers.find(({ url }) => url === named?.iss);
  if (named === null || issuer === undefined) {
    return invalid(
      `It is of no issuer that is known here: ${issuers.map(({ url }) => url).join(", ")}.`,
    );
  }
  if (!ALGORITHMS.includes(named.alg)) {
    return invalid(`It must be signed with ${ALGORITHMS.join(" or ")}.`);
  }
  const keys = await keysFor(issuer.keysUrl, named.kid);
  if (keys === null) {
    return err({
      code: "issuer_unavailable",
      detail: `The keys of ${issuer.url} can't be had at the moment, so its tokens can't be verified. Try again shortly.`,
    });
  }
  const check = (at: number): Promise<object | errors.JOSEError> =>
    verified(text, keys, issuer, audience, at);
  let payload = await check(now);
  const expired = payload instanceof errors.JWTExpired;
  if (payload instanceof errors.JWTExpired) {
    // All the rest, as of its last second.
    payload = await check(Number(payload.payload.exp) * 1_000);
  }
  if (payload instanceof errors.JOSEError) {
    return invalid(why(payload, audience));
  }
  const claims = jobClaims(issuer, payload);
  return claims === null
    ? invalid("It is not the token of a CI job: claims that say of which repository are missing.")
    : ok({ claims, expired });
}

/** What is needed to know whose key to ask for. Nothing of it is believed. */
function unverified(text: string): { iss: string; kid: string; alg: string } | null {
  try {
    const { iss } = decodeJwt(text);
    const { kid, alg } = decodeProtectedHeader(text);
    return typeof iss === "string" && typeof kid === "string" && typeof alg === "string"
      ? { iss, kid, alg }
      : null;
  } catch {
    return null;
  }
}

async function verified(
  text: string,
  keys: LocalJWKSet,
  issuer: Issuer,
  audience: readonly string[],
  at: number,
): Promise<object | errors.JOSEError> {
  try {
    const { payload } = await jwtVerify(text, keys, {
      algorithms: ALGORITHMS,
      issuer: issuer.url,
      audience: [...audience],
      requiredClaims: ["exp"],
      clockTolerance: TOLERANCE_S,
      currentDate: new Date(at),
    });
    return payload;
  } catch (error) {
    // What is no error of its own comes from a key of the issuer that can't be used.
    return error instanceof errors.JOSEError ? error : new errors.JWSSignatureVerificationFailed();
  }
}

function why(error: errors.JOSEError, audience: readonly string[]): string {
  if (error instanceof errors.JWTClaimValidationFailed) {
    switch (error.claim) {
      case "aud":
        return `It was made for another audience. Ask for one for ${audience[0]}.`;
      case "nbf":
        return "It is not valid yet.";
      default:
        return `Its claim ${error.claim} is missing or wrong.`;
    }
  }
  return "Its signature is not that of a key of its issuer.";
}

function invalid(detail: string): Result<never, OidcRefusal> {
  return err({
    code: "invalid_token",
    detail: `This token of a CI provider can't be used. ${detail}`,
  });
}
