import type { Context } from "hono";
import type { FC } from "hono/jsx";

import { askProject, type Api, type AppEnv } from "../../api/context.ts";
import { Problem } from "../../problem.ts";
import type { DeliveryView } from "../../project/deliveries.ts";
import type { SubscriberView } from "../../project/subscribers.ts";
import type { Ask as Asking } from "../ask.ts";
import { visible } from "../model/text.ts";
import { since } from "../model/time.ts";
import { failing, markOf } from "../model/words.ts";
import { answerText, DELIVERY_MARKS, hostIn } from "../parts/deliveries.tsx";
import { Icon, Mark } from "../parts/mark.tsx";
import { Action, CopyField, Csrf } from "../parts/project.tsx";
import { Time } from "../parts/say.tsx";
import { follow, linesOf, onForm, textOf } from "../posting.ts";
import { tabPage, viewOf } from "../tab-page.tsx";
import { admit, type Visitor } from "../visitor.ts";

const SHOWN = 50;

export function subscriberRoutes(api: Api, ask: Asking): void {
  const base = "/projects/:project/subscribers";
  const list = async (
    c: Context<AppEnv>,
    visitor: Visitor,
    more: { wrong?: string; secret?: string } = {},
  ): Promise<Response> => {
    const project = await viewOf(c);
    const all = await askProject(c, (p) => p.subscribers());
    return tabPage(
      c,
      visitor,
      { project, tab: "subscribers", title: "Subscribers" },
      <List all={all} project={project.project} visitor={visitor} more={more} />,
      more.wrong === undefined ? 200 : 422,
    );
  };

  api.get(base, async (c) => list(c, await admit(c, "project")));

  onForm(api, base, async (c, visitor, form) => {
    const events = linesOf(form, "events");
    const body = { url: textOf(form, "url") ?? "", events: events.length === 0 ? ["*"] : events };
    const reply = await ask<{ secret: string }>(c, visitor, "POST", "/subscribers", body);
    return list(c, visitor, reply.ok ? { secret: reply.value.secret } : { wrong: reply.detail });
  });

  api.get(`${base}/:id`, async (c) => {
    const visitor = await admit(c, "project");
    const project = await viewOf(c);
    const id = c.req.param("id");
    const subscriber = await askProject(c, (p) => p.subscriber(id));
    if (subscriber === null) {
      throw new Problem("subscriber_not_found", "There is no such subscriber in this project.");
    }
    const deliveries = await askProject(c, (p) =>
      p.deliveries(id, { before: null, state: null, limit: SHOWN }),
    );
    return tabPage(
      c,
      visitor,
      { project, tab: "subscribers", title: hostIn(subscriber.url) },
      <One of={subscriber} deliveries={deliveries} project={project.project} visitor={visitor} />,
    );
  });

  onForm(api, `${base}/:id/:action`, async (c, visitor) => {
    const id = encodeURIComponent(c.req.param("id") ?? "");
    const all = `/projects/${c.req.param("project")}/subscribers`;
    const one = `${all}/${id}`;
    switch (c.req.param("action")) {
      case "test":
        return follow(
          c,
          await ask<unknown>(c, visitor, "POST", `/subscribers/${id}/test`),
          {
            done: "A test event is on its way. Its delivery is listed below when it was tried.",
            not: "Not sent",
          },
          one,
        );
      case "pause":
        return follow(
          c,
          await ask<unknown>(c, visitor, "PATCH", `/subscribers/${id}`, { state: "paused" }),
          { done: "Paused. Its events are kept for it.", not: "Nothing changed" },
          one,
        );
      case "resume":
        return follow(
          c,
          await ask<unknown>(c, visitor, "PATCH", `/subscribers/${id}`, { state: "active" }),
          { done: "Active. Delivery starts at once.", not: "Nothing changed" },
          one,
        );
      case "remove":
        return follow(
          c,
          await ask<null>(c, visitor, "DELETE", `/subscribers/${id}`),
          { done: "The subscriber is deleted.", not: "Not deleted" },
          all,
        );
      default:
        throw new Problem("not_found", "There is nothing at this address.");
    }
  });
}

const State: FC<{ of: SubscriberView; visitor: Visitor }> = ({ of, visitor }) =>
  of.state === "disabled" ? (
    <Mark of={{ ...markOf("failed"), word: "switched off" }} />
  ) : of.state === "paused" ? (
    <Mark of={{ ...markOf("canceled"), word: "paused" }} />
  ) : of.failing_since === null ? (
    <Mark of={{ ...markOf("succeeded"), word: "active" }} />
  ) : (
    <Mark
      of={failing(true)}
      word={`failing for ${since(Date.parse(of.failing_since), visitor.clock)}`}
    />
  );

const List: FC<{
  all: readonly SubscriberView[];
  project: string;
  visitor: Visitor;
  more: { wrong?: string; secret?: string };
}> = ({ all, project, visitor, more }) => {
  const path = `/projects/${project}/subscribers`;
  return (
    <div class="wide cols section">
      <section aria-label="Subscribers">
        {more.secret !== undefined && (
          <div class="panel stack" role="status">
            <p>It hears of everything from now on. This is its signing secret:</p>
            <CopyField value={more.secret} label="Signing secret" />
            <p class="once reason">
              <Icon name="lock" tone="wait" />
              <span>The secret is shown now and never again.</span>
            </p>
          </div>
        )}
        {all.length === 0 && <p class="none">Nobody is told of events yet.</p>}
        <ul class="list">
          {all.map((each) => (
            <li>
              <span>
                <a class="strong" href={`${path}/${each.id}`}>
                  <bdi>{hostIn(each.url)}</bdi>
                </a>
                <span class="meta block">
                  {each.events.join(", ")}
                  {each.waiting > 0 && `; ${each.waiting} to be delivered`}
                </span>
              </span>
              <State of={each} visitor={visitor} />
            </li>
          ))}
        </ul>
      </section>
      {visitor.may("manage") && (
        <section aria-labelledby="add">
          <h2 id="add">Add a subscriber</h2>
          {more.wrong !== undefined && (
            <p class="told" role="alert">
              <Icon name="failed" tone="bad" />
              <span>{more.wrong}</span>
            </p>
          )}
          <form class="stack" method="post" action={path}>
            <Csrf visitor={visitor} />
            <label>
              URL that events are posted to
              <input type="url" name="url" required maxlength={2048} placeholder="https://" />
            </label>
            <label>
              Events, one a line
              <textarea name="events" rows={3} spellcheck={false}>
                *
              </textarea>
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

const One: FC<{
  of: SubscriberView;
  deliveries: readonly DeliveryView[];
  project: string;
  visitor: Visitor;
}> = ({ of, deliveries, project, visitor }) => {
  const path = `/projects/${project}/subscribers/${of.id}`;
  return (
    <section class="wide section" aria-labelledby="deliveries">
      <p>
        <State of={of} visitor={visitor} /> <span class="meta">{of.waiting} to be delivered</span>
      </p>
      <div class="actions section">
        <Action to={`${path}/test`} visitor={visitor} needs="manage" kind="primary">
          Send a test event
        </Action>
        {visitor.may("manage") && (
          <>
            <Action
              to={`${path}/${of.state === "active" && of.failing_since === null ? "pause" : "resume"}`}
              visitor={visitor}
              needs="manage"
            >
              {of.state === "active" && of.failing_since === null ? "Pause" : "Try again now"}
            </Action>
            <Action to={`${path}/remove`} visitor={visitor} needs="manage" kind="danger">
              Delete subscriber
            </Action>
          </>
        )}
      </div>
      <h2 class="section" id="deliveries">
        Deliveries
      </h2>
      {deliveries.length === 0 ? (
        <p class="none">Nothing was sent yet.</p>
      ) : (
        <table class="deliveries stacked" role="table">
          <thead role="rowgroup">
            <tr role="row">
              {["State", "Event", "Attempts", "Last answer", "Last attempt", "Next attempt"].map(
                (text) => (
                  <th scope="col" role="columnheader">
                    {text}
                  </th>
                ),
              )}
            </tr>
          </thead>
          <tbody role="rowgroup">
            {deliveries.map((each) => (
              <>
                <tr
                  role="row"
                  class={!each.response || each.state === "delivered" ? undefined : "joined"}
                >
                  <td role="cell">
                    <Mark of={DELIVERY_MARKS[each.state]} />
                  </td>
                  <td role="cell">
                    <code>{each.event_type}</code>
                  </td>
                  <td role="cell">{each.attempts}</td>
                  <td role="cell">
                    {answerText({ status: each.status, error: each.error, ms: each.duration_ms })}
                  </td>
                  <td role="cell">
                    <Time at={each.last_attempt_at} clock={visitor.clock} seconds />
                  </td>
                  <td role="cell">
                    {each.next_attempt_at !== null && (
                      <Time at={each.next_attempt_at} clock={visitor.clock} seconds />
                    )}
                  </td>
                </tr>
                {each.response && each.state !== "delivered" && (
                  <tr role="row" class="why">
                    <td role="cell"></td>
                    <td role="cell" colspan={5}>
                      <code>
                        <bdi>{visible(each.response).slice(0, 300)}</bdi>
                      </code>
                    </td>
                  </tr>
                )}
              </>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
};
