import * as z from "zod";

import type { Content, Operation, Taken } from "./route.ts";

type Json = Record<string, unknown>;
type ToJson = NonNullable<Parameters<typeof z.toJSONSchema>[1]>;
type JsonSchema = Parameters<NonNullable<ToJson["override"]>>[0]["jsonSchema"];

/** What differs between what is taken and what is kept, as defaults do, is described as it is taken. */
const OPTIONS: ToJson = { io: "input", override: ({ jsonSchema }) => simplify(jsonSchema) };

/** Describes operations as OpenAPI 3.1 does. Schemas that have an id come together under `schemas`, where others refer to. */
export class Describer {
  readonly schemas: Json = {};
  /** Many routes answer the same. */
  readonly #made = new Map<z.ZodType, Json>();

  /** By path and method. */
  paths(operations: readonly Operation[]): Record<string, Json> {
    const paths: Record<string, Json> = {};
    for (const operation of operations) {
      (paths[operation.path] ??= {})[operation.method] = this.#operation(operation);
    }
    return paths;
  }

  #operation({ request = {}, responses, ...operation }: Operation): Json {
    const { operationId, summary, description, tags, security } = operation;
    const { body } = request;
    const parameters = this.#parameters(request);
    return {
      operationId,
      summary,
      ...(description !== undefined && { description }),
      tags,
      security,
      ...(parameters.length > 0 && { parameters }),
      ...(body !== undefined && { requestBody: { ...body, content: this.#content(body.content) } }),
      responses: mapped(responses, ({ headers, content, ...answer }) => ({
        ...answer,
        ...(headers !== undefined && {
          headers: Object.fromEntries(
            this.#fields(headers).map(({ name, ...field }) => [name, field]),
          ),
        }),
        ...(content !== undefined && { content: this.#content(content) }),
      })),
    };
  }

  #parameters({ params, query, headers }: Taken): Json[] {
    return Object.entries({ path: params, query, header: headers }).flatMap(([place, object]) =>
      object === undefined ? [] : this.#fields(object).map((field) => ({ ...field, in: place })),
    );
  }

  #fields(object: z.ZodObject): { name: string; required: boolean; schema: object }[] {
    const { properties = {}, required = [] } = this.#schema(object) as {
      properties?: Record<string, Json>;
      required?: string[];
    };
    return Object.entries(properties).map(([name, schema]) => ({
      name,
      required: required.includes(name),
      ...(typeof schema["description"] === "string" && { description: schema["description"] }),
      schema,
    }));
  }

  #content(content: Content): Json {
    return mapped(content, ({ schema, ...more }) => ({ ...more, schema: this.#schema(schema) }));
  }

  #schema(schema: z.ZodType | object): Json {
    if (!(schema instanceof z.ZodType)) {
      return { ...schema };
    }
    const known = this.#made.get(schema);
    if (known !== undefined) {
      return known;
    }
    const { $schema: _, $defs = {}, ...json } = z.toJSONSchema(schema, OPTIONS);
    Object.assign(this.schemas, inDocument($defs));
    const made = inDocument(json);
    this.#made.set(schema, made);
    return made;
  }
}

/** The same in fewer words, and in those that tools know which make types or forms. */
function simplify(schema: JsonSchema): void {
  if (schema.const !== undefined) {
    schema.enum = [schema.const];
    delete schema.const;
  }
  // What a number of JSON can hold is no limit that anybody set.
  if (schema.minimum === Number.MIN_SAFE_INTEGER) {
    delete schema.minimum;
  }
  if (schema.maximum === Number.MAX_SAFE_INTEGER) {
    delete schema.maximum;
  }
  // The format says it.
  if (schema.format !== undefined) {
    delete schema.pattern;
  }
  const [some, none, ...more] = schema.anyOf ?? [];
  if (typeof some?.type === "string" && none?.type === "null" && more.length === 0) {
    delete schema.anyOf;
    Object.assign(schema, {
      ...some,
      ...schema,
      type: [some.type, "null"],
      ...(some.enum !== undefined && { enum: [...some.enum, null] }),
    });
  }
}

/** The same with what it refers to where the document has it. */
function inDocument(schema: object): Json {
  const text = JSON.stringify(schema);
  return JSON.parse(text.replaceAll('"$ref":"#/$defs/', '"$ref":"#/components/schemas/')) as Json;
}

function mapped<T>(object: Readonly<Record<string, T>>, change: (value: T) => Json): Json {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value)]));
}
