/** What the sandbox takes and gives: the Pages API's own shapes, and those of its admin side. */

export const STAGES = ["queued", "initialize", "clone_repo", "build", "deploy"] as const;
export type StageName = (typeof STAGES)[number];
export type StageStatus = "idle" | "active" | "success" | "failure" | "canceled" | "skipped";

/** As the API returns it. Names and statuses are open: a fault can make unknown ones. */
export interface Stage {
  name: string;
  started_on: string | null;
  ended_on: string | null;
  status: string;
}

export type Environment = "production" | "preview";

export interface Deployment {
  id: string;
  short_id: string;
  project_id: string;
  project_name: string;
  environment: Environment;
  url: string;
  created_on: string;
  modified_on: string;
  aliases: string[] | null;
  latest_stage: Stage;
  stages: Stage[];
  deployment_trigger: {
    type: "github:push" | "ad_hoc" | "deploy_hook";
    metadata: {
      branch: string;
      commit_hash: string;
      commit_message: string;
      commit_dirty: boolean;
    };
  };
  build_config: Record<string, unknown>;
  env_vars: Record<string, unknown>;
  is_skipped: boolean;
  skip_reason: string | null;
  /** Absent for projects that are not connected to git, as at Cloudflare. */
  source?: Source;
  uses_functions: boolean | null;
  production_branch: string;
  compatibility_date: string;
  compatibility_flags: string[];
  build_image_major_version: number;
  usage_model: null;
}

export interface Source {
  type: "github" | "gitlab";
  config: {
    owner: string;
    owner_id: string;
    repo_name: string;
    repo_id: string;
    production_branch: string;
    pr_comments_enabled: boolean;
    deployments_enabled: boolean;
    production_deployments_enabled: boolean;
    preview_deployment_setting: "all" | "none" | "custom";
    preview_branch_includes: string[];
    preview_branch_excludes: string[];
    path_includes: string[];
    path_excludes: string[];
  };
}

export interface Project {
  id: string;
  name: string;
  subdomain: string;
  domains: string[];
  production_branch: string;
  created_on: string;
  source?: Source;
  build_config: Record<string, unknown>;
  deployment_configs: { production: Record<string, unknown>; preview: Record<string, unknown> };
  canonical_deployment: Deployment | null;
  latest_deployment: Deployment | null;
  framework: string;
  framework_version: string;
  preview_script_name: string;
  production_script_name: string;
  uses_functions: boolean;
}

/** A project to make, without going through the API. */
export interface ProjectInput {
  name: string;
  production_branch?: string;
  /** Default `<name>.pages.dev`. */
  subdomain?: string;
  /** Custom domains. */
  domains?: string[];
  /** `"acme/blog"`: connects the project to that GitHub repository. Takes the long form too. */
  source?: string | Source;
  build_config?: Record<string, unknown>;
  deployment_configs?: { production?: Record<string, unknown>; preview?: Record<string, unknown> };
}

export const FAULT_CALLS = [
  "project",
  "projects",
  "upload-token",
  "check-missing",
  "upload",
  "upsert-hashes",
  "create",
  "get",
  "list",
  "retry",
  "rollback",
  "delete",
  "logs",
  "patch",
] as const;
export type Call = (typeof FAULT_CALLS)[number];

/** How an answer vanishes: the connection breaks, or nothing ever comes. */
export type Vanish = "dropped" | "hang";

export type FaultKind =
  /** 429 with `Retry-After`; not executed. */
  | { kind: "rate_limited"; retry_after?: number }
  /** An enveloped 5xx; not executed. */
  | { kind: "server_error"; status?: number }
  /** Code 8000000; not executed. */
  | { kind: "unknown_error"; status?: number }
  /** A gateway's HTML page; not executed. */
  | { kind: "html"; status?: number }
  /** Code 10000; not executed. */
  | { kind: "unauthorized"; status?: number }
  /** Nothing ever comes back; not executed. */
  | { kind: "hang" }
  /** The connection breaks; not executed. */
  | { kind: "dropped" }
  /** Executed, but nobody hears of it. */
  | { kind: "lost"; answer?: Vanish }
  /**
   * As `lost`, and the deployment it made can't be seen by get or list for `delay_ms`. With `starts: "visible"` its
   * stages begin only then (default: at once).
   */
  | { kind: "late"; delay_ms: number; starts?: "at_once" | "visible"; answer?: Vanish }
  /** The deployment never gets past `stage` (default `build`; a direct upload has only `deploy`). */
  | { kind: "stuck"; stage?: StageName }
  /** Before `deploy` the deployment sits for `delay_ms` (default 1,000) in a stage and status nobody has heard of. */
  | { kind: "unknown_enum"; delay_ms?: number }
  /** The assets named in the call (by manifest or hashes) are gone before it is executed. */
  | { kind: "expired_assets" }
  /** The deployment fails, in `stage` (default `build`; a direct upload always in `deploy`). */
  | { kind: "fail_build"; stage?: StageName };

export const FAULT_KINDS = [
  "rate_limited",
  "server_error",
  "unknown_error",
  "html",
  "unauthorized",
  "hang",
  "dropped",
  "lost",
  "late",
  "stuck",
  "unknown_enum",
  "expired_assets",
  "fail_build",
] as const satisfies readonly FaultKind["kind"][];

export type Fault = {
  call: Call | "any";
  /** How often it strikes; default 1. */
  times?: number | "always";
  /** Only for this project; asset calls name none. */
  project?: string;
} & FaultKind;

export interface JournalRequest {
  /** When it arrived. */
  at: string;
  method: string;
  /** Path and query, from `/client/v4` on. */
  path: string;
  project: string | null;
  /** The deployment named in the path, or made by the call. */
  deployment: string | null;
  /** What was answered, or would have been had the answer not been lost; 0 = not executed and never answered. */
  status: number;
  ms: number;
  /** Of the raw body; null without one. */
  body_sha256: string | null;
  /** The kind of the fault that changed this call's course. */
  fault: string | null;
}

export interface JournalTransition {
  at: string;
  project: string;
  deployment: string;
  stage: string;
  stage_status: string;
}

/** Something went live, or nothing is any more (`deployment: null`). */
export interface JournalLive {
  at: string;
  project: string;
  environment: Environment;
  branch: string;
  deployment: string | null;
  cause: "deployed" | "rollback" | "deleted";
}

export interface Journal {
  requests: JournalRequest[];
  transitions: JournalTransition[];
  live: JournalLive[];
}

/** Stage durations of deployments made from now on; replaces what was set before. */
export interface Speed {
  /** Multiplies every duration; default 1. */
  factor?: number;
  /** Milliseconds for the stages of a build. */
  stages?: Partial<Record<StageName, number>>;
  /** Milliseconds for a direct upload. */
  upload?: number;
}

export interface Push {
  project: string;
  branch: string;
  commit_hash: string;
  commit_message?: string;
}

export interface PushResult {
  /** The build the push started by itself, if any. */
  deployment: Deployment | null;
  /** Why it started none. */
  reason: string | null;
}

export interface FormPart {
  name: string;
  filename: string | null;
  content_type: string | null;
  size: number;
  sha256: string;
  /** Of fields without a filename, up to 64 KiB. */
  text: string | null;
}

export interface StoredForm {
  deployment: string;
  content_type: string | null;
  body_sha256: string | null;
  parts: FormPart[];
}

/**
 * Where everything is kept: JSON values, or bytes, by collection and key. JSON is copied on the way in and out.
 * Synchronous, so that a handler's reads and writes can't interleave with another's.
 */
export interface Store {
  get(collection: string, key: string): unknown;
  put(collection: string, key: string, value: unknown): void;
  delete(collection: string, key: string): void;
  /** Entries in key order, those with the prefix only. */
  list(collection: string, prefix?: string): Array<[key: string, value: unknown]>;
  clear(): void;
  /** All writes inside happen, or none. */
  transaction<T>(run: () => T): T;
}

/** The request whose answer vanishes; `env` is what the caller gave to `fetch`. */
export interface VanishContext {
  request: Request;
  env: unknown;
}

export interface SandboxOptions {
  /** Milliseconds since the epoch. Everything timed follows it; nothing waits by the wall. */
  now?: () => number;
  store?: Store;
  accountId?: string;
  /** The API token it accepts. */
  token?: string;
  /** The older credential it accepts: e-mail and key. */
  email?: string;
  apiKey?: string;
  /** Requests per window and credential; default 1,200 in 300 s. */
  rateLimit?: { requests: number; seconds: number };
  speed?: Speed;
  /** What a broken connection looks like; by default the promise rejects with a TypeError, as fetch does. */
  drop?: (context: VanishContext) => Promise<Response>;
  /** What an answer that never comes looks like; by default the promise rejects when the request's signal aborts. */
  hang?: (context: VanishContext, signal: AbortSignal) => Promise<Response>;
}

export interface Sandbox {
  readonly accountId: string;
  readonly token: string;
  fetch(request: Request, env?: unknown): Promise<Response>;
  addProject(project: ProjectInput): Project;
  fault(fault: Fault): void;
  clearFaults(): void;
  journal(): Journal;
  /** A git push: moves the branch's head, and builds by itself while the project's automatic builds are on. */
  push(push: Push): PushResult;
  /** What create stored for a deployment. */
  form(deployment: string): StoredForm | null;
  speed(speed: Speed): void;
  /** Forgets everything and starts again with the two default projects. */
  reset(): void;
}
