import type { Context } from "hono";

import { askProject, type Api, type AppEnv } from "../../api/context.ts";
import type { Explanation } from "../../hooks/explain.ts";
import { findSource } from "../../hooks/sources/index.ts";
import { Problem } from "../../problem.ts";
import type { HookView } from "../../project/hooks.ts";
import type { Ask as Asking } from "../ask.ts";
import { visible } from "../model/text.ts";
import { HookRules, SetUp, type MadeHook } from "../parts/hook.tsx";
import { HookList, HookPage, LastDeliveries, type More } from "../parts/hooks.tsx";
import { NewHook } from "../parts/new-hook.tsx";
import { follow, headersOf, linesOf, onForm, textOf } from "../posting.ts";
import { deletionPage, tabPage, viewOf } from "../tab-page.tsx";
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
      { project, tab: "hooks", title: "Hooks", live: true },
      <HookList hooks={hooks} project={project} visitor={visitor} />,
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
    return reply.ok
      ? setUpPage(c, visitor, await hookOf(c, reply.value.id), reply.value)
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

  const setUpPage = async (
    c: Context<AppEnv>,
    visitor: Visitor,
    hook: HookView,
    made: MadeHook | null,
  ): Promise<Response> => {
    const project = await viewOf(c);
    const deliveries = await askProject(c, (p) => p.hookDeliveries(hook.id));
    const path = `/projects/${project.project}/hooks/${hook.id}`;
    const title = titleOf(hook);
    return tabPage(
      c,
      visitor,
      {
        project,
        tab: "hooks",
        title: `A hook for ${title}`,
        live: true,
        address: `${path}/set-up`,
      },
      <>
        <div class="wide cols section">
          <SetUp made={made} hook={hook} title={title} path={path} clock={visitor.clock} />
          <section aria-labelledby="rules">
            <h2 id="rules">What will deploy</h2>
            <HookRules of={hook} />
          </section>
        </div>
        <section class="wide section" aria-labelledby="deliveries">
          <LastDeliveries
            of={deliveries}
            project={project.project}
            clock={visitor.clock}
            hook={hook}
          />
        </section>
      </>,
      made === null ? 200 : 201,
    );
  };
  api.get(`${base}/:id/set-up`, async (c) => {
    const visitor = await admit(c, "project");
    return setUpPage(c, visitor, await hookOf(c), null);
  });

  const hookPage = async (
    c: Context<AppEnv>,
    visitor: Visitor,
    more: More = {},
  ): Promise<Response> => {
    const project = await viewOf(c);
    const hook = await hookOf(c);
    const deliveries = await askProject(c, (p) => p.hookDeliveries(hook.id));
    return tabPage(
      c,
      visitor,
      {
        project,
        tab: "hooks",
        title: `The hook for ${titleOf(hook)}`,
        live: true,
        address: `/projects/${project.project}/hooks/${hook.id}`,
      },
      <HookPage
        hook={hook}
        deliveries={deliveries}
        project={project.project}
        visitor={visitor}
        more={more}
      />,
    );
  };
  api.get(`${base}/:id`, async (c) => hookPage(c, await admit(c, "project")));

  api.get(`${base}/:id/remove`, async (c) => {
    const visitor = await admit(c, "project");
    const project = await viewOf(c);
    const hook = await hookOf(c);
    return deletionPage(
      c,
      visitor,
      { project, tab: "hooks", title: `Delete the hook for ${titleOf(hook)}?` },
      {
        facts: [
          ["Then", ["What its sender delivers is refused, and deploys nothing."]],
          ["Stays", ["Deploys that it asked for go on, those that wait, too."]],
        ],
        button: "Delete hook",
        keep: "Keep the hook",
      },
      `/projects/${project.project}/hooks/${hook.id}`,
    );
  });

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
          ? hookPage(c, visitor, { rotated: reply.value })
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

async function hookOf(c: Context<AppEnv>, id = c.req.param("id") ?? ""): Promise<HookView> {
  const hook = await askProject(c, (p) => p.hook(id));
  if (hook === null) {
    throw new Problem("hook_not_found", "There is no such hook in this project.");
  }
  return hook;
}

function titleOf({ source }: HookView): string {
  return findSource(source)?.title ?? visible(source);
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
