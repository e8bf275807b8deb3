import * as z from "zod";

import { err, ok, type Result } from "../result.ts";
import { verifyJwt, type JwtRefusal } from "./jwt.ts";

/** The Cloudflare Access that stands in front of this Worker. */
export interface AccessTeam {
  /** `https://<team>.cloudflareaccess.com`, the claim `iss` to the letter. */
  readonly url: string;
  /** The AUD tags of the applications whose tokens are taken. */
  readonly audience: readonly string[];
}

/** Whom Access has let through: a person, or a service by the client id of its service token. */
export type AccessIdentity = { readonly email: string } | { readonly service_token: string };

/** No header of a request that Access let through is longer. */
const MAX_LENGTH = 8_192;
const TOLERANCE_S = 60;

/**
 * Visible ASCII alone, as in rules: nothing else can look the same without being the same. The name of a service never has an
 * `@`, since it may be the common name of a client certificate, and that must not pass for somebody's address.
 */
const Claims = z.object({
  // The other kind, `org`, is the session with the team's own login page.
  type: z.literal("app"),
  iat: z.number(),
  email: z
    .string()
    .regex(/^(?:[\x21-\x7e]{1,200}@[\w.-]{1,120})?$/)
    .default(""),
  common_name: z
    .string()
    .regex(/^[\w.-]{0,200}$/)
    .default(""),
  sub: z.string().default(""),
});

/** Verifies what Access says of who asks: the team's key, one of our applications, its time. Not what they may do. */
export async function verifyAccess(
  { url, audience }: AccessTeam,
  text: string,
  now: number,
): Promise<Result<AccessIdentity, JwtRefusal>> {
  if (text.length > MAX_LENGTH) {
    return invalid("It is too long.");
  }
  const token = await verifyJwt(
    text,
    {
      url,
      keysUrl: `${url}/cdn-cgi/access/certs`,
      algorithms: ["RS256"],
      audience,
      onOtherAudience: "Add the application's AUD tag to ACCESS_AUD.",
    },
    now,
  );
  if (!token.ok) {
    return token.error.code === "invalid_token" ? invalid(token.error.detail) : token;
  }
  const claims = Claims.safeParse(token.value.payload);
  if (!claims.success) {
    return invalid("It is not what Access gives an application: claims are missing or wrong.");
  }
  const { iat, email, common_name: service, sub } = claims.data;
  // Those of services have no `nbf`.
  if (iat > now / 1_000 + TOLERANCE_S) {
    return invalid("It is not valid yet.");
  }
  if (token.value.expired) {
    return err({
      code: "expired_token",
      detail: "The login with Access has expired. Log in anew.",
    });
  }
  if (email !== "") {
    return ok({ email: email.toLowerCase() });
  }
  return service !== "" && sub === ""
    ? ok({ service_token: service })
    : invalid("It names neither an e-mail address nor a service token.");
}

/** Who that is, as triggers, events and locks name it. */
export function accessActor(identity: AccessIdentity): string {
  return `access:${"email" in identity ? identity.email : identity.service_token}`;
}

function invalid(detail: string): Result<never, JwtRefusal> {
  return err({
    code: "invalid_token",
    detail: `What came through Cloudflare Access can't be used. ${detail}`,
  });
}
