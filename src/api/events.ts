import * as z from "zod";
import type { Context } from "hono";
import type { StreamingApi } from "hono/utils/stream";

import { Problem } from "../problem.ts";
import { askProject, keyIn, type Api, type AppEnv } from "./context.ts";
import { checkScope, identify, onProject } from "./guard.ts";
import { ProjectParams } from "./params.ts";
import { json, refusals } from "./responses.ts";
import { createRoute } from "./route.ts";
import { Event as EventShape } from "./schemas.ts";
import { streamOf } from "./sse.ts";
import { findDeploy } from "./wait.ts";
import { Watch } from "./watch.ts";

const PAGE = 100;

const Sequence = z.coerce.number().int().min(0);

const list = createRoute({
  method: "get",
  path: "/v1/projects/{project}/events",
  operationId: "listEvents",
  summary: "List events after a sequence number, oldest first, or stream them",
  description:
    "With `Accept: text/event-stream` events are sent as they happen, until the client leaves (`curl -N`). Each has its sequence number for `id`, so that an `EventSource` goes on where it was by itself (`Last-Event-ID`). Without `after` the stream begins with what happens next; with `deploy` it begins with the first event of that deploy, and ends with `event: end` when the deploy has ended.",
  tags: ["Events"],
  ...onProject("read"),
  request: {
    params: ProjectParams,
    query: z.object({
      after: Sequence.optional().meta({ description: "Default: 0; for a stream, the newest." }),
      limit: z.coerce.number().int().min(1).max(500).default(PAGE),
      deploy: z.string().max(64).optional().meta({ description: "Only events of this deploy." }),
    }),
  },
  responses: {
    200: {
      description: "Events; none when there is nothing newer yet.",
      content: {
        ...json(
          z.object({
            items: z.array(EventShape),
            next_after: z
              .int()
              .meta({ description: "Ask with this as `after` for what comes next." }),
          }),
          "",
        ).content,
        "text/event-stream": {
          schema: z.string().meta({
            description: "`id`: sequence, `event`: type, `data`: the event as in `items`.",
          }),
        },
      },
    },
    ...refusals("project_not_found", "deploy_not_found", "query_invalid", "header_invalid"),
  },
});

export function eventRoutes(api: Api): void {
  api.openapi(list, async (c) => {
    const { after, limit, deploy = null } = c.req.valid("query");
    if (deploy !== null) {
      await findDeploy(c, deploy);
    }
    if (/\btext\/event-stream\b/i.test(c.req.header("accept") ?? "")) {
      return streamEvents(c, lastEventId(c) ?? after ?? null, deploy);
    }
    const items = await askProject(c, (project) => project.events(after ?? 0, limit, deploy));
    return c.json({ items, next_after: items.at(-1)?.sequence ?? after ?? 0 }, 200);
  });
}

/** What an `EventSource` sends when it comes again. */
function lastEventId(c: Context<AppEnv>): number | null {
  const header = c.req.header("last-event-id") ?? "";
  if (header === "") {
    return null;
  }
  const read = Sequence.safeParse(header);
  if (!read.success) {
    throw new Problem("header_invalid", "Last-Event-ID must be the sequence number of an event.");
  }
  return read.data;
}

/**
 * Events as they are committed, in their order, none twice and none left out: each is read from the project after the one
 * before. What the project says in between is only that there is something to read.
 */
export async function streamEvents(
  c: Context<AppEnv>,
  from: number | null,
  deploy: string | null,
): Promise<Response> {
  let after = from ?? (deploy === null ? await askProject(c, (p) => p.sequence()) : 0);
  return streamOf(c, new Watch(c), {
    async send(out) {
      const before = after;
      // Asked first: what it ended with is then among the events.
      const ended = deploy !== null && (await findDeploy(c, deploy)).ended_at !== null;
      after = await send(c, out, after, deploy);
      return { sent: after !== before, ...(ended ? { over: "The deploy has ended." } : {}) };
    },
    check: async () => checkScope((await identify(c, keyIn(c))).caller, "read"),
  });
}

/** Sends what there is after a sequence number; answers the last one sent. */
async function send(
  c: Context<AppEnv>,
  out: StreamingApi,
  after: number,
  deploy: string | null,
): Promise<number> {
  let last = after;
  for (let more = true; more && !out.aborted;) {
    const page = await askProject(c, (project) => project.events(last, PAGE, deploy));
    for (const event of page) {
      await out.write(
        `id: ${event.sequence}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`,
      );
      last = event.sequence;
    }
    more = page.length === PAGE;
  }
  return last;
}
