import * as z from "zod";

import { referenceOf } from "../objects.ts";
import { Problem, existing } from "../problem.ts";
import { askInstance, askProject, keyIn, type Api } from "./context.ts";
import { onInstance, onProject } from "./guard.ts";
import { page, pageOf, PageQuery, textAfter } from "./pages.ts";
import { ProjectParams } from "./params.ts";
import { json, noContent, refusals } from "./responses.ts";
import { createRoute } from "./route.ts";
import { Project } from "./schemas.ts";

const tags = ["Projects"];

const list = createRoute({
  method: "get",
  path: "/v1/projects",
  operationId: "listProjects",
  summary: "List registered projects",
  tags,
  ...onInstance("read"),
  request: { query: PageQuery },
  responses: {
    200: json(
      pageOf(
        z.object({
          project: z.string().meta({
            description:
              "What it is called in paths: its name, behind `<account id>:` where the account is not the configured one.",
          }),
          name: z.string(),
          account_id: z.string(),
        }),
      ),
      "A page of projects, by name.",
    ),
    ...refusals("query_invalid", "cursor_invalid"),
  },
});

const get = createRoute({
  method: "get",
  path: "/v1/projects/{project}",
  operationId: "getProject",
  summary: "Get a project: what is live, running and waiting, and why",
  tags,
  ...onProject("read"),
  request: { params: ProjectParams },
  responses: { 200: json(Project, "The project."), ...refusals("project_not_found") },
});

const remove = createRoute({
  method: "delete",
  path: "/v1/projects/{project}",
  operationId: "removeProject",
  summary: "Forget a project",
  description:
    "Everything that is stored here about it goes: deploys, events, hooks, subscribers, schedules, tokens. The Pages project at Cloudflare stays as it is.",
  tags,
  ...onProject("manage"),
  request: { params: ProjectParams },
  responses: { 204: noContent, ...refusals("project_not_found") },
});

export function projectRoutes(api: Api): void {
  api.openapi(list, async (c) => {
    const { limit, cursor } = c.req.valid("query");
    const after = textAfter(cursor);
    const rows = await askInstance(c, (instance) => instance.projects(after, limit + 1));
    const { items, next_cursor } = page(rows, limit, (row) => row.key);
    const shown = items.map(({ key, name, account_id }) => ({
      project: referenceOf(key, c.var.config.accountId),
      name,
      account_id,
    }));
    return c.json({ items: shown, next_cursor }, 200);
  });

  api.openapi(get, async (c) => {
    const project = await askProject(c, (p) => p.view());
    return c.json(existing(project, "project_not_found", NOT_REGISTERED), 200);
  });

  // The registry comes last: were it first and the rest failed, nobody could ask again.
  api.openapi(remove, async (c) => {
    await askProject(c, (project) => project.remove());
    await askInstance(c, (instance) => instance.unregister(keyIn(c)));
    return c.body(null, 204);
  });
}

const NOT_REGISTERED = "No project of this name is registered here. Register it with PUT first.";

/** For what only makes sense where a branch can be built. */
export function refuseDirectUpload(source: "git" | "direct_upload"): void {
  if (source === "direct_upload") {
    throw new Problem(
      "not_git_connected",
      "This Pages project is not connected to a git repository, so there is no branch to build. Upload to it with POST …/deploys, or connect it at Cloudflare and register it again.",
    );
  }
}
