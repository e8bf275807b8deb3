import { createRoute, z } from "@hono/zod-openapi";

import { askProject, type Api } from "./context.ts";
import { onProject } from "./guard.ts";
import { ProjectParams } from "./params.ts";
import { json, refusals } from "./responses.ts";
import { Event } from "./schemas.ts";

const list = createRoute({
  method: "get",
  path: "/v1/projects/{project}/events",
  operationId: "listEvents",
  summary: "List events after a sequence number, oldest first",
  tags: ["Events"],
  ...onProject("read"),
  request: {
    params: ProjectParams,
    query: z.object({
      after: z.coerce.number().int().min(0).default(0),
      limit: z.coerce.number().int().min(1).max(500).default(100),
    }),
  },
  responses: {
    200: json(
      z.object({
        items: z.array(Event),
        next_after: z
          .int()
          .openapi({ description: "Ask with this as `after` for what comes next." }),
      }),
      "Events; none when there is nothing newer yet.",
    ),
    ...refusals("project_not_found", "query_invalid"),
  },
});

export function eventRoutes(api: Api): void {
  api.openapi(list, async (c) => {
    const { after, limit } = c.req.valid("query");
    const items = await askProject(c, (project) => project.events(after, limit));
    return c.json({ items, next_after: items.at(-1)?.sequence ?? after }, 200);
  });
}
