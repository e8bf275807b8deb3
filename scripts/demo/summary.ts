import type { Deploy } from "../../src/project/shapes.ts";
import type { Demo } from "./demo.ts";
import { seconds } from "./paper.ts";

/** What happened, in figures, and what to try next. */
export async function summary(demo: Demo, tookMs: number): Promise<void> {
  const { paper, checks, signalbox, pages, receiver, project } = demo;
  const deploys = [...(await signalbox.deploys(project)), ...(await signalbox.deploys("site"))];
  const count = (status: Deploy["status"]): number =>
    deploys.filter((deploy) => deploy.status === status).length;
  const { requests } = await pages.journal();
  const creates = requests.filter(
    ({ method, path }) => method === "POST" && path.endsWith("/deployments"),
  );
  const events = receiver.events().length;
  const repeats = receiver.heard.length - events;

  paper.part("Summary");
  paper.table([
    ["Deploys", String(deploys.length), "each with a number, an outcome and a reason"],
    ["  succeeded", String(count("succeeded")), "one deployment each"],
    ["  superseded", String(count("superseded")), "never started, since a newer push was there"],
    ["Calls to Cloudflare's API", String(requests.length), `${creates.length} of them to create`],
    ["Events", String(events), `signed and verified; ${repeats} heard twice`],
    ["Checks", String(checks.count), "all held"],
    ["Took", seconds(tookMs), ""],
  ]);
  paper.part("Next");
  paper.table([
    ["npm start", "", "keeps all of this up, and prints what to ask it with curl"],
    ["README.md", "", "how to put it on your own Cloudflare account, step by step"],
    ["npm test", "", "everything above and more, with crashes at every step"],
  ]);
}
