import { randomBytes } from "node:crypto";
import type { Deploy } from "../../src/project/shapes.ts";
import type { Demo, Hook } from "./demo.ts";
import { DEFAULT_BRANCH, deliver, pushOf } from "./github.ts";
import { expectOk } from "./http.ts";
import { madeFor } from "./journal.ts";
import { seconds } from "./paper.ts";
import type { HookAnswer } from "./push.ts";
import { show } from "./show.ts";
import { current } from "./stage.ts";
import { until } from "./wait.ts";

/** SIGKILL while one deploy builds and another waits. */
export async function killPart(demo: Demo, hook: Hook): Promise<void> {
  const { paper, checks, stack, signalbox, pages, receiver, project } = demo;
  paper.part("3  Killed in mid-deploy");
  await pages.speed({ stages: { build: 3500 } });
  const running = await push(demo, hook, "Rewrite the introduction");
  const building = await until(
    "the deploy to build",
    async () => {
      const deploy = await signalbox.deploy(project, running);
      return current(deploy)?.name === "build" ? deploy : null;
    },
    20_000,
  );
  const waiting = await push(demo, hook, "Correct the introduction");
  const { pid } = stack.worker;
  await stack.kill();
  paper.line(
    `SIGKILL to process ${pid}: #${building.number} builds, #${building.number + 1} waits, accepted a moment ago`,
  );
  const down = Date.now();
  const stop = show(paper, receiver, receiver.heard.length);
  await stack.restart();
  paper.line(
    `Signalbox is back on the same state as process ${stack.worker.pid}, ${seconds(Date.now() - down)} later; nobody calls it`,
  );
  paper.line();
  await until("the events of what was under way", () => told(demo, waiting)).finally(stop);
  paper.line();

  const ends = await Promise.all([running, waiting].map((id) => signalbox.deploy(project, id)));
  checks.hold(
    `both succeeded all the same: ${ends.map(({ number }) => `#${number}`).join(" and ")}`,
    ends.every(({ status }) => status === "succeeded"),
    ends,
  );
  await nothingLost(demo);
}

/** The whole story so far, told by both sides: nothing is missing and nothing is there twice. */
async function nothingLost(demo: Demo): Promise<void> {
  const { checks, signalbox, pages, receiver, project } = demo;
  const deploys = await signalbox.deploys(project);
  const ran = deploys.flatMap(({ deployment }) => deployment?.id ?? []).sort();
  const made = madeFor(await pages.journal(), project).sort();
  checks.hold(
    `every deploy that ran has one deployment in the sandbox's journal: ${made.length} of ${ran.length}`,
    JSON.stringify(made) === JSON.stringify(ran),
    { made, ran },
  );
  checks.hold(
    `all ${deploys.length} deploys have ended, each with an event that says how`,
    deploys.every(({ id, ended_at }) => ended_at !== null && told(demo, id)),
    deploys.map(({ number, status }) => ({ number, status })),
  );

  const stored = (await signalbox.events(project)).map(({ sequence }) => sequence);
  const last = stored.at(-1) ?? 0;
  await until("the last event to be told", () =>
    receiver.events().some(({ sequence }) => sequence === last),
  );
  const heard = receiver.events().map(({ sequence }) => sequence);
  const [first = 0] = heard;
  const expected = Array.from({ length: last - first + 1 }, (_, n) => first + n);
  const repeats = receiver.heard.length - heard.length;
  checks.hold(
    `events ${first} to ${last} were heard in sequence, without a gap${repeats === 0 ? "" : `; ${repeats} twice, known by its id`}`,
    JSON.stringify(heard) === JSON.stringify(expected) && stored.length === last,
    { heard, stored },
  );
  checks.hold(
    "every delivery had a good signature",
    receiver.refused.length === 0,
    receiver.refused,
  );
}

/** Whether the receiver has heard how a deploy ended. */
function told({ receiver }: Demo, id: string): boolean {
  return receiver.events().some(({ data }) => {
    const { deploy } = data as { deploy?: Deploy };
    return deploy?.id === id && deploy.ended_at !== null;
  });
}

async function push({ paper }: Demo, hook: Hook, message: string): Promise<string> {
  const body = pushOf(DEFAULT_BRANCH, randomBytes(20).toString("hex"), message);
  const reply = await deliver(hook, body);
  const { results } = expectOk<HookAnswer>("The push", reply);
  paper.request(reply.status, "a signed push", message);
  return results[0]?.deploy_id ?? "";
}
