import { DEFAULT_BRANCH } from "../scripts/demo/github.ts";
import type { HookAnswer } from "../scripts/demo/push.ts";
import { until } from "../scripts/demo/wait.ts";
import type { Deploy, ProjectView } from "../src/project/shapes.ts";
import { alone, percentile } from "./lib/figure.ts";
import type { Figure } from "./lib/figure.ts";
import { sendAll } from "./lib/load.ts";
import { githubHook, signedPush } from "./lib/pushes.ts";
import { startSignalbox } from "./lib/sides.ts";

const PUSHES = 1_000;
const CONNECTIONS = 64;
const BRANCHES = [DEFAULT_BRANCH, "develop", "feature/login", "fix-1", "docs"];
const PROJECT = "/v1/projects/blog";

interface Burst {
  /** How long each push waited for its answer. */
  readonly took: readonly number[];
  /** How many were answered that no deploy came of. */
  readonly lost: number;
}

/** What becomes of a thousand pushes at once to one project while all it builds goes on. */
export async function burst(repeats: number, say: (line: string) => void): Promise<Figure[]> {
  const bursts: Burst[] = [];
  for (let n = 1; n <= repeats; n++) {
    say(`burst: ${n} of ${repeats}`);
    bursts.push(await once());
  }
  const at = (share: number): number[] => bursts.map(({ took }) => percentile(took, share));
  const lost = bursts.reduce((sum, each) => sum + each.lost, 0);
  return [
    alone(`half of ${PUSHES} pushes at once are answered in`, "ms", at(0.5)),
    alone("99 of 100 are answered in", "ms", at(0.99), {
      kind: "at most",
      value: 500,
      firm: false,
    }),
    alone("pushes lost", "", [lost], { kind: "at most", value: 0, firm: true }),
  ];
}

/** @throws when one more or one less than one runs and one waits for each branch. */
async function once(): Promise<Burst> {
  let hook = { url: "", secret: "" };
  await using side = await startSignalbox(async ({ signalbox, pages }) => {
    // No build ends while this goes on.
    await pages.speed({ factor: 100 });
    hook = await githubHook(signalbox, "blog");
    await signalbox.ask("PUT", PROJECT, { policy: { lane: "target" } });
  });
  const { signalbox } = side;
  const messages = await Promise.all(
    Array.from({ length: PUSHES }, (_, n) =>
      signedPush(hook.secret, BRANCHES[n % BRANCHES.length]),
    ),
  );
  await signalbox.calls(BRANCHES.length);
  const answers = await sendAll({ url: hook.url, connections: CONNECTIONS, status: 202, messages });

  const view = await until("a build of each branch", async () => {
    const now = await signalbox.ask<ProjectView>("GET", PROJECT);
    return now.running.length >= BRANCHES.length && now;
  });
  for (const [what, deploys] of [
    ["run", view.running],
    ["wait", view.waiting],
  ] as const) {
    if (deploys.map(branchOf).sort().join() !== BRANCHES.toSorted().join()) {
      throw new Error(
        `Not one of each branch ${what}s: ${deploys.map(branchOf).join() || "none"}.`,
      );
    }
  }
  const known = new Set((await signalbox.deploys("blog")).map(({ id }) => id));
  const made = new Set(
    answers.flatMap(({ text }) =>
      (JSON.parse(text) as HookAnswer).results.map(({ deploy_id: id }) => id ?? ""),
    ),
  );
  const found = [...made].filter((id) => known.has(id)).length;
  return { took: answers.map(({ ms }) => ms), lost: PUSHES - found };
}

const branchOf = ({ branch }: Deploy): string => branch;
