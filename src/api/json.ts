import type { z } from "@hono/zod-openapi";
import type { MiddlewareHandler } from "hono";

import { readBody } from "../body.ts";
import { isObject } from "../deploy-form/manifest.ts";
import { Problem } from "../problem.ts";
import type { AppEnv } from "./context.ts";
import type { Guarded } from "./guard.ts";

/** No body of this API but an upload has a reason to be larger. */
export const JSON_LIMIT = 65_536;

const JSON_TYPE = /^\s*application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i;

/** The JSON object in a body; an empty body counts as `{}`. */
export async function readJson(request: Request): Promise<Record<string, unknown>> {
  const type = request.headers.get("content-type");
  if (type !== null && !JSON_TYPE.test(type)) {
    throw unsupported();
  }
  const bytes = await readBody(request, JSON_LIMIT);
  if (bytes.byteLength === 0) {
    return {};
  }
  if (type === null) {
    throw unsupported();
  }
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes));
  } catch {
    throw new Problem("body_not_json", "The body is not JSON in UTF-8. Send a JSON object.");
  }
  if (!isObject(value)) {
    throw new Problem("body_not_object", "The body is JSON, but not an object. Send an object.");
  }
  return value;
}

/** For a guarded route that has a JSON body. */
export function takingJson(guard: Guarded): {
  security: Guarded["security"];
  middleware: [MiddlewareHandler<AppEnv>, MiddlewareHandler<AppEnv>];
} {
  return { security: guard.security, middleware: [guard.middleware, jsonBody] };
}

/** The body of such a route. */
export function jsonOf<Schema extends z.ZodType>(
  schema: Schema,
): { required: true; content: { "application/json": { schema: Schema } } } {
  return { required: true, content: { "application/json": { schema } } };
}

/**
 * Reads the body within its bounds, for the validator that follows in the route. It comes after the guard: nobody's body
 * is looked at before it is known that they may send one.
 */
const jsonBody: MiddlewareHandler<AppEnv> = async (c, next) => {
  const value = await readJson(c.req.raw);
  const { url, method, headers } = c.req.raw;
  const read = new Headers(headers);
  read.set("content-type", "application/json");
  read.delete("content-length");
  c.req.raw = new Request(url, { method, headers: read, body: JSON.stringify(value) });
  await next();
};

function unsupported(): Problem {
  return new Problem(
    "unsupported_media_type",
    "The body must be JSON. Send it with content-type: application/json.",
  );
}
