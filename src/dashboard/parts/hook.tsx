import type { FC } from "hono/jsx";

import type { Explanation } from "../../hooks/explain.ts";
import type { HookDelivery, HookView } from "../../project/hooks.ts";
import { localized, visible } from "../model/text.ts";
import type { Clock } from "../model/time.ts";
import { markOf, outcomeMark, waitMark } from "../model/words.ts";
import type { Visitor } from "../visitor.ts";
import { Icon, Mark } from "./mark.tsx";
import { CopyField, Csrf } from "./project.tsx";
import { Say, Time } from "./say.tsx";

/** What making a hook, or its secret anew, answers. */
export interface MadeHook {
  readonly id?: string;
  readonly url?: string;
  readonly secret?: string | null;
  readonly paste?: readonly { readonly label: string; readonly value: string }[];
  readonly setup?: readonly string[];
}

/** Shown once: what to paste at the sender. What the script reads again does not have it, and leaves it as it is. */
export const Pasted: FC<{ made: MadeHook }> = ({ made }) => {
  const { url, secret = null } = made;
  const bare = [
    ...(url === undefined ? [] : [{ label: "URL", value: url }]),
    ...(secret === null ? [] : [{ label: "Secret", value: secret }]),
  ];
  const paste = made.paste === undefined || made.paste.length === 0 ? bare : made.paste;
  return (
    <>
      <dl class="facts paste">
        {paste.map(({ label, value }) => (
          <>
            <dt>{label}</dt>
            <dd>
              <CopyField value={value} label={label} />
            </dd>
          </>
        ))}
      </dl>
      {secret !== null && (
        <p class="once reason">
          <Icon name="lock" tone="wait" />
          <span>
            The secret is shown now and never again. Lost it? Rotate it: old and new then both work
            until the old one is retired.
          </span>
        </p>
      )}
    </>
  );
};

/** The way from a sender to its first delivery. `made` is null once its secrets were shown. */
export const SetUp: FC<{
  made: MadeHook | null;
  hook: HookView;
  title: string;
  path: string;
  clock: Clock;
}> = ({ made, hook, title, path, clock }) => {
  const { setup = [] } = made ?? {};
  const came = hook.last_delivery_at !== null;
  return (
    <ol class="steps">
      <li class="done">
        <h2>Choose the sender</h2>
        <p class="quiet">
          {title}
          {hook.repository !== null && (
            <>
              , repository{" "}
              <code>
                <bdi>{visible(hook.repository)}</bdi>
              </code>
            </>
          )}
        </p>
      </li>
      <li class={came ? "done" : "current"}>
        <h2>Paste this into {title}</h2>
        <div data-kept="">
          {setup.length > 0 && (
            <ul class="bullets">
              {setup.map((step) => (
                <li>{step}</li>
              ))}
            </ul>
          )}
          {made === null ? (
            <p class="quiet">
              It was shown when the hook was made, and is not shown again.{" "}
              <a href={path}>Rotate the secret</a> to see new ones.
            </p>
          ) : (
            <Pasted made={made} />
          )}
        </div>
      </li>
      <li class={came ? "done" : undefined}>
        <h2>Ping or push</h2>
        {came ? (
          <p>
            Arrived at <Time at={hook.last_delivery_at ?? ""} clock={clock} seconds />. The hook
            works.
          </p>
        ) : (
          <p class="quiet">
            What arrives is listed below, with what became of it and why. To see what a payload
            would do without deploying, <a href={path}>explain it</a>.
          </p>
        )}
      </li>
    </ol>
  );
};

export const HookState: FC<{ of: HookView }> = ({ of }) =>
  of.state === "active" ? (
    <Mark of={{ ...markOf("succeeded"), word: "active" }} />
  ) : of.state === "paused" ? (
    <Mark of={{ ...markOf("canceled"), word: "paused" }} />
  ) : (
    <Mark of={{ ...waitMark("lock"), word: "waits for its secret" }} />
  );

export const HookRules: FC<{ of: HookView }> = ({ of }) => {
  const rule = ({ include, exclude }: HookView["branches"]): string =>
    `${include.length === 0 ? "all" : include.join(", ")}${exclude.length === 0 ? "" : `, except ${exclude.join(", ")}`}`;
  const facts: [string, string][] = [
    ["Repository", of.repository ?? "any"],
    ["Branches", of.branch ?? rule(of.branches)],
    ["Paths", rule(of.paths)],
    [
      "Skipped",
      of.skip_ci ? "when the commit's message asks for no build" : "never by its message",
    ],
    [
      "Quiet period",
      of.quiet_period_seconds === null ? "the project's" : `${of.quiet_period_seconds} s`,
    ],
    ["Secrets", String(of.secrets)],
  ];
  return (
    <>
      <p>
        <HookState of={of} />
      </p>
      <dl class="facts">
        {facts.map(([name, text]) => (
          <>
            <dt>{name}</dt>
            <dd>
              <bdi>{visible(text)}</bdi>
            </dd>
          </>
        ))}
      </dl>
    </>
  );
};

export const HookDeliveries: FC<{
  of: readonly HookDelivery[];
  project: string;
  clock: Clock;
  hook: HookView;
}> = ({ of, project, clock, hook }) => (
  <>
    {hook.refusals > 0 && (
      <p class="reason">
        <Icon name="shield" tone="bad" />
        <span>
          {hook.refusals} refused
          {hook.last_refused_at !== null && (
            <>
              , the last one <Time at={hook.last_refused_at} clock={clock} />
            </>
          )}
          : signed with another secret than this hook's, or not at all.
        </span>
      </p>
    )}
    {of.length === 0 ? (
      <p class="none">Nothing has come yet.</p>
    ) : (
      <table class="hook-deliveries stacked" role="table">
        <thead role="rowgroup">
          <tr role="row">
            {["Outcome", "Branch", "Reason", "Delivery", "Arrived"].map((text) => (
              <th scope="col" role="columnheader">
                {text}
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {of.map(
            ({ id, outcome, branch, reason, delivery_id: delivery, deploy_id: deploy, at }) => (
              <tr role="row" data-key={id}>
                <td role="cell">
                  <Mark of={outcomeMark(outcome)} />
                </td>
                <td role="cell" class="cut-off">
                  <bdi>{visible(branch ?? "")}</bdi>
                </td>
                <td role="cell">
                  {reason !== null && <Say it={localized(reason, null, clock, Date.parse(at))} />}{" "}
                  {deploy !== null && (
                    <a href={`/projects/${project}/deploys/${deploy}`}>Its deploy</a>
                  )}
                </td>
                <td role="cell" class="cut-off">
                  <code>
                    <bdi>{visible(delivery ?? "none")}</bdi>
                  </code>
                </td>
                <td role="cell">
                  <Time at={at} clock={clock} seconds />
                </td>
              </tr>
            ),
          )}
        </tbody>
      </table>
    )}
  </>
);

export const ExplainForm: FC<{
  to: string;
  visitor: Visitor;
  more: { explanation?: Explanation; wrong?: string; sample?: string };
}> = ({ to, visitor, more }) => (
  <details class="more-form" open={more.explanation !== undefined || more.wrong !== undefined}>
    <summary>Explain a payload: what would it lead to?</summary>
    {more.wrong !== undefined && (
      <p class="told" role="alert" data-kept="">
        <Icon name="failed" tone="bad" />
        <span>{more.wrong}</span>
      </p>
    )}
    {more.explanation !== undefined && (
      <ul class="bare panel" role="status" data-kept="">
        {more.explanation.steps.map(({ step, ok, detail }) => (
          <li class="reason">
            <Icon
              name={ok === null ? "dash" : ok ? "done" : "failed"}
              tone={ok === null ? "quiet" : ok ? "ok" : "bad"}
            />
            <span>
              <span class="strong">{step}</span> <bdi>{visible(detail)}</bdi>
            </span>
          </li>
        ))}
        {more.explanation.results.map(({ branch, outcome, reason }) => (
          <li class="reason">
            <Icon
              name={outcome === "deploy" ? "train" : outcomeMark(outcome).icon}
              tone={outcome === "deploy" ? "accent" : "quiet"}
            />
            <span>
              {outcome === "deploy" ? "It would deploy " : `It would be ${outcome}: `}
              <bdi>{visible(branch ?? "")}</bdi> {reason !== null && <bdi>{visible(reason)}</bdi>}
            </span>
          </li>
        ))}
      </ul>
    )}
    <form class="stack" method="post" action={to}>
      <Csrf visitor={visitor} />
      <label>
        Headers, one a line
        <textarea name="headers" rows={3} spellcheck={false}></textarea>
      </label>
      <label>
        Body
        <textarea name="body" rows={8} spellcheck={false}>
          {more.sample ?? ""}
        </textarea>
      </label>
      <p>
        <button class="button" type="submit">
          Explain
        </button>
      </p>
    </form>
  </details>
);
