import type { Context } from "hono";
import type { FC } from "hono/jsx";

import { askProject, type Api, type AppEnv } from "../../api/context.ts";
import type { Explanation } from "../../hooks/explain.ts";
import { findSource } from "../../hooks/sources/index.ts";
import { Problem } from "../../problem.ts";
import type { HookDelivery, HookView } from "../../project/hooks.ts";
import type { ProjectView } from "../../project/shapes.ts";
import type { Ask as Asking } from "../ask.ts";
import { visible } from "../model/text.ts";
import { ago } from "../model/time.ts";
import {
  ExplainForm,
  HookDeliveries,
  HookRules,
  HookState,
  SetUp,
  type MadeHook,
} from "../parts/hook.tsx";
import { NewHook } from "../parts/new-hook.tsx";
import { Action } from "../parts/project.tsx";
import { follow, headersOf, linesOf, onForm, textOf } from "../posting.ts";
import { tabPage, viewOf } from "../tab-page.tsx";
import { admit, type Visitor } from "../visitor.ts";

export function hookRoutes(api: Api, ask: Asking): void {
  const base = "/projects/:project/hooks";

  api.get(base, async (c) => {
    const visitor = await admit(c, "project");
    const project = await viewOf(c);
    const hooks = await askProject(c, (p) => p.hooks());
    return tabPage(
      c,
      visitor,
      { project, tab: "hooks", title: "Hooks" },
      <List hooks={hooks} project={project} visitor={visitor} />,
    );
  });

  api.get(`${base}/new`, async (c) => {
    const visitor = await admit(c, "project");
    const project = await viewOf(c);
    const source = findSource(c.req.query("source") ?? "");
    const name = c.req.query("source") ?? "";
    return tabPage(
      c,
      visitor,
      {
        project,
        tab: "hooks",
        title: source === null ? "A new hook" : `A hook for ${source.title}`,
      },
      <NewHook project={project} visitor={visitor} source={source} name={name} wrong={null} />,
    );
  });

  onForm(api, base, async (c, visitor, form) => {
    const project = await viewOf(c);
    const name = textOf(form, "source") ?? "";
    const reply = await ask<MadeHook>(c, visitor, "POST", "/hooks", hookIn(form));
    const title = findSource(name)?.title ?? "your sender";
    return reply.ok
      ? tabPage(
          c,
          visitor,
          { project, tab: "hooks", title: `A hook for ${title}` },
          <SetUp made={reply.value} title={title} project={project.project} />,
          201,
        )
      : tabPage(
          c,
          visitor,
          { project, tab: "hooks", title: "A new hook" },
          <NewHook
            project={project}
            visitor={visitor}
            source={findSource(name)}
            name={name}
            wrong={reply.detail}
          />,
          422,
        );
  });

  const hookPage = async (
    c: Context<AppEnv>,
    visitor: Visitor,
    more: {
      explanation?: Explanation;
      wrong?: string;
      sample?: string;
      shown?: { url?: string; secret?: string };
    } = {},
  ): Promise<Response> => {
    const project = await viewOf(c);
    const id = c.req.param("id") ?? "";
    const hook = await askProject(c, (p) => p.hook(id));
    if (hook === null) {
      throw new Problem("hook_not_found", "There is no such hook in this project.");
    }
    const deliveries = await askProject(c, (p) => p.hookDeliveries(id));
    const title = findSource(hook.source)?.title ?? visible(hook.source);
    return tabPage(
      c,
      visitor,
      { project, tab: "hooks", title: `The hook for ${title}` },
      <One
        hook={hook}
        title={title}
        deliveries={deliveries}
        project={project.project}
        visitor={visitor}
        more={more}
      />,
    );
  };
  api.get(`${base}/:id`, async (c) => hookPage(c, await admit(c, "project")));

  onForm(api, `${base}/:id/explain`, async (c, visitor, form) => {
    const sample = form.get("body") ?? "";
    const headers = headersOf(form, "headers");
    const path = `/hooks/${encodeURIComponent(c.req.param("id") ?? "")}/explain`;
    const reply = await ask<Explanation>(c, visitor, "POST", path, { body: sample, headers });
    return hookPage(c, visitor, {
      sample,
      ...(reply.ok ? { explanation: reply.value } : { wrong: reply.detail }),
    });
  });

  onForm(api, `${base}/:id/:action`, async (c, visitor) => {
    const list = `/projects/${c.req.param("project")}/hooks`;
    const id = encodeURIComponent(c.req.param("id") ?? "");
    const one = `/hooks/${id}`;
    switch (c.req.param("action")) {
      case "pause":
      case "resume": {
        const paused = c.req.param("action") === "pause";
        const reply = await ask<HookView>(c, visitor, "PATCH", one, { paused });
        return follow(
          c,
          reply,
          { done: paused ? "Paused." : "It takes deliveries again.", not: "Nothing changed" },
          `${list}/${id}`,
        );
      }
      case "rotate": {
        const reply = await ask<HookView & { url?: string; secret?: string }>(
          c,
          visitor,
          "PATCH",
          one,
          { rotate_secret: true },
        );
        return reply.ok
          ? hookPage(c, visitor, { shown: reply.value })
          : follow(c, reply, { done: "", not: "Not rotated" }, `${list}/${id}`);
      }
      case "remove": {
        const reply = await ask<null>(c, visitor, "DELETE", one);
        return follow(c, reply, { done: "The hook is deleted.", not: "Not deleted" }, list);
      }
      default:
        throw new Problem("not_found", "There is nothing at this address.");
    }
  });
}

function hookIn(form: URLSearchParams): object {
  const auth = {
    mode: textOf(form, "mode"),
    header: textOf(form, "header"),
    username: textOf(form, "username"),
  };
  const given = Object.fromEntries(Object.entries(auth).filter(([, value]) => value !== undefined));
  const include = linesOf(form, "include");
  const exclude = linesOf(form, "exclude");
  const optional = {
    repository: textOf(form, "repository"),
    branch: textOf(form, "branch"),
    description: textOf(form, "description"),
    secret: textOf(form, "secret"),
  };
  return {
    source: textOf(form, "source") ?? "",
    ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined)),
    ...(Object.keys(given).length > 0 && { auth: given }),
    ...((include.length > 0 || exclude.length > 0) && { branches: { include, exclude } }),
  };
}

const List: FC<{ hooks: readonly HookView[]; project: ProjectView; visitor: Visitor }> = ({
  hooks,
  project,
  visitor,
}) => {
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

interface More {
  readonly explanation?: Explanation;
  readonly wrong?: string;
  readonly sample?: string;
  readonly shown?: { readonly url?: string; readonly secret?: string };
}

const One: FC<{
  hook: HookView;
  title: string;
  deliveries: readonly HookDelivery[];
  project: string;
  visitor: Visitor;
  more: More;
}> = ({ hook, title, deliveries, project, visitor, more }) => {
  const path = `/projects/${project}/hooks/${hook.id}`;
  return (
    <>
      {more.shown !== undefined && (
        <div class="wide section">
          <SetUp made={more.shown} title={title} project={project} />
        </div>
      )}
      <div class="wide cols section">
        <section aria-labelledby="deliveries">
          <div class="sec-head">
            <h2 id="deliveries">Last deliveries</h2>
            <span class="meta">of this hook, the last 50 are kept</span>
          </div>
          <HookDeliveries of={deliveries} project={project} clock={visitor.clock} hook={hook} />
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
                <Action to={`${path}/remove`} visitor={visitor} needs="manage" kind="danger">
                  Delete hook
                </Action>
              </>
            )}
          </div>
        </section>
      </div>
    </>
  );
};
