import type { FC } from "hono/jsx";

import { askProject, type Api } from "../../api/context.ts";
import type { Overview } from "../../project/overview.ts";
import type { PolicyExplanation } from "../../project/explain-policy.ts";
import type { Policy } from "../../project/policy.ts";
import type { Lock } from "../../project/shapes.ts";
import type { Ask as Asking } from "../ask.ts";
import { show, Told } from "../frame.tsx";
import { localized, person, visible } from "../model/text.ts";
import { moment, type Clock } from "../model/time.ts";
import { waitMark } from "../model/words.ts";
import { Icon, Mark } from "../parts/mark.tsx";
import { Action, Csrf, ProjectHead } from "../parts/project.tsx";
import { Say, Time } from "../parts/say.tsx";
import { follow, onForm, textOf } from "../posting.ts";
import { admit, type Visitor } from "../visitor.ts";
import { notHere } from "./project.tsx";

const HOUR_MS = 3_600_000;
const LENGTHS = [
  ["", "somebody unlocks it"],
  ["1", "in an hour"],
  ["4", "in 4 hours"],
  ["24", "in a day"],
  ["72", "in 3 days"],
] as const;

export function windowRoutes(api: Api, ask: Asking): void {
  const path = "/projects/:project/windows";

  for (const address of [path, "/projects/:project/lock"]) {
    api.get(address, async (c) => {
      const visitor = await admit(c, "project");
      const overview = await askProject(c, (p) => p.overview());
      if (overview === null) {
        throw notHere();
      }
      const branch = c.req.query("branch")?.slice(0, 255) || null;
      const hours = Number(c.req.query("hours") ?? "");
      const at = hours > 0 && hours <= 8_760 ? Date.now() + hours * HOUR_MS : null;
      const asked = { branch, kind: "build", trigger_kind: "hook", at } as const;
      const explained =
        c.req.query("explain") === undefined
          ? null
          : await askProject(c, (p) => p.explainPolicy(asked));
      return show(c, {
        title: `Windows and locks · ${overview.project.name}`,
        reader: visitor,
        visitor,
        at: "projects",
        children: (
          <WindowsPage
            of={overview}
            visitor={visitor}
            locking={address.endsWith("/lock")}
            explained={explained}
            branch={branch}
          />
        ),
      });
    });
  }

  onForm(api, "/projects/:project/locks", async (c, visitor, form) => {
    const hours = Number(textOf(form, "hours") ?? "0");
    const environment = textOf(form, "environment");
    const holder = textOf(form, "holder");
    const until = hours > 0 ? new Date(Date.now() + hours * HOUR_MS).toISOString() : undefined;
    const body = {
      reason: textOf(form, "reason") ?? "",
      ...(environment !== undefined && { environment }),
      ...(holder !== undefined && { holder }),
      ...(until !== undefined && { until }),
    };
    const reply = await ask<Lock>(c, visitor, "POST", "/locks", body);
    const to = `/projects/${c.req.param("project")}`;
    const done = "Locked. What runs goes on; what comes waits.";
    return follow(c, reply, { done, not: "Not locked" }, to, `${to}/lock`);
  });

  onForm(api, "/projects/:project/locks/:id/unlock", async (c, visitor) => {
    const to = `/projects/${c.req.param("project")}`;
    const reply = await ask<null>(
      c,
      visitor,
      "DELETE",
      `/locks/${encodeURIComponent(c.req.param("id") ?? "")}`,
    );
    return follow(c, reply, { done: "Unlocked.", not: "Not unlocked" }, to, `${to}/windows`);
  });

  onForm(api, path, async (c, visitor, form) => {
    const to = `/projects/${c.req.param("project")}/windows`;
    const { policy, revision } = (await askProject(c, (p) => p.policy())) ?? notHereAnyMore();
    const removed = textOf(form, "remove");
    const windows =
      removed === undefined
        ? [...policy.windows, windowIn(form)]
        : policy.windows.filter((_, n) => String(n) !== removed);
    // Against the rules as they were read: whoever was faster is not overwritten.
    const match = { "if-match": `"${revision}"` };
    const reply = await ask<Policy>(c, visitor, "PATCH", "/policy", { windows }, match);
    const done = removed === undefined ? "The window is added." : "The window is taken away.";
    return follow(c, reply, { done, not: "Nothing changed" }, to);
  });
}

function notHereAnyMore(): never {
  throw notHere();
}

function windowIn(form: URLSearchParams): object {
  return {
    action: textOf(form, "action") ?? "deny",
    environment: textOf(form, "environment") ?? null,
    cron: textOf(form, "cron") ?? "",
    duration_minutes: Math.round(Number(textOf(form, "hours") ?? "0") * 60),
    time_zone: textOf(form, "time_zone") ?? "UTC",
    reason: textOf(form, "reason") ?? null,
  };
}

interface Props {
  readonly of: Overview;
  readonly visitor: Visitor;
  readonly locking: boolean;
  readonly explained: PolicyExplanation | null;
  readonly branch: string | null;
}

const WindowsPage: FC<Props> = ({ of, visitor, locking, explained, branch }) => {
  const { project, openings } = of;
  const { clock } = visitor;
  const path = `/projects/${project.name}`;
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
              {project.policy.windows.map((window, n) => (
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
                      values={{ remove: String(n) }}
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

const LockForm: FC<{ to: string; visitor: Visitor; focus: boolean }> = ({ to, visitor, focus }) => (
  <form class="stack" method="post" action={to}>
    <Csrf visitor={visitor} />
    <label>
      Reason, shown to everyone whose deploy waits
      <input type="text" name="reason" required maxlength={200} autofocus={focus} />
    </label>
    <label>
      Held by
      <input type="text" name="holder" maxlength={100} placeholder="Your name" />
    </label>
    <label>
      What
      <select name="environment">
        <option value="production">Production</option>
        <option value="preview">Previews</option>
        <option value="">Everything</option>
      </select>
    </label>
    <label>
      It ends when
      <select name="hours">
        {LENGTHS.map(([value, text]) => (
          <option value={value}>{text}</option>
        ))}
      </select>
    </label>
    <p>
      <button class="button primary" type="submit">
        Lock
      </button>
    </p>
  </form>
);

const WindowForm: FC<{ to: string; visitor: Visitor }> = ({ to, visitor }) => (
  <details class="more-form">
    <summary>Add a window</summary>
    <form class="stack narrow" method="post" action={to}>
      <Csrf visitor={visitor} />
      <label>
        In it
        <select name="action">
          <option value="deny">no deploys may start</option>
          <option value="allow">deploys may start, and only then</option>
        </select>
      </label>
      <label>
        Of
        <select name="environment">
          <option value="">production and previews</option>
          <option value="production">production</option>
          <option value="preview">previews</option>
        </select>
      </label>
      <label>
        Begins, as a cron expression
        <input
          type="text"
          name="cron"
          required
          placeholder="0 18 * * 1-5"
          maxlength={128}
          spellcheck={false}
        />
      </label>
      <label>
        Hours
        <input type="number" name="hours" required min={0.25} max={168} step={0.25} value="8" />
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
        Reason
        <input type="text" name="reason" maxlength={200} />
      </label>
      <p>
        <button class="button" type="submit">
          Add
        </button>
      </p>
    </form>
  </details>
);
