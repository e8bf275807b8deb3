import type { FC } from "hono/jsx";

import type { Told } from "../../project/overview.ts";
import { visible } from "../model/text.ts";
import { distance, moment, type Clock } from "../model/time.ts";
import { markOf, waitMark, type Mark as MarkOf } from "../model/words.ts";
import type { Visitor } from "../visitor.ts";
import { Mark } from "./mark.tsx";
import { Action } from "./project.tsx";

export const DELIVERY_MARKS: Record<Told["state"], MarkOf> = {
  delivered: { ...markOf("succeeded"), word: "delivered" },
  pending: { ...waitMark("retry"), word: "trying again" },
  exhausted: { ...markOf("failed"), word: "given up" },
};

export function answerText({ status, error, ms }: Pick<Told, "status" | "error" | "ms">): string {
  const took = ms === null ? "" : ` in ${Math.round(ms)}\u00A0ms`;
  return status === null ? visible(error ?? "no answer") : `${status}${took}`;
}

/** On narrow screens, where a cell has no head to say what its figure counts. */
export const Attempts: FC<{ count: number }> = ({ count }) => (
  <>
    {count}
    <span class="unit">{count === 1 ? " attempt" : " attempts"}</span>
  </>
);

/** One that is due waits for its subscriber to be tried again at all. */
function nextText(at: number, clock: Clock): string {
  const away = distance(at, clock);
  return at <= clock.now ? "due" : `${moment(at, clock)}${away === null ? "" : `, ${away}`}`;
}

export function hostIn(url: string): string {
  return visible(url.replace(/^https?:\/\//, "").replace(/[/?#]?$/, "")).slice(0, 80);
}

/** What became of a deploy's events. Those that arrived at the first attempt fold into one row. */
export const Deliveries: FC<{
  of: readonly Told[];
  project: string;
  number: number;
  visitor: Visitor;
}> = ({ of, project, number, visitor }) => {
  const { clock } = visitor;
  if (of.length === 0) {
    return null;
  }
  const fine = of.filter(({ state }) => state === "delivered");
  const smooth = fine.filter(({ attempts }) => attempts === 1);
  const told = of.filter((each) => !smooth.includes(each));
  return (
    <section class="section wide" aria-labelledby="deliveries">
      <div class="sec-head">
        <h2 id="deliveries">Deliveries</h2>
        <span class="meta">
          {fine.length} of {of.length} delivered
        </span>
        <span class="right">
          <a href={`/projects/${project}/events`}>All events</a>
        </span>
      </div>
      <table class="deliveries of-deploy stacked" role="table">
        <DeliveriesHead
          columns={["State", "Event", "Subscriber", "Attempts", "Last answer", "Next attempt"]}
        />
        <tbody role="rowgroup">
          {told.map((each) => (
            <>
              <tr role="row" class={each.excerpt ? "joined" : undefined} data-key={each.delivery}>
                <td role="cell">
                  <Mark of={DELIVERY_MARKS[each.state]} />
                </td>
                <td role="cell">
                  <code>{each.event}</code>
                </td>
                <td role="cell">
                  <a href={`/projects/${project}/subscribers/${each.subscriber}`}>
                    <bdi>{hostIn(each.url)}</bdi>
                  </a>
                </td>
                <td role="cell" class="num end">
                  <Attempts count={each.attempts} />
                </td>
                <td role="cell">{answerText(each)}</td>
                <td role="cell">
                  {each.next_at !== null && nextText(Date.parse(each.next_at), clock)}
                </td>
                <td role="cell">
                  <Action
                    to={`/projects/${project}/subscribers/${each.subscriber}/deliveries/${each.delivery}/redeliver`}
                    visitor={visitor}
                    needs="manage"
                    kind="minor"
                    values={{ deploy: String(number) }}
                  >
                    Redeliver
                  </Action>
                </td>
              </tr>
              {each.excerpt && (
                <tr role="row" class="why" data-key={`${each.delivery}-why`}>
                  <td role="cell"></td>
                  <td role="cell" colspan={6}>
                    <code>
                      <bdi>{visible(each.excerpt).slice(0, 300)}</bdi>
                    </code>
                  </td>
                </tr>
              )}
            </>
          ))}
          {smooth.length > 0 && (
            <tr role="row">
              <td role="cell">
                <Mark of={DELIVERY_MARKS.delivered} />
              </td>
              <td role="cell" colspan={6} class="quiet">
                {smooth.length === 1
                  ? "1 event of this deploy, delivered on the first attempt."
                  : `${smooth.length} events of this deploy, each delivered on the first attempt.`}
              </td>
            </tr>
          )}
        </tbody>
      </table>
    </section>
  );
};

/** The head of a table of deliveries; each can be sent again. */
export const DeliveriesHead: FC<{ columns: readonly string[] }> = ({ columns }) => (
  <thead role="rowgroup">
    <tr role="row">
      {columns.map((text) => (
        <th scope="col" role="columnheader" class={text === "Attempts" ? "end" : undefined}>
          {text}
        </th>
      ))}
      <th scope="col" role="columnheader">
        <span class="unseen">Again</span>
      </th>
    </tr>
  </thead>
);
