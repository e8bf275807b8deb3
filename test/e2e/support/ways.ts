import type { TestContext } from "vitest";

import { startSandbox } from "../../../sandbox/node.ts";
import type { FormPart, ProjectInput } from "../../../sandbox/types.ts";
import { Pages } from "../../../scripts/demo/pages.ts";
import { OUTPUT, workspace } from "../../sandbox/wrangler.ts";
import type { Run, Target } from "../../sandbox/wrangler.ts";
import type { World } from "./world.ts";

/** The same client twice: straight at a sandbox, and through Signalbox at another one. */

export interface Way {
  readonly pages: Pages;
  readonly target: Target;
  addProject(project: ProjectInput): Promise<void>;
}

/** A sandbox of its own, with nothing in between. */
export async function straight(): Promise<Way & { close(): Promise<void> }> {
  const running = await startSandbox();
  const { url, sandbox } = running;
  const { accountId, token } = sandbox;
  const pages = new Pages({ sandbox_url: url, account_id: accountId, sandbox_token: token });
  return {
    pages,
    target: { url, token, accountId },
    addProject: async (project) => pages.addProject(project),
    close: async () => running.close(),
  };
}

export async function through(world: World): Promise<Way> {
  const { pages, signalbox, stack } = world;
  const { token } = await signalbox.ask<{ token: string }>("POST", "/v1/tokens", {
    scopes: ["deploy"],
  });
  return {
    pages,
    target: { url: stack.info.url, token, accountId: stack.info.account_id },
    addProject: async (project) => {
      await pages.addProject(project);
      await signalbox.ask("PUT", `/v1/projects/${project.name}`, {});
    },
  };
}

/** Runs wrangler in a folder with these files, as often as there are lists of arguments, and tells of the last. */
export async function wranglerBy(
  way: Way,
  { onTestFinished }: TestContext,
  project: string,
  files: Record<string, string>,
  ...runs: readonly (readonly string[])[]
): Promise<{ code: Run["code"]; lines: string[]; written: unknown[] } & Stored> {
  const space = workspace(files);
  onTestFinished(() => space.remove());
  await way.addProject({ name: project });
  let run: Run = { code: null, output: "" };
  for (const more of runs) {
    const args = ["pages", "deploy", "dist", "--project-name", project, ...more];
    run = await space.wrangler(way.target, args);
  }
  const entries = space.read(OUTPUT).trim().split("\n");
  return {
    code: run.code,
    lines: linesOf(run.output),
    written: entries.map((line) => JSON.parse(nameless(line)) as unknown),
    ...(await stored(way, project)),
  };
}

export type Stored = Awaited<ReturnType<typeof stored>>;

/**
 * What the sandbox has of a project's newest deployment, ids left out.
 */
export async function stored({ pages }: Way, project: string) {
  const { latest_deployment: made } = await pages.project(project);
  const { parts } = await pages.form(made?.id ?? "");
  return {
    parts: parts.map(comparable),
    environment: made?.environment,
    aliases: made?.aliases,
    trigger: made?.deployment_trigger,
    uses_functions: made?.uses_functions,
    stage: made?.latest_stage.name,
  };
}

/**
 * A part of the form without what wrangler makes up for each run: names and a boundary within `_worker.bundle`, of which
 * only that it is there and how it is called is left; the order of the paths in the manifest.
 */
function comparable(part: FormPart): Pick<FormPart, "name"> & Record<string, unknown> {
  switch (part.name) {
    case "_worker.bundle":
      return { ...part, size: null, sha256: null };
    case "manifest":
      return { ...part, sha256: null, text: JSON.parse(part.text ?? "null") as unknown };
    default:
      return { ...part };
  }
}

/** What wrangler says, but for its progress and how long that took. */
function linesOf(output: string): string[] {
  return nameless(output)
    .replaceAll(/\([\d.]+ sec\)/g, "(n sec)")
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("Uploading..."));
}

/** Without what is another one each time. */
function nameless(text: string): string {
  return text
    .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "<uuid>")
    .replaceAll(/https:\/\/[0-9a-f]{8}\./g, "https://<id>.")
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "<time>")
    .replaceAll(/sandbox-wrangler-\w+/g, "<folder>")
    .replaceAll(/wrangler-\d{4}[\d_-]+\.log/g, "<log>");
}
