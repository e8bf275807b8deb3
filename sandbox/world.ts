import type { Step } from "./plan.ts";
import type { Deployment, Environment, Source, Store } from "./types.ts";

export interface ProjectRow {
  id: string;
  name: string;
  subdomain: string;
  domains: string[];
  production_branch: string;
  created_at: number;
  source: Source | null;
  build_config: Record<string, unknown>;
  deployment_configs: { production: Record<string, unknown>; preview: Record<string, unknown> };
  /** The deployment that is live in production. */
  canonical: string | null;
}

export interface DeploymentRow {
  id: string;
  project: string;
  /** Place in the order of creation, over all projects. */
  seq: number;
  created_at: number;
  kind: "build" | "upload";
  environment: Environment;
  branch: string;
  commit_hash: string;
  commit_message: string;
  commit_dirty: boolean;
  trigger: Deployment["deployment_trigger"]["type"];
  /** Every stage transition there will be, and how many of them have been journalled and acted upon. */
  plan: Step[];
  applied: number;
  /** Get and list don't show it before. */
  visible_at: number;
  skip_reason: string | null;
  /** Last log line of a deployment that fails. */
  failure: string | null;
  uses_functions: boolean;
  /** Whose form and manifest it was made from: its own, or those of the deployment it retries. */
  form: string | null;
}

export type OrderRow = Pick<DeploymentRow, "id" | "environment" | "branch" | "visible_at">;

export interface BranchRow {
  name: string;
  /** Label of its preview host name. */
  alias: string;
  head: { commit_hash: string; commit_message: string } | null;
  /** The preview deployment its alias points at. */
  live: string | null;
}

export interface AssetRow {
  /** Whether a manifest may refer to it. What is deployed stays, also when this has expired. */
  known: boolean;
  content_type: string;
  /** File extensions for which the hash has been found right: the hash covers the extension, the upload lacks it. */
  extensions: string[];
}

export interface Table<Row> {
  get(key: string): Row | undefined;
  put(key: string, row: Row): void;
  delete(key: string): void;
  list(prefix?: string): Row[];
}

/** Everything the sandbox's parts share. */
export interface World {
  now(): number;
  store: Store;
  accountId: string;
  token: string;
  email: string;
  apiKey: string;
  rateLimit: { requests: number; seconds: number };
  projects: Table<ProjectRow>;
  /** By id. */
  deployments: Table<DeploymentRow>;
  /** By `<project>/<seq>`: a project's deployments in order of creation, with what listings filter by. */
  order: Table<OrderRow>;
  /** When the next transition of each unfinished deployment is due, by id. */
  pending: Table<number>;
  /** By `<project>/<branch>`. */
  branches: Table<BranchRow>;
  /** By hash. */
  assets: Table<AssetRow>;
  meta: Table<unknown>;
}

export function table<Row>(store: Store, name: string): Table<Row> {
  return {
    get: (key) => store.get(name, key) as Row | undefined,
    put: (key, row) => store.put(name, key, row),
    delete: (key) => store.delete(name, key),
    list: (prefix) => store.list(name, prefix).map(([, row]) => row as Row),
  };
}

/** The next number of a sequence that never restarts. */
export function count(world: World, sequence: string): number {
  const value = Number(world.meta.get(sequence) ?? 0) + 1;
  world.meta.put(sequence, value);
  return value;
}

/** A number as a key that sorts. */
export function sortable(value: number): string {
  return value.toString().padStart(12, "0");
}

export function addDeployment(world: World, row: DeploymentRow): void {
  const { id, environment, branch, visible_at } = row;
  world.order.put(orderKey(row), { id, environment, branch, visible_at });
  saveDeployment(world, row);
}

export function saveDeployment(world: World, row: DeploymentRow): void {
  world.deployments.put(row.id, row);
  const next = row.plan[row.applied];
  if (next) {
    world.pending.put(row.id, next.at);
  } else {
    world.pending.delete(row.id);
  }
}

export function removeDeployment(world: World, row: DeploymentRow): void {
  world.order.delete(orderKey(row));
  world.deployments.delete(row.id);
  world.pending.delete(row.id);
}

const orderKey = (row: DeploymentRow): string => `${row.project}/${sortable(row.seq)}`;
