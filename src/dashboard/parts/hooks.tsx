import type { FC } from "hono/jsx";

import type { Explanation } from "../../hooks/explain.ts";
import { findSource } from "../../hooks/sources/index.ts";
import type { HookDelivery, HookView } from "../../project/hooks.ts";
import type { ProjectView } from "../../project/shapes.ts";
import { visible } from "../model/text.ts";
import { ago, type Clock } from "../model/time.ts";
import type { Visitor } from "../visitor.ts";
import {
  ExplainForm,
  HookDeliveries,
  HookRules,
  HookState,
  Pasted,
  type MadeHook,
} from "./hook.tsx";
import { Action, Ask } from "./project.tsx";

export const HookList: FC<{
  hooks: readonly HookView[];
  project: ProjectView;
  visitor: Visitor;
}> = ({ hooks, project, visitor }) => {
  const path = `/projects/${project.project}/hooks`;
  return (
    <section class="wide section" aria-label="Hooks">
      {hooks.length === 0 && (
        <p class="none">
          A hook is an address that a git host, a CMS or anything else posts to when something has
          changed.
        </p>
      )}
      <ul class="list">
        {hooks.map((hook) => (
          <li>
            <span>
              <a class="strong" href={`${path}/${hook.id}`}>
                {findSource(hook.source)?.title ?? visible(hook.source)}
              </a>{" "}
              <bdi>{visible(hook.description ?? hook.repository ?? "")}</bdi>
              <span class="meta block">
                {hook.last_delivery_at === null
                  ? "Nothing has come yet"
                  : `Last delivery ${ago(Date.parse(hook.last_delivery_at), visitor.clock)}`}
                {hook.refusals > 0 && `, ${hook.refusals} refused`}
              </span>
            </span>
            <HookState of={hook} />
          </li>
        ))}
      </ul>
      <p class="more-row">
        {project.source === "direct_upload" ? (
          <span class="quiet">
            This project is not connected to a git repository: there is no branch that a hook could
            have built.
          </span>
        ) : visitor.may("manage") ? (
          <a class="button primary" href={`${path}/new`}>
            Add a hook
          </a>
        ) : (
          <span class="quiet">To add one takes the scope manage.</span>
        )}
      </p>
    </section>
  );
};

/** What came of a form of its page. */
export interface More {
  readonly explanation?: Explanation;
  readonly wrong?: string;
  readonly sample?: string;
  readonly rotated?: MadeHook;
}

export const LastDeliveries: FC<{
  of: readonly HookDelivery[];
  project: string;
  clock: Clock;
  hook: HookView;
}> = (props) => (
  <>
    <div class="sec-head">
      <h2 id="deliveries">Last deliveries</h2>
      <span class="meta">of this hook, the last 50 are kept</span>
    </div>
    <HookDeliveries {...props} />
  </>
);

export const HookPage: FC<{
  hook: HookView;
  deliveries: readonly HookDelivery[];
  project: string;
  visitor: Visitor;
  more: More;
}> = ({ hook, deliveries, project, visitor, more }) => {
  const path = `/projects/${project}/hooks/${hook.id}`;
  return (
    <>
      {more.rotated !== undefined && (
        <div class="wide section" role="status" data-kept="">
          <Pasted made={more.rotated} />
        </div>
      )}
      <div class="wide cols section">
        <section aria-labelledby="deliveries">
          <LastDeliveries of={deliveries} project={project} clock={visitor.clock} hook={hook} />
          {visitor.may("manage") && (
            <ExplainForm to={`${path}/explain`} visitor={visitor} more={more} />
          )}
        </section>
        <section aria-labelledby="rules">
          <h2 id="rules">What will deploy</h2>
          <HookRules of={hook} />
          <div class="actions section">
            <Action
              to={`${path}/${hook.paused ? "resume" : "pause"}`}
              visitor={visitor}
              needs="manage"
            >
              {hook.paused ? "Resume" : "Pause"}
            </Action>
            {visitor.may("manage") && (
              <>
                <Action to={`${path}/rotate`} visitor={visitor} needs="manage">
                  Rotate the secret
                </Action>
                <Ask to={`${path}/remove`} visitor={visitor} needs="manage" kind="danger">
                  Delete hook…
                </Ask>
              </>
            )}
          </div>
        </section>
      </div>
    </>
  );
};
