import { recordLive, recordTransition } from "./journal.ts";
import { isLive } from "./plan.ts";
import { saveDeployment } from "./world.ts";
import type { DeploymentRow, World } from "./world.ts";
import type { JournalLive } from "./types.ts";

/**
 * Lets everything happen that is due by now, over all deployments in order of time. Called whenever the sandbox is
 * touched: between two touches nobody can tell the difference.
 */
export function advance(world: World): void {
  const now = world.now();
  const due = world.store
    .list("pending")
    .filter(([, at]) => (at as number) <= now)
    .flatMap(([id]) => world.deployments.get(id) ?? []);
  if (due.length === 0) {
    return;
  }
  world.store.transaction(() => {
    const rows = new Map(due.map((row) => [row.id, row]));
    const steps = due
      .flatMap((row) =>
        row.plan
          .slice(row.applied)
          .filter(({ at }) => at <= now)
          .map((step) => ({ ...step, row })),
      )
      .sort((a, b) => a.at - b.at || a.row.seq - b.row.seq);
    for (const { row, at, stage, status } of steps) {
      row.applied += 1;
      recordTransition(world, {
        at,
        project: row.project,
        deployment: row.id,
        stage,
        stage_status: status,
      });
      if (isLive({ at, stage, status })) {
        goLive(world, row, at, "deployed");
      }
    }
    for (const row of rows.values()) {
      saveDeployment(world, row);
    }
  });
}

/** Points production, or the branch's alias, at a deployment. The last to finish wins, as at Cloudflare. */
export function goLive(
  world: World,
  row: DeploymentRow,
  at: number,
  cause: JournalLive["cause"],
): void {
  if (row.environment === "production") {
    const project = world.projects.get(row.project);
    if (project) {
      world.projects.put(row.project, { ...project, canonical: row.id });
    }
  } else {
    const key = `${row.project}/${row.branch}`;
    const branch = world.branches.get(key);
    if (branch) {
      world.branches.put(key, { ...branch, live: row.id });
    }
  }
  recordLive(world, {
    at,
    project: row.project,
    environment: row.environment,
    branch: row.branch,
    deployment: row.id,
    cause,
  });
}
