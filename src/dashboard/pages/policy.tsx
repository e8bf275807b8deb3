import type { FC } from "hono/jsx";

import { askProject, type Api } from "../../api/context.ts";
import type { Policy } from "../../project/policy.ts";
import type { ProjectView } from "../../project/shapes.ts";
import type { Ask as Asking } from "../ask.ts";
import { show, Told } from "../frame.tsx";
import { duration } from "../model/time.ts";
import { Icon } from "../parts/mark.tsx";
import { Csrf, ProjectHead } from "../parts/project.tsx";
import { follow, onForm } from "../posting.ts";
import { admit, type Visitor } from "../visitor.ts";
import { notHere } from "./project.tsx";

export function policyRoutes(api: Api, ask: Asking): void {
  const path = "/projects/:project/policy";
  api.get(path, async (c) => {
    const visitor = await admit(c, "project");
    const overview = await askProject(c, (p) => p.overview());
    const policy = await askProject(c, (p) => p.policy());
    if (overview === null || policy === null) {
      throw notHere();
    }
    const text = JSON.stringify(policy.policy, null, 2);
    return page(c, visitor, overview.project, policy.revision, text, null);
  });

  onForm(api, path, async (c, visitor, form) => {
    const overview = await askProject(c, (p) => p.overview());
    if (overview === null) {
      throw notHere();
    }
    const text = form.get("policy") ?? "";
    const revision = Number(form.get("revision") ?? "0") || 0;
    const change = parsed(text);
    if (change === null) {
      const wrong = "This is not a JSON object. Nothing changed.";
      return page(c, visitor, overview.project, revision, text, wrong);
    }
    const reply = await ask<Policy>(c, visitor, "PATCH", "/policy", change, {
      "if-match": `"${revision}"`,
    });
    // What was written is worth more than a clean page.
    return reply.ok
      ? follow(
          c,
          reply,
          { done: "The rules are changed.", not: "" },
          `/projects/${overview.project.project}/policy`,
        )
      : page(c, visitor, overview.project, revision, text, `Nothing changed: ${reply.detail}`);
  });
}

function parsed(text: string): object | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}

function page(
  c: Parameters<typeof show>[0],
  visitor: Visitor,
  project: ProjectView,
  revision: number,
  text: string,
  wrong: string | null,
): Response {
  const children = (
    <>
      <ProjectHead project={project} tab="policy" visitor={visitor} />
      <Told visitor={visitor} />
      <div class="wide cols section">
        <section aria-labelledby="edit">
          <h2 id="edit">{visitor.may("manage") ? "Change the rules" : "The rules"}</h2>
          {wrong !== null && (
            <p class="told" role="alert">
              <Icon name="failed" tone="bad" />
              <span>{wrong}</span>
            </p>
          )}
          <form class="stack" method="post">
            <Csrf visitor={visitor} />
            <input type="hidden" name="revision" value={String(revision)} />
            <textarea
              name="policy"
              rows={28}
              spellcheck={false}
              aria-label="The rules as JSON"
              readonly={!visitor.may("manage")}
            >
              {text}
            </textarea>
            {visitor.may("manage") ? (
              <p>
                <button class="button primary" type="submit">
                  Change the rules
                </button>
              </p>
            ) : (
              <p class="meta">To change them takes the scope manage.</p>
            )}
          </form>
          <p class="meta">
            Fields that are left out stay as they are. All of it is checked together, and refused
            when somebody else was faster.
          </p>
        </section>
        <section aria-labelledby="words">
          <h2 id="words">In words</h2>
          <Words of={project.policy} />
          <p class="section">
            <a href={`/projects/${project.project}/windows`}>See what would become of a push</a>
          </p>
        </section>
      </div>
    </>
  );
  const title = `Policy · ${project.project}`;
  return show(
    c,
    { title, reader: visitor, visitor, at: "projects", children },
    wrong === null ? 200 : 422,
  );
}

const seconds = (n: number): string => duration(n * 1000);

const Words: FC<{ of: Policy }> = ({ of }) => {
  const facts: [string, string][] = [
    [
      "Order",
      of.mode === "supersede"
        ? "The newest of each target wins; older ones that wait are superseded."
        : "All of them, one after the other.",
    ],
    [
      "Lane",
      of.lane === "project"
        ? "One deploy at a time in the project."
        : "One deploy at a time for each target.",
    ],
    [
      "Running",
      of.cancel_running
        ? "A newer one stops a running one of its target."
        : "Finish, whatever comes.",
    ],
    [
      "Quiet period",
      of.quiet_period.seconds === 0
        ? "None."
        : `${seconds(of.quiet_period.seconds)}, at most ${seconds(of.quiet_period.max_wait_seconds)}.`,
    ],
    [
      "Apart",
      of.min_interval_seconds === 0
        ? "Starts follow at once."
        : `Starts of one target are ${seconds(of.min_interval_seconds)} apart.`,
    ],
    [
      "Approval",
      of.approval.environments.length === 0
        ? "None."
        : `For ${of.approval.environments.join(" and ")}, within ${of.approval.expires_hours} h.`,
    ],
    [
      "Retry",
      of.retry.limit === 0 ? "None." : `Up to ${of.retry.limit} times after a failed build.`,
    ],
    ["Rollback", of.rollback.lock ? "Locks production." : "Locks nothing."],
    [
      "Health",
      of.health.checks.length === 0
        ? "No checks."
        : `${of.health.checks.length} checks; on failure: ${of.health.on_failure}.`,
    ],
    ["Deadline", seconds(of.deadline_seconds)],
  ];
  return (
    <dl class="facts">
      {facts.map(([name, text]) => (
        <>
          <dt>{name}</dt>
          <dd>{text}</dd>
        </>
      ))}
    </dl>
  );
};
