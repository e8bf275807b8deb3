import type { Context } from "hono";
import type { Child } from "hono/jsx";

import { askProject, type AppEnv } from "../api/context.ts";
import type { ProjectView } from "../project/shapes.ts";
import { show, Told } from "./frame.tsx";
import type { Question } from "./model/confirm.ts";
import { Confirm } from "./parts/confirm.tsx";
import { ProjectHead, type TABS } from "./parts/project.tsx";
import { notHere } from "./pages/project.tsx";
import type { Visitor } from "./visitor.ts";

export async function viewOf(c: Context<AppEnv>): Promise<ProjectView> {
  const project = await askProject(c, (p) => p.view());
  if (project === null) {
    throw notHere();
  }
  return project;
}

/** A page under one of a project's tabs, with its title in the band. */
export function tabPage(
  c: Context<AppEnv>,
  visitor: Visitor,
  on: {
    readonly project: ProjectView;
    readonly tab: (typeof TABS)[number][0];
    readonly title: string;
    /** It shows deliveries, and new ones come by themselves. */
    readonly live?: boolean;
    readonly address?: string;
  },
  children: Child,
  status: 200 | 201 | 422 = 200,
): Response {
  const { project, tab, title, live = false, address } = on;
  const whole = (
    <>
      <ProjectHead project={project} tab={tab} visitor={visitor} />
      <div class="band">
        <Told visitor={visitor} />
        <div class="wide">
          <h2 class="now-head">{title}</h2>
        </div>
      </div>
      {children}
    </>
  );
  const page = {
    title: `${title} · ${project.project}`,
    reader: visitor,
    visitor,
    at: "projects",
    ...(live && { live: `/projects/${project.project}/live?deliveries` }),
    ...(address !== undefined && { address }),
  } as const;
  return show(c, { ...page, children: whole }, status);
}

/** Asks before something of a project is deleted. The form goes to the same address. */
export function deletionPage(
  c: Context<AppEnv>,
  visitor: Visitor,
  on: {
    readonly project: ProjectView;
    readonly tab: (typeof TABS)[number][0];
    readonly title: string;
  },
  of: Pick<Question, "facts" | "button" | "keep">,
  back: string,
): Response {
  const { title } = on;
  const question = { ...of, title, reason: "none", danger: true, needs: "manage" } as const;
  return tabPage(
    c,
    visitor,
    on,
    <section class="wide section" aria-label={title}>
      <Confirm of={question} to={c.req.path} back={back} visitor={visitor} />
    </section>,
  );
}
