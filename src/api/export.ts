import * as z from "zod";
import type { Context } from "hono";

import { existing } from "../problem.ts";
import { type ExportPage, type Included, lineOf } from "../project/export.ts";
import { askProject, referenceIn, type Api, type AppEnv } from "./context.ts";
import { onProject } from "./guard.ts";
import { ProjectParams } from "./params.ts";
import { refusals } from "./responses.ts";
import { createRoute } from "./route.ts";

/** Not by its literal type, of which the typed answers make JSON. */
export const NDJSON: string = "application/x-ndjson";

const route = createRoute({
  method: "get",
  path: "/v1/projects/{project}/export",
  operationId: "exportProject",
  summary: "Export a project",
  description:
    "One JSON object per line: what the project is, then its rules, hooks, subscribers, schedules, deploys and events, and at last how many lines that were. No secret is in it, no token and no uploaded body. An export without its last line was cut off.",
  tags: ["Projects"],
  ...onProject("manage"),
  request: {
    params: ProjectParams,
    query: z.object({
      include: z.enum(["all", "settings"]).default("all").meta({
        description:
          "`settings`: only what people have set up, to be imported into another project.",
      }),
    }),
  },
  responses: {
    200: {
      description: "The export.",
      content: { [NDJSON]: { schema: z.string() } },
    },
    ...refusals("project_not_found", "query_invalid"),
  },
});

export function exportRoute(api: Api): void {
  api.openapi(route, async (c) => {
    const { include } = c.req.valid("query");
    const name = referenceIn(c).replace(":", "-");
    const day = new Date().toISOString().slice(0, 10);
    c.header("content-type", NDJSON);
    c.header("content-disposition", `attachment; filename="${name}-${day}.ndjson"`);
    return c.body(exportOf(c, include));
  });
}

/** Page by page, each when the one before it was taken. One that can't be had breaks the answer off, before its last line. */
function exportOf(c: Context<AppEnv>, include: Included): ReadableStream<Uint8Array> {
  const lines = linesOf(c, include);
  const encoder = new TextEncoder();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await lines.next();
        if (done === true) {
          controller.close();
        } else {
          controller.enqueue(encoder.encode(value));
        }
      },
    },
    // Nothing is asked for, or noted, before somebody reads.
    { highWaterMark: 0 },
  );
}

async function* linesOf(c: Context<AppEnv>, include: Included): AsyncGenerator<string> {
  const by = c.var.caller.token;
  const gone = "The project was removed meanwhile.";
  const header = await askProject(c, (project) => project.beginExport(by, include));
  yield existing(header, "project_not_found", gone);
  let rows = 0;
  let place: ExportPage["next"] = null;
  do {
    const from: ExportPage["next"] = place;
    const asked = askProject<ExportPage | null>(c, (p) => p.exportPage(from, include));
    const page: ExportPage = existing(await asked, "project_not_found", gone);
    rows += page.rows;
    place = page.next;
    if (page.text !== "") {
      yield page.text;
    }
  } while (place !== null);
  yield lineOf("end", { lines: rows });
}
