import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";

import { answered, askCloudflare } from "../api/cloudflare.ts";
import type { AppEnv } from "../api/context.ts";
import { readBody } from "../body.ts";
import { isAuthError } from "../cloudflare/errors.ts";
import { isObject } from "../deploy-form/manifest.ts";
import { Problem } from "../problem.ts";
import { allows } from "../security/tokens.ts";
import { refusedBody } from "./envelope.ts";

const BODY_LIMIT = 1024 * 1024;

export interface Relayed {
  readonly method: string;
  /** Below `/accounts/:account/pages/projects`. */
  readonly path: readonly string[];
  /** Of the query, what goes along. */
  readonly query?: readonly string[];
  readonly body?: object;
}

/** One call to Cloudflare for a client of the gateway; its answer, or its refusal, in Cloudflare's own words. */
export async function relay(c: Context<AppEnv>, relayed: Relayed): Promise<Response> {
  const { method, path, body } = relayed;
  const query = Object.fromEntries(
    (relayed.query ?? []).map((name) => [name, c.req.query(name)] as const),
  );
  const answer = await askCloudflare(c, (client) =>
    client.relay(method, path, { query, ...(body === undefined ? {} : { body }) }),
  );
  if (answer.ok) {
    return c.json(allows(c.var.caller.scopes, "manage") ? answer.value : bare(answer.value));
  }
  if (isAuthError(answer.error)) {
    // It is the stored credential that was refused, not the token of this client.
    answered(answer);
  }
  const { kind, status, code, message, retryAfterMs } = answer.error;
  const headers: Record<string, string> = {};
  if (kind === "limited") {
    headers["retry-after"] = String(Math.ceil((retryAfterMs ?? 1_000) / 1_000));
  } else if (method !== "GET") {
    // What got no answer may have been done all the same.
    headers["x-should-retry"] = "false";
  }
  const shown = kind === "unknown" ? 502 : ((status ?? 502) as ContentfulStatusCode);
  // Never 8000000, on which wrangler would send again what may have been done.
  const known = kind === "unknown" ? 10_001 : (code ?? 10_001);
  return c.json(refusedBody({ status: shown, code: known, message }), shown, headers);
}

/** What those may see who do not manage: no environment variable or secret, however deep it stands. */
export function bare(value: unknown): object {
  return JSON.parse(
    JSON.stringify(value, (key, inner: unknown) => {
      if (key === "env_vars") {
        return inner === null ? null : {};
      }
      return key === "web_analytics_token" ? null : inner;
    }),
  ) as object;
}

/** The JSON of a body whatever its content type says: wrangler sends it as text. */
export async function readObject(c: Context<AppEnv>): Promise<Record<string, unknown>> {
  const text = new TextDecoder().decode(await readBody(c.req.raw, BODY_LIMIT));
  try {
    const value: unknown = text.trim() === "" ? {} : JSON.parse(text);
    if (isObject(value)) {
      return value;
    }
  } catch {
    // Told below, with every other body that is no object.
  }
  throw new Problem("body_not_object", "The body must be a JSON object.");
}

/** Only these fields may be set through the gateway; another one is refused by name rather than dropped. */
export function onlyFields(
  body: Record<string, unknown>,
  allowed: readonly string[],
): Record<string, unknown> {
  const other = Object.keys(body).find((key) => !allowed.includes(key));
  if (other !== undefined) {
    throw new Problem(
      "field_unknown",
      `${other.slice(0, 64)} can't be set through Signalbox. There are ${allowed.join(", ")}.`,
    );
  }
  return body;
}
