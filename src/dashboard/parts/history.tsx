import type { FC } from "hono/jsx";

import type { Overview } from "../../project/overview.ts";
import type { Deploy } from "../../project/shapes.ts";
import { historyOf, type HistoryRow } from "../model/history.ts";
import { isFailed } from "../model/now.ts";
import { firstLine, shortHash, visible } from "../model/text.ts";
import { hourAndMinute, type Clock } from "../model/time.ts";
import { markOf, targetText, triggerText } from "../model/words.ts";
import { StageBar } from "./bars.tsx";
import { Icon, Mark } from "./mark.tsx";
import { Say, Time } from "./say.tsx";

const HEADS = [
  ["c-outcome", "Outcome"],
  ["c-no end", "No."],
  ["c-change", "Change"],
  ["c-commit", "Commit"],
  ["c-branch", "Branch"],
  ["c-target", "Target"],
  ["c-trigger", "Trigger"],
  ["c-stages", "Stages"],
  ["c-took end", "Took"],
  ["c-ended end", "Ended"],
] as const;

/** Deploys that have ended, by day. Up to 1100 px rows become entries; their roles are kept by attribute. */
export const HistoryTable: FC<{ deploys: readonly Deploy[]; of: Overview; clock: Clock }> = ({
  deploys,
  of,
  clock,
}) => {
  const { project, usual } = of;
  const days = historyOf(deploys, usual, project.live, clock);
  const row = (each: HistoryRow): unknown => (
    <Row of={each} clock={clock} project={project.project} />
  );
  return days.length === 0 ? null : (
    <table class="history" role="table" aria-labelledby="history">
      <thead role="rowgroup">
        <tr role="row">
          {HEADS.map(([name, text]) => (
            <th scope="col" role="columnheader" class={name}>
              {text}
            </th>
          ))}
        </tr>
      </thead>
      {days.map(({ head, entries }) => (
        <tbody role="rowgroup" data-key={head}>
          <tr role="row" class="day">
            <th scope="rowgroup" role="rowheader" colspan={HEADS.length}>
              {head}
            </th>
          </tr>
          {entries.map((entry) =>
            "more" in entry ? (
              <tr role="row" class="burst" data-key={`more-${entry.more.at(-1)?.deploy.number}`}>
                <td role="cell" colspan={HEADS.length}>
                  <details>
                    <summary>{entry.more.length} more superseded</summary>
                    <ul class="bare">
                      {entry.more.map(({ deploy, reason }) => (
                        <li>
                          <a href={`/projects/${project.project}/deploys/${deploy.number}`}>
                            #{deploy.number}
                          </a>{" "}
                          <bdi>{firstLine(deploy.commit_message) ?? "No message"}</bdi>{" "}
                          <span class="meta">{reason !== null && <Say it={reason} />}</span>
                        </li>
                      ))}
                    </ul>
                  </details>
                </td>
              </tr>
            ) : (
              row(entry)
            ),
          )}
        </tbody>
      ))}
    </table>
  );
};

const Row: FC<{ of: HistoryRow; clock: Clock; project: string }> = ({ of, clock, project }) => {
  const { deploy, quiet, reason, bar, took, live } = of;
  const href = `/projects/${project}/deploys/${deploy.number}`;
  const message = firstLine(deploy.commit_message);
  const below = isFailed(deploy) && reason !== null && !quiet;
  const arrow = { rollback: "back", promote: "up", build: null, upload: null }[deploy.kind];
  return (
    <>
      <tr
        role="row"
        data-key={deploy.number}
        class={`entry${quiet ? " quiet" : ""}${below ? " joined" : ""}`}
      >
        <td role="cell" class="c-outcome">
          <Mark of={markOf(deploy.status)} />
        </td>
        <td role="cell" class="c-no end num">
          <a href={href}>#{deploy.number}</a>
        </td>
        <td role="cell" class="c-change cut-off">
          {arrow !== null && <Icon name={arrow} />}
          <a href={href} class={message === null ? "quiet" : undefined}>
            <bdi>
              {deploy.kind === "rollback" && "Rollback to "}
              {message ?? "No message"}
            </bdi>
          </a>
          {live && (
            <span class="is-live">
              <Icon name="up" />
              live
            </span>
          )}
        </td>
        <td role="cell" class="c-commit">
          <code>{shortHash(deploy.commit_hash)}</code>
        </td>
        <td role="cell" class="c-branch cut-off">
          <bdi>{visible(deploy.branch)}</bdi>
        </td>
        <td role="cell" class={deploy.environment === "preview" ? "c-target quiet" : "c-target"}>
          {targetText(deploy)}
        </td>
        <td role="cell" class="c-trigger cut-off">
          <bdi>{triggerText(deploy.trigger)}</bdi>
        </td>
        {bar === null ? (
          <td role="cell" class="c-why small" colspan={2}>
            {reason !== null && <Say it={reason} />}
          </td>
        ) : (
          <>
            <td role="cell" class="c-stages">
              <StageBar of={bar} />
            </td>
            <td role="cell" class="c-took end num">
              {took}
            </td>
          </>
        )}
        <td role="cell" class="c-ended end num">
          <Time
            at={deploy.ended_at ?? deploy.created_at}
            clock={clock}
            text={hourAndMinute(Date.parse(deploy.ended_at ?? deploy.created_at), clock)}
          />
        </td>
      </tr>
      {below && (
        <tr role="row" class="why" data-key={`why-${deploy.number}`}>
          <td role="cell" colspan={2}></td>
          <td role="cell" colspan={8} class="small">
            <Say it={reason} />
          </td>
        </tr>
      )}
    </>
  );
};
