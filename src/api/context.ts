import type { Context } from "hono";

import { callInstance, callProject } from "../call.ts";
import { ACCOUNT, type Config } from "../env.ts";
import type { Instance } from "../instance/instance.ts";
import { projectKey, referenceOf, type Remote } from "../objects.ts";
import { Problem } from "../problem.ts";
import type { Job } from "./oidc.ts";
import type { Project } from "../project/project.ts";
import type { Run } from "../project/runs.ts";
import type { Scope } from "../security/tokens.ts";

/** Who asks: a token that was found good for the route it is used on. */
export interface Caller {
  readonly token: string;
  readonly scopes: readonly Scope[];
  /** Nothing but Cloudflare Access says so. */
  readonly access?: boolean;
  /** Of a CI job: the hash of its token, by which it may read its deploys when that has expired. */
  readonly reader?: string;
  /** Likewise: which run of its workflow it is. */
  readonly run?: Run | null;
}

export interface AppEnv {
  Bindings: Env;
  Variables: {
    requestId: string;
    config: Config;
    caller: Caller;
    /** What an answer says in place of the headers that all have. */
    headers: Readonly<Record<string, string>> | undefined;
    /** Only where a job exchanges its token. */
    job: Job;
  };
}

export type { Api } from "./route.ts";

/** What a Pages project can be called. */
export const NAME = /^[a-z0-9](?:[a-z0-9-]{0,56}[a-z0-9])?$/;

/** The project that a reference names, `<name>` or `<account id>:<name>`, if a Pages project can have that name. */
export function readReference(
  reference: string,
  configured: string,
): { account_id: string; name: string } | null {
  const at = reference.indexOf(":");
  const account = at === -1 ? configured : reference.slice(0, at);
  const name = reference.slice(at + 1);
  return NAME.test(name) && ACCOUNT.test(account) ? { account_id: account, name } : null;
}

/** The key of the project that a reference names; null: no project can be called so. */
export function keyOf(c: Context<AppEnv>, reference: string): string | null {
  const place = readReference(reference, c.var.config.accountId);
  return place === null ? null : projectKey(place.account_id, place.name);
}

/** The same for a field `project` of a body. */
export function keyNamed(c: Context<AppEnv>, reference: string): string {
  const key = keyOf(c, reference);
  if (key === null) {
    const detail = "must be the name of a project, as it stands in paths.";
    throw new Problem("field_invalid", `project: ${detail}`, {
      errors: [{ field: "project", detail }],
    });
  }
  return key;
}

/** The account that the request is about: the one in its path, by itself or before the project's name, else the configured one. */
export function accountIn(c: Context<AppEnv>): string {
  const { accountId } = c.var.config;
  return (
    c.req.param("account") ??
    readReference(c.req.param("project") ?? "", accountId)?.account_id ??
    accountId
  );
}

/** The project's name in the path, if a Pages project can have it. */
export function nameIn(c: Context<AppEnv>): string | null {
  return readReference(c.req.param("project") ?? "", c.var.config.accountId)?.name ?? null;
}

/** The key of the project in the path; only for routes whose guard has let the name through. */
export function keyIn(c: Context<AppEnv>): string {
  return projectKey(accountIn(c), nameIn(c) ?? "");
}

/** The project in the path as people name it. */
export function referenceIn(c: Context<AppEnv>): string {
  return referenceOf(keyIn(c), c.var.config.accountId);
}

/** Asks the object of the project in the path. */
export function askProject<T>(
  c: Context<AppEnv>,
  ask: (project: Remote<Project>) => Promise<T>,
): Promise<T> {
  return callProject(c.env, keyIn(c), ask);
}

export function askInstance<T>(
  c: Context<AppEnv>,
  ask: (instance: Remote<Instance>) => Promise<T>,
): Promise<T> {
  return callInstance(c.env, ask);
}

/** Where people reach this Worker. */
export function originOf(c: Context<AppEnv>): string {
  return c.var.config.publicUrl ?? new URL(c.req.url).origin;
}

/** What was given, without the keys that were left out. */
export function given<T extends object>(change: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}
