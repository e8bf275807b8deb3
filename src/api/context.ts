import type { OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";

import { callInstance, callProject } from "../call.ts";
import type { Config } from "../env.ts";
import type { Instance } from "../instance/instance.ts";
import { projectKey, type Remote } from "../objects.ts";
import type { Job } from "./oidc.ts";
import type { Project } from "../project/project.ts";
import type { Run } from "../project/runs.ts";
import type { Scope } from "../security/tokens.ts";

/** Who asks: a token that was found good for the route it is used on. */
export interface Caller {
  readonly token: string;
  readonly scopes: readonly Scope[];
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

export type Api = OpenAPIHono<AppEnv>;

/** What a Pages project can be called. */
export const NAME = /^[a-z0-9](?:[a-z0-9-]{0,56}[a-z0-9])?$/;

/** The project's name in the path, if a Pages project can have it. */
export function nameIn(c: Context<AppEnv>): string | null {
  const name = c.req.param("project") ?? "";
  return NAME.test(name) ? name : null;
}

/** The key of the project in the path; only for routes whose guard has let the name through. */
export function keyIn(c: Context<AppEnv>): string {
  return projectKey(c.var.config.accountId, nameIn(c) ?? "");
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
