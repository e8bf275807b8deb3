import { Hono, type Context, type MiddlewareHandler, type TypedResponse } from "hono";
import type { StatusCode } from "hono/utils/http-status";
import type { JSONParsed } from "hono/utils/types";
import * as z from "zod";

import { invalid } from "./answer.ts";
import type { AppEnv } from "./context.ts";
import { readJson } from "./json.ts";

/** Bodies by their media type. A schema that is none of zod's goes into the document as it is, and checks nothing. */
export type Content = Readonly<
  Record<string, { readonly schema: z.ZodType | object; readonly example?: unknown }>
>;

/** What an operation takes. */
export interface Taken {
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  /** By names in lower case. */
  readonly headers?: z.ZodObject;
  readonly body?: { readonly required?: boolean; readonly content: Content };
}

/** An operation as the OpenAPI document has it. */
export interface Operation {
  readonly method: "get" | "post" | "put" | "patch" | "delete";
  readonly path: string;
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  readonly tags: readonly string[];
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
  readonly request?: Taken;
  readonly responses: Readonly<
    Record<
      string | number,
      { readonly description: string; readonly headers?: z.ZodObject; readonly content?: Content }
    >
  >;
}

export interface Route extends Operation {
  /** Comes before anything of the request is looked at. */
  readonly middleware?: MiddlewareHandler<AppEnv>;
}

export function createRoute<R extends Route>(route: R): R {
  return route;
}

type Part<Q, Name extends keyof Taken, Target extends string> =
  Q extends Record<Name, infer Schema extends z.ZodType>
    ? Record<Target, z.output<Schema>>
    : unknown;

type JsonOf<C> = C extends { readonly "application/json": { readonly schema: infer Schema } }
  ? Schema extends z.ZodType
    ? z.output<Schema>
    : never
  : never;

type Body<Q> = Q extends { readonly body: { readonly content: infer C } }
  ? [JsonOf<C>] extends [never]
    ? unknown
    : { json: JsonOf<C> }
  : unknown;

type Read<Q> = Part<Q, "params", "param"> &
  Part<Q, "query", "query"> &
  Part<Q, "headers", "header"> &
  Body<Q> &
  object;

/** JSON has to be as the schema of its status says; of other types nothing is known. */
type Answer<R, Status extends StatusCode> = R extends { readonly content: infer C }
  ?
      | TypedResponse<JSONParsed<JsonOf<C>>, Status, "json">
      | (Exclude<keyof C, "application/json"> extends never ? never : Response)
  : TypedResponse<null, Status, "body">;

type Answers<Responses> = {
  [Status in keyof Responses & StatusCode]: Answer<Responses[Status], Status>;
}[keyof Responses & StatusCode];

type Handler<R extends Route> = (
  c: Context<AppEnv, string, { in: Read<R["request"]>; out: Read<R["request"]> }>,
) => Answers<R["responses"]> | Promise<Answers<R["responses"]>>;

/** A router that checks what comes in by the description of each route, and keeps these for the OpenAPI document. */
export class Api extends Hono<AppEnv> {
  readonly operations: Operation[] = [];

  openapi<R extends Route>(route: R, handler: Handler<R>): void {
    const { middleware, ...operation }: Route = route;
    this.operations.push(operation);
    const path = route.path.replaceAll(/\{(\w+)\}/g, ":$1");
    const before = middleware === undefined ? [] : [middleware];
    this.on(
      route.method,
      [path],
      ...before,
      reading(route.request ?? {}),
      handler as unknown as MiddlewareHandler<AppEnv>,
    );
  }
}

/** Reads a body within its bounds, and only when the middleware has let the request through. */
function reading({ params, query, headers, body }: Taken): MiddlewareHandler<AppEnv> {
  const json = body?.content["application/json"]?.schema;
  return async (c, next) => {
    const given = json instanceof z.ZodType ? await readJson(c.req.raw) : undefined;
    check(c, "query", query, () =>
      Object.fromEntries(
        Object.entries(c.req.queries()).map(([name, [first, ...more]]) => [
          name,
          more.length === 0 ? first : [first, ...more],
        ]),
      ),
    );
    check(c, "param", params, () => c.req.param());
    check(c, "header", headers, () => c.req.header());
    check(c, "json", json instanceof z.ZodType ? json : undefined, () => given);
    await next();
  };
}

/** @throws what is wrong with it. */
function check(
  c: Context<AppEnv>,
  target: "query" | "param" | "header" | "json",
  schema: z.ZodType | undefined,
  given: () => unknown,
): void {
  if (schema === undefined) {
    return;
  }
  const read = schema.safeParse(given());
  if (!read.success) {
    throw invalid(target, read.error);
  }
  c.req.addValidatedData(target, read.data as object);
}
