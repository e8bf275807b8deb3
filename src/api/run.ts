import type { Context } from "hono";

import { RUN_FIELD } from "../deploy-form/text.ts";
import { Problem } from "../problem.ts";
import type { Run } from "../project/runs.ts";
import type { AppEnv } from "./context.ts";

export const RUN_HEADER = "signalbox-run";
/** wrangler sends `WRANGLER_TRACE_ID` as this, the only header of a caller's own that it has. */
const TRACE_HEADER = "cf-trace-id";
const TRACE_PREFIX = "run/";
const SHAPE = /^([\x21-\x7e]{1,200})\/(\d{1,12})(?:\.(\d{1,6}))?$/;

/** `<workflow>/<number>`, or `<workflow>/<number>.<attempt>`. */
export function parseRun(text: string): Run | null {
  const [, workflow, number, attempt = "1"] = SHAPE.exec(text) ?? [];
  return workflow === undefined
    ? null
    : { workflow, number: Number(number), attempt: Number(attempt) };
}

/** The run of a CI workflow that asks, where the client says which one it is. */
export function runIn(c: Context<AppEnv>): Run | null {
  const told = c.req.header(RUN_HEADER);
  if (told !== undefined) {
    return runSaid("header_invalid", RUN_HEADER, told);
  }
  const trace = c.req.header(TRACE_HEADER);
  const traced =
    trace?.startsWith(TRACE_PREFIX) === true ? parseRun(trace.slice(TRACE_PREFIX.length)) : null;
  return traced ?? c.var.caller.run ?? null;
}

/** What the body says of it comes before whatever else was known. */
export function runOf(asked: { readonly run: Run | null }, field: string | undefined): Run | null {
  return field === undefined ? asked.run : runSaid("field_invalid", RUN_FIELD, field);
}

function runSaid(code: "header_invalid" | "field_invalid", field: string, said: string): Run {
  const run = parseRun(said);
  if (run === null) {
    const detail = `${field} must be <workflow>/<number> or <workflow>/<number>.<attempt>, say deploy.yml/42.1.`;
    throw new Problem(code, detail, { errors: [{ field, detail }] });
  }
  return run;
}
