import { err, ok, type Result } from "../result.ts";
import { jobClaims, type Issuer, type JobClaims } from "./issuers.ts";
import { unverified, verifyJwt, type JwtRefusal } from "./jwt.ts";

const ALGORITHMS = ["RS256", "ES256"];
/** Beside this Signalbox's own address, for those who can't know it. */
export const AUDIENCE = "signalbox";

export interface OidcToken {
  readonly claims: JobClaims;
  /** All else about it is good. */
  readonly expired: boolean;
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
): Promise<Result<OidcToken, JwtRefusal>> {
  const named = unverified(text);
  const issuer = issuers.find(({ url }) => url === named?.iss);
  if (issuer === undefined) {
    return invalid(
      `It is of no issuer that is known here: ${issuers.map(({ url }) => url).join(", ")}.`,
    );
  }
  const { url, keysUrl } = issuer;
  const onOtherAudience = `Ask for one for ${audience[0]}.`;
  const signer = { url, keysUrl, algorithms: ALGORITHMS, audience, onOtherAudience };
  const token = await verifyJwt(text, signer, now);
  if (!token.ok) {
    return token.error.code === "invalid_token" ? invalid(token.error.detail) : token;
  }
  const { payload, expired } = token.value;
  const claims = jobClaims(issuer, payload);
  return claims === null
    ? invalid("It is not the token of a CI job: claims that say of which repository are missing.")
    : ok({ claims, expired });
}

function invalid(detail: string): Result<never, JwtRefusal> {
  return err({
    code: "invalid_token",
    detail: `This token of a CI provider can't be used. ${detail}`,
  });
}
