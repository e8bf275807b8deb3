import { WorkerEntrypoint } from "cloudflare:workers";
import * as z from "zod";

import { askInside, type Reply } from "./api/inside.ts";
import { NOWHERE } from "./api/trusted.ts";
import { app } from "./app.ts";
import type { Accepted, Deploy, Event, Lock, ProjectView } from "./project/shapes.ts";
import { SCOPES } from "./security/tokens.ts";

/** What the binding of another Worker says in its `props`. Whoever may deploy that Worker decides it. */
const Props = z.object({
  /** Who that is, as triggers and locks show it. */
  caller: z.string().min(1).max(64),
  scopes: z.array(z.enum(SCOPES)).min(1),
  /** Absent: every project, and the instance. */
  projects: z.array(z.string()).optional(),
});
export type ServiceProps = z.infer<typeof Props>;

export interface DeployRequest {
  readonly branch?: string;
  readonly commit_hash?: string;
  readonly commit_message?: string;
  readonly commit_dirty?: boolean;
}

/**
 * The API for other Workers of the account, over a service binding: the same operations as `/v1`, by the same code, without a
 * token. What is not a method of its own is reached by {@link call}.
 */
export class SignalboxService extends WorkerEntrypoint<Env, ServiceProps> {
  project(name: string): Promise<Reply<ProjectView>> {
    return this.call("GET", at(name));
  }

  deploy(
    project: string,
    wanted: DeployRequest = {},
    options: { readonly wait?: number; readonly idempotency_key?: string } = {},
  ): Promise<Reply<Accepted>> {
    const { wait = 0, idempotency_key: key } = options;
    const headers = key === undefined ? {} : { "idempotency-key": key };
    return this.call("POST", `${at(project)}/deploys?wait=${wait}`, wanted, headers);
  }

  getDeploy(project: string, id: string, wait = 0): Promise<Reply<Deploy>> {
    return this.call("GET", `${at(project, "deploys", id)}?wait=${wait}`);
  }

  cancel(project: string, id: string): Promise<Reply<Deploy>> {
    return this.call("POST", at(project, "deploys", id, "cancel"));
  }

  retry(project: string, id: string): Promise<Reply<Accepted>> {
    return this.call("POST", at(project, "deploys", id, "retry"));
  }

  promote(project: string, id: string): Promise<Reply<Accepted>> {
    return this.call("POST", at(project, "deploys", id, "promote"));
  }

  rollBack(project: string, id: string | null = null): Promise<Reply<Accepted>> {
    const path = id === null ? at(project, "rollback") : at(project, "deploys", id, "rollback");
    return this.call("POST", path);
  }

  lock(
    project: string,
    lock: { readonly reason: string; readonly environment?: string; readonly until?: string },
  ): Promise<Reply<Lock>> {
    return this.call("POST", at(project, "locks"), lock);
  }

  unlock(project: string, id: string): Promise<Reply<null>> {
    return this.call("DELETE", at(project, "locks", id));
  }

  events(
    project: string,
    after = 0,
  ): Promise<Reply<{ readonly items: Event[]; readonly next_after: number }>> {
    return this.call("GET", `${at(project, "events")}?after=${after}`);
  }

  /** Any operation of `/v1`, as its document describes it. */
  async call<T>(
    method: string,
    path: string,
    body?: object,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Reply<T>> {
    const props = Props.safeParse(this.ctx.props);
    if (!props.success) {
      const detail = `The props of this binding can't be used: ${z.prettifyError(props.error)}`;
      return { ok: false, status: 403, code: "insufficient_scope", detail };
    }
    const { caller, scopes, projects = null } = props.data;
    const trusted = { token: `service:${caller}`, scopes, projects };
    const asked = { method, url: new URL(path, NOWHERE), body, headers };
    return askInside<T>((request) => app.fetch(request, this.env, this.ctx), trusted, asked);
  }
}

function at(project: string, ...rest: readonly string[]): string {
  return `/v1/projects/${[project, ...rest].map(encodeURIComponent).join("/")}`;
}
