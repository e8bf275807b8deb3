import type { Context } from "hono";
import type { FC } from "hono/jsx";

import { callProject } from "../../call.ts";
import type { Api, AppEnv } from "../../api/context.ts";
import type { Overview } from "../../project/overview.ts";
import { visitProjects } from "../../walk.ts";
import { askInstance, keyNamed } from "../../api/context.ts";
import { Head, show, Told } from "../frame.tsx";
import { lineOf } from "../model/line.ts";
import { called, hostOf } from "../model/now.ts";
import { needsOf, tellingOf } from "../model/row.ts";
import { firstLine, visible } from "../model/text.ts";
import { moment, since, type Clock } from "../model/time.ts";
import { triggerText } from "../model/words.ts";
import { Line } from "../parts/line.tsx";
import { Icon } from "../parts/mark.tsx";
import { Reason, Say } from "../parts/say.tsx";
import { admit, type Visitor } from "../visitor.ts";

const FILTERS = [
  ["all", "All"],
  ["running", "Running"],
  ["waiting", "Waiting"],
  ["needs", "Needs you"],
] as const;
type Filter = (typeof FILTERS)[number][0];

export function overviewRoutes(api: Api): void {
  api.get("/", async (c) => {
    const visitor = await admit(c, "instance");
    const all = await overviews(c, visitor);
    if (all.length === 0 && visitor.only === null) {
      return c.redirect("/register", 303);
    }
    const asked = c.req.query("show") ?? "all";
    const filter = FILTERS.find(([name]) => name === asked)?.[0] ?? "all";
    const budgets = await askInstance(c, (instance) => instance.budgets());
    return show(c, {
      title: "Projects · Signalbox",
      reader: visitor,
      visitor,
      at: "projects",
      live: "/live",
      foot: budgets.map(
        ({ owner, level, blocked_until: until }) =>
          `Cloudflare API${budgets.length === 1 ? "" : `, ${visible(owner)}`}: ${
            until === null || until <= visitor.clock.now
              ? `room for ${Math.floor(level)} more calls now`
              : `no calls until ${moment(until, visitor.clock, true)}`
          }`,
      ),
      children: <OverviewPage all={all} filter={filter} visitor={visitor} />,
    });
  });
}

/** By name, and those that can't be asked left out. */
async function overviews(c: Context<AppEnv>, visitor: Visitor): Promise<Overview[]> {
  const found: Overview[] = [];
  const read = async (key: string): Promise<void> => {
    const overview = await callProject(c.env, key, (project) => project.overview());
    if (overview !== null) {
      found.push(overview);
    }
  };
  if (visitor.only === null) {
    await visitProjects(c.env, ({ key }) => read(key));
  } else {
    for (const project of visitor.only) {
      await read(keyNamed(c, project));
    }
  }
  return found.sort((a, b) => (a.project.project < b.project.project ? -1 : 1));
}

function matches(overview: Overview, filter: Filter, clock: Clock): boolean {
  const { running, waiting } = overview.project;
  return filter === "running"
    ? running.length > 0
    : filter === "waiting"
      ? waiting.length > 0
      : filter === "needs"
        ? needsOf(overview, clock).length > 0
        : true;
}

const OverviewPage: FC<{ all: readonly Overview[]; filter: Filter; visitor: Visitor }> = ({
  all,
  filter,
  visitor,
}) => {
  const { clock } = visitor;
  const rows = all.filter((each) => matches(each, filter, clock));
  const filters = (
    <nav class="filters" aria-label="Which projects">
      {FILTERS.map(([name, text]) => (
        <a
          href={name === "all" ? "/" : `/?show=${name}`}
          {...(name === filter ? { "aria-current": "true" as const } : {})}
        >
          {text} {all.filter((each) => matches(each, name, clock)).length}
        </a>
      ))}
    </nav>
  );
  return (
    <>
      <Head
        title="Projects"
        beside={filters}
        actions={
          visitor.only === null && visitor.may("manage") ? (
            <a class="button" href="/register">
              Register a project
            </a>
          ) : undefined
        }
      />
      <Told visitor={visitor} />
      <section class="band flush" aria-label="Projects">
        <div class="wide">
          <table class="projects" role="table">
            <thead role="rowgroup">
              <tr role="row">
                <th scope="col" role="columnheader" class="c-name">
                  Project
                </th>
                <th scope="col" role="columnheader" class="c-line">
                  <span class="zones">
                    <span>Waiting</span>
                    <span>Running</span>
                  </span>
                </th>
                <th scope="col" role="columnheader" class="c-live">
                  Live in production
                </th>
                <th scope="col" role="columnheader" class="c-needs">
                  Needs you
                </th>
              </tr>
            </thead>
            <tbody role="rowgroup" data-stays="">
              {rows.map((overview) => (
                <Row of={overview} clock={clock} />
              ))}
            </tbody>
          </table>
          {rows.length === 0 && <p class="none">No project is so at the moment.</p>}
        </div>
      </section>
    </>
  );
};

const Row: FC<{ of: Overview; clock: Clock }> = ({ of, clock }) => {
  const { project } = of;
  const href = `/projects/${project.project}`;
  const { mark, text } = tellingOf(of, clock);
  return (
    <tr role="row" data-key={project.project}>
      <th scope="row" role="rowheader" class="c-name">
        <a class="name" href={href}>
          {project.project}
        </a>
        <span class="meta">{hostOf(of)}</span>
      </th>
      <td role="cell" class="c-line">
        <Line of={lineOf(of, null, clock.now)} />
        <div class={mark === null ? "telling quiet" : "telling"}>
          <Reason mark={mark} it={text} />
          {mark === null &&
            project.live === null &&
            project.externals.length === 0 &&
            project.source === "git" && (
              <p>
                <a href={`${href}/hooks/new`}>Add a hook</a> or{" "}
                <a href={href}>deploy {project.production_branch} now</a>.
              </p>
            )}
        </div>
      </td>
      <td role="cell" class="c-live">
        <Live of={of} clock={clock} />
      </td>
      <td role="cell" class="c-needs">
        {needsOf(of, clock).map((need) => (
          <div class="need">
            <Icon name={need.mark.icon} tone={need.mark.tone} />
            <div>
              <p class={`word-${need.mark.tone} strong`}>
                <Say it={need.head} />
              </p>
              <p class="second">
                <Say it={need.more} />
              </p>
            </div>
          </div>
        ))}
      </td>
    </tr>
  );
};

const Live: FC<{ of: Overview; clock: Clock }> = ({ of, clock }) => {
  const { live, externals } = of.project;
  if (live === null) {
    const other = externals.find(({ ended_at: end }) => end !== null);
    return <p class="quiet">{other === undefined ? "Nothing yet" : "A deployment of others"}</p>;
  }
  const at = Date.parse(live.ended_at ?? live.created_at);
  const long = clock.now - at > 86_400_000;
  return (
    <>
      <p class="change">
        <Say it={[called(live)]} /> <bdi>{firstLine(live.commit_message) ?? "No message"}</bdi>
      </p>
      <p class="meta">
        {live.kind === "rollback" ? "live again for " : long ? "live since " : "live for "}
        {long && live.kind !== "rollback" ? moment(at, clock) : since(at, clock)}
        {live.kind === "rollback" ? (
          ", after a rollback"
        ) : (
          <>
            , <bdi>{triggerText(live.trigger)}</bdi>
          </>
        )}
      </p>
    </>
  );
};
