import type { Context } from "hono";

import { callInstance, callProject } from "../call.ts";
import { globMatches } from "../glob.ts";
import { Problem } from "../problem.ts";
import type { TrustView } from "../project/trust.ts";
import { sha256, toHex, utf8 } from "../security/encoding.ts";
import { actorOf, type JobClaims } from "../security/issuers.ts";
import type { JwtRefusal } from "../security/jwt.ts";
import { AUDIENCE, verifyOidc } from "../security/oidc.ts";
import { allows, type Scope } from "../security/tokens.ts";
import { originOf, type AppEnv, type Caller } from "./context.ts";

/** The token of a CI job whose signature is good: who it is, and nothing of what it may do. */
export interface Job {
  readonly claims: JobClaims;
  readonly expired: boolean;
  readonly hash: string;
}

/** Asks nobody but the issuer for its keys. */
export async function jobOf(c: Context<AppEnv>, text: string): Promise<Job> {
  const address = originOf(c);
  const audience = [...new Set([address, new URL(address).origin]), AUDIENCE];
  const token = await verifyOidc(c.var.config.issuers, audience, text, Date.now());
  if (!token.ok) {
    throw jwtProblem(token.error);
  }
  return { ...token.value, hash: toHex(await sha256(utf8(text))) };
}

export function jwtProblem({ code, detail }: JwtRefusal): Problem {
  return new Problem(code, detail, {
    headers:
      code === "issuer_unavailable"
        ? { "retry-after": "5" }
        : { "www-authenticate": 'Bearer realm="signalbox", error="invalid_token"' },
  });
}

/**
 * The job as a caller on a project, by the rules of that. One answer for a project that does not trust it and one that
 * there is not: anybody can have a token of a public provider.
 */
export async function trusted(c: Context<AppEnv>, job: Job, key: string): Promise<Caller> {
  const registered = await callInstance(c.env, (instance) => instance.isRegistered(key));
  const rules = registered ? await callProject(c.env, key, (project) => project.trust()) : [];
  const scope = scopeBy(rules, job.claims);
  if (scope === null) {
    throw new Problem(
      "not_trusted",
      `No trust rule of this project fits this job: ${told(job.claims)}. Make one with POST /v1/projects/:project/trust.`,
    );
  }
  return {
    token: actorOf(job.claims),
    scopes: [scope],
    reader: job.hash,
    run: job.claims.counted,
  };
}

/** The most that a rule allows which fits; null: none does. */
export function scopeBy(
  rules: readonly Omit<TrustView, "id" | "created_at">[],
  claims: JobClaims,
): Scope | null {
  const scopes = rules.filter((rule) => fits(rule, claims)).map(({ scope }) => scope);
  return scopes.find((scope) => allows([scope], "deploy")) ?? scopes[0] ?? null;
}

function fits(rule: Omit<TrustView, "id" | "created_at">, claims: JobClaims): boolean {
  return (
    rule.issuer === claims.issuer &&
    rule.repository_id === claims.repository_id &&
    within(rule.ref, claims.ref) &&
    (rule.environment === null || rule.environment === claims.environment) &&
    within(rule.workflow, claims.workflow)
  );
}

function within(pattern: string | null, value: string | null): boolean {
  return pattern === null || (value !== null && globMatches(pattern, value));
}

/** What somebody who writes the rule needs to know. All of it is the job's own. */
function told(claims: JobClaims): string {
  const { issuer, repository_id, repository, ref, environment, workflow } = claims;
  return Object.entries({ issuer, repository_id, repository, ref, environment, workflow })
    .map(([name, value]) => `${name} ${value === null ? "none" : value.slice(0, 200)}`)
    .join(", ");
}
