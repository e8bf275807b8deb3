/** Everything that makes a deployment: create, retry, and a git push. */
import { blake3 } from "@noble/hashes/blake3.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import { MAX_FILES, MAX_FILE_SIZE, missing, verifyAsset } from "./assets.ts";
import * as errors from "./errors.ts";
import { field, saveForm } from "./form.ts";
import { planBuild, planUpload } from "./plan.ts";
import { speedOf } from "./speed.ts";
import { addDeployment, count } from "./world.ts";
import type { Form } from "./form.ts";
import type { Twist } from "./plan.ts";
import type { BranchRow, DeploymentRow, ProjectRow, World } from "./world.ts";
import type { Push } from "./types.ts";

/** A departure from the ordinary: in its stages, and in when it can be seen. */
export interface Shape {
  twist: Twist;
  hiddenFor: number;
  startsVisible: boolean;
}

type Made = Pick<
  DeploymentRow,
  | "kind"
  | "branch"
  | "commit_hash"
  | "commit_message"
  | "commit_dirty"
  | "trigger"
  | "uses_functions"
> & { environment: DeploymentRow["environment"]; form: string | null; skip_reason: string | null };

export function createDeployment(
  world: World,
  project: ProjectRow,
  form: Form,
  shape: Shape,
): DeploymentRow {
  const manifest = manifestIn(form);
  if (!manifest && !project.source) {
    throw errors.manifestExpected();
  }
  checkParts(form);
  const sent = field(form, "branch");
  const branch = sent === undefined || sent === "" ? project.production_branch : sent;
  const head = headOf(world, project, branch);
  const hash = field(form, "commit_hash");
  const commit = hash === undefined || hash === "" ? (manifest ? "" : head.commit_hash) : hash;
  const id = crypto.randomUUID();
  if (manifest) {
    checkAssets(world, manifest);
    world.store.put("manifests", id, manifest);
  }
  saveForm(world.store, id, form);
  const made: Made = {
    kind: manifest ? "upload" : "build",
    environment: branch === project.production_branch ? "production" : "preview",
    branch,
    commit_hash: commit,
    commit_message:
      field(form, "commit_message") ?? (commit === head.commit_hash ? head.commit_message : ""),
    commit_dirty: field(form, "commit_dirty") === "true",
    trigger: "ad_hoc",
    uses_functions: form.parts.some(({ part }) =>
      ["_worker.js", "_worker.bundle", "functions-filepath-routing-config.json"].includes(
        part.name,
      ),
    ),
    form: id,
    skip_reason: null,
  };
  return begin(world, project, id, made, shape);
}

/** Deploys the same again: same commit, same files. */
export function retryDeployment(
  world: World,
  project: ProjectRow,
  row: DeploymentRow,
  shape: Shape,
): DeploymentRow {
  return begin(world, project, crypto.randomUUID(), { ...row, skip_reason: null }, shape);
}

/** Moves a branch's head; the new deployment, or why there is none. */
export function push(
  world: World,
  project: ProjectRow,
  commit: Push,
): { row: DeploymentRow | null; reason: string | null } {
  const branch = branchOf(world, project, commit.branch);
  const message = commit.commit_message ?? "";
  world.branches.put(`${project.name}/${commit.branch}`, {
    ...branch,
    head: { commit_hash: commit.commit_hash, commit_message: message },
  });
  const environment = commit.branch === project.production_branch ? "production" : "preview";
  const reason = automaticBuildsOff(project, environment);
  if (reason) {
    return { row: null, reason };
  }
  const skipped = /^\[(ci[ -]skip|skip[ -]ci|cf-pages-skip)\]/i.test(message);
  const made: Made = {
    kind: "build",
    environment,
    branch: commit.branch,
    commit_hash: commit.commit_hash,
    commit_message: message,
    commit_dirty: false,
    trigger: "github:push",
    uses_functions: false,
    form: null,
    skip_reason: skipped ? "commit_message" : null,
  };
  const shape = { twist: {}, hiddenFor: 0, startsVisible: false };
  return {
    row: begin(world, project, crypto.randomUUID(), made, shape),
    reason: skipped ? "commit_message" : null,
  };
}

function automaticBuildsOff(
  project: ProjectRow,
  environment: DeploymentRow["environment"],
): string | null {
  if (!project.source) {
    return "not_connected_to_git";
  }
  const { config } = project.source;
  if (environment === "production") {
    return config.production_deployments_enabled ? null : "production_deployments_disabled";
  }
  return config.preview_deployment_setting === "none" ? "preview_deployments_disabled" : null;
}

function begin(
  world: World,
  project: ProjectRow,
  id: string,
  made: Made,
  { twist, hiddenFor, startsVisible }: Shape,
): DeploymentRow {
  const now = world.now();
  const branch = branchOf(world, project, made.branch);
  world.branches.put(`${project.name}/${made.branch}`, branch);
  const speed = speedOf(world);
  const start = startsVisible ? now + hiddenFor : now;
  const failure = failureOf(world, made, twist);
  let plan;
  if (made.skip_reason) {
    plan = [{ at: now, stage: "queued", status: "skipped" }];
  } else if (made.kind === "build") {
    plan = planBuild(start, speed, failure ? { ...twist, fails: twist.fails ?? "build" } : twist);
  } else {
    plan = planUpload(start, speed, failure ? { ...twist, fails: "deploy" } : twist);
  }
  const row: DeploymentRow = {
    id,
    project: project.name,
    seq: count(world, "deployments"),
    created_at: now,
    kind: made.kind,
    environment: made.environment,
    branch: made.branch,
    commit_hash: made.commit_hash,
    commit_message: made.commit_message,
    commit_dirty: made.commit_dirty,
    trigger: made.trigger,
    plan,
    applied: 0,
    visible_at: now + hiddenFor,
    skip_reason: made.skip_reason,
    failure,
    uses_functions: made.uses_functions,
    form: made.form,
  };
  addDeployment(world, row);
  return row;
}

function failureOf(world: World, made: Made, twist: Twist): string | null {
  if (made.kind === "build") {
    return twist.fails || made.commit_message.includes("[fail]")
      ? "Failed: build command exited with code: 1"
      : null;
  }
  const manifest = manifestOf(world, made.form);
  const gone = missing(world, [...new Set(Object.values(manifest))]).length;
  if (gone > 0) {
    return `Error: ${gone} of the files in the manifest are not in the asset store. They may have expired: upload them again.`;
  }
  return twist.fails
    ? "Error: Failed to publish your Function. Got error: Unknown internal error occurred."
    : null;
}

export function manifestOf(world: World, form: string | null): Record<string, string> {
  return (form === null ? {} : (world.store.get("manifests", form) ?? {})) as Record<
    string,
    string
  >;
}

/** The manifest a form brings, if any; its paths start with a slash, whether or not they did. */
export function manifestIn(form: Form): Record<string, string> | null {
  const text = field(form, "manifest");
  if (text === undefined) {
    return null;
  }
  let manifest: unknown;
  try {
    manifest = JSON.parse(text);
  } catch {
    throw errors.badRequest("The manifest is not valid JSON.");
  }
  if (
    typeof manifest !== "object" ||
    manifest === null ||
    Array.isArray(manifest) ||
    !Object.values(manifest).every((hash) => typeof hash === "string")
  ) {
    throw errors.badRequest("The manifest must be an object from paths to hashes.");
  }
  const entries = Object.entries(manifest as Record<string, string>);
  if (entries.length > MAX_FILES) {
    throw errors.badRequest(`The manifest has more than ${MAX_FILES} files.`);
  }
  return Object.fromEntries(
    entries.map(([path, hash]) => [path.startsWith("/") ? path : `/${path}`, hash]),
  );
}

function checkParts(form: Form): void {
  const bundle = form.parts.find(({ part }) => part.name === "_worker.bundle");
  if (bundle && form.parts.some(({ part }) => part.name === "_worker.js")) {
    throw errors.badRequest("_worker.js and _worker.bundle are mutually exclusive.");
  }
  if (bundle && bundle.part.size > MAX_FILE_SIZE) {
    throw errors.tooLarge("_worker.bundle is larger than 25 MiB.");
  }
}

/** Missing assets fail the deployment later; a hash that is simply wrong is a client's mistake, told at once. */
function checkAssets(world: World, manifest: Record<string, string>): void {
  for (const [path, hash] of Object.entries(manifest)) {
    if (world.assets.get(hash) && !verifyAsset(world, path, hash)) {
      throw errors.badRequest(`The hash of ${path} does not match the file uploaded as ${hash}.`);
    }
  }
}

/** The commit a build of the branch takes; invented for a branch nobody has pushed to yet. */
function headOf(
  world: World,
  project: ProjectRow,
  branch: string,
): { commit_hash: string; commit_message: string } {
  return (
    world.branches.get(`${project.name}/${branch}`)?.head ?? {
      commit_hash: bytesToHex(blake3(utf8ToBytes(`${project.name} ${branch}`), { dkLen: 20 })),
      commit_message: `Head of ${branch}`,
    }
  );
}

function branchOf(world: World, project: ProjectRow, name: string): BranchRow {
  const found = world.branches.get(`${project.name}/${name}`);
  if (found) {
    return found;
  }
  const label = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]/g, "-")
    .slice(0, 28)
    .replaceAll(/^-+|-+$/g, "");
  const taken = world.branches.list(`${project.name}/`).some(({ alias }) => alias === label);
  return { name, alias: taken ? `${label}-${suffix(name)}` : label, head: null, live: null };
}

/** Four letters that tell branches apart whose labels are the same. */
function suffix(branch: string): string {
  return [...blake3(utf8ToBytes(branch), { dkLen: 4 })]
    .map((byte) => String.fromCharCode(97 + (byte % 26)))
    .join("");
}
