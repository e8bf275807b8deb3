import type { Deploy, ProjectView } from "../../src/project/shapes.ts";
import type { Demo, Hook } from "./demo.ts";
import { DEFAULT_BRANCH, deliver, PUSH, REPOSITORY } from "./github.ts";
import { expectOk } from "./http.ts";
import { madeFor } from "./journal.ts";
import { seconds, short, size } from "./paper.ts";
import { show } from "./show.ts";
import { tookMs } from "./stage.ts";
import { until } from "./wait.ts";

/** Each long enough to be seen: Signalbox looks once a second at first. */
const STAGES = { queued: 600, initialize: 1100, clone_repo: 1300, build: 3000, deploy: 1100 };

/** What a hook answers to a delivery. */
export interface HookAnswer {
  readonly id: string;
  readonly results: readonly {
    readonly outcome: string;
    readonly reason: string | null;
    readonly deploy_id: string | null;
  }[];
}

/** One push, from the hook to the last event. Returns the hook, which the other parts use too. */
export async function pushPart(demo: Demo): Promise<Hook> {
  const { paper, checks, signalbox, pages, receiver, project } = demo;
  paper.part("1  A signed push becomes a deployment, is watched, and is told");
  await pages.speed({ stages: STAGES });
  const hook = await setUp(demo);

  const answer = await deliver(hook, PUSH.body);
  const { results } = expectOk<HookAnswer>("The push", answer);
  const id = results[0]?.deploy_id ?? "";
  paper.request(
    answer.status,
    `POST /hooks/${project}/hok_…`,
    `GitHub's own example push, ${size(PUSH.body.length)}, signed as GitHub signs`,
  );
  paper.line();
  paper.note("What the receiver hears, each checked with the standardwebhooks package");
  const stop = show(paper, receiver, 0);
  const ended = await until("the deploy's last event", () =>
    receiver.events().find(({ type, data }) => {
      const { deploy } = data as { deploy?: Deploy };
      return deploy?.id === id && deploy.ended_at !== null && type.startsWith("deploy.");
    }),
  ).finally(stop);

  paper.line();
  const { deploy } = ended.data as { deploy: Deploy };
  const stages = deploy.stages.map((stage) => `${stage.name} ${seconds(tookMs(stage) ?? 0)}`);
  checks.hold(
    `#${deploy.number} succeeded: ${stages.join(", ")}`,
    deploy.status === "succeeded" && deploy.stages.length === 5,
    deploy,
  );
  const made = madeFor(await pages.journal(), project);
  checks.hold(
    "the sandbox's journal has one deployment, and it is this one",
    made.length === 1 && made[0] === deploy.deployment?.id,
    made,
  );
  const { live } = await signalbox.ask<ProjectView>("GET", `/v1/projects/${project}`);
  const { canonical_deployment: canonical } = await pages.project(project);
  checks.hold(
    `${short(PUSH.commit)} is live, by Signalbox and by the sandbox`,
    live?.id === id && canonical?.id === deploy.deployment?.id,
    { live, canonical },
  );
  return hook;
}

async function setUp({ paper, checks, signalbox, pages, receiver, project }: Demo): Promise<Hook> {
  await pages.addProject({
    name: project,
    source: REPOSITORY,
    production_branch: DEFAULT_BRANCH,
  });
  const base = `/v1/projects/${project}`;
  const registered = await signalbox.send("PUT", base, { native_builds: "off" });
  const { native_builds: builds, production_branch: branch } = expectOk<{
    native_builds: string;
    production_branch: string;
  }>("Registering", registered);
  paper.request(
    registered.status,
    `PUT  ${base}`,
    `production branch ${branch}; Cloudflare's own builds are ${builds}`,
  );
  const hooked = await signalbox.send("POST", `${base}/hooks`, {
    source: "github",
    repository: REPOSITORY,
  });
  const hook = expectOk<Hook>("Making the hook", hooked);
  paper.request(hooked.status, `POST ${base}/hooks`, `for GitHub, ${REPOSITORY} alone`);
  const subscribed = await signalbox.send("POST", `${base}/subscribers`, {
    url: receiver.url,
    events: ["*"],
    kind: "webhook",
  });
  receiver.trust(expectOk<{ secret: string }>("Subscribing", subscribed).secret);
  paper.request(subscribed.status, `POST ${base}/subscribers`, "every event, to the receiver");

  const forged = await deliver({ ...hook, secret: "a guess" }, PUSH.body);
  paper.request(
    forged.status,
    `POST /hooks/${project}/hok_…`,
    "a push signed with a wrong secret: refused",
  );
  const after = await signalbox.deploys(project);
  checks.hold(
    "nothing came of the forged push",
    forged.status === 401 && after.length === 0,
    forged.text,
  );
  return hook;
}
