import { blake3 } from "@noble/hashes/blake3.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import { deploymentJson, listDeployments, NO_BUILD_CONFIG } from "./deployments.ts";
import * as errors from "./errors.ts";
import { timestamp } from "./time.ts";
import { removeDeployment } from "./world.ts";
import type { ProjectRow, World } from "./world.ts";
import type { Project, ProjectInput, Source } from "./types.ts";

const NAME = /^[a-z0-9][a-z0-9-]{0,56}[a-z0-9]$|^[a-z0-9]$/;

/** The two projects every sandbox starts with. Their ids are fixed: making them needs no randomness. */
export function seed(world: World): void {
  if (world.meta.get("seeded") !== undefined) {
    return;
  }
  world.store.transaction(() => {
    world.meta.put("seeded", true);
    for (const input of [{ name: "site" }, { name: "blog", source: "acme/blog" }]) {
      addProject(world, input, fixedId(`project ${input.name}`));
    }
  });
}

export function addProject(world: World, input: ProjectInput, id?: string): ProjectRow {
  if (typeof input.name !== "string" || !NAME.test(input.name)) {
    throw errors.badRequest(
      "The project name must be 1 to 58 lower case letters, digits or dashes, and not start or end with a dash.",
    );
  }
  if (world.projects.get(input.name)) {
    throw errors.projectExists();
  }
  const productionBranch = input.production_branch ?? "main";
  const row: ProjectRow = {
    id: id ?? crypto.randomUUID(),
    name: input.name,
    subdomain: input.subdomain ?? `${input.name}.pages.dev`,
    domains: input.domains ?? [],
    production_branch: productionBranch,
    created_at: world.now(),
    source:
      typeof input.source === "string"
        ? githubSource(input.source, productionBranch)
        : (input.source ?? null),
    build_config: input.source
      ? {
          build_command: "npm run build",
          destination_dir: "dist",
          root_dir: "",
          ...input.build_config,
        }
      : (input.build_config ?? {}),
    deployment_configs: {
      production: { ...DEPLOYMENT_CONFIG, ...input.deployment_configs?.production },
      preview: { ...DEPLOYMENT_CONFIG, ...input.deployment_configs?.preview },
    },
    canonical: null,
  };
  world.projects.put(row.name, row);
  return row;
}

const DEPLOYMENT_CONFIG = {
  fail_open: true,
  always_use_latest_compatibility_date: false,
  compatibility_date: "2026-10-01",
  compatibility_flags: [],
  build_image_major_version: 3,
  usage_model: "standard",
  env_vars: {},
};

function githubSource(repository: string, productionBranch: string): Source {
  const [owner = "", name = ""] = repository.split("/");
  return {
    type: "github",
    config: {
      owner,
      owner_id: "9919",
      repo_name: name,
      repo_id: "181818",
      production_branch: productionBranch,
      pr_comments_enabled: true,
      deployments_enabled: true,
      production_deployments_enabled: true,
      preview_deployment_setting: "all",
      preview_branch_includes: ["*"],
      preview_branch_excludes: [],
      path_includes: ["*"],
      path_excludes: [],
    },
  };
}

export function findProject(world: World, name: string): ProjectRow {
  const row = world.projects.get(name);
  if (!row) {
    throw errors.projectNotFound();
  }
  return row;
}

export function projectJson(world: World, row: ProjectRow): Project {
  const [newest] = listDeployments(world, row);
  const [canonical, latest] = [row.canonical, newest].map((id) => world.deployments.get(id ?? ""));
  return {
    id: row.id,
    name: row.name,
    subdomain: row.subdomain,
    domains: [row.subdomain, ...row.domains],
    production_branch: row.production_branch,
    created_on: timestamp(row.created_at),
    ...(row.source ? { source: row.source } : {}),
    build_config: { ...NO_BUILD_CONFIG, ...row.build_config },
    deployment_configs: row.deployment_configs,
    canonical_deployment: canonical ? deploymentJson(world, row, canonical) : null,
    latest_deployment: latest ? deploymentJson(world, row, latest) : null,
    framework: "",
    framework_version: "",
    preview_script_name: `pages-worker--${row.id.slice(0, 7)}-preview`,
    production_script_name: `pages-worker--${row.id.slice(0, 7)}-production`,
    uses_functions: canonical?.uses_functions ?? false,
  };
}

const PATCHABLE = ["build_config", "deployment_configs", "production_branch", "source"];

/** PATCH: objects are merged, null deletes an environment variable, everything else is replaced. */
export function patchProject(world: World, row: ProjectRow, patch: object): ProjectRow {
  const accepted = Object.fromEntries(
    Object.entries(patch).filter(([field]) => PATCHABLE.includes(field)),
  );
  if (accepted["source"] !== undefined && row.source === null) {
    throw errors.badRequest("A project that was made for direct upload can't be connected to git.");
  }
  const patched = merge(row, accepted) as ProjectRow;
  if (patched.source) {
    patched.source.config.production_branch = patched.production_branch;
  }
  world.projects.put(row.name, patched);
  return patched;
}

function merge(base: unknown, patch: unknown, path = ""): unknown {
  if (!isObject(patch) || !isObject(base)) {
    return patch;
  }
  const merged: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(patch)) {
    if (value === null && path.endsWith(".env_vars")) {
      delete merged[key];
    } else {
      merged[key] = merge(merged[key], value, `${path}.${key}`);
    }
  }
  return merged;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Removes a project and all it had. What was journalled and stored of its forms stays, as evidence. */
export function deleteProject(world: World, row: ProjectRow): void {
  for (const { id } of world.order.list(`${row.name}/`)) {
    const deployment = world.deployments.get(id);
    if (deployment) {
      removeDeployment(world, deployment);
    }
  }
  for (const { name } of world.branches.list(`${row.name}/`)) {
    world.branches.delete(`${row.name}/${name}`);
  }
  world.projects.delete(row.name);
}

function fixedId(name: string): string {
  const hex = bytesToHex(blake3(utf8ToBytes(name), { dkLen: 16 }));
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20)}`;
}
