import type { Context } from "hono";
import type { FC } from "hono/jsx";

import { askProject, type Api, type AppEnv } from "../../api/context.ts";
import { badCursor, numberAfter, page, textAfter } from "../../api/pages.ts";
import { callProject } from "../../call.ts";
import type { Deploy, Event } from "../../project/shapes.ts";
import { visitProjects } from "../../walk.ts";
import { Head, show } from "../frame.tsx";
import { goesOn, newestOf, readPlace, writePlace, type Entry, type Place } from "../model/audit.ts";
import { person, visible } from "../model/text.ts";
import { dayHead, toTheSecond, type Clock } from "../model/time.ts";
import { Time } from "../parts/say.tsx";
import { tabPage, viewOf } from "../tab-page.tsx";
import { admit, admitToInstance } from "../visitor.ts";

const PAGE = 100;

/** What a type has before its dot, and what people call those. */
const KINDS = [
  ["deploy", "Deploys"],
  ["external", "Deployments of others"],
  ["project", "Project"],
  ["hook", "Hooks"],
  ["subscriber", "Subscribers"],
] as const;

interface Asked {
  readonly kind: (typeof KINDS)[number][0] | null;
  /** A deploy's number. */
  readonly deploy: number | null;
}

/** What happened, to one project and to all: the events themselves, which nobody can change. */
export function eventRoutes(api: Api): void {
  api.get("/projects/:project/events", async (c) => {
    const visitor = await admit(c, "project");
    const project = await viewOf(c);
    const asked = askedIn(c);
    const before = numberAfter(c.req.query("cursor"));
    const events = await eventsOf(c, asked, before);
    const { items, next_cursor: next } = page(events, PAGE, ({ sequence }) => sequence);
    const children = (
      <section class="wide section" aria-label="Events">
        <div class="filter-row">
          <Kinds asked={asked} path={`/projects/${project.project}/events`} />
          <form class="filter" method="get" role="search">
            {asked.kind !== null && <input type="hidden" name="kind" value={asked.kind} />}
            <input
              type="number"
              name="deploy"
              min={1}
              value={String(asked.deploy ?? "")}
              placeholder="Of deploy number"
              aria-label="Of deploy number"
            />
            <button class="button" type="submit">
              Filter
            </button>
          </form>
        </div>
        <Events
          of={items}
          clock={visitor.clock}
          all={false}
          none={emptyText(asked, before === null)}
        />
        <More asked={asked} next={next} first={before === null} />
      </section>
    );
    return tabPage(c, visitor, { project, tab: "events", title: "Events" }, children);
  });

  api.get("/audit", async (c) => {
    const visitor = await admitToInstance(c);
    const asked = { ...askedIn(c), deploy: null };
    const place = placeIn(c);
    const entries = await newest(c, asked, place);
    const { items, next_cursor: next } = page(entries, PAGE, writePlace);
    const children = (
      <>
        <Head
          title="Audit log"
          under="What happened in all projects, newest first, but for the stages of builds. Events are kept for 30 days."
        />
        <section class="wide section" aria-label="Events">
          <Kinds asked={asked} path="/audit" />
          <Events
            of={items.map(({ event }) => event)}
            clock={visitor.clock}
            all
            none={emptyText(asked, place === null)}
          />
          <More asked={asked} next={next} first={place === null} />
        </section>
      </>
    );
    return show(c, {
      title: "Audit log · Signalbox",
      reader: visitor,
      visitor,
      at: "audit",
      children,
    });
  });
}

function askedIn(c: Context<AppEnv>): Asked {
  const deploy = c.req.query("deploy") ?? "";
  return {
    kind: KINDS.find(([kind]) => kind === c.req.query("kind"))?.[0] ?? null,
    deploy: /^[1-9]\d{0,11}$/.test(deploy) ? Number(deploy) : null,
  };
}

function placeIn(c: Context<AppEnv>): Place | null {
  const text = textAfter(c.req.query("cursor"));
  const place = readPlace(text);
  if (text !== "" && place === null) {
    throw badCursor();
  }
  return place;
}

/** One more than a page of the project in the path. */
async function eventsOf(
  c: Context<AppEnv>,
  { kind, deploy: number }: Asked,
  before: number | null,
): Promise<Event[]> {
  const asked = { before, until: null, kind, stages: true, limit: PAGE + 1 };
  if (number === null) {
    return askProject(c, (p) => p.newestEvents({ ...asked, deploy: null }));
  }
  const story = await askProject(c, (p) => p.story(number));
  return story === null
    ? []
    : askProject(c, (p) => p.newestEvents({ ...asked, deploy: story.deploy.id }));
}

/** One more than a page of all projects, of which no more than that is ever held. */
async function newest(c: Context<AppEnv>, { kind }: Asked, place: Place | null): Promise<Entry[]> {
  let found: Entry[] = [];
  await visitProjects(c.env, async ({ key }) => {
    // Of stages there are ten for each deploy, and nobody did them.
    const asked = { ...goesOn(place, key), kind, deploy: null, stages: false, limit: PAGE + 1 };
    const events = await callProject(c.env, key, (p) => p.newestEvents(asked));
    found = newestOf([...found, ...events.map((event) => ({ key, event }))], PAGE + 1);
  });
  return found;
}

function queryOf({ kind, deploy }: Asked, cursor: string | null): string {
  const all = { kind, deploy: deploy === null ? null : String(deploy), cursor };
  const query = new URLSearchParams(
    Object.entries(all).filter((each): each is [string, string] => each[1] !== null),
  ).toString();
  return query === "" ? "" : `?${query}`;
}

function emptyText(asked: Asked, first: boolean): string {
  return asked.kind !== null || asked.deploy !== null
    ? "Nothing like that has happened in the last 30 days."
    : first
      ? "Nothing has happened yet."
      : "There is nothing older.";
}

const Kinds: FC<{ asked: Asked; path: string }> = ({ asked, path }) => (
  <nav class="filters" aria-label="Which events">
    {([[null, "All"], ...KINDS] as const).map(([kind, text]) => (
      <a
        href={`${path}${queryOf({ ...asked, kind }, null)}`}
        {...(kind === asked.kind ? { "aria-current": "true" as const } : {})}
      >
        {text}
      </a>
    ))}
  </nav>
);

const More: FC<{ asked: Asked; next: string | null; first: boolean }> = ({
  asked,
  next,
  first,
}) => (
  <p class="more-row">
    {next !== null && (
      <a class="button" href={queryOf(asked, next)}>
        Older
      </a>
    )}
    {!first && <a href={queryOf(asked, null) || "?"}>Newest</a>}
  </p>
);

const Events: FC<{ of: readonly Event[]; clock: Clock; all: boolean; none: string }> = ({
  of,
  clock,
  all,
  none,
}) =>
  of.length === 0 ? (
    <p class="none">{none}</p>
  ) : (
    <table class="events stacked" role="table">
      <thead role="rowgroup">
        <tr role="row">
          {["When", ...(all ? ["Project"] : []), "No.", "Event", "What", "By"].map((text) => (
            <th scope="col" role="columnheader" class={text === "No." ? "end" : undefined}>
              {text}
            </th>
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup">
        {of.map((event) => {
          const at = Date.parse(event.timestamp);
          return (
            <tr role="row">
              <td role="cell">
                <Time
                  at={at}
                  clock={clock}
                  text={`${dayHead(at, clock).split(",")[0]} ${toTheSecond(at, clock)}`}
                />
              </td>
              {all && (
                <td role="cell">
                  <a href={`/projects/${event.project}`}>{event.project}</a>
                </td>
              )}
              <td role="cell" class="c-no num end">
                {event.sequence}
              </td>
              <td role="cell">
                <code>{event.type}</code>
              </td>
              <td role="cell">
                <What of={event} />
              </td>
              <td role="cell">
                <bdi>{actorOf(event)}</bdi>
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );

const What: FC<{ of: Event }> = ({ of }) => {
  const deploy = of.data["deploy"] as Deploy | undefined;
  const lock = of.data["lock"] as { reason?: string; environment?: string | null } | undefined;
  if (deploy !== undefined) {
    const stage = of.data["stage"] as { name: string; status: string } | undefined;
    return (
      <>
        <a href={`/projects/${of.project}/deploys/${deploy.number}`}>#{deploy.number}</a>{" "}
        <bdi>{visible(deploy.branch)}</bdi>
        {stage !== undefined && `, ${visible(stage.name)}: ${visible(stage.status)}`}
        {stage === undefined && deploy.reason !== null && (
          <>
            . <bdi>{visible(deploy.reason)}</bdi>
          </>
        )}
      </>
    );
  }
  const text = lock?.reason ?? of.data["reason"] ?? of.data["environment"] ?? "";
  return <bdi>{typeof text === "string" ? visible(text).slice(0, 300) : ""}</bdi>;
};

function actorOf({ type, data }: Event): string {
  const lock = data["lock"] as { holder?: string } | undefined;
  const deploy = data["deploy"] as Deploy | undefined;
  const by = data["by"] ?? (type === "deploy.queued" ? deploy?.trigger.actor : lock?.holder);
  return typeof by === "string" ? person(by) : "";
}
