import type { Context } from "hono";
import type { FC } from "hono/jsx";

import type { Api, AppEnv } from "../../api/context.ts";
import { Branch } from "../../api/schemas.ts";
import { Problem } from "../../problem.ts";
import type { ProjectView } from "../../project/shapes.ts";
import type { Ask as Asking } from "../ask.ts";
import type { Question } from "../model/confirm.ts";
import { hostOf } from "../model/now.ts";
import { visible } from "../model/text.ts";
import { Confirm } from "../parts/confirm.tsx";
import { TextField, Wrong } from "../parts/form.tsx";
import { Action, Ask, CopyField } from "../parts/project.tsx";
import { answerRefused, follow, onForm } from "../posting.ts";
import { tabPage, viewOf } from "../tab-page.tsx";
import { admit, type Visitor } from "../visitor.ts";

interface Badge {
  readonly url: string;
}

/** The picture of a project's state for its README: whether there is one, and how to put it there. */
export function badgeRoutes(api: Api, ask: Asking): void {
  const base = "/projects/:project/badge";

  const badgeOf = async (c: Context<AppEnv>, visitor: Visitor): Promise<Badge | null> => {
    const reply = await ask<Badge>(c, visitor, "GET", "/badge");
    if (!reply.ok && reply.code !== "badge_not_found") {
      throw answerRefused(reply);
    }
    return reply.ok ? reply.value : null;
  };

  api.get(base, async (c) => {
    const visitor = await admit(c, "project");
    const project = await viewOf(c);
    const badge = await badgeOf(c, visitor);
    const asked = c.req.query("branch")?.trim() ?? "";
    const branch = asked === "" ? null : Branch.safeParse(asked);
    const wrong = branch?.success === false ? "No branch can be called this." : undefined;
    const on = { project, tab: "badge", title: "Badge" } as const;
    const children = (
      <section class="wide section stack" aria-labelledby="title">
        {badge === null ? (
          <NoBadge project={project} visitor={visitor} />
        ) : (
          <Shown
            of={badge}
            project={project}
            visitor={visitor}
            asked={asked}
            branch={branch?.data ?? null}
            wrong={wrong}
          />
        )}
      </section>
    );
    return tabPage(c, visitor, on, children, wrong === undefined ? 200 : 422);
  });

  onForm(api, base, async (c, visitor) => {
    const reply = await ask<Badge>(c, visitor, "POST", "/badge");
    return follow(c, reply, { done: "The badge is there.", not: "Not made" }, pathIn(c));
  });

  api.get(`${base}/:action`, async (c) => {
    const visitor = await admit(c, "project");
    const { question } = actionIn(c);
    const on = { project: await viewOf(c), tab: "badge", title: question.title } as const;
    return tabPage(
      c,
      visitor,
      on,
      <section class="wide section" aria-labelledby="title">
        <Confirm of={question} to={c.req.path} back={pathIn(c)} visitor={visitor} />
      </section>,
    );
  });

  onForm(api, `${base}/:action`, async (c, visitor) => {
    const { method, done, not } = actionIn(c);
    return follow(c, await ask<unknown>(c, visitor, method, "/badge"), { done, not }, pathIn(c));
  });
}

const pathIn = (c: Context<AppEnv>): string => `/projects/${c.req.param("project")}/badge`;

interface Doing {
  readonly method: "POST" | "DELETE";
  readonly question: Question;
  readonly done: string;
  readonly not: string;
}

const shared = { reason: "none", keep: "Keep it as it is", danger: true, needs: "manage" } as const;

const ACTIONS: Record<string, Doing> = {
  renew: {
    method: "POST",
    question: {
      ...shared,
      title: "Give the badge a new address?",
      facts: [
        ["Then", ["The address before is good no more: where it stands, a picture is missing."]],
        ["After", ["Put the new one into each README that is to show it."]],
      ],
      button: "Give it a new address",
    },
    done: "The badge has a new address.",
    not: "Nothing changed",
  },
  remove: {
    method: "DELETE",
    question: {
      ...shared,
      title: "Take the badge away?",
      facts: [["Then", ["Its address is good no more: where it stands, a picture is missing."]]],
      button: "Take it away",
    },
    done: "The badge is taken away.",
    not: "Nothing changed",
  },
};

function actionIn(c: Context<AppEnv>): Doing {
  const action = c.req.param("action") ?? "";
  const found = Object.hasOwn(ACTIONS, action) ? ACTIONS[action] : undefined;
  if (found === undefined) {
    throw new Problem("not_found", "There is nothing at this address.");
  }
  return found;
}

const NoBadge: FC<{ project: ProjectView; visitor: Visitor }> = ({ project, visitor }) => (
  <>
    <p class="none">
      A badge is a small picture for a README that says how production is: not deployed, deploying,
      live or failed. There is none until somebody wants one; then whoever has its address sees that
      word, and nothing else.
    </p>
    <p>
      <Action
        to={`/projects/${project.project}/badge`}
        visitor={visitor}
        needs="manage"
        kind="primary"
      >
        Make a badge
      </Action>
    </p>
  </>
);

const Shown: FC<{
  of: Badge;
  project: ProjectView;
  visitor: Visitor;
  /** As it was written. */
  asked: string;
  /** null: production's. */
  branch: string | null;
  wrong: string | undefined;
}> = ({ of, project, visitor, asked, branch, wrong }) => {
  const path = `/projects/${project.project}/badge`;
  const query = branch === null ? "" : `?${new URLSearchParams({ branch }).toString()}`;
  const url = `${of.url}${query}`;
  const site = `https://${hostOf({ project })}`;
  const alt = `Deploys of ${project.name}`;
  const snippets = [
    ["Markdown", `[![${alt}](${url})](${site})`],
    ["HTML", `<a href="${site}"><img src="${url}" alt="${alt}" height="20"></a>`],
    ["Address", url],
  ] as const;
  return (
    <>
      <p class="reason">
        <img src={`${new URL(of.url).pathname}${query}`} alt={`Badge: ${alt}`} height="20" />
        <span class="quiet">
          of {branch === null ? "production" : <bdi>{visible(branch)}</bdi>}, at most half a minute
          old where it is shown
        </span>
      </p>
      <form class="stack narrow" method="get" action={path}>
        <Wrong text={wrong} />
        <TextField
          label="Branch; empty is production"
          name="branch"
          value={asked}
          max={255}
          placeholder={project.production_branch}
        />
        <p>
          <button class="button" type="submit">
            Show
          </button>
        </p>
      </form>
      <dl class="facts paste">
        {snippets.map(([name, text]) => (
          <>
            <dt>{name}</dt>
            <dd>
              <CopyField value={text} label={name} />
            </dd>
          </>
        ))}
      </dl>
      <p class="meta">
        Whoever has this address sees how the project is, and nothing else. Each branch's preview
        has a state of its own at the same address.
      </p>
      {visitor.may("manage") && (
        <p class="actions">
          <Ask to={`${path}/renew`} visitor={visitor} needs="manage">
            New address…
          </Ask>
          <Ask to={`${path}/remove`} visitor={visitor} needs="manage" kind="danger">
            Take away…
          </Ask>
        </p>
      )}
    </>
  );
};
