import * as z from "zod";

import { agreed, Problem } from "../problem.ts";
import { newId } from "../ids.ts";
import { checkDeclaredSize } from "../body.ts";
import { projectOf } from "../objects.ts";
import { askProject, keyIn, type Api } from "./context.ts";
import { NDJSON } from "./export.ts";
import { onProject } from "./guard.ts";
import { IMPORT_BYTES, readExport } from "./import-lines.ts";
import { checkerOf } from "./import-rows.ts";
import { ProjectParams } from "./params.ts";
import { json, refusals } from "./responses.ts";
import { createRoute } from "./route.ts";

const route = createRoute({
  method: "post",
  path: "/v1/projects/{project}/import",
  operationId: "importProject",
  summary: "Import an export into a project",
  description:
    "Into one that was just registered, all of it or nothing. It starts no deploy and tells no subscriber. Hooks wait for a secret, and subscribers are disabled until they have theirs: `remarks` says for each what to do.",
  tags: ["Projects"],
  ...onProject("manage"),
  request: {
    params: ProjectParams,
    body: {
      required: true,
      content: {
        [NDJSON]: { schema: { type: "string", description: "What the export answered." } },
      },
    },
  },
  responses: {
    200: json(
      z.object({
        from: z.string().meta({ description: "The project that was exported." }),
        imported: z
          .record(z.string(), z.int())
          .meta({ description: "How many there were, by kind." }),
        remarks: z.array(
          z.object({ kind: z.string(), id: z.string().nullable(), detail: z.string() }),
        ),
      }),
      "It is imported.",
    ),
    ...refusals(
      "project_not_found",
      "conflict",
      "import_invalid",
      "upload_incomplete",
      "body_too_large",
      "unsupported_media_type",
      "too_many_uploads",
      "too_much_waiting",
    ),
  },
});

export function importRoute(api: Api): void {
  api.openapi(route, async (c) => {
    const type = c.req.header("content-type");
    if (type !== undefined && !/^\s*application\/(?:x-)?ndjson\s*(?:;|$)/i.test(type)) {
      throw new Problem(
        "unsupported_media_type",
        `The body must be an export. Send it with content-type: ${NDJSON}.`,
      );
    }
    checkDeclaredSize(c.req.raw, IMPORT_BYTES);
    const id = newId("upl");
    const reading = readExport(c.req.raw.body, checkerOf(c));
    // Once: a body that streams can't be sent twice.
    const storing = projectOf(c.env, keyIn(c)).importInto(id, reading.stream, c.var.caller.token);
    storing.then((stored) => stored.ok || reading.cancel(), reading.cancel);
    try {
      const [stored, wrong] = await Promise.all([storing, reading.problem]);
      // What is refused here has been stored by half: tell of the cause.
      if (wrong !== null && (stored.ok || stored.error.code === "upload_incomplete")) {
        throw wrong;
      }
      const { from, imported, remarks } = agreed(stored);
      return c.json({ from, imported, remarks: [...remarks] }, 200);
    } catch (error) {
      // Harmless when all was imported: only a body that is nobody's yet is dropped.
      await askProject(c, (project) => project.discard(id)).catch(() => undefined);
      throw error;
    }
  });
}
