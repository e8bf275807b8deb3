import { happened } from "./deployments.ts";
import { timestamp } from "./time.ts";
import type { DeploymentRow, ProjectRow } from "./world.ts";

export interface Logs {
  total: number;
  includes_container_logs: boolean;
  data: Array<{ ts: string; line: string }>;
}

/** What a deployment has said so far. Its last line names the cause when it has failed. */
export function logsOf(project: ProjectRow, row: DeploymentRow): Logs {
  const data = happened(row).flatMap((step) =>
    linesOf(project, row, step.stage, step.status).map((line) => ({
      ts: timestamp(step.at),
      line,
    })),
  );
  return { total: data.length, includes_container_logs: row.kind === "build", data };
}

function linesOf(project: ProjectRow, row: DeploymentRow, stage: string, status: string): string[] {
  if (status === "failure") {
    return [row.failure ?? `Failed: an internal error occurred in the ${stage} stage`];
  }
  if (status === "canceled") {
    return ["Deployment was canceled"];
  }
  const repository = project.source
    ? `https://github.com/${project.source.config.owner}/${project.source.config.repo_name}`
    : "the repository";
  const lines: Record<string, string[]> = {
    "clone_repo active": ["Cloning repository...", `From ${repository}`],
    "clone_repo success": [
      `HEAD is now at ${row.commit_hash.slice(0, 7)} ${row.commit_message.split("\n")[0] ?? ""}`,
      "Success: Finished cloning repository files",
    ],
    "build active": [
      `Executing user command: ${(project.build_config["build_command"] ?? "exit 0") as string}`,
    ],
    "build success": ["Success: Build command completed", "Validating asset output directory"],
    "deploy active": ["Deploying your site to Cloudflare's global network..."],
    "deploy success": ["Success: Your site was deployed!"],
  };
  return lines[`${stage} ${status}`] ?? [];
}
