import type { FC } from "hono/jsx";

import { KINDS, SubscriberKind } from "../../notify/kinds.ts";
import { Environment } from "../../project/policy.ts";
import { DeployStatus } from "../../project/shapes.ts";
import { markOf } from "../model/words.ts";
import { headersOf, linesOf, textOf } from "../posting.ts";
import type { Visitor } from "../visitor.ts";
import { Icon } from "./mark.tsx";
import { Csrf } from "./project.tsx";

export const KIND_TITLES: Record<SubscriberKind, string> = {
  webhook: "Webhook",
  slack: "Slack",
  discord: "Discord",
  teams: "Microsoft Teams",
  github: "GitHub",
  gitlab: "GitLab",
  bitbucket: "Bitbucket",
  gitea: "Gitea or Forgejo",
};

/** What the API is asked for, with the fields that the kind has. */
export function subscriberIn(form: URLSearchParams): object {
  const kind = textOf(form, "kind") ?? "webhook";
  const events = linesOf(form, "events");
  const headers = headersOf(form, "headers");
  const texts = ["url", "repository", "token", "api_url", "username", "description"];
  return {
    kind,
    ...Object.fromEntries(
      texts.flatMap((name) => {
        const text = textOf(form, name);
        return text === undefined ? [] : [[name, text]];
      }),
    ),
    events: events.length === 0 ? ["*"] : events,
    branches: { include: linesOf(form, "include"), exclude: linesOf(form, "exclude") },
    environments: form.getAll("environment"),
    statuses: form.getAll("status"),
    ordered: form.has("ordered"),
    ...(Object.keys(headers).length > 0 && { headers }),
    ...(kind === "github" && {
      deployments: form.has("deployments"),
      comment: form.has("comment"),
    }),
  };
}

/** Without a kind: which one? */
export const NewSubscriber: FC<{
  project: string;
  visitor: Visitor;
  kind: SubscriberKind | null;
  /** What was written and refused; secrets are to be written again. */
  form?: URLSearchParams | undefined;
  wrong?: string | undefined;
}> = ({ project, visitor, kind, form, wrong }) => {
  const path = `/projects/${project}/subscribers`;
  if (kind === null) {
    return (
      <section class="wide section" aria-label="Choose who is told">
        <ul class="choices">
          {SubscriberKind.options.map((each) => (
            <li>
              <a class="button" href={`${path}/new?kind=${each}`}>
                {KIND_TITLES[each]}
              </a>
            </li>
          ))}
        </ul>
      </section>
    );
  }
  const was = (name: string, fallback = ""): string => form?.get(name) ?? fallback;
  const had = (name: string, value: string, fallback = false): boolean =>
    form === undefined ? fallback : form.getAll(name).includes(value);
  const git = KINDS[kind].proof === "token";
  return (
    <section class="wide section" aria-label="Set it up">
      <form class="stack narrow" method="post" action={path}>
        <Csrf visitor={visitor} />
        <input type="hidden" name="kind" value={kind} />
        <p>
          {git
            ? "The state of each deploy is set at its commit. "
            : "Each event is sent as it happens. "}
          <a href={`${path}/new`}>Another kind</a>
        </p>
        {wrong !== undefined && (
          <p class="told" role="alert">
            <Icon name="failed" tone="bad" />
            <span>{wrong}</span>
          </p>
        )}
        {git ? (
          <>
            <label>
              Repository, as owner/name
              <input
                type="text"
                name="repository"
                required
                maxlength={500}
                value={was("repository")}
                spellcheck={false}
              />
            </label>
            <label>
              Token; stored sealed and not shown again
              <input type="password" name="token" required maxlength={500} autocomplete="off" />
            </label>
            {kind === "bitbucket" ? (
              <label>
                User, where the token is a person's
                <input type="text" name="username" maxlength={254} value={was("username")} />
              </label>
            ) : (
              <label>
                API of a host of your own, with its version
                <input
                  type="url"
                  name="api_url"
                  maxlength={255}
                  value={was("api_url")}
                  required={kind === "gitea"}
                  placeholder="https://"
                />
              </label>
            )}
            {kind === "github" && (
              <>
                <Check name="deployments" value="on" checked={had("deployments", "on", true)}>
                  Deployments, besides statuses
                </Check>
                <Check name="comment" value="on" checked={had("comment", "on")}>
                  A comment on the pull request
                </Check>
              </>
            )}
          </>
        ) : (
          <label>
            {kind === "webhook"
              ? "URL that events are posted to"
              : "URL of its incoming webhook; stored sealed, only its host is shown again"}
            <input
              type={kind === "webhook" ? "url" : "password"}
              name="url"
              required
              maxlength={2048}
              value={kind === "webhook" ? was("url") : ""}
              placeholder="https://"
              autocomplete="off"
            />
          </label>
        )}
        {kind === "webhook" && (
          <label>
            Headers of your own, one a line; stored sealed and not shown again
            <textarea name="headers" rows={2} spellcheck={false}></textarea>
          </label>
        )}
        <label>
          Events, one a line; * is all, deploy.* all about deploys
          <textarea name="events" rows={3} spellcheck={false}>
            {was("events", git ? "deploy.*" : "*")}
          </textarea>
        </label>
        <details class="more-form">
          <summary>Only some deploys</summary>
          <div class="stack section">
            <label>
              Branches, one a line; none means all; * and ** stand for anything
              <textarea name="include" rows={2} spellcheck={false}>
                {was("include")}
              </textarea>
            </label>
            <label>
              Branches that are left out
              <textarea name="exclude" rows={2} spellcheck={false}>
                {was("exclude")}
              </textarea>
            </label>
            <fieldset>
              <legend>Targets; none means all</legend>
              {Environment.options.map((each) => (
                <Check name="environment" value={each} checked={had("environment", each)}>
                  {each}
                </Check>
              ))}
            </fieldset>
            <fieldset>
              <legend>Statuses; none means all</legend>
              {DeployStatus.options.map((each) => (
                <Check name="status" value={each} checked={had("status", each)}>
                  {markOf(each).word}
                </Check>
              ))}
            </fieldset>
          </div>
        </details>
        <Check name="ordered" value="on" checked={had("ordered", "on")}>
          Strictly in order: one that fails holds up all that follow
        </Check>
        <label>
          Note
          <input type="text" name="description" maxlength={200} value={was("description")} />
        </label>
        <p class="actions">
          <button class="button primary" type="submit" disabled={!visitor.may("manage")}>
            Add
          </button>
          <a class="button" href={path}>
            Leave it
          </a>
        </p>
      </form>
    </section>
  );
};

const Check: FC<{ name: string; value: string; checked: boolean; children?: unknown }> = ({
  name,
  value,
  checked,
  children,
}) => (
  <label class="check">
    <input type="checkbox" name={name} value={value} checked={checked} /> <span>{children}</span>
  </label>
);
