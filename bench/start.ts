import { setTimeout as delay } from "node:timers/promises";
import { DEFAULT_BRANCH, REPOSITORY } from "../scripts/demo/github.ts";
import { askedAt } from "../scripts/demo/journal.ts";
import type { HookAnswer } from "../scripts/demo/push.ts";
import { alone, percentile } from "./lib/figure.ts";
import type { Figure } from "./lib/figure.ts";
import { sendAll } from "./lib/load.ts";
import { githubHook, signedPush } from "./lib/pushes.ts";
import type { Hook } from "./lib/pushes.ts";
import { startSignalbox } from "./lib/sides.ts";

/** Each has time to end before its next turn. */
const PROJECTS = Array.from({ length: 10 }, (_, n) => `start-${n}`);
const STARTS = 100;
/** A create and a poll each, of 3.85 calls a second: one that waits for a call would measure the budget. */
const BETWEEN_MS = 600;
/** More than what polls leave to creates. */
const CALLS = 10;

/** How long after a push the create request of its deploy arrives upstream, where nothing is in its way. */
export async function start(_: number, say: (line: string) => void): Promise<Figure[]> {
  say("start: projects to push to");
  const hooks = new Map<string, Hook>();
  await using side = await startSignalbox(async ({ signalbox, pages }) => {
    await pages.speed({ factor: 0 });
    for (const name of PROJECTS) {
      await pages.addProject({ name, source: REPOSITORY, production_branch: DEFAULT_BRANCH });
      await signalbox.calls(2);
      hooks.set(name, await githubHook(signalbox, name));
    }
  });
  const { signalbox } = side;
  await signalbox.calls(CALLS);
  say(`start: ${STARTS} pushes in ${(STARTS * BETWEEN_MS) / 1000} s`);
  const sent: { project: string; at: number; deploy: string }[] = [];
  for (let n = 0; n < STARTS; n++) {
    const project = PROJECTS[n % PROJECTS.length] ?? "";
    const before = sent.findLast((push) => push.project === project);
    if (before !== undefined) {
      await signalbox.ended(project, before.deploy);
    }
    const { url, secret } = hooks.get(project) ?? { url: "", secret: "" };
    const messages = [await signedPush(secret)];
    const at = Date.now();
    const [answer] = await sendAll({ url, connections: 1, status: 202, messages });
    const { results } = JSON.parse(answer?.text ?? "") as HookAnswer;
    sent.push({ project, at, deploy: results[0]?.deploy_id ?? "" });
    await delay(Math.max(0, at + BETWEEN_MS - Date.now()));
  }
  const ends = await Promise.all(
    sent.map(async ({ project, at, deploy }) => ({
      at,
      deployment: (await signalbox.ended(project, deploy)).deployment?.id ?? "",
    })),
  );
  const journal = await side.pages.journal();
  const took = ends.map(({ at, deployment }) => askedAt(journal, deployment) - at);
  if (!took.every((ms) => Number.isFinite(ms))) {
    throw new Error("A push was not followed by a create request of its own.");
  }
  return [
    alone("half of the pushes are a create request upstream after", "ms", took, {
      kind: "at most",
      value: 25,
      firm: false,
    }),
    alone("99 of 100 are after", "ms", [percentile(took, 0.99)], {
      kind: "at most",
      value: 150,
      firm: false,
    }),
  ];
}
