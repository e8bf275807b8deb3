import type { MiddlewareHandler } from "hono";

import { Problem, type Code } from "../problem.ts";
import type { Result } from "../result.ts";
import { isJwt } from "../security/oidc.ts";
import type { Held } from "../security/session.ts";
import { isBootstrapToken, readBootstrapToken } from "../security/bootstrap.ts";
import { allows, INSTANCE, readToken, type Scope } from "../security/tokens.ts";
import type { TokenRefusal } from "../tokens.ts";
import { callInstance, callProject } from "../call.ts";
import { accessCaller } from "./access.ts";
import { keyIn, nameIn, referenceIn, type AppEnv, type Caller } from "./context.ts";
import { trustedCaller } from "./trusted.ts";
import { jobOf, trusted, type Job } from "./oidc.ts";
import type { Context } from "hono";

/** What a route declares to be guarded: the middleware that does it, and what the document says of it. */
export interface Guarded {
  middleware: MiddlewareHandler<AppEnv>;
  security: ({ token: string[] } | { oidc: string[] } | { access: string[] })[];
}

interface OnProject {
  readonly registered: boolean;
  /** A read of deploys that the token of a CI job may still do when it has expired: their ids, or their deployments'. */
  readonly late?: (c: Context<AppEnv>) => readonly string[];
}

/** For a route of one project, which must be registered unless the route is the one that registers it. */
export function onProject(scope: Scope, options: OnProject = { registered: true }): Guarded {
  return guarded(scope, async (c) => {
    const name = nameIn(c);
    const key = name === null ? null : keyIn(c);
    const { caller, registered } = await identify(c, key, options.late?.(c));
    checkScope(caller, scope);
    if (key === null || (options.registered && !registered)) {
      throw new Problem(
        "project_not_found",
        "No project of this name is registered here. Register it with PUT first.",
      );
    }
    return caller;
  });
}

/** For a route of the whole instance. */
export function onInstance(scope: Scope): Guarded {
  return guarded(scope, async (c) => {
    const { caller } = await identify(c, null);
    checkScope(caller, scope);
    return caller;
  });
}

function guarded(scope: Scope, admit: (c: Context<AppEnv>) => Promise<Caller>): Guarded {
  return {
    security: [{ token: [scope] }, { access: [scope] }],
    async middleware(c, next) {
      c.set("caller", await admit(c));
      await next();
    },
  };
}

/**
 * Who asks: who holds the token or, where there is none, who came through Cloudflare Access. Never both: a token that is no
 * good is not made up for, and a good one gets nothing besides from a browser's login. A forged token, or one for another
 * place, is refused by its tag, before anybody is asked. For an instance's token the registry is asked in the same call, so
 * that a guessed name never wakes a project's object.
 */
export async function identify(
  c: Context<AppEnv>,
  key: string | null,
  late: readonly string[] = [],
  tokenOf: (c: Context<AppEnv>) => string | null = bearerIn,
): Promise<{ caller: Caller; registered: boolean }> {
  const vouched = trustedCaller(c.req.raw, nameIn(c) === null ? null : referenceIn(c));
  if (vouched !== null) {
    const registered = key !== null && (await callInstance(c.env, (i) => i.isRegistered(key)));
    return { caller: vouched, registered };
  }
  const text = tokenOf(c);
  if (text === null) {
    return (await accessCaller(c, key)) ?? missing();
  }
  if (isJwt(text)) {
    return { caller: await jobCaller(c, key, text, late), registered: true };
  }
  return known(c, await readHeld(c, text, key === null ? [INSTANCE] : [key, INSTANCE]), key);
}

/** A token that was made for one of `places`; nobody is asked for that. */
export async function readHeld(
  c: Context<AppEnv>,
  text: string,
  places: readonly string[],
): Promise<Held> {
  const { keyring } = c.var.config;
  if (isBootstrapToken(text)) {
    const claims = await readBootstrapToken(keyring, text, Date.now());
    if (!claims.ok) {
      throw unauthorized(claims.error === "expired" ? "expired_token" : "invalid_token");
    }
    return { kind: "bootstrap", ...claims.value };
  }
  const token = await readToken(keyring, text, places);
  if (token === null) {
    throw unauthorized("invalid_token");
  }
  return { kind: "stored", ...token };
}

/** What the holder of a token may do now, and whether there is the project that is asked about. */
export async function known(
  c: Context<AppEnv>,
  held: Held,
  key: string | null,
): Promise<{ caller: Caller; registered: boolean }> {
  if (held.kind === "bootstrap") {
    const { id, scopes, expires_at: until } = held;
    if (until <= Date.now()) {
      throw unauthorized("expired_token");
    }
    const found = good(await callInstance(c.env, (i) => i.authorize({ bootstrap: id }, key)));
    return { caller: { token: id, scopes }, registered: found.registered };
  }
  const { id, hash, where } = held;
  if (where === INSTANCE) {
    const found = good(await callInstance(c.env, (i) => i.authorize({ id, hash }, key)));
    return { caller: { token: id, scopes: found.scopes ?? [] }, registered: found.registered };
  }
  const scopes = good(await callProject(c.env, where, (p) => p.authorize({ id, hash })));
  return { caller: { token: id, scopes }, registered: true };
}

/** A CI job with the token of its provider: only ever on one project, by the rules of that. */
async function jobCaller(
  c: Context<AppEnv>,
  key: string | null,
  text: string,
  late: readonly string[],
): Promise<Caller> {
  if (key === null) {
    throw unauthorized(
      "invalid_token",
      "The token of a CI job is good for routes of one project alone.",
    );
  }
  const job = await jobOf(c, text);
  if (job.expired && late.length === 0) {
    throw unauthorized("expired_token");
  }
  const caller = await trusted(c, job, key);
  if (job.expired && !(await callProject(c.env, key, (p) => p.mayRead(job.hash, late)))) {
    throw unauthorized("expired_token");
  }
  return caller;
}

/** For the one route that names its project in the body. Gives the job; the body is read after that. */
export async function bearerJob(c: Context<AppEnv>): Promise<Job> {
  const text = bearer(c);
  const job = isJwt(text) ? await jobOf(c, text) : null;
  if (job === null || job.expired) {
    throw unauthorized(job === null ? "invalid_token" : "expired_token");
  }
  return job;
}

export function bearer(c: Context<AppEnv>): string {
  return bearerIn(c) ?? missing();
}

/** null: there is no such header at all. One that can't be read is refused. */
export function bearerIn(c: Context<AppEnv>): string | null {
  const header = c.req.header("authorization");
  if (header === undefined) {
    return null;
  }
  const [, text] = /^Bearer +(\S{1,8192}) *$/i.exec(header) ?? [];
  return text ?? missing();
}

function missing(): never {
  throw unauthorized("token_missing");
}

export function checkScope(caller: Caller, needed: Scope): void {
  if (!allows(caller.scopes, needed)) {
    const [whose, remedy] =
      caller.access === true
        ? ["your access rules have", "Have a rule with that scope made (POST /v1/access)."]
        : ["the token has", "Use a token with that scope."];
    throw new Problem(
      "insufficient_scope",
      `This takes the scope ${needed}; ${whose} ${caller.scopes.join(", ")}. ${remedy}`,
      {
        headers: { "www-authenticate": challenge(`error="insufficient_scope", scope="${needed}"`) },
      },
    );
  }
}

function good<T>(result: Result<T, TokenRefusal>): T {
  if (!result.ok) {
    throw unauthorized(result.error);
  }
  return result.value;
}

const DETAILS = {
  token_missing: 'Send a token as "Authorization: Bearer <token>".',
  invalid_token: "This is not a token that was made for this place. Was all of it copied?",
  unknown_token: "This token is not known here any more. Make a new one.",
  expired_token: "This token has expired. Make a new one.",
  revoked_token: "This token was revoked. Make a new one.",
} as const satisfies Partial<Record<Code, string>>;

export function unauthorized(code: keyof typeof DETAILS, detail: string = DETAILS[code]): Problem {
  const error = code === "token_missing" ? "" : 'error="invalid_token"';
  return new Problem(code, detail, { headers: { "www-authenticate": challenge(error) } });
}

function challenge(error: string): string {
  return `Bearer realm="signalbox"${error === "" ? "" : `, ${error}`}`;
}
