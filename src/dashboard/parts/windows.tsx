import type { FC } from "hono/jsx";

import type { PolicyExplanation } from "../../project/explain-policy.ts";
import type { Overview } from "../../project/overview.ts";
import { Told } from "../frame.tsx";
import { localized, person, visible } from "../model/text.ts";
import { moment, type Clock } from "../model/time.ts";
import { waitMark } from "../model/words.ts";
import type { Visitor } from "../visitor.ts";
import { Icon, Mark } from "./mark.tsx";
import { Action, ProjectHead } from "./project.tsx";
import { Say, Time } from "./say.tsx";
import { LockForm, WindowForm } from "./window-forms.tsx";

export interface WindowsProps {
  readonly of: Overview;
  readonly visitor: Visitor;
  readonly locking: boolean;
  readonly explained: PolicyExplanation | null;
  readonly branch: string | null;
}

export const WindowsPage: FC<WindowsProps> = ({ of, visitor, locking, explained, branch }) => {
  const { project, openings } = of;
  const { clock } = visitor;
  const path = `/projects/${project.project}`;
  return (
    <>
      <ProjectHead project={project} tab="windows" visitor={visitor} />
      <section class="band" aria-label="Now">
        <Told visitor={visitor} />
        <div class="wide">
          <h2>Now</h2>
          {(["production", "preview"] as const).map((each) => (
            <p>
              Deploys of {each} {sayOpening(openings[each], clock)}
            </p>
          ))}
        </div>
      </section>
      <div class="wide cols section">
        <div>
          <section aria-labelledby="locks">
            <h2 id="locks">Locks</h2>
            {project.locks.length === 0 && <p class="none">Nothing is locked.</p>}
            <ul class="list">
              {project.locks.map((lock) => (
                <li>
                  <span>
                    <Mark of={waitMark("lock")} word={lock.environment ?? "all"} /> “
                    <bdi>{visible(lock.reason)}</bdi>”{" "}
                    <span class="meta">
                      by <bdi>{person(lock.holder)}</bdi> since{" "}
                      <Time at={lock.created_at} clock={clock} />
                      {lock.until !== null && (
                        <>
                          {" "}
                          until <Time at={lock.until} clock={clock} />
                        </>
                      )}
                    </span>
                  </span>
                  <Action to={`${path}/locks/${lock.id}/unlock`} visitor={visitor} needs="manage">
                    Unlock
                  </Action>
                </li>
              ))}
            </ul>
          </section>
          <section class="section" aria-labelledby="windows">
            <h2 id="windows">Windows</h2>
            {project.policy.windows.length === 0 && (
              <p class="none">None: deploys may start at any time.</p>
            )}
            <ul class="list">
              {project.policy.windows.map((window) => (
                <li>
                  <span>
                    <Icon name="window" tone="wait" />{" "}
                    {window.action === "deny" ? "No deploys" : "Deploys only"}
                    {window.environment === null ? "" : ` of ${window.environment}`} for{" "}
                    {window.duration_minutes / 60}&nbsp;h from <code>{window.cron}</code> in{" "}
                    {window.time_zone}
                    {window.reason !== null && (
                      <>
                        {" "}
                        “<bdi>{visible(window.reason)}</bdi>”
                      </>
                    )}
                  </span>
                  {visitor.may("manage") && (
                    <Action
                      to={`${path}/windows`}
                      visitor={visitor}
                      needs="manage"
                      values={{ remove: JSON.stringify(window) }}
                    >
                      Take away
                    </Action>
                  )}
                </li>
              ))}
            </ul>
            {visitor.may("manage") && <WindowForm to={`${path}/windows`} visitor={visitor} />}
          </section>
        </div>
        <div>
          {visitor.may("manage") && (
            <section aria-labelledby="lock">
              <h2 id="lock">Lock</h2>
              <LockForm to={`${path}/locks`} visitor={visitor} focus={locking} />
            </section>
          )}
          <section class="section" aria-labelledby="explain">
            <h2 id="explain">What would happen</h2>
            <form class="stack" method="get" action={`${path}/windows`}>
              <input type="hidden" name="explain" value="1" />
              <label>
                A push to
                <input
                  type="text"
                  name="branch"
                  value={branch ?? project.production_branch}
                  maxlength={255}
                />
              </label>
              <label>
                Hours from now; 0 is now
                <input type="number" name="hours" value="0" min={0} max={8760} step="any" />
              </label>
              <p>
                <button class="button" type="submit">
                  Explain
                </button>
              </p>
            </form>
            {explained !== null && (
              <p class="told" role="status">
                <Icon
                  name={
                    explained.would === "start"
                      ? "train"
                      : waitMark(explained.waiting?.for ?? "turn").icon
                  }
                  tone={explained.would === "start" ? "accent" : "wait"}
                />
                <span>
                  {moment(Date.parse(explained.at), clock)}, {explained.environment}:{" "}
                  {explained.would === "start" ? (
                    "it would start."
                  ) : (
                    <Say
                      it={localized(
                        explained.reason ?? "It would wait.",
                        explained.waiting?.until == null
                          ? null
                          : Date.parse(explained.waiting.until),
                        clock,
                      )}
                    />
                  )}
                  {explained.needs_approval && " It needs approval."}
                  {explained.supersedes.length > 0 &&
                    ` It would supersede ${explained.supersedes.map((number) => `#${number}`).join(", ")}.`}
                </span>
              </p>
            )}
          </section>
        </div>
      </div>
    </>
  );
};

function sayOpening(
  { open, until, reason }: Overview["openings"]["production"],
  clock: Clock,
): string {
  if (open) {
    return "may start.";
  }
  const why = reason === null ? "" : ` (“${visible(reason)}”)`;
  return `may not start${until === null ? "" : ` until ${moment(until, clock)}`}${why}.`;
}
