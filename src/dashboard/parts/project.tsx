import type { Child, FC } from "hono/jsx";

import type { ProjectView } from "../../project/shapes.ts";
import { hostOf } from "../model/now.ts";
import { Head } from "../frame.tsx";
import type { Visitor } from "../visitor.ts";

export const TABS = [
  ["deploys", "", "Deploys"],
  ["hooks", "/hooks", "Hooks"],
  ["subscribers", "/subscribers", "Subscribers"],
  ["schedules", "/schedules", "Schedules"],
  ["windows", "/windows", "Windows and locks"],
  ["policy", "/policy", "Policy"],
  ["events", "/events", "Events"],
  ["numbers", "/numbers", "Numbers"],
  ["badge", "/badge", "Badge"],
  ["tokens", "/tokens", "Tokens"],
] as const;

/** What all pages of a project begin with. */
export const ProjectHead: FC<{
  project: Pick<ProjectView, "project" | "domains" | "subdomain">;
  tab: (typeof TABS)[number][0];
  visitor: Visitor;
  actions?: Child;
}> = ({ project, tab, visitor, actions }) => {
  const host = hostOf({ project: project as ProjectView });
  const tabs = TABS.filter(([name]) => name !== "tokens" || visitor.may("manage"));
  return (
    <Head
      crumbs={[["/", "Projects"]]}
      title={project.project}
      beside={
        <a class="site" href={`https://${host}`} rel="noreferrer">
          {host}
        </a>
      }
      actions={actions}
      tabs={
        <nav class="tabs" aria-label={project.project}>
          {tabs.map(([name, path, text]) => (
            <a
              href={`/projects/${project.project}${path}`}
              {...(name === tab ? { "aria-current": "page" as const } : {})}
            >
              {text}
            </a>
          ))}
        </nav>
      }
    />
  );
};

/** A form of one button. Without the scope for it, the button is there with the reason. */
export const Action: FC<{
  to: string;
  visitor: Visitor;
  needs?: "deploy" | "manage";
  kind?: "primary" | "danger" | "minor" | "plain";
  /** Why it can't be done, whoever asks. */
  off?: string | null;
  values?: Readonly<Record<string, string>>;
  children?: Child;
}> = ({ to, visitor, needs = "deploy", kind = "plain", off = null, values = {}, children }) => {
  const why = off ?? (visitor.may(needs) ? null : `This takes the scope ${needs}.`);
  if (why !== null) {
    return kind === "minor" ? null : (
      <span class="off">
        <button class="button" type="button" disabled>
          {children}
        </button>
        <span class="meta">{why}</span>
      </span>
    );
  }
  return (
    <form class="inline" method="post" action={to}>
      <input type="hidden" name="csrf" value={visitor.csrf} />
      {Object.entries(values).map(([name, value]) => (
        <input type="hidden" name={name} value={value} />
      ))}
      <button class={`button ${kind}`} type="submit">
        {children}
      </button>
    </form>
  );
};

/** A question comes first: in place by script, else on a page of its own. */
export const Ask: FC<{
  to: string;
  visitor: Visitor;
  needs?: "deploy" | "manage";
  kind?: "danger" | "minor" | "plain";
  children?: Child;
}> = ({ to, visitor, needs = "deploy", kind = "plain", children }) =>
  visitor.may(needs) ? (
    <a class={kind === "minor" ? "minor" : `button ${kind}`} href={to} data-ask="">
      {children}
    </a>
  ) : kind === "minor" ? null : (
    <span class="off">
      <button class="button" type="button" disabled>
        {children}
      </button>
      <span class="meta">This takes the scope {needs}.</span>
    </span>
  );

/** A value to take along. Without script it can be selected; the button comes with it. */
export const CopyField: FC<{ value: string; label: string }> = ({ value, label }) => (
  <span class="copy">
    <output class="value" tabindex={0} aria-label={label}>
      {value}
    </output>
    <button class="button" type="button" data-copy={value} hidden>
      Copy
    </button>
  </span>
);

export const Csrf: FC<{ visitor: Visitor }> = ({ visitor }) => (
  <input type="hidden" name="csrf" value={visitor.csrf} />
);
