import type { FC } from "hono/jsx";

import type { Story } from "../../project/overview.ts";
import { called, hostOf, isFailed, reasonOf } from "../model/now.ts";
import { verdictOf } from "../model/stages.ts";
import { furtherLines, safeUrl, visible, type Sentence } from "../model/text.ts";
import { toTheSecond, type Clock } from "../model/time.ts";
import { trailOf } from "../model/trail.ts";
import { markOf } from "../model/words.ts";
import { Icon, Mark } from "./mark.tsx";
import { CopyField } from "./project.tsx";
import { Say, Time } from "./say.tsx";

/** What a deploy's page says first. */
export const Verdict: FC<{ story: Story; clock: Clock }> = ({ story, clock }) => {
  const { deploy } = story;
  const { mark, text } = verdictOf(deploy);
  const reason = deploy.reason === null ? [] : reasonOf(deploy, clock);
  const repeated = deploy.reason?.replace(/\.$/, "") === text;
  return (
    <div class="wide verdict">
      <Icon name={mark.icon} tone={mark.tone} />
      <div>
        <h2 class={`word-${mark.tone}`}>{text}</h2>
        {!repeated && reason.length > 0 && (
          <p>
            <Say it={reason} />
          </p>
        )}
        <p class="second">
          <Say it={consequence(story)} />
        </p>
      </div>
    </div>
  );
};

function consequence(story: Story): Sentence {
  const { deploy, project } = story;
  const host = { foreign: hostOf(story) };
  const again = retryText(deploy.kind);
  if (project.live?.id === deploy.id) {
    return [host, " shows it."];
  }
  if (deploy.status === "succeeded") {
    return deploy.environment === "preview"
      ? ["It is a preview."]
      : ["It was live, and is not any more."];
  }
  if (deploy.environment === "preview" || project.live === null) {
    return isFailed(deploy) ? [again] : [];
  }
  const link = {
    href: `/projects/${project.project}/deploys/${project.live.number}`,
    text: `#${project.live.number}`,
  };
  const still: Sentence = [host, " still shows ", called(project.live), " (", link, ")."];
  return isFailed(deploy) ? [...still, ` ${again}`] : still;
}

function retryText(kind: Story["deploy"]["kind"]): string {
  return kind === "build"
    ? "A retry builds the branch as it is then."
    : kind === "rollback"
      ? "A retry goes back to the same version."
      : "A retry sends the stored upload again.";
}

export const Trail: FC<{ story: Story; clock: Clock }> = ({ story, clock }) => (
  <ol class="trail">
    {trailOf(story, story.project.project, clock).map(({ at, mark, text, way }) => (
      <li class={`way-${way}`}>
        <Icon name={mark.icon} tone={mark.tone} />
        <div>
          <p class="meta">
            <Time at={at} clock={clock} text={toTheSecond(at, clock)} />
          </p>
          <p>
            <Say it={text} />
          </p>
        </div>
      </li>
    ))}
  </ol>
);

export const Details: FC<{ story: Story; clock: Clock }> = ({ story, clock }) => {
  const { deploy, project } = story;
  const preview = deploy.deployment === null ? null : safeUrl(deploy.deployment.url);
  const left = project.leftovers.filter(({ deploy_id: id }) => id === deploy.id);
  const more = furtherLines(deploy.commit_message);
  return (
    <section class="section" aria-labelledby="details">
      <div class="sec-head">
        <h2 id="details">Details</h2>
      </div>
      <dl class="facts">
        <dt>Deploy</dt>
        <dd>
          <CopyField value={deploy.id} label="Id of the deploy" />
        </dd>
        {deploy.deployment !== null && (
          <>
            <dt>Deployment</dt>
            <dd>
              <code>{deploy.deployment.id}</code>
            </dd>
          </>
        )}
        {deploy.trigger.delivery_id !== null && (
          <>
            <dt>Delivery</dt>
            <dd>
              <code>
                <bdi>{visible(deploy.trigger.delivery_id)}</bdi>
              </code>
            </dd>
          </>
        )}
        {preview !== null && (
          <>
            <dt>Preview</dt>
            <dd>
              <a href={preview} rel="noreferrer">
                <code>{new URL(preview).host}</code>
              </a>
            </dd>
          </>
        )}
        <dt>Asked for</dt>
        <dd>
          <Time at={deploy.created_at} clock={clock} seconds />
        </dd>
        {deploy.started_at !== null && (
          <>
            <dt>Started</dt>
            <dd>
              <Time at={deploy.started_at} clock={clock} seconds />
            </dd>
          </>
        )}
        {deploy.ended_at !== null && (
          <>
            <dt>Ended</dt>
            <dd>
              <Time at={deploy.ended_at} clock={clock} seconds />
            </dd>
          </>
        )}
        <dt>Attempts</dt>
        <dd>{deploy.attempts}</dd>
        {more.length > 0 && (
          <>
            <dt>Message</dt>
            <dd class="message" dir="auto">
              {more.join("\n")}
            </dd>
          </>
        )}
        {deploy.health !== null &&
          deploy.health.checks.map(({ url, ok, detail }) => (
            <>
              <dt>Health</dt>
              <dd>
                <Mark
                  of={{ ...markOf(ok ? "succeeded" : "failed"), word: ok ? "well" : "not well" }}
                />{" "}
                <bdi>{visible(url)}</bdi> {visible(detail)}
              </dd>
            </>
          ))}
        {left.map(({ deployment_id: id, kind }) => (
          <>
            <dt>{kind === "stray" ? "Stray" : "Abandoned"}</dt>
            <dd>
              <code>{id}</code>, watched until it has ended
            </dd>
          </>
        ))}
      </dl>
    </section>
  );
};
