import type { Context } from "hono";
import { stream } from "hono/streaming";
import type { StreamingApi } from "hono/utils/stream";

import { Problem } from "../problem.ts";
import type { AppEnv } from "./context.ts";
import type { Watch } from "./watch.ts";

/** Proxies cut what is silent for a minute or so. */
const PING_MS = 15_000;
/** A token that was revoked or has expired hears nothing after so long. */
const CHECK_MS = 30_000;
/** How long a client should wait before it comes again. */
const RETRY_MS = 2_000;

/** What a stream of server-sent events says, and to whom. */
export interface Feed {
  /** Sends what is new. `over`: nothing more will come, and why. */
  readonly send: (out: StreamingApi) => Promise<{ sent: boolean; over?: string }>;
  /** Throws a refusal when the client may not listen any more. */
  readonly check: () => Promise<unknown>;
}

/** Sends until there is nothing more to come, the client leaves, or it may not listen any more. */
export function streamOf(c: Context<AppEnv>, watch: Watch, feed: Feed): Response {
  c.header("content-type", "text/event-stream");
  // Some proxies keep what is streamed until they have more of it, unless they are told not to.
  c.header("x-accel-buffering", "no");
  return stream(c, async (out) => {
    out.onAbort(() => watch.close());
    try {
      await out.write(`retry: ${RETRY_MS}\n\n`);
      const why = await follow(out, watch, feed);
      await out.write(`event: end\ndata: ${JSON.stringify({ reason: why })}\n\n`);
    } finally {
      watch.close();
    }
  });
}

/** Says why there is nothing more to come. */
async function follow(out: StreamingApi, watch: Watch, { send, check }: Feed): Promise<string> {
  let checked = Date.now();
  while (await watch.next(PING_MS)) {
    const now = Date.now();
    if (now - checked > CHECK_MS) {
      if (!(await holds(check))) {
        return "The token is not good any more.";
      }
      checked = now;
    }
    let sent = false;
    try {
      const step = await send(out);
      if (step.over !== undefined) {
        return step.over;
      }
      ({ sent } = step);
    } catch (error) {
      // What can't be asked for a moment is asked again.
      if (error instanceof Problem) {
        throw error;
      }
    }
    if (!sent) {
      await out.write(": ping\n\n");
    }
  }
  return "The token was revoked, or the project was removed.";
}

async function holds(check: Feed["check"]): Promise<boolean> {
  try {
    await check();
    return true;
  } catch (error) {
    // A project that can't be asked for a moment says nothing about the token.
    return !(error instanceof Problem) || error.status >= 500;
  }
}
