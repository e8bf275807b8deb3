import type { Context } from "hono";

import { referenceIn, type Api, type AppEnv } from "../api/context.ts";
import { askInside, type Reply } from "../api/inside.ts";
import { answerRefused } from "./posting.ts";
import type { Visitor } from "./visitor.ts";

/** Asks an operation of `/v1` with what the visitor's token may do, by the same code as anybody else's request. */
export type Ask = <T>(
  c: Context<AppEnv>,
  visitor: Visitor,
  method: string,
  path: string,
  body?: object,
  headers?: Readonly<Record<string, string>>,
) => Promise<Reply<T>>;

export function asking(api: Api): Ask {
  return async (c, visitor, method, path, body, headers = {}) => {
    const { token, scopes, access = false, only } = visitor;
    // What somebody may do on a project's page is for that project, and may be more than elsewhere.
    const named = c.req.param("project") !== undefined;
    const trusted = { token, scopes, access, projects: named ? [referenceIn(c)] : only };
    const url = new URL(path.startsWith("/v1/") ? path : `${base(c)}${path}`, c.req.url);
    return askInside((request) => api.fetch(request, c.env, c.executionCtx), trusted, {
      method,
      url,
      body,
      headers,
    });
  };
}

function base(c: Context<AppEnv>): string {
  return `/v1/projects/${referenceIn(c)}`;
}

/** What a page shows of an answer. A refusal is the whole page's. */
export async function read<T>(
  ask: Ask,
  c: Context<AppEnv>,
  visitor: Visitor,
  path: string,
): Promise<T> {
  const reply = await ask<T>(c, visitor, "GET", path);
  if (!reply.ok) {
    throw answerRefused(reply);
  }
  return reply.value;
}
