import { decodeJwt, decodeProtectedHeader, errors, jwtVerify, type LocalJWKSet } from "jose";

import { err, ok, type Result } from "../result.ts";
import { keysFor } from "./jwks.ts";

const TOLERANCE_S = 60;

/** Who must have signed a token, and for whom. All of it comes from the configuration, nothing from the token. */
export interface Signer {
  /** The claim `iss`, to the letter. */
  readonly url: string;
  readonly keysUrl: string;
  /** Signatures by a private key alone: never `none`, and nothing that a public key could be used as the secret of. */
  readonly algorithms: readonly string[];
  readonly audience: readonly string[];
  /** What to do about a token that was made for somebody else. */
  readonly onOtherAudience: string;
}

export interface VerifiedJwt {
  readonly payload: object;
  /** All else about it is good. */
  readonly expired: boolean;
}

export interface JwtRefusal {
  readonly code: "invalid_token" | "expired_token" | "issuer_unavailable";
  readonly detail: string;
}

/** Verifies key, issuer, audience and time. Says nothing of what the claims mean. */
export async function verifyJwt(
  text: string,
  signer: Signer,
  now: number,
): Promise<Result<VerifiedJwt, JwtRefusal>> {
  const named = unverified(text);
  if (named?.iss !== signer.url) {
    return invalid(`It is not of ${signer.url}.`);
  }
  if (!signer.algorithms.includes(named.alg)) {
    return invalid(`It must be signed with ${signer.algorithms.join(" or ")}.`);
  }
  const keys = await keysFor(signer.keysUrl, named.kid);
  if (keys === null) {
    return err({
      code: "issuer_unavailable",
      detail: `The keys of ${signer.url} can't be had at the moment, so its tokens can't be verified. Try again shortly.`,
    });
  }
  let payload = await verified(text, keys, signer, now);
  const expired = payload instanceof errors.JWTExpired;
  if (payload instanceof errors.JWTExpired) {
    // All the rest, as of its last second.
    payload = await verified(text, keys, signer, Number(payload.payload.exp) * 1_000);
  }
  return payload instanceof errors.JOSEError
    ? invalid(why(payload, signer))
    : ok({ payload, expired });
}

/** What is needed to know whose key to ask for. Nothing of it is believed. */
export function unverified(text: string): { iss: string; kid: string; alg: string } | null {
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
  { url, algorithms, audience }: Signer,
  at: number,
): Promise<object | errors.JOSEError> {
  try {
    const { payload } = await jwtVerify(text, keys, {
      algorithms: [...algorithms],
      issuer: url,
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

function why(error: errors.JOSEError, { onOtherAudience }: Signer): string {
  if (error instanceof errors.JWTClaimValidationFailed) {
    switch (error.claim) {
      case "aud":
        return `It was made for another audience. ${onOtherAudience}`;
      case "nbf":
        return "It is not valid yet.";
      default:
        return `Its claim ${error.claim} is missing or wrong.`;
    }
  }
  return "Its signature is not that of a key of its issuer.";
}

function invalid(detail: string): Result<never, JwtRefusal> {
  return err({ code: "invalid_token", detail });
}
