import type { Context } from "hono";

import { callInstance } from "../call.ts";
import { Problem } from "../problem.ts";
import type { AccessGrant } from "../instance/access.ts";
import { accessActor, verifyAccess, type AccessIdentity } from "../security/access.ts";
import { isCrossSite } from "../security/cross-site.ts";
import { originOf, type AppEnv, type Caller } from "./context.ts";
import { jwtProblem } from "./oidc.ts";

export const ACCESS_HEADER = "Cf-Access-Jwt-Assertion";

const SAFE = new Set(["GET", "HEAD"]);

/** Somebody whom Access has let through, and what the instance's rules allow them where they ask. */
export interface Admitted extends AccessGrant {
  readonly identity: AccessIdentity;
  readonly registered: boolean;
}

/** Who came through Cloudflare Access; null: nobody did. Forgeries are told before anybody is asked but the team for its keys. */
export async function accessAdmitted(
  c: Context<AppEnv>,
  key: string | null,
): Promise<Admitted | null> {
  const { access } = c.var.config;
  const text = c.req.header(ACCESS_HEADER);
  if (access === null || text === undefined) {
    return null;
  }
  const own = [new URL(c.req.url).origin, new URL(originOf(c)).origin];
  if (!SAFE.has(c.req.method) && isCrossSite(c.req.raw.headers, own)) {
    throw new Problem(
      "cross_site",
      "Your browser says that this request came from a page of another site, and a login with Access is not enough for that. Use a page of this Signalbox, or a token.",
    );
  }
  const identity = await verifyAccess(access, text, Date.now());
  if (!identity.ok) {
    throw jwtProblem(identity.error);
  }
  const grant = await callInstance(c.env, (i) => i.admit(identity.value, key));
  return { identity: identity.value, ...grant };
}

/** The same as a caller. Like for a CI job, a project that there is not looks like one that no rule is about. */
export async function accessCaller(
  c: Context<AppEnv>,
  key: string | null,
): Promise<{ caller: Caller; registered: boolean } | null> {
  const admitted = await accessAdmitted(c, key);
  if (admitted === null) {
    return null;
  }
  const { identity, scopes, registered } = admitted;
  if (scopes.length === 0) {
    throw noAccessRule(identity);
  }
  return { caller: { token: accessActor(identity), scopes, access: true }, registered };
}

export function noAccessRule(identity: AccessIdentity): Problem {
  const [[field, value] = []] = Object.entries(identity);
  return new Problem(
    "no_access_rule",
    `Access has let you in, and no rule here says what you may do: ${field} ${value}. Have somebody with manage make one with POST /v1/access.`,
  );
}
