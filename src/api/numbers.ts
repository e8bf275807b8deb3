import * as z from "zod";

import { askProject, type Api } from "./context.ts";
import { onProject } from "./guard.ts";
import { ProjectParams } from "./params.ts";
import { json, refusals } from "./responses.ts";
import { createRoute } from "./route.ts";

const Spread = z.object({
  count: z.int(),
  p50: z.int().nullable().meta({ description: "Milliseconds." }),
  p95: z.int().nullable(),
});
const Share = z.number().nullable().meta({ description: "0 to 1; null: of none." });

const numbers = createRoute({
  method: "get",
  path: "/v1/projects/{project}/numbers",
  operationId: "getNumbers",
  summary: "How a project has deployed lately: how often, how fast, how well",
  tags: ["Projects"],
  ...onProject("read"),
  request: {
    params: ProjectParams,
    query: z.object({
      days: z.coerce.number().int().min(1).max(90).default(30),
    }),
  },
  responses: {
    200: json(
      z.object({
        days: z.int(),
        deploys: z.int(),
        frequency: z.number().meta({ description: "Successful deploys to production a day." }),
        lead_time: Spread.meta({ description: "From trigger to live in production." }),
        change_failure_rate: Share.meta({
          description:
            "Of what went live in production, what was rolled back or failed its health checks.",
        }),
        failed_rate: Share.meta({
          description: "Of what ran for production, what never went live.",
        }),
        time_to_restore: Spread.meta({
          description: "From a failure in production to the next success.",
        }),
        wait: Spread.meta({ description: "From trigger to start, of all deploys." }),
        stages: z.array(Spread.extend({ name: z.string() })).meta({
          description: "Of deploys that succeeded.",
        }),
      }),
      "The numbers.",
    ),
    ...refusals("project_not_found", "query_invalid"),
  },
});

export function numberRoutes(api: Api): void {
  api.openapi(numbers, async (c) => {
    const { days } = c.req.valid("query");
    return c.json(await askProject(c, (project) => project.numbers(days)), 200);
  });
}
