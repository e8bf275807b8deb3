import { goLive } from "./advance.ts";
import * as errors from "./errors.ts";
import { recordLive, recordTransition } from "./journal.ts";
import { isLive, isTerminal, stagesAfter } from "./plan.ts";
import { timestamp } from "./time.ts";
import { removeDeployment, saveDeployment } from "./world.ts";
import type { DeploymentRow, ProjectRow, World } from "./world.ts";
import type { Deployment } from "./types.ts";

export const NO_BUILD_CONFIG = {
  build_command: null,
  destination_dir: null,
  build_caching: null,
  root_dir: null,
  web_analytics_tag: null,
  web_analytics_token: null,
};

export const happened = (row: DeploymentRow): DeploymentRow["plan"] =>
  row.plan.slice(0, row.applied);

export const succeeded = (row: DeploymentRow): boolean => happened(row).some(isLive);

export function deploymentJson(world: World, project: ProjectRow, row: DeploymentRow): Deployment {
  const steps = happened(row);
  const { stages, latest } = stagesAfter(steps);
  const config = project.deployment_configs[row.environment];
  const build = row.kind === "build";
  return {
    id: row.id,
    short_id: row.id.slice(0, 8),
    project_id: project.id,
    project_name: project.name,
    environment: row.environment,
    url: `https://${row.id.slice(0, 8)}.${project.subdomain}`,
    created_on: timestamp(row.created_at),
    modified_on: timestamp(steps.at(-1)?.at ?? row.created_at),
    aliases: aliases(world, project, row),
    latest_stage: latest,
    stages,
    deployment_trigger: {
      type: row.trigger,
      metadata: {
        branch: row.branch,
        commit_hash: row.commit_hash,
        commit_message: row.commit_message,
        commit_dirty: row.commit_dirty,
      },
    },
    build_config: build ? { ...NO_BUILD_CONFIG, ...project.build_config } : NO_BUILD_CONFIG,
    env_vars: build ? ((config["env_vars"] ?? {}) as Record<string, unknown>) : {},
    is_skipped: row.skip_reason !== null,
    skip_reason: row.skip_reason,
    ...(build && project.source ? { source: project.source } : {}),
    uses_functions: build && !succeeded(row) ? null : row.uses_functions,
    production_branch: project.production_branch,
    compatibility_date: (config["compatibility_date"] ?? "2026-10-01") as string,
    compatibility_flags: (config["compatibility_flags"] ?? []) as string[],
    build_image_major_version: Number(config["build_image_major_version"] ?? 3),
    usage_model: null,
  };
}

/** A preview has its branch's alias while that points at it; the live production deployment has the custom domains. */
function aliases(world: World, project: ProjectRow, row: DeploymentRow): string[] | null {
  if (row.environment === "production") {
    return project.canonical === row.id && project.domains.length > 0
      ? project.domains.map((domain) => `https://${domain}`)
      : null;
  }
  const branch = world.branches.get(`${project.name}/${row.branch}`);
  return branch?.live === row.id ? [`https://${branch.alias}.${project.subdomain}`] : null;
}

export function findDeployment(world: World, project: ProjectRow, id: string): DeploymentRow {
  const row = world.deployments.get(id);
  if (!row || row.project !== project.name || row.visible_at > world.now()) {
    throw errors.deploymentNotFound();
  }
  return row;
}

/** The ids of what can be seen, newest first. */
export function listDeployments(world: World, project: ProjectRow, environment?: string): string[] {
  return world.order
    .list(`${project.name}/`)
    .filter((row) => row.visible_at <= world.now())
    .filter((row) => environment === undefined || row.environment === environment)
    .map(({ id }) => id)
    .toReversed();
}

/** Makes a successful production deployment the live one, at once. */
export function rollback(world: World, project: ProjectRow, row: DeploymentRow): void {
  if (row.environment !== "production" || !succeeded(row)) {
    throw errors.notRollbackTarget();
  }
  if (project.canonical !== row.id) {
    goLive(world, row, world.now(), "rollback");
  }
}

/**
 * Deletes a deployment, which also cancels one that is still under way. The latest of a branch wants `force`; what is
 * live in production refuses even that.
 */
export function deleteDeployment(
  world: World,
  project: ProjectRow,
  row: DeploymentRow,
  force: boolean,
): void {
  if (project.canonical === row.id) {
    throw errors.activeProduction();
  }
  const siblings = world.order
    .list(`${project.name}/`)
    .filter(({ branch, environment }) => branch === row.branch && environment === row.environment)
    .flatMap(({ id }) => world.deployments.get(id) ?? []);
  const branchKey = `${project.name}/${row.branch}`;
  const branch = world.branches.get(branchKey);
  if (!force && (siblings.at(-1)?.id === row.id || branch?.live === row.id)) {
    throw errors.aliased();
  }
  cancel(world, row);
  removeDeployment(world, row);
  if (branch?.live === row.id) {
    const next = siblings.findLast((sibling) => sibling.id !== row.id && succeeded(sibling));
    if (next) {
      goLive(world, next, world.now(), "deleted");
    } else {
      world.branches.put(branchKey, { ...branch, live: null });
      recordLive(world, {
        at: world.now(),
        project: row.project,
        environment: row.environment,
        branch: row.branch,
        deployment: null,
        cause: "deleted",
      });
    }
  }
}

/** Ends a deployment that is still under way, in the stage it has reached. */
export function cancel(world: World, row: DeploymentRow): void {
  const steps = happened(row);
  if (isTerminal(steps)) {
    return;
  }
  const at = world.now();
  const stage = stagesAfter(steps).latest.name;
  row.plan = [...steps, { at, stage, status: "canceled" }];
  row.applied = row.plan.length;
  saveDeployment(world, row);
  recordTransition(world, {
    at,
    project: row.project,
    deployment: row.id,
    stage,
    stage_status: "canceled",
  });
}
