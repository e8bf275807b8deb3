import type { Context, MiddlewareHandler } from "hono";

import { bearerIn, checkScope, identify } from "../api/guard.ts";
import { keyIn, NAME, nameIn, referenceIn, type AppEnv } from "../api/context.ts";
import { ACCOUNT } from "../env.ts";
import { Problem } from "../problem.ts";
import type { Scope } from "../security/tokens.ts";
import { deployIdOf } from "./provisional.ts";

/** Every parameter is one plain segment of its kind; whatever else it is never gets near an upstream URL. */
const PARAMETERS: Readonly<Record<string, RegExp>> = {
  account: ACCOUNT,
  project: NAME,
  deployment: /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
  tail: /^[A-Za-z0-9-]{1,64}$/,
  domain: /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]{0,62})(?:\.[a-z0-9-]{1,63})+$/,
};

export interface Admission {
  readonly scope: Scope;
  /** Whether the project in the path must be registered; null: the route is about the whole account. */
  readonly registered: boolean | null;
  /** Whether who asked for the deploy may do this when the token has expired since. */
  readonly late?: boolean;
}

/** Lets a request of the gateway through: parameters, token, scope, in this order. */
export function admit({
  scope,
  registered: needed,
  late = false,
}: Admission): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    checkParameters(c);
    const key = needed === null || nameIn(c) === null ? null : keyIn(c);
    const { caller, registered } = await identify(c, key, late ? idsIn(c) : [], tokenOf);
    checkScope(caller, scope);
    c.set("caller", caller);
    if (needed === true && !registered) {
      throw new Problem(
        "project_not_found",
        `The project ${referenceIn(c)} is not registered with Signalbox. Register it with PUT /v1/projects/${referenceIn(c)}, or make it with "wrangler pages project create" through this address.`,
      );
    }
    await next();
  };
}

export function checkParameters(c: Context<AppEnv>): void {
  for (const [name, value] of Object.entries(c.req.param() as Record<string, string>)) {
    if (PARAMETERS[name]?.test(value) === false) {
      throw new Problem("not_found", `There is no route to this ${name}.`);
    }
  }
}

/** What the deployment in the path may be an id of. */
function idsIn(c: Context<AppEnv>): string[] {
  const uuid = c.req.param("deployment") ?? "";
  return [uuid, deployIdOf(uuid) ?? uuid];
}

/** Clients that use the older credentials put the token where their key would be. */
function tokenOf(c: Context<AppEnv>): string | null {
  return c.req.header("x-auth-key")?.trim() || bearerIn(c);
}
