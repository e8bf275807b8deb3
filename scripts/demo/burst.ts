import { randomBytes } from "node:crypto";
import type { Deploy } from "../../src/project/shapes.ts";
import type { Demo, Hook } from "./demo.ts";
import { DEFAULT_BRANCH, deliver, pushOf } from "./github.ts";
import { expectOk } from "./http.ts";
import { liveOn, madeFor, overlap } from "./journal.ts";
import { seconds, short } from "./paper.ts";
import type { HookAnswer } from "./push.ts";
import { until } from "./wait.ts";

const PUSHES = 10;

/** Ten pushes to one branch while the first of them builds. */
export async function burstPart(demo: Demo, hook: Hook): Promise<void> {
  const { paper, checks, signalbox, pages, project } = demo;
  paper.part("2  A burst of ten pushes");
  await pages.speed({});
  const started = Date.now();
  const ids: string[] = [];
  for (let n = 1; n <= PUSHES; n++) {
    const body = pushOf(DEFAULT_BRANCH, randomBytes(20).toString("hex"), `Change ${n} of the day`);
    const answer = expectOk<HookAnswer>(`Push ${n}`, await deliver(hook, body));
    ids.push(answer.results[0]?.deploy_id ?? "");
    if (n === 1) {
      // The rest arrives while it runs, and not before it has started: that would be a race with its start.
      await until("the first of the burst to start", async () => {
        const { status } = await signalbox.deploy(project, answer.results[0]?.deploy_id ?? "");
        return status === "running";
      });
    }
  }
  const burst = await Promise.all(ids.map((id) => signalbox.deploy(project, id)));
  for (const deploy of burst) {
    const commit = `#${deploy.number}`.padEnd(4);
    paper.line(
      `${commit} ${short(deploy.commit_hash)}  ${deploy.status.padEnd(11)} ${deploy.reason ?? ""}`.trimEnd(),
    );
  }
  const having = (status: Deploy["status"]): Deploy[] => burst.filter((d) => d.status === status);
  const [newest] = having("queued");
  checks.hold(
    "one runs, one waits, the rest are superseded, each with its reason",
    having("running").length === 1 &&
      having("queued").length === 1 &&
      newest?.id === ids.at(-1) &&
      having("superseded").length === PUSHES - 2 &&
      burst.every(({ status, reason }) => status === "running" || reason !== null),
    burst.map(({ number, status, reason }) => ({ number, status, reason })),
  );

  const ends = [
    await signalbox.ended(project, ids[0] ?? ""),
    await signalbox.ended(project, ids.at(-1) ?? ""),
  ];
  const journal = await pages.journal();
  checks.hold(
    `${ends.map(({ number }) => `#${number}`).join(", then ")} went live, one at a time, within ${seconds(Date.now() - started)} of the first push`,
    ends.every(({ status }) => status === "succeeded") &&
      overlap(journal, madeFor(journal, project)) === null &&
      liveOn(journal, project, DEFAULT_BRANCH) === ends[1]?.deployment?.id,
    ends,
  );
}
