import type { Context } from "hono";
import type { FC } from "hono/jsx";

import { askProject, type Api, type AppEnv } from "../../api/context.ts";
import { numberAfter, page } from "../../api/pages.ts";
import { DeliveryState } from "../../api/schemas.ts";
import { SubscriberKind } from "../../notify/kinds.ts";
import { Problem } from "../../problem.ts";
import type { SubscriberView } from "../../project/subscribers.ts";
import type { Ask as Asking } from "../ask.ts";
import { DELIVERY_MARKS, hostIn } from "../parts/deliveries.tsx";
import { Icon } from "../parts/mark.tsx";
import { KIND_TITLES, NewSubscriber, subscriberIn } from "../parts/new-subscriber.tsx";
import { CopyField } from "../parts/project.tsx";
import { Time } from "../parts/say.tsx";
import {
  SubscriberDeliveries,
  SubscriberFacts,
  SubscriberForms,
  SubscriberState,
} from "../parts/subscriber.tsx";
import { follow, onForm, textOf } from "../posting.ts";
import { deletionPage, tabPage, viewOf } from "../tab-page.tsx";
import { admit, type Visitor } from "../visitor.ts";

const SHOWN = 25;
const HOUR_MS = 3_600_000;

export function subscriberRoutes(api: Api, ask: Asking): void {
  const base = "/projects/:project/subscribers";

  const list = async (
    c: Context<AppEnv>,
    visitor: Visitor,
    made?: { secret: string | null },
  ): Promise<Response> => {
    const project = await viewOf(c);
    const all = await askProject(c, (p) => p.subscribers());
    const on = { project, tab: "subscribers", title: "Subscribers", live: true } as const;
    return tabPage(
      c,
      visitor,
      on,
      <List all={all} project={project.project} visitor={visitor} made={made} />,
    );
  };
  api.get(base, async (c) => list(c, await admit(c, "project")));

  const create = async (
    c: Context<AppEnv>,
    visitor: Visitor,
    kind: SubscriberKind | null,
    refused?: { form: URLSearchParams; wrong: string },
  ): Promise<Response> => {
    const project = await viewOf(c);
    const title = kind === null ? "A new subscriber" : `A subscriber: ${KIND_TITLES[kind]}`;
    return tabPage(
      c,
      visitor,
      { project, tab: "subscribers", title },
      <NewSubscriber
        project={project.project}
        visitor={visitor}
        kind={kind}
        form={refused?.form}
        wrong={refused?.wrong}
      />,
      refused === undefined ? 200 : 422,
    );
  };
  api.get(`${base}/new`, async (c) =>
    create(c, await admit(c, "project"), kindOf(c.req.query("kind"))),
  );

  onForm(api, base, async (c, visitor, form) => {
    const asked = subscriberIn(form);
    const reply = await ask<{ secret: string | null }>(c, visitor, "POST", "/subscribers", asked);
    return reply.ok
      ? list(c, visitor, reply.value)
      : create(c, visitor, kindOf(form.get("kind") ?? "webhook"), { form, wrong: reply.detail });
  });

  const one = async (
    c: Context<AppEnv>,
    visitor: Visitor,
    rotated: { secret: string } | null = null,
  ): Promise<Response> => {
    const project = await viewOf(c);
    const subscriber = await subscriberOf(c);
    const { id } = subscriber;
    const before = numberAfter(c.req.query("cursor"));
    const state = DeliveryState.safeParse(c.req.query("state")).data ?? null;
    const rows = await askProject(c, (p) => p.deliveries(id, { before, state, limit: SHOWN + 1 }));
    const { items, next_cursor: next } = page(rows, SHOWN, ({ sequence }) => sequence);
    const detailed = await Promise.all(
      items.map(async (each) =>
        each.attempts > 1 ? ((await askProject(c, (p) => p.delivery(id, each.id))) ?? each) : each,
      ),
    );
    const path = `/projects/${project.project}/subscribers/${id}`;
    return tabPage(
      c,
      visitor,
      {
        project,
        tab: "subscribers",
        title: hostIn(subscriber.url),
        live: true,
        ...(rotated !== null && { address: path }),
      },
      <>
        {rotated !== null && (
          <div class="wide section" data-kept="">
            <Secret secret={rotated.secret} until={subscriber.old_secret_until} visitor={visitor} />
          </div>
        )}
        <div class="wide cols section">
          <SubscriberFacts of={subscriber} visitor={visitor} />
          <SubscriberForms of={subscriber} path={path} visitor={visitor} />
        </div>
        <section class="wide section" aria-labelledby="deliveries">
          <div class="sec-head">
            <h2 id="deliveries">Deliveries</h2>
            <nav class="filters" aria-label="Which deliveries">
              {[null, ...DeliveryState.options].map((each) => (
                <a
                  href={each === null ? path : `${path}?state=${each}`}
                  {...(each === state ? { "aria-current": "true" as const } : {})}
                >
                  {each === null ? "all" : DELIVERY_MARKS[each].word}
                </a>
              ))}
            </nav>
          </div>
          {items.length === 0 ? (
            <p class="none">{state === null ? "Nothing was sent yet." : "None is like that."}</p>
          ) : (
            <SubscriberDeliveries of={detailed} path={path} visitor={visitor} />
          )}
          {next !== null && (
            <p class="more-row">
              <a
                class="button"
                href={`${path}?${new URLSearchParams({ ...(state !== null && { state }), cursor: next }).toString()}`}
              >
                Older
              </a>
            </p>
          )}
        </section>
      </>,
    );
  };
  api.get(`${base}/:id`, async (c) => one(c, await admit(c, "project")));

  api.get(`${base}/:id/remove`, async (c) => {
    const visitor = await admit(c, "project");
    const project = await viewOf(c);
    const { id, url, waiting } = await subscriberOf(c);
    return deletionPage(
      c,
      visitor,
      { project, tab: "subscribers", title: `Delete the subscriber ${hostIn(url)}?` },
      {
        facts: [
          ["Then", ["It is told nothing any more, and its deliveries are forgotten."]],
          ["Waiting", [waiting === 0 ? "Nothing." : `${waiting} to be delivered are not.`]],
        ],
        button: "Delete subscriber",
        keep: "Keep the subscriber",
      },
      `/projects/${project.project}/subscribers/${id}`,
    );
  });

  onForm(api, `${base}/:id/deliveries/:delivery/redeliver`, async (c, visitor, form) => {
    const project = `/projects/${c.req.param("project")}`;
    const [id, delivery] = [c.req.param("id"), c.req.param("delivery")].map((each) =>
      encodeURIComponent(each ?? ""),
    );
    const path = `/subscribers/${id}/deliveries/${delivery}/redeliver`;
    const reply = await ask<unknown>(c, visitor, "POST", path);
    const number = /^\d{1,12}$/.exec(form.get("deploy") ?? "")?.[0];
    const to = number === undefined ? `/subscribers/${id}` : `/deploys/${number}`;
    return follow(c, reply, { done: "It is on its way again.", not: "Not sent" }, project + to);
  });

  onForm(api, `${base}/:id/:action`, async (c, visitor, form) => {
    const id = encodeURIComponent(c.req.param("id") ?? "");
    const api = `/subscribers/${id}`;
    const all = `/projects/${c.req.param("project")}/subscribers`;
    const own = `${all}/${id}`;
    const say = async <T,>(
      method: string,
      path: string,
      body: object | undefined,
      words: { done: string | ((value: T) => string); not: string },
      to: string = own,
    ): Promise<Response> => follow(c, await ask<T>(c, visitor, method, path, body), words, to, own);
    switch (c.req.param("action")) {
      case "test":
        return say(
          "POST",
          `${api}/test`,
          { type: textOf(form, "type") },
          {
            done: "A test event is on its way. Its delivery is listed below when it was tried.",
            not: "Not sent",
          },
        );
      case "recover": {
        const hours = Number(textOf(form, "hours") ?? "1");
        const since = new Date(Date.now() - Math.min(Math.max(hours || 1, 1), 335) * HOUR_MS);
        return say<{ recovered: number }>(
          "POST",
          `${api}/recover`,
          { since: since.toISOString() },
          { done: ({ recovered }) => `${recovered} on their way again.`, not: "Not recovered" },
        );
      }
      case "rotate": {
        const overlap = Number(textOf(form, "overlap") ?? "86400");
        const body = { overlap_seconds: overlap };
        const reply = await ask<{ secret: string }>(c, visitor, "POST", `${api}/rotate`, body);
        return reply.ok
          ? one(c, visitor, reply.value)
          : follow(c, reply, { done: "", not: "Not rotated" }, own);
      }
      case "pause":
        return say(
          "PATCH",
          api,
          { state: "paused" },
          {
            done: "Paused. Its events are kept for it.",
            not: "Nothing changed",
          },
        );
      case "resume":
        return say(
          "PATCH",
          api,
          { state: "active" },
          {
            done: "Active. Delivery starts at once.",
            not: "Nothing changed",
          },
        );
      case "remove":
        return say(
          "DELETE",
          api,
          undefined,
          { done: "The subscriber is deleted.", not: "Not deleted" },
          all,
        );
      default:
        throw new Problem("not_found", "There is nothing at this address.");
    }
  });
}

async function subscriberOf(c: Context<AppEnv>): Promise<SubscriberView> {
  const id = c.req.param("id") ?? "";
  const subscriber = await askProject(c, (p) => p.subscriber(id));
  if (subscriber === null) {
    throw new Problem("subscriber_not_found", "There is no such subscriber in this project.");
  }
  return subscriber;
}

function kindOf(text: string | undefined): SubscriberKind | null {
  return SubscriberKind.safeParse(text).data ?? null;
}

const Secret: FC<{ secret: string; until?: string | null; visitor: Visitor }> = ({
  secret,
  until = null,
  visitor,
}) => (
  <div class="panel stack" role="status">
    <CopyField value={secret} label="Signing secret" />
    <p class="once reason">
      <Icon name="lock" tone="wait" />
      <span>
        The secret is shown now and never again.
        {until !== null && (
          <>
            {" "}
            The one before signs too until <Time at={until} clock={visitor.clock} seconds />.
          </>
        )}
      </span>
    </p>
  </div>
);

const List: FC<{
  all: readonly SubscriberView[];
  project: string;
  visitor: Visitor;
  made: { secret: string | null } | undefined;
}> = ({ all, project, visitor, made }) => {
  const path = `/projects/${project}/subscribers`;
  return (
    <section class="wide section" aria-label="Subscribers">
      {made !== undefined && (
        <div class="stack" data-kept="">
          <p class="told" role="status">
            <Icon name="done" tone="ok" />
            <span>It hears of what it asked for from now on.</span>
          </p>
          {made.secret !== null && <Secret secret={made.secret} visitor={visitor} />}
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
                {KIND_TITLES[each.kind]}: {each.events.join(", ")}
                {each.waiting > 0 && `; ${each.waiting} to be delivered`}
                {each.exhausted > 0 && `; ${each.exhausted} given up`}
              </span>
            </span>
            <SubscriberState of={each} visitor={visitor} />
          </li>
        ))}
      </ul>
      <p class="more-row">
        {visitor.may("manage") ? (
          <a class="button primary" href={`${path}/new`}>
            Add a subscriber
          </a>
        ) : (
          <span class="quiet">To add one takes the scope manage.</span>
        )}
      </p>
    </section>
  );
};
