import type { Context } from "hono";
import type { FC } from "hono/jsx";

import { askProject, type Api, type AppEnv } from "../../api/context.ts";
import type { Reply } from "../../api/inside.ts";
import { Problem } from "../../problem.ts";
import type { Story } from "../../project/overview.ts";
import type { Deploy } from "../../project/shapes.ts";
import type { Ask as Asking } from "../ask.ts";
import { Head, show, Told } from "../frame.tsx";
import { isFailed } from "../model/now.ts";
import { usualFor } from "../model/run.ts";
import { stagesOf, verdictOf } from "../model/stages.ts";
import { firstLine, shortHash, visible } from "../model/text.ts";
import { ago } from "../model/time.ts";
import { targetText, triggerText } from "../model/words.ts";
import { Stages } from "../parts/bars.tsx";
import { Deliveries } from "../parts/deliveries.tsx";
import { Log, type LogLines } from "../parts/log.tsx";
import { Action, Ask } from "../parts/project.tsx";
import { Details, Trail, Verdict } from "../parts/story.tsx";
import { admit, type Visitor } from "../visitor.ts";

const LINES = 15;
/** A page does not wait longer for a log that is Cloudflare's. */
const LOG_PATIENCE_MS = 2_500;
const LAST_LINES_MS = 30_000;

export async function readStory(c: Context<AppEnv>): Promise<Story> {
  const text = c.req.param("number") ?? "";
  const number = /^\d{1,12}$/.test(text) ? Number(text) : 0;
  const story = await askProject(c, (project) => project.story(number));
  if (story === null) {
    throw new Problem("deploy_not_found", "There is no such deploy in this project.");
  }
  return story;
}

export function deployRoutes(api: Api, ask: Asking): void {
  const log = async (c: Context<AppEnv>, visitor: Visitor, deploy: Deploy): Promise<LogLines> => {
    if (deploy.deployment === null || deploy.kind !== "build") {
      return null;
    }
    const reply: Reply<{ total: number; items: { timestamp: string; line: string }[] }> = await ask(
      c,
      visitor,
      "GET",
      `/deploys/${deploy.id}/logs`,
    );
    return reply.ok ? { lines: reply.value.items } : { refused: reply.detail };
  };

  api.get("/projects/:project/deploys/:number", async (c) => {
    const visitor = await admit(c, "project");
    const id = c.req.param("number");
    // The API and hooks' deliveries name a deploy by its id; its number is the one address of its page.
    const named = id.startsWith("dpl_") ? await askProject(c, (p) => p.deploy(id)) : null;
    if (named !== null) {
      return c.redirect(`/projects/${named.project}/deploys/${named.number}`, 302);
    }
    const story = await readStory(c);
    const late = scheduler
      .wait(LOG_PATIENCE_MS)
      .then((): LogLines => ({ refused: "Cloudflare has not answered with it yet." }));
    const lines = await Promise.race([log(c, visitor, story.deploy), late]);
    const { deploy } = story;
    return show(c, {
      title: `#${deploy.number} · ${deploy.project}`,
      reader: visitor,
      visitor,
      at: "projects",
      icon: isFailed(deploy) ? "failed" : deploy.ended_at === null ? "stop" : "clear",
      live: `/projects/${deploy.project}/live?deliveries`,
      children: <DeployPage story={story} lines={lines} visitor={visitor} />,
    });
  });

  api.get("/projects/:project/deploys/:number/log", async (c) => {
    const visitor = await admit(c, "project");
    const { deploy } = await readStory(c);
    const lines = await log(c, visitor, deploy);
    const path = `/projects/${deploy.project}/deploys/${deploy.number}`;
    return show(c, {
      title: `Log of #${deploy.number} · ${deploy.project}`,
      reader: visitor,
      visitor,
      at: "projects",
      live: `/projects/${deploy.project}/live`,
      children: (
        <>
          <Head
            crumbs={[
              ["/", "Projects"],
              [`/projects/${deploy.project}`, deploy.project],
              [path, `#${deploy.number}`],
            ]}
            title={`Log of #${deploy.number}`}
          />
          <section class="wide plain" aria-label="Log">
            <Log
              of={lines}
              clock={visitor.clock}
              most={null}
              growing={isGrowing(deploy, visitor.clock.now)}
            />
          </section>
        </>
      ),
    });
  });
}

/** Cloudflare has the last lines a little after the end. */
function isGrowing({ ended_at: end }: Deploy, now: number): boolean {
  return end === null || now - Date.parse(end) < LAST_LINES_MS;
}

const DeployPage: FC<{ story: Story; lines: LogLines; visitor: Visitor }> = ({
  story,
  lines,
  visitor,
}) => {
  const { deploy, project } = story;
  const { clock } = visitor;
  const path = `/projects/${project.project}/deploys/${deploy.number}`;
  const table = stagesOf(deploy, usualFor(story.usual, deploy), clock.now);
  return (
    <>
      <Head
        crumbs={[
          ["/", "Projects"],
          [`/projects/${project.project}`, project.project],
        ]}
        title={
          <>
            #{deploy.number} <bdi>{firstLine(deploy.commit_message) ?? ""}</bdi>
          </>
        }
        under={
          <>
            {deploy.commit_hash !== null && (
              <>
                <code>{shortHash(deploy.commit_hash)}</code>{" "}
              </>
            )}
            <bdi>{visible(deploy.branch)}</bdi>, {targetText(deploy)},{" "}
            <bdi>{triggerText(deploy.trigger)}</bdi>, {ago(Date.parse(deploy.created_at), clock)}
          </>
        }
        actions={<Actions story={story} visitor={visitor} path={path} />}
      />
      <section class="band" aria-label={verdictOf(deploy).text}>
        <Told visitor={visitor} />
        <Verdict story={story} clock={clock} />
      </section>
      <div class="wide cols section">
        <div>
          <section aria-labelledby="stages">
            <div class="sec-head">
              <h2 id="stages">Stages</h2>
              {table.usually && (
                <span class="legend meta">
                  <span>
                    <svg class="key" width="14" height="8" aria-hidden="true">
                      <rect class="seg build" width="14" height="8" />
                    </svg>
                    this deploy
                  </span>
                  <span>
                    <svg class="key" width="14" height="8" aria-hidden="true">
                      <rect class="hope" x="0.5" y="0.5" width="13" height="7" />
                    </svg>
                    usual, median of the last 10
                  </span>
                </span>
              )}
            </div>
            {table.rows.length === 0 ? (
              <p class="quiet">No stage has begun.</p>
            ) : (
              <Stages of={table} />
            )}
          </section>
          {deploy.kind === "build" && deploy.deployment !== null && (
            <section class="section" aria-labelledby="log">
              <div class="sec-head">
                <h2 id="log">Log</h2>
                <span class="right">
                  <a href={`${path}/log`}>Whole log</a>
                </span>
              </div>
              <Log of={lines} clock={clock} most={LINES} />
            </section>
          )}
        </div>
        <div>
          <section aria-labelledby="trail">
            <div class="sec-head">
              <h2 id="trail">How it got here</h2>
            </div>
            <Trail story={story} clock={clock} />
          </section>
          <Details story={story} clock={clock} />
        </div>
      </div>
      <Deliveries
        of={story.told}
        project={project.project}
        number={deploy.number}
        visitor={visitor}
      />
    </>
  );
};

const Actions: FC<{ story: Story; visitor: Visitor; path: string }> = ({
  story,
  visitor,
  path,
}) => {
  const { deploy, project } = story;
  const dash = deploy.links.deployment;
  const succeeded = deploy.status === "succeeded" && deploy.deployment !== null;
  const production = deploy.environment === "production";
  return (
    <>
      {dash !== null && (
        <a class="button" href={dash} rel="noreferrer">
          Cloudflare
        </a>
      )}
      {deploy.ended_at === null && (
        <Ask to={`${path}/cancel`} visitor={visitor} kind="danger">
          Cancel…
        </Ask>
      )}
      {deploy.waiting?.for === "approval" && (
        <>
          <Ask to={`${path}/reject`} visitor={visitor} needs="manage" kind="danger">
            Reject…
          </Ask>
          <Ask to={`${path}/approve`} visitor={visitor} needs="manage">
            Approve…
          </Ask>
        </>
      )}
      {succeeded && production && project.live?.id !== deploy.id && deploy.kind !== "rollback" && (
        <Ask to={`${path}/rollback`} visitor={visitor}>
          Roll back to this…
        </Ask>
      )}
      {succeeded && !production && deploy.kind === "upload" && (
        <Ask to={`${path}/promote`} visitor={visitor}>
          Promote…
        </Ask>
      )}
      {deploy.ended_at !== null && (
        <Action
          to={`${path}/retry`}
          visitor={visitor}
          kind={isFailed(deploy) ? "primary" : "plain"}
        >
          Retry
        </Action>
      )}
    </>
  );
};
