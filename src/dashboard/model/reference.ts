/** The OpenAPI document as the reference shows it. Our own document: what it never has is not looked for. */

export interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly additionalProperties?: boolean | Schema;
  readonly allOf?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly example?: unknown;
  readonly examples?: readonly unknown[];
  readonly format?: string;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
}
export type Content = Readonly<
  Record<string, { readonly schema?: Schema; readonly example?: unknown }>
>;
export interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly description?: string;
  readonly schema: Schema;
}
export interface Answer {
  readonly description: string;
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly content?: Content;
}
export interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  readonly tags: readonly string[];
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly required?: boolean; readonly content: Content };
  readonly responses: Readonly<Record<string, Answer>>;
}
export interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly webhooks: Readonly<Record<string, { readonly post: Operation }>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

/** A piece of a type: our words, or the name of a schema that has a place of its own. */
export type Bit = string | { readonly name: string };

export interface Row {
  /** `branches.include`, `items[].id`: objects in objects are not tables in tables. */
  readonly name: string;
  readonly type: readonly Bit[];
  readonly required: boolean;
  readonly description: string;
  readonly values: readonly string[];
  readonly limits: readonly string[];
}

export interface Route extends Operation {
  readonly method: string;
  readonly path: string;
}

export function byTag({ paths }: OpenApi): ReadonlyMap<string, readonly Route[]> {
  const routes = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      ...operation,
      method: method.toUpperCase(),
      path,
    })),
  );
  return Map.groupBy(routes, ({ tags }) => tags[0] ?? "");
}

const nameOf = (ref: string): string => ref.slice(ref.lastIndexOf("/") + 1);
const JOINED = " or ";

/** What stands in place of a schema that is only a name, or a name that may be null. */
function plain(schema: Schema): Schema {
  const [first, second] = schema.allOf ?? [];
  const nullable = second !== undefined && second.properties === undefined;
  return first !== undefined && nullable ? { ...schema, ...first, type: "null" } : schema;
}

export function typeOf(given: Schema): readonly Bit[] {
  const schema = plain(given);
  if (schema.$ref !== undefined) {
    const name = { name: nameOf(schema.$ref) };
    return schema.type === undefined ? [name] : [name, `${JOINED}null`];
  }
  if (schema.anyOf !== undefined || schema.allOf !== undefined) {
    const parts = schema.anyOf ?? schema.allOf ?? [];
    const between = schema.anyOf === undefined ? " and " : JOINED;
    return parts.flatMap((part, n) => [...(n > 0 ? [between] : []), ...typeOf(part)]);
  }
  const types = [schema.type ?? "anything"].flat();
  return types.flatMap((type, n) => [...(n > 0 ? [JOINED] : []), ...single(type, schema)]);
}

function single(type: string, { items, additionalProperties, format }: Schema): readonly Bit[] {
  if (type === "array" && items !== undefined) {
    return ["array of ", ...typeOf(items)];
  }
  if (type === "object" && typeof additionalProperties === "object") {
    return ["map of ", ...typeOf(additionalProperties)];
  }
  return [format === undefined ? type : `${type} (${format})`];
}

const RANGES = [
  ["minimum", "maximum", ""],
  ["minLength", "maxLength", " characters"],
  ["minItems", "maxItems", " items"],
] as const;

/** What a number of JSON can hold is no limit that anybody set. */
const isSet = (limit: number | undefined): limit is number =>
  limit !== undefined && Math.abs(limit) !== Number.MAX_SAFE_INTEGER;

function limitsOf(schema: Schema): string[] {
  const ranges = RANGES.flatMap(([least, most, unit]) => {
    const [from, to] = [schema[least], schema[most]];
    if (isSet(from) && isSet(to)) {
      return [`${from} to ${to}${unit}`];
    }
    const one = [isSet(from) ? `at least ${from}` : "", isSet(to) ? `at most ${to}` : ""].join("");
    return one === "" ? [] : [one + unit];
  });
  return [
    ...(schema.default === undefined ? [] : [`default \`${JSON.stringify(schema.default)}\``]),
    ...ranges,
    ...(schema.pattern === undefined ? [] : [`pattern \`${schema.pattern}\``]),
  ];
}

export function rowOf(name: string, schema: Schema, required: boolean): Row {
  const values = schema.enum ?? schema.items?.enum ?? [];
  return {
    name,
    type: typeOf(schema),
    required,
    description: schema.description ?? "",
    values: values.map((value) => JSON.stringify(value)),
    limits: limitsOf(schema),
  };
}

/** The fields of an object, and of what is in it without a name of its own. */
export function rowsOf(schema: Schema, before = ""): readonly Row[] {
  const parts = schema.anyOf === undefined ? (schema.allOf ?? []) : [];
  const own = Object.entries(schema.properties ?? {}).flatMap(([name, property]) => [
    rowOf(`${before}${name}`, property, schema.required?.includes(name) ?? false),
    ...rowsOf(property, `${before}${name}.`),
  ]);
  const items = schema.items === undefined ? [] : rowsOf(schema.items, `${before.slice(0, -1)}[].`);
  const { additionalProperties: values } = schema;
  const each = typeof values === "object" ? rowsOf(values, `${before}*.`) : [];
  return [...parts.flatMap((part) => rowsOf(part, before)), ...own, ...items, ...each];
}

/** The codes of a refusal, as `responses.ts` writes them down: a line each, with what it means. */
export function codesOf({ description }: Answer): readonly (readonly [string, string])[] {
  return [...description.matchAll(/^`(\w+)`: (.*)$/gm)].map(([, code = "", meaning = ""]) => [
    code,
    meaning,
  ]);
}

export const isRefusal = ({ content }: Answer): boolean =>
  content?.["application/problem+json"] !== undefined;

/** The least scope; null: anybody may. */
export function scopeOf({ security }: Operation): string | null {
  const [first] = security;
  return first === undefined ? null : (Object.values(first)[0]?.[0] ?? "a CI job's token");
}

const quoted = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`;

/** To be pasted into a shell that has the address, the token and what is not known here as variables. */
export function curlOf(route: Route): string {
  const { parameters = [] } = route;
  const path = route.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const known = parameters.find((each) => each.name === name)?.schema.example;
    return typeof known === "string" ? known : `$${name.toUpperCase()}`;
  });
  const content = route.requestBody?.content ?? {};
  const example = content["application/json"]?.example;
  return [
    `curl${route.method === "GET" ? "" : ` -X ${route.method}`} "$SIGNALBOX_URL${path}"`,
    ...(route.security.length === 0 ? [] : ['-H "authorization: Bearer $SIGNALBOX_TOKEN"']),
    ...(example === undefined
      ? []
      : ['-H "content-type: application/json"', `-d ${quoted(JSON.stringify(example))}`]),
  ].join(" \\\n  ");
}
