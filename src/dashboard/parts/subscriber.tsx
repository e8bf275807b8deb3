import type { FC } from "hono/jsx";

import type { DeliveryDetail, DeliveryView } from "../../project/deliveries.ts";
import { EventType } from "../../project/shapes.ts";
import type { SubscriberView } from "../../project/subscribers.ts";
import { visible } from "../model/text.ts";
import { since } from "../model/time.ts";
import { failing, markOf } from "../model/words.ts";
import type { Visitor } from "../visitor.ts";
import { answerText, Attempts, DeliveriesHead, DELIVERY_MARKS } from "./deliveries.tsx";
import { Mark } from "./mark.tsx";
import { KIND_TITLES } from "./new-subscriber.tsx";
import { Action, Ask, Csrf } from "./project.tsx";
import { Time } from "./say.tsx";

export const SubscriberState: FC<{ of: SubscriberView; visitor: Visitor }> = ({ of, visitor }) =>
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

/** How it is, what it hears, and what was set up. */
export const SubscriberFacts: FC<{ of: SubscriberView; visitor: Visitor }> = ({ of, visitor }) => {
  const { branches, last_attempt: last } = of;
  const repository = of.host?.["repository"];
  const facts: [string, string][] = [
    ["Kind", KIND_TITLES[of.kind]],
    ["Hears", of.events.join(", ")],
    ["Branches", branches.include.length === 0 ? "all" : branches.include.join(", ")],
    ["Left out", branches.exclude.join(", ")],
    ["Targets", of.environments.join(", ")],
    ["Statuses", of.statuses.join(", ")],
    ["Order", of.ordered ? "strict: one that fails holds up the rest" : "first attempts only"],
    ["Headers", of.headers.join(", ")],
    ["Repository", typeof repository === "string" ? repository : ""],
    ["Note", of.description ?? ""],
    ["Waiting", `${of.waiting} to be delivered`],
    ["Given up", String(of.exhausted)],
  ];
  const times: [string, string | null][] = [
    ["Tried again", of.next_attempt_at],
    ["Nothing is sent until", of.blocked_until],
    ["Old secret signs until", of.old_secret_until],
  ];
  return (
    <dl class="facts">
      <dt>State</dt>
      <dd>
        <SubscriberState of={of} visitor={visitor} />{" "}
        {of.reason !== null && <bdi>{visible(of.reason)}</bdi>}
      </dd>
      {facts
        .filter(([, text]) => text !== "")
        .map(([name, text]) => (
          <>
            <dt>{name}</dt>
            <dd>
              <bdi>{visible(text)}</bdi>
            </dd>
          </>
        ))}
      {last !== null && (
        <>
          <dt>Last attempt</dt>
          <dd>
            <Time at={last.at} clock={visitor.clock} seconds />:{" "}
            {answerText({ status: last.status, error: last.error, ms: last.duration_ms })}
          </dd>
        </>
      )}
      {times.map(
        ([name, at]) =>
          at !== null && (
            <>
              <dt>{name}</dt>
              <dd>
                <Time at={at} clock={visitor.clock} seconds />
              </dd>
            </>
          ),
      )}
    </dl>
  );
};

const OVERLAPS = [
  ["86400", "for a day"],
  ["3600", "for an hour"],
  ["604800", "for 7 days"],
  ["0", "no longer"],
] as const;

const SINCE = [
  ["1", "hour"],
  ["24", "day"],
  ["72", "3 days"],
  ["168", "7 days"],
  ["312", "13 days"],
] as const;

/** What can be done with it. Without the scope there are no forms. */
export const SubscriberForms: FC<{ of: SubscriberView; path: string; visitor: Visitor }> = ({
  of,
  path,
  visitor,
}) => {
  if (!visitor.may("manage")) {
    return <p class="quiet">To change or test it takes the scope manage.</p>;
  }
  const well = of.state === "active" && of.failing_since === null;
  return (
    <div class="stack">
      <form class="ask" method="post" action={`${path}/test`}>
        <Csrf visitor={visitor} />
        <label>
          Type of the test event
          <select name="type">
            {EventType.options.map((type) => (
              <option value={type} selected={type === "test.ping"}>
                {type}
              </option>
            ))}
          </select>
        </label>
        <button class="button primary" type="submit">
          Send it
        </button>
      </form>
      <form class="ask" method="post" action={`${path}/recover`}>
        <Csrf visitor={visitor} />
        <label>
          Send again what failed in the last
          <select name="hours">
            {SINCE.map(([hours, text]) => (
              <option value={hours}>{text}</option>
            ))}
          </select>
        </label>
        <button class="button" type="submit">
          Recover
        </button>
      </form>
      {of.kind === "webhook" && (
        <form class="ask" method="post" action={`${path}/rotate`}>
          <Csrf visitor={visitor} />
          <label>
            How long the old secret signs, too
            <select name="overlap">
              {OVERLAPS.map(([seconds, text]) => (
                <option value={seconds}>{text}</option>
              ))}
            </select>
          </label>
          <button class="button" type="submit">
            Rotate the secret
          </button>
        </form>
      )}
      <div class="actions">
        <Action to={`${path}/${well ? "pause" : "resume"}`} visitor={visitor} needs="manage">
          {well ? "Pause" : "Try again now"}
        </Action>
        <Ask to={`${path}/remove`} visitor={visitor} needs="manage" kind="danger">
          Delete subscriber…
        </Ask>
      </div>
    </div>
  );
};

/** Of those with more than one attempt, all that are kept: open where it is not delivered. */
export const SubscriberDeliveries: FC<{
  of: readonly (DeliveryView | DeliveryDetail)[];
  path: string;
  visitor: Visitor;
}> = ({ of, path, visitor }) => (
  <table class="deliveries stacked" role="table">
    <DeliveriesHead
      columns={["State", "Event", "Attempts", "Last answer", "Last attempt", "Next attempt"]}
    />
    <tbody role="rowgroup">
      {of.map((each) => {
        const log = "attempt_log" in each ? each.attempt_log : [];
        const more = log.length > 0 || (each.state !== "delivered" && each.response !== "");
        return (
          <>
            <tr role="row" class={more ? "joined" : undefined} data-key={each.id}>
              <td role="cell">
                <Mark of={DELIVERY_MARKS[each.state]} />
              </td>
              <td role="cell">
                <code>{each.event_type ?? "no longer stored"}</code>
              </td>
              <td role="cell" class="num end">
                <Attempts count={each.attempts} />
              </td>
              <td role="cell">
                {answerText({ status: each.status, error: each.error, ms: each.duration_ms })}
              </td>
              <td role="cell">
                <Time at={each.last_attempt_at} clock={visitor.clock} seconds />
              </td>
              <td role="cell">
                {each.next_attempt_at !== null && (
                  <>
                    <span class="unit">again at </span>
                    <Time at={each.next_attempt_at} clock={visitor.clock} seconds />
                  </>
                )}
              </td>
              <td role="cell">
                <Action
                  to={`${path}/deliveries/${each.id}/redeliver`}
                  visitor={visitor}
                  needs="manage"
                  kind="minor"
                >
                  Redeliver
                </Action>
              </td>
            </tr>
            {more && (
              <tr role="row" class="why" data-key={`${each.id}-why`}>
                <td role="cell"></td>
                <td role="cell" colspan={6}>
                  {log.length === 0 ? (
                    <Excerpt of={each.response} />
                  ) : (
                    <details open={each.state !== "delivered"}>
                      <summary class="meta">All attempts</summary>
                      <ol class="bare">
                        {log.map((attempt) => (
                          <li>
                            {attempt.number}, <Time at={attempt.at} clock={visitor.clock} seconds />
                            :{" "}
                            {answerText({
                              status: attempt.status,
                              error: attempt.error,
                              ms: attempt.duration_ms,
                            })}{" "}
                            <Excerpt of={attempt.response} />
                          </li>
                        ))}
                      </ol>
                    </details>
                  )}
                </td>
              </tr>
            )}
          </>
        );
      })}
    </tbody>
  </table>
);

const Excerpt: FC<{ of: string }> = ({ of }) => (
  <code>
    <bdi>{visible(of).slice(0, 300)}</bdi>
  </code>
);
