import type { FC } from "hono/jsx";

import { askProject, type Api } from "../../api/context.ts";
import { numberAfter, page } from "../../api/pages.ts";
import { Problem } from "../../problem.ts";
import type { History } from "../../project/overview.ts";
import { Environment } from "../../project/policy.ts";
import { DeployStatus } from "../../project/shapes.ts";
import { show, Told } from "../frame.tsx";
import { nowOf } from "../model/now.ts";
import { visible } from "../model/text.ts";
import { duration } from "../model/time.ts";
import { markOf } from "../model/words.ts";
import { HistoryTable } from "../parts/history.tsx";
import { NowBand } from "../parts/now.tsx";
import { Action, Ask, ProjectHead } from "../parts/project.tsx";
import { Legend } from "../parts/bars.tsx";
import { admit, type Visitor } from "../visitor.ts";

const PAGE = 25;

interface Asked {
  readonly text: string | null;
  readonly branch: string | null;
  readonly environment: Environment | null;
  readonly status: DeployStatus | null;
}

export function notHere(): Problem {
  return new Problem("project_not_found", "No project of this name is registered here.");
}

export function projectRoutes(api: Api): void {
  api.get("/projects/:project", async (c) => {
    const visitor = await admit(c, "project");
    const query = c.req.query();
    const asked: Asked = {
      text: query["q"]?.slice(0, 200) || null,
      branch: query["branch"]?.slice(0, 255) || null,
      environment: Environment.safeParse(query["environment"]).data ?? null,
      status: DeployStatus.safeParse(query["status"]).data ?? null,
    };
    const before = numberAfter(query["cursor"]);
    const history = await askProject(c, (p) => p.history({ ...asked, before, limit: PAGE + 1 }));
    if (history === null) {
      throw notHere();
    }
    const { name } = history.project;
    const now = nowOf(history, visitor.clock);
    return show(c, {
      title: now.title === "" ? name : `${now.title} · ${name}`,
      reader: visitor,
      visitor,
      at: "projects",
      icon: now.icon,
      live: `/projects/${history.project.project}/live`,
      children: (
        <ProjectPage history={history} asked={asked} visitor={visitor} first={before === null} />
      ),
    });
  });
}

const ProjectPage: FC<{ history: History; asked: Asked; visitor: Visitor; first: boolean }> = ({
  history,
  asked,
  visitor,
  first,
}) => {
  const { project } = history;
  const href = `/projects/${project.project}`;
  const uploads = project.source === "direct_upload";
  const { items, next_cursor: next } = page(history.deploys, PAGE, ({ number }) => number);
  return (
    <>
      <ProjectHead
        project={project}
        tab="deploys"
        visitor={visitor}
        actions={
          <>
            {project.live !== null && (
              <Ask to={`${href}/rollback`} visitor={visitor}>
                Roll back…
              </Ask>
            )}
            <Ask to={`${href}/lock`} visitor={visitor} needs="manage">
              Lock…
            </Ask>
            {uploads ? (
              <a class="button primary" href={`${href}/upload`}>
                How to deploy
              </a>
            ) : (
              <Action
                to={`${href}/deploy`}
                visitor={visitor}
                kind="primary"
                values={{ once: crypto.randomUUID() }}
              >
                Deploy now
              </Action>
            )}
          </>
        }
      />
      <section class="band" aria-labelledby="now">
        <Told visitor={visitor} />
        <NowBand of={history} visitor={visitor} />
      </section>
      <section class="section" aria-labelledby="history">
        <div class="wide">
          <div class="sec-head">
            <h2 id="history">History</h2>
            <span class="meta">{weekText(history)}</span>
          </div>
          <div class="filter-row">
            <Filters history={history} asked={asked} />
            <Legend />
          </div>
          <p class="ended small" data-ended=""></p>
          <HistoryTable deploys={items} of={history} clock={visitor.clock} />
          {items.length === 0 && <p class="none">{empty(asked, first)}</p>}
          <p class="more-row">
            {next !== null && (
              <a class="button" href={`${href}?${queryOf(asked, next)}`}>
                Older
              </a>
            )}
            {!first && <a href={`${href}?${queryOf(asked, null)}`}>Newest</a>}
          </p>
        </div>
      </section>
    </>
  );
};

function weekText({ week }: History): string {
  const { deploys, failed, took_ms: took, waited_ms: waited } = week;
  const parts = [
    `7 days: ${deploys} ${deploys === 1 ? "deploy" : "deploys"}`,
    ...(took === null ? [] : [`usually ${duration(took)}`]),
    `${failed} failed`,
    ...(waited === null ? [] : [`waited ${duration(waited)} (median)`]),
  ];
  return parts.join(", ");
}

function empty(asked: Asked, first: boolean): string {
  const filtered = Object.values(asked).some((value) => value !== null);
  return filtered
    ? "No deploy is like that."
    : first
      ? "No deploy has ended yet."
      : "There is nothing older.";
}

function queryOf(asked: Asked, cursor: string | null): string {
  const { text, ...rest } = asked;
  const all = { q: text, ...rest, cursor };
  return new URLSearchParams(
    Object.entries(all).filter((each): each is [string, string] => each[1] !== null),
  ).toString();
}

const Filters: FC<{ history: History; asked: Asked }> = ({ history, asked }) => (
  <form class="filter" method="get" role="search">
    <input
      type="search"
      name="q"
      value={asked.text ?? ""}
      placeholder="Commit, message, author"
      aria-label="Commit, message, author"
    />
    <select name="branch" aria-label="Branch">
      <option value="">Any branch</option>
      {[...new Set([...history.branches, ...(asked.branch === null ? [] : [asked.branch])])].map(
        (branch) => (
          <option value={branch} selected={branch === asked.branch}>
            {visible(branch)}
          </option>
        ),
      )}
    </select>
    <select name="environment" aria-label="Target">
      <option value="">Any target</option>
      {Environment.options.map((each) => (
        <option value={each} selected={each === asked.environment}>
          {each}
        </option>
      ))}
    </select>
    <select name="status" aria-label="Outcome">
      <option value="">Any outcome</option>
      {(["succeeded", "failed", "timed_out", "canceled", "superseded", "skipped"] as const).map(
        (each) => (
          <option value={each} selected={each === asked.status}>
            {markOf(each).word}
          </option>
        ),
      )}
    </select>
    <button class="button" type="submit">
      Filter
    </button>
  </form>
);
