import type { Deploy, Stage } from "../../src/project/shapes.ts";

/** How far a deploy has come, in five cells, one for each of Cloudflare's stages. */
export function progress(deploy: Deploy): string {
  const cells = deploy.stages.map(({ status }) =>
    status === "success" ? "■" : status === "active" ? "▪" : "·",
  );
  return cells.join("").padEnd(5, "·");
}

/** How long a stage took; null while it runs, or where Cloudflare does not say. */
export function tookMs({ started_on: from, ended_on: to }: Stage): number | null {
  return from === null || to === null ? null : Date.parse(to) - Date.parse(from);
}

/** The stage that runs, or the last that ended. */
export function current(deploy: Deploy): Stage | undefined {
  return (
    deploy.stages.find(({ status }) => status === "active") ??
    deploy.stages.findLast(({ status }) => status !== "idle")
  );
}
