import type { Context } from "hono";

import { callInstance } from "../call.ts";
import { Problem } from "../problem.ts";
import { accessActor, verifyAccess } from "../security/access.ts";
import { isCrossSite } from "../security/cross-site.ts";
import { originOf, type AppEnv, type Caller } from "./context.ts";
import { jwtProblem } from "./oidc.ts";

export const ACCESS_HEADER = "Cf-Access-Jwt-Assertion";

const SAFE = new Set(["GET", "HEAD"]);

/**
 * Who came through Cloudflare Access, by the instance's rules; null: nobody did. Forgeries are told before anybody is asked but
 * the team for its keys. Like for a CI job, a project that there is not looks like one that no rule is about.
 */
export async function accessCaller(
  c: Context<AppEnv>,
  key: string | null,
): Promise<{ caller: Caller; registered: boolean } | null> {
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
  const { scopes, registered } = await callInstance(c.env, (i) => i.admit(identity.value, key));
  if (scopes.length === 0) {
    const [[field, value] = []] = Object.entries(identity.value);
    throw new Problem(
      "no_access_rule",
      `Access has let you in, and no rule here says what you may do: ${field} ${value}. Have somebody with manage make one with POST /v1/access.`,
    );
  }
  return { caller: { token: accessActor(identity.value), scopes, access: true }, registered };
}
