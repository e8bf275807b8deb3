import type { Context } from "hono";

import type { Api, AppEnv } from "../api/context.ts";
import type { Refused, Reply } from "../api/inside.ts";
import { CODES, Problem, type Code } from "../problem.ts";
import { sameOrigin } from "./pages/sign-in.tsx";
import { admit, formOf, tell, type Visitor } from "./visitor.ts";

type Handler = (
  c: Context<AppEnv>,
  visitor: Visitor,
  form: URLSearchParams,
) => Response | Promise<Response>;

/** A form of a page: it comes from our origin, from somebody signed in, and with their own tag. */
export function onForm(api: Api, path: string, handle: Handler): void {
  api.post(path, sameOrigin, async (c) => {
    const visitor = await admit(c, path.includes(":project") ? "project" : "instance");
    return handle(c, visitor, await formOf(c, visitor.owner));
  });
}

/** Tells what came of an action on the page that follows. */
export async function follow<T>(
  c: Context<AppEnv>,
  reply: Reply<T>,
  words: { readonly done: string | ((value: T) => string); readonly not: string },
  to: string | ((value: T) => string),
  back: string = typeof to === "string" ? to : "/",
): Promise<Response> {
  if (!reply.ok) {
    await tell(c, { ok: false, text: `${words.not}: ${reply.detail}` });
    return c.redirect(back, 303);
  }
  const { value } = reply;
  await tell(c, {
    ok: true,
    text: typeof words.done === "string" ? words.done : words.done(value),
  });
  return c.redirect(typeof to === "string" ? to : to(value), 303);
}

/** The text of a field, or undefined where nothing was written. */
export function textOf(form: URLSearchParams, name: string): string | undefined {
  const text = (form.get(name) ?? "").trim();
  return text === "" ? undefined : text;
}

/**
 * When so much has passed, written in a field in units of `unit` milliseconds; 0 or nothing is undefined. What no clock shows is
 * handed on as it was written, to be refused.
 */
export function timeIn(form: URLSearchParams, name: string, unit: number): string | undefined {
  const text = textOf(form, name) ?? "0";
  if (Number(text) === 0) {
    return undefined;
  }
  const at = new Date(Date.now() + Number(text) * unit);
  return Number.isNaN(at.getTime()) ? text : at.toISOString();
}

/** One entry a line. */
export function linesOf(form: URLSearchParams, name: string): string[] {
  return (form.get(name) ?? "")
    .split(/[\n,]+/)
    .map((line) => line.trim())
    .filter((line) => line !== "");
}

/** `Name: value`, one a line; a value may have commas. */
export function headersOf(form: URLSearchParams, name: string): Record<string, string> {
  const lines = (form.get(name) ?? "").split("\n");
  return Object.fromEntries(
    lines.flatMap((line) => {
      const [, key, value] = /^\s*([^:\s]+):\s*(.*?)\s*$/.exec(line) ?? [];
      return key === undefined ? [] : [[key, value ?? ""]];
    }),
  );
}

/** A refusal of the API that is the whole page's. */
export function answerRefused({ code, detail }: Refused): Problem {
  return new Problem(Object.hasOwn(CODES, code) ? (code as Code) : "internal_error", detail);
}
