import type { Context } from "hono";
import type { FC } from "hono/jsx";

import { askProject, type Api, type AppEnv } from "../../api/context.ts";
import { Problem } from "../../problem.ts";
import type { ScheduleView } from "../../project/schedules.ts";
import type { ProjectView } from "../../project/shapes.ts";
import type { Ask as Asking } from "../ask.ts";
import { localized, visible } from "../model/text.ts";
import { moment } from "../model/time.ts";
import { markOf, outcomeMark } from "../model/words.ts";
import { Icon, Mark } from "../parts/mark.tsx";
import { Action, Ask, Csrf } from "../parts/project.tsx";
import { Say, Time } from "../parts/say.tsx";
import { follow, onForm, textOf } from "../posting.ts";
import { deletionPage, tabPage, viewOf } from "../tab-page.tsx";
import { admit, type Visitor } from "../visitor.ts";

export function scheduleRoutes(api: Api, ask: Asking): void {
  const base = "/projects/:project/schedules";
  const list = async (
    c: Context<AppEnv>,
    visitor: Visitor,
    wrong: string | null = null,
  ): Promise<Response> => {
    const project = await viewOf(c);
    const all = await askProject(c, (p) => p.schedules());
    const on = { project, tab: "schedules", title: "Schedules" } as const;
    const children = <List all={all} project={project} visitor={visitor} wrong={wrong} />;
    return tabPage(c, visitor, on, children, wrong === null ? 200 : 422);
  };

  api.get(base, async (c) => list(c, await admit(c, "project")));

  onForm(api, base, async (c, visitor, form) => {
    const branch = textOf(form, "branch");
    const body = {
      cron: textOf(form, "cron") ?? "",
      time_zone: textOf(form, "time_zone") ?? "UTC",
      ...(branch !== undefined && { branch }),
      skip_unchanged: form.get("skip_unchanged") === "on",
      missed: form.get("missed") === "skip" ? "skip" : "run_once",
    };
    const reply = await ask<ScheduleView>(c, visitor, "POST", "/schedules", body);
    const to = `/projects/${c.req.param("project")}/schedules`;
    return reply.ok
      ? follow(c, reply, { done: "The schedule is made.", not: "" }, to)
      : list(c, visitor, reply.detail);
  });

  api.get(`${base}/:id/remove`, async (c) => {
    const visitor = await admit(c, "project");
    const project = await viewOf(c);
    const schedule = await askProject(c, (p) => p.schedule(c.req.param("id")));
    if (schedule === null) {
      throw new Problem("schedule_not_found", "There is no such schedule in this project.");
    }
    return deletionPage(
      c,
      visitor,
      { project, tab: "schedules", title: "Delete this schedule?" },
      {
        facts: [
          ["It was", [schedule.cron ?? "once", ", ", { foreign: schedule.branch }]],
          ["Then", ["It asks for no more deploys. Those that it asked for go on."]],
        ],
        button: "Delete schedule",
        keep: "Keep the schedule",
      },
      `/projects/${project.project}/schedules`,
    );
  });

  onForm(api, `${base}/:id/:action`, async (c, visitor) => {
    const to = `/projects/${c.req.param("project")}/schedules`;
    const one = `/schedules/${encodeURIComponent(c.req.param("id") ?? "")}`;
    const action = c.req.param("action");
    if (action === "remove") {
      const reply = await ask<null>(c, visitor, "DELETE", one);
      return follow(c, reply, { done: "The schedule is deleted.", not: "Not deleted" }, to);
    }
    if (action !== "pause" && action !== "resume") {
      throw new Problem("not_found", "There is nothing at this address.");
    }
    const reply = await ask<unknown>(c, visitor, "PATCH", one, { paused: action === "pause" });
    const done = action === "pause" ? "The schedule is paused." : "The schedule runs again.";
    return follow(c, reply, { done, not: "Nothing changed" }, to);
  });
}

const List: FC<{
  all: readonly ScheduleView[];
  project: ProjectView;
  visitor: Visitor;
  wrong: string | null;
}> = ({ all, project, visitor, wrong }) => {
  const path = `/projects/${project.project}/schedules`;
  return (
    <div class="wide cols section">
      <section aria-label="Schedules">
        {all.length === 0 && <p class="none">Nothing is deployed by the clock.</p>}
        <ul class="list">
          {all.map((each) => (
            <li>
              <Schedule of={each} visitor={visitor} />
              {visitor.may("manage") && (
                <span class="actions">
                  <Action
                    to={`${path}/${each.id}/${each.paused ? "resume" : "pause"}`}
                    visitor={visitor}
                    needs="manage"
                  >
                    {each.paused ? "Resume" : "Pause"}
                  </Action>
                  <Ask
                    to={`${path}/${each.id}/remove`}
                    visitor={visitor}
                    needs="manage"
                    kind="danger"
                  >
                    Delete…
                  </Ask>
                </span>
              )}
            </li>
          ))}
        </ul>
      </section>
      {visitor.may("manage") && project.source === "git" && (
        <section aria-labelledby="add">
          <h2 id="add">Add a schedule</h2>
          {wrong !== null && (
            <p class="told" role="alert">
              <Icon name="failed" tone="bad" />
              <span>{wrong}</span>
            </p>
          )}
          <form class="stack" method="post" action={path}>
            <Csrf visitor={visitor} />
            <label>
              Cron: minute, hour, day, month, weekday
              <input
                type="text"
                name="cron"
                required
                maxlength={100}
                placeholder="30 6 * * 1-5"
                spellcheck={false}
              />
            </label>
            <label>
              Time zone
              <input
                type="text"
                name="time_zone"
                value={visitor.clock.zone}
                maxlength={64}
                spellcheck={false}
              />
            </label>
            <label>
              Branch
              <input
                type="text"
                name="branch"
                placeholder={project.production_branch}
                maxlength={255}
                spellcheck={false}
              />
            </label>
            <label>
              Times that were missed
              <select name="missed">
                <option value="run_once">are made up for by one deploy</option>
                <option value="skip">are skipped</option>
              </select>
            </label>
            <label class="check">
              <input type="checkbox" name="skip_unchanged" /> Only when something has changed
            </label>
            <p>
              <button class="button primary" type="submit">
                Add
              </button>
            </p>
          </form>
        </section>
      )}
    </div>
  );
};

const Schedule: FC<{ of: ScheduleView; visitor: Visitor }> = ({ of, visitor }) => {
  const { clock } = visitor;
  const zone = of.time_zone !== null && of.time_zone !== clock.zone ? ` in ${of.time_zone}` : "";
  const next = of.next_runs.slice(0, 3).map((at) => moment(Date.parse(at), clock));
  return (
    <div>
      <p>
        {of.paused && <Mark of={{ ...markOf("canceled"), word: "paused" }} />}{" "}
        {of.at === null ? (
          <>
            <code>{of.cron}</code>
            {zone}
          </>
        ) : (
          <>
            Once, <Time at={of.at} clock={clock} />
          </>
        )}
        , <bdi>{visible(of.branch)}</bdi>
      </p>
      <p class="meta">
        {next.length > 0 ? `Next: ${next.join("; ")}.` : "It runs no more."}
        {of.skip_unchanged && " Only when something has changed."}
      </p>
      {of.last_run_at !== null && (
        <p class="meta reason">
          <Icon name={outcomeMark(of.last_outcome ?? "").icon} tone="quiet" />
          <span>
            Last <Time at={of.last_run_at} clock={clock} />: {of.last_outcome}.{" "}
            {of.last_reason !== null && (
              <Say it={localized(of.last_reason, null, clock, Date.parse(of.last_run_at))} />
            )}
          </span>
        </p>
      )}
    </div>
  );
};
