import type * as z from "zod";

import { readBody } from "../body.ts";
import { isObject } from "../deploy-form/manifest.ts";
import { Problem } from "../problem.ts";

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

/** The body of a route that takes JSON. */
export function jsonOf<Schema extends z.ZodType>(
  schema: Schema,
): { required: true; content: { "application/json": { schema: Schema } } } {
  return { required: true, content: { "application/json": { schema } } };
}

function unsupported(): Problem {
  return new Problem(
    "unsupported_media_type",
    "The body must be JSON. Send it with content-type: application/json.",
  );
}
