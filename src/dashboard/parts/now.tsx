import type { FC } from "hono/jsx";

import type { Overview } from "../../project/overview.ts";
import type { Deploy, External } from "../../project/shapes.ts";
import { inLine, linesOf } from "../model/line.ts";
import { hostOf, nowOf, reasonOf } from "../model/now.ts";
import { runOf, usualFor, type Group } from "../model/run.ts";
import { firstLine, safeUrl, shortHash, visible } from "../model/text.ts";
import { brief, moment } from "../model/time.ts";
import { markOf, reasonMark, targetText, triggerText } from "../model/words.ts";
import type { Visitor } from "../visitor.ts";
import { Line } from "./line.tsx";
import { Icon } from "./mark.tsx";
import { Ask } from "./project.tsx";
import { Reason, Say } from "./say.tsx";

/** The answer first; then the line; then what waits, runs and is live, in words under its zone. */
export const NowBand: FC<{ of: Overview; visitor: Visitor }> = ({ of, visitor }) => {
  const { project } = of;
  const { clock } = visitor;
  const now = nowOf(of, clock);
  const lines = linesOf(of, clock.now);
  const idle = lines.filter(({ trains, block }) => trains.length === 0 && block.is === "empty");
  const shown = lines.filter(
    (line) => line.name === null || line.name === "production" || !idle.includes(line),
  );
  return (
    <div class="wide">
      <h2 class="now-head" id="now">
        <Say it={now.head} />
      </h2>
      <p class="second">
        <Say it={now.more} />
      </p>
      <div class="lanes">
        {shown.map((line) => (
          <>
            {shown.length > 1 && <p class="meta">{line.name}</p>}
            <Line of={line} large />
          </>
        ))}
      </div>
      <div class="columns">
        <div>
          <h3>
            Waiting <span class="quiet">{project.waiting.length}</span>
          </h3>
          {project.waiting.length === 0 && <p class="quiet">Nothing.</p>}
          <ol class="entries">
            {inLine(project.waiting).map((deploy) => (
              <Waiting of={deploy} visitor={visitor} />
            ))}
          </ol>
        </div>
        <div>
          <h3>
            Running{" "}
            {project.running.length === 1 &&
              project.running.map((deploy) => (
                <Elapsed of={deploy} overview={of} visitor={visitor} />
              ))}
          </h3>
          {project.running.map((deploy) => (
            <Running of={deploy} overview={of} visitor={visitor} />
          ))}
          {project.externals
            .filter(({ ended_at: end }) => end === null)
            .map((external) => (
              <Other of={external} />
            ))}
          {project.running.length === 0 &&
            project.externals.every(({ ended_at: end }) => end !== null) && (
              <p class="quiet">Nothing.</p>
            )}
          {project.leftovers.map(({ kind, deployment_id: id }) => (
            <p class="reason small">
              <Icon name="gone" tone="quiet" />
              <span>
                {kind === "stray" ? "A stray deployment, " : "An abandoned deployment, "}
                <code>{id.slice(0, 8)}</code>, still runs at Cloudflare and is watched.
              </span>
            </p>
          ))}
        </div>
        <div>
          <h3>Live</h3>
          <Live of={of} visitor={visitor} />
        </div>
      </div>
    </div>
  );
};

const pathOf = ({ project, number }: Deploy): string => `/projects/${project}/deploys/${number}`;

const Facts: FC<{ of: Deploy }> = ({ of }) => (
  <p class="meta">
    {of.commit_hash !== null && (
      <>
        <code>{shortHash(of.commit_hash)}</code>{" "}
      </>
    )}
    <bdi>{visible(of.branch)}</bdi>, {targetText(of)}, <bdi>{triggerText(of.trigger)}</bdi>
  </p>
);

const Title: FC<{ of: Deploy }> = ({ of }) => (
  <>
    <a class="no" href={pathOf(of)}>
      #{of.number}
    </a>
    <a class="msg" href={pathOf(of)}>
      <bdi>
        {of.kind === "rollback" && "Rollback to "}
        {firstLine(of.commit_message) ?? "No message"}
      </bdi>
    </a>
  </>
);

const Waiting: FC<{ of: Deploy; visitor: Visitor }> = ({ of, visitor }) => (
  <li class="waiting" data-key={of.number}>
    <Title of={of} />
    <Ask to={`${pathOf(of)}/cancel`} visitor={visitor} kind="minor">
      Cancel…
    </Ask>
    <div class="rest">
      <Facts of={of} />
      {of.reason !== null && (
        <Reason mark={reasonMark(of)} it={reasonOf(of, visitor.clock)}>
          {of.waiting?.for === "approval" && visitor.may("manage") && (
            <>
              {" "}
              <a href={`${pathOf(of)}/approve`} data-ask="">
                Approve
              </a>{" "}
              or{" "}
              <a href={`${pathOf(of)}/reject`} data-ask="">
                reject
              </a>
            </>
          )}
          {of.waiting?.for === "lock" && visitor.may("manage") && (
            <>
              {" "}
              <a href={`/projects/${of.project}/windows`}>Unlock</a>
            </>
          )}
          {["window", "quiet_period", "not_before"].includes(of.waiting?.for ?? "") &&
            visitor.may("manage") && (
              <>
                {" "}
                <a href={`${pathOf(of)}/release`} data-ask="">
                  Let it go now…
                </a>
              </>
            )}
        </Reason>
      )}
    </div>
  </li>
);

const GROUPS = {
  done: { icon: "done", tone: "ok" },
  now: { icon: "train", tone: "accent" },
  next: { icon: "ring", tone: "quiet" },
} as const;

const Elapsed: FC<{ of: Deploy; overview: Overview; visitor: Visitor }> = ({
  of,
  overview,
  visitor,
}) => {
  const run = runOf(of, usualFor(overview.usual, of), visitor.clock.now);
  return (
    <>
      <span data-since={run.since} data-brief="">
        {brief(run.elapsed)}
      </span>
      {run.usual !== null && ` of about ${brief(run.usual)}`}
    </>
  );
};

const Running: FC<{ of: Deploy; overview: Overview; visitor: Visitor }> = ({
  of,
  overview,
  visitor,
}) => {
  const run = runOf(of, usualFor(overview.usual, of), visitor.clock.now);
  return (
    <div class="running" data-key={of.number}>
      <p class="titled-row">
        <Title of={of} />
      </p>
      <Facts of={of} />
      {of.reason !== null && <Reason mark={markOf(of.status)} it={reasonOf(of, visitor.clock)} />}
      {of.status !== "reconciling" && (
        <ul class="groups small">
          {run.groups.map((group) => (
            <li class={group.state === "now" ? "strong" : "quiet"}>
              <Icon name={GROUPS[group.state].icon} tone={GROUPS[group.state].tone} />
              {group.name === "health" ? "health checks" : group.name}{" "}
              <Length of={group} since={run.since} elapsed={run.elapsed} />
            </li>
          ))}
        </ul>
      )}
      <p class="links">
        {of.kind === "build" && of.deployment !== null && <a href={`${pathOf(of)}/log`}>Log</a>}
        <Ask to={`${pathOf(of)}/cancel`} visitor={visitor} kind="minor">
          Cancel…
        </Ask>
      </p>
    </div>
  );
};

const Length: FC<{ of: Group; since: number; elapsed: number }> = ({ of, since, elapsed }) => {
  const usual = of.usual === null ? null : brief(of.usual);
  if (of.state === "done") {
    return <>{brief((of.to ?? elapsed) - of.from)}</>;
  }
  if (of.state === "now") {
    return (
      <>
        <span data-since={since + of.from} data-brief="">
          {brief(elapsed - of.from)}
        </span>
        {usual !== null && ` of about ${usual}`}
      </>
    );
  }
  return <>{usual === null ? "" : `about ${usual}`}</>;
};

const Other: FC<{ of: External }> = ({ of }) => (
  <div class="running">
    <p>
      <bdi>{firstLine(of.commit_message) ?? "A deployment"}</bdi>
    </p>
    <p class="meta">
      {of.commit_hash !== null && (
        <>
          <code>{shortHash(of.commit_hash)}</code>{" "}
        </>
      )}
      <bdi>{visible(of.branch)}</bdi>, {targetText(of)}, started outside Signalbox
    </p>
  </div>
);

const Live: FC<{ of: Overview; visitor: Visitor }> = ({ of, visitor }) => {
  const { live, externals, domains } = of.project;
  const other = externals.find(({ ended_at: end }) => end !== null);
  const site = domains.length === 0 ? null : safeUrl(`https://${hostOf(of)}`);
  if (live === null && other === undefined) {
    return <p class="quiet">Nothing yet.</p>;
  }
  const at =
    live === null
      ? Date.parse(other?.ended_at ?? "")
      : Date.parse(live.ended_at ?? live.created_at);
  return (
    <>
      {live === null ? (
        <p>
          <bdi>{firstLine(other?.commit_message ?? null) ?? "A deployment of others"}</bdi>
        </p>
      ) : (
        <p class="titled-row">
          <Title of={live} />
        </p>
      )}
      <p class="meta">
        <code>{shortHash(live?.commit_hash ?? other?.commit_hash ?? null)}</code>{" "}
        <bdi>{visible(live?.branch ?? other?.branch ?? "")}</bdi>, since {moment(at, visitor.clock)}
      </p>
      {site !== null && (
        <p class="links">
          <a href={site} rel="noreferrer">
            Open site
          </a>
        </p>
      )}
    </>
  );
};
