import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { stream } from "hono/streaming";
import type { StreamingApi } from "hono/utils/stream";

import { Problem } from "../problem.ts";
import { askProject, keyIn, type Api, type AppEnv } from "./context.ts";
import { checkScope, identify, onProject } from "./guard.ts";
import { ProjectParams } from "./params.ts";
import { json, refusals } from "./responses.ts";
import { Event as EventShape } from "./schemas.ts";
import { findDeploy } from "./wait.ts";
import { Watch } from "./watch.ts";

const PAGE = 100;
/** Proxies cut what is silent for a minute or so. */
const PING_MS = 15_000;
/** A token that was revoked or has expired hears nothing after so long. */
const CHECK_MS = 30_000;
/** How long a client should wait before it comes again. */
const RETRY_MS = 2_000;

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
      after: Sequence.optional().openapi({ description: "Default: 0; for a stream, the newest." }),
      limit: z.coerce.number().int().min(1).max(500).default(PAGE),
      deploy: z.string().max(64).optional().openapi({ description: "Only events of this deploy." }),
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
              .openapi({ description: "Ask with this as `after` for what comes next." }),
          }),
          "",
        ).content,
        "text/event-stream": {
          schema: z.string().openapi({
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
  after: number | null,
  deploy: string | null,
): Promise<Response> {
  const from = after ?? (deploy === null ? await askProject(c, (p) => p.sequence()) : 0);
  c.header("content-type", "text/event-stream");
  // Some proxies keep what is streamed until they have more of it, unless they are told not to.
  c.header("x-accel-buffering", "no");
  return stream(c, async (out) => {
    const watch = new Watch(c);
    out.onAbort(() => watch.close());
    try {
      await out.write(`retry: ${RETRY_MS}\n\n`);
      const why = await follow(c, out, watch, from, deploy);
      await out.write(`event: end\ndata: ${JSON.stringify({ reason: why })}\n\n`);
    } finally {
      watch.close();
    }
  });
}

/** Sends until there is nothing more to come; says why that is. */
async function follow(
  c: Context<AppEnv>,
  out: StreamingApi,
  watch: Watch,
  from: number,
  deploy: string | null,
): Promise<string> {
  let after = from;
  let checked = Date.now();
  while (await watch.next(PING_MS)) {
    const now = Date.now();
    if (now - checked > CHECK_MS) {
      if (!(await stillMay(c))) {
        return "The token is not good any more.";
      }
      checked = now;
    }
    const before = after;
    try {
      // Asked first: what it ended with is then among the events.
      const ended = deploy !== null && (await findDeploy(c, deploy)).ended_at !== null;
      after = await send(c, out, after, deploy);
      if (ended) {
        return "The deploy has ended.";
      }
    } catch (error) {
      // What can't be asked for a moment is asked again.
      if (error instanceof Problem) {
        throw error;
      }
    }
    if (after === before) {
      await out.write(": ping\n\n");
    }
  }
  return "The token was revoked, or the project was removed.";
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

async function stillMay(c: Context<AppEnv>): Promise<boolean> {
  try {
    checkScope((await identify(c, keyIn(c))).caller, "read");
    return true;
  } catch (error) {
    // A project that can't be asked for a moment says nothing about the token.
    return !(error instanceof Problem) || error.status >= 500;
  }
}
