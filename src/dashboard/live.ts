import type { Context } from "hono";

import { keyIn, keyNamed, originOf, type Api, type AppEnv } from "../api/context.ts";
import { streamOf } from "../api/sse.ts";
import { Watch } from "../api/watch.ts";
import { Problem } from "../problem.ts";
import { isCrossSite } from "../security/cross-site.ts";
import { registeredProjects } from "../walk.ts";
import { admit } from "./visitor.ts";

/** How many projects an overview hears at once. */
const HEARD = 20;
/** Where there are more, it is read again so often. */
const REREAD_MS = 30_000;

/**
 * What keeps an open page up to date: word that there is something new, and not what. The script reads the page again, so
 * that a page says the same however it came about.
 */
export function liveRoutes(api: Api): void {
  api.get("/projects/:project/live", async (c) => {
    fromOwnPage(c);
    await admit(c, "project");
    const deliveries = c.req.query("deliveries") !== undefined;
    return news(c, new Watch(c, [keyIn(c)], deliveries), "project", Infinity);
  });

  api.get("/live", async (c) => {
    fromOwnPage(c);
    const { only } = await admit(c, "instance");
    const keys = only === null ? await firstKeys(c) : only.map((project) => keyNamed(c, project));
    const reread = keys.length > HEARD ? REREAD_MS : Infinity;
    return news(c, new Watch(c, keys.slice(0, HEARD)), "instance", reread);
  });
}

/** Cookies go along from other hosts of our domain as well. */
function fromOwnPage(c: Context<AppEnv>): void {
  if (isCrossSite(c.req.raw.headers, [originOf(c), new URL(c.req.url).origin])) {
    throw new Problem("bad_request", "This address is for Signalbox's own pages.");
  }
}

/** One more than are heard, when there are more. */
async function firstKeys(c: Context<AppEnv>): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of registeredProjects(c.env)) {
    keys.push(key);
    if (keys.length > HEARD) {
      break;
    }
  }
  return keys;
}

/** To listen is the first news: what happened since the page was made is then read. */
function news(
  c: Context<AppEnv>,
  watch: Watch,
  on: "project" | "instance",
  reread: number,
): Response {
  let heard = -1;
  let at = Date.now();
  c.set("headers", { "cache-control": "no-store" });
  return streamOf(c, watch, {
    async send(out) {
      const is = watch.heard !== heard || Date.now() - at >= reread ? "news" : "ping";
      heard = watch.heard;
      at = is === "news" ? Date.now() : at;
      await out.write(`event: ${is}\ndata: {}\n\n`);
      return { sent: true };
    },
    check: () => admit(c, on),
  });
}
