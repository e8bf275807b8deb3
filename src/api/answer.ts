import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import type { ZodError } from "zod";

import { isOverloaded, isRetryable } from "../call.ts";
import { quoted } from "../deploy-form/problem.ts";
import { secretsOf } from "../env.ts";
import { Problem, type Fault } from "../problem.ts";
import { redact } from "../security/redact.ts";
import type { AppEnv } from "./context.ts";

const TITLES: Record<number, string> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  408: "Request Timeout",
  409: "Conflict",
  410: "Gone",
  412: "Precondition Failed",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  422: "Unprocessable Content",
  423: "Locked",
  429: "Too Many Requests",
  500: "Internal Server Error",
  502: "Bad Gateway",
  503: "Service Unavailable",
  507: "Insufficient Storage",
};

/** A refusal as RFC 9457 writes it. */
export function answerProblem(c: Context<AppEnv>, problem: Problem): Response {
  const { status, code, message: detail, extras } = problem;
  const body = {
    type: "about:blank",
    title: TITLES[status] ?? "Error",
    status,
    detail,
    code,
    instance: `urn:uuid:${c.var.requestId}`,
    ...(extras.errors === undefined ? {} : { errors: extras.errors }),
  };
  return c.json(body, status, {
    ...extras.headers,
    "content-type": "application/problem+json",
  });
}

/** Whatever was thrown, as a problem. What nobody foresaw is logged, and told of by the request's id alone. */
export function toProblem(error: unknown, c: Context<AppEnv>): Problem {
  if (error instanceof Problem) {
    return error;
  }
  // Nothing but the check of forms throws this.
  if (error instanceof HTTPException) {
    const detail =
      "This form comes from no page of Signalbox. Load the page, and send it from there.";
    return new Problem("bad_request", detail);
  }
  if (isOverloaded(error) || isRetryable(error)) {
    return new Problem("unavailable", "This can't be answered at the moment. Try again shortly.", {
      headers: { "retry-after": String(1 + Math.floor(Math.random() * 5)) },
    });
  }
  logUnforeseen(error, c);
  return new Problem(
    "internal_error",
    `Something went wrong here. The log has the details under ${c.var.requestId}.`,
  );
}

/** Neither the URL (a hook's is a secret) nor anything that the configuration hides. */
function logUnforeseen(error: unknown, c: Context<AppEnv>): void {
  // Not there when the configuration itself could not be read.
  const config = c.get("config") as AppEnv["Variables"]["config"] | undefined;
  const secrets = config === undefined ? [] : secretsOf(config);
  const text = error instanceof Error ? (error.stack ?? String(error)) : String(error);
  console.error({
    message: "a request failed",
    request_id: c.var.requestId,
    method: c.req.method,
    error: redact(text, secrets).slice(0, 4000),
  });
}

const WHERE = { query: "query_invalid", header: "header_invalid" } as const;

/** What a validator has found, field by field. */
export function invalid(target: string, error: ZodError): Problem {
  const errors = error.issues.flatMap((issue): Fault[] => {
    const path = issue.path.map(String).join(".");
    if (issue.code === "unrecognized_keys") {
      return issue.keys.map((key) => ({
        field: (path === "" ? key : `${path}.${key}`).slice(0, 128),
        detail: `${quoted(key)} is no field of this. Leave it out.`,
      }));
    }
    return [{ field: path, detail: issue.message }];
  });
  const unknown = error.issues.some(({ code }) => code === "unrecognized_keys");
  const [first] = errors;
  const detail =
    first === undefined
      ? "It can't be read."
      : unknown
        ? first.detail
        : `${first.field}: ${first.detail}`;
  const code =
    target === "query" || target === "header"
      ? WHERE[target]
      : unknown
        ? "field_unknown"
        : "field_invalid";
  return new Problem(code, detail, { errors });
}
