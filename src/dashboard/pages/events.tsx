import type { Context } from "hono";
import type { FC } from "hono/jsx";

import { askProject, type Api, type AppEnv } from "../../api/context.ts";
import { callProject } from "../../call.ts";
import type { Deploy, Event } from "../../project/shapes.ts";
import { visitProjects } from "../../walk.ts";
import { Head, show } from "../frame.tsx";
import { person, visible } from "../model/text.ts";
import { dayHead, toTheSecond, type Clock } from "../model/time.ts";
import { Time } from "../parts/say.tsx";
import { tabPage, viewOf } from "../tab-page.tsx";
import { admit, admitToInstance } from "../visitor.ts";

const PAGE = 100;
const OF_EACH = 200;

/** What happened, to one project and to all: the events themselves, which nobody can change. */
export function eventRoutes(api: Api): void {
  api.get("/projects/:project/events", async (c) => {
    const visitor = await admit(c, "project");
    const project = await viewOf(c);
    const asked = Number(c.req.query("before") ?? "");
    const before = Number.isSafeInteger(asked) && asked > 0 ? asked : null;
    const events = await askProject(c, (p) => p.newestEvents(before, PAGE));
    const last = events.at(-1)?.sequence ?? 1;
    const children = (
      <section class="wide section" aria-label="Events">
        <Events of={events} clock={visitor.clock} all={false} />
        {last > 1 && events.length === PAGE && (
          <p class="more-row">
            <a class="button" href={`/projects/${project.project}/events?before=${last}`}>
              Older
            </a>
          </p>
        )}
      </section>
    );
    return tabPage(c, visitor, { project, tab: "events", title: "Events" }, children);
  });

  api.get("/audit", async (c) => {
    const visitor = await admitToInstance(c);
    const events = await newest(c);
    const children = (
      <>
        <Head
          title="Audit log"
          under="What happened in all projects, newest first, but for the stages of builds. Each project's own page goes further back."
        />
        <section class="wide section" aria-label="Events">
          <Events of={events} clock={visitor.clock} all />
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

async function newest(c: Context<AppEnv>): Promise<Event[]> {
  const found: Event[] = [];
  await visitProjects(c.env, async ({ key }) => {
    const events = await callProject(c.env, key, (p) => p.newestEvents(null, OF_EACH));
    // Of stages there are ten for each deploy, and nobody did them.
    found.push(...events.filter(({ type }) => type !== "deploy.stage"));
  });
  return found
    .sort((a, b) => Date.parse(b.timestamp) - Date.parse(a.timestamp) || b.sequence - a.sequence)
    .slice(0, PAGE * 2);
}

const Events: FC<{ of: readonly Event[]; clock: Clock; all: boolean }> = ({ of, clock, all }) =>
  of.length === 0 ? (
    <p class="none">Nothing has happened yet.</p>
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
