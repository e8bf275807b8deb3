import * as fc from "fast-check";

/** As much of JSON Schema as the document of the API uses. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  readonly items?: Schema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly pattern?: string;
  readonly format?: string;
  readonly example?: unknown;
}

/** Values that a schema allows. `root` is what its references are looked up in. */
export function fromSchema(schema: Schema, root: object): fc.Arbitrary<unknown> {
  if (schema.$ref !== undefined) {
    return fromSchema(resolve(schema.$ref, root), root);
  }
  if (schema.enum !== undefined) {
    return fc.constantFrom(...schema.enum);
  }
  if (schema.anyOf !== undefined) {
    return fc.oneof(...schema.anyOf.map((each) => fromSchema(each, root)));
  }
  if (schema.allOf !== undefined) {
    const parts = schema.allOf.map((each) => fromSchema(each, root) as fc.Arbitrary<object>);
    return fc.tuple(...parts).map((objects) => Object.assign({}, ...objects) as object);
  }
  const { type = "string" } = schema;
  if (typeof type !== "string") {
    return fc.oneof(...type.map((each) => fromSchema({ ...schema, type: each }, root)));
  }
  switch (type) {
    case "null":
      return fc.constant(null);
    case "boolean":
      return fc.boolean();
    case "integer":
    case "number":
      return fc.integer({ min: schema.minimum ?? 0, max: schema.maximum ?? 1_000_000 });
    case "array": {
      const { items = {}, minItems = 0, maxItems = 4 } = schema;
      return fc.array(fromSchema(items, root), {
        minLength: minItems,
        maxLength: Math.min(maxItems, minItems + 3),
      });
    }
    case "object":
      return objectOf(schema, root);
    default:
      return textOf(schema);
  }
}

export function resolve(reference: string, root: object): Schema {
  let found: unknown = root;
  for (const step of reference.split("/").slice(1)) {
    found = (found as Record<string, unknown>)[step];
  }
  return found as Schema;
}

function objectOf(schema: Schema, root: object): fc.Arbitrary<object> {
  const { properties = {}, required = [], additionalProperties: rest } = schema;
  const known = fc.record(
    Object.fromEntries(
      Object.entries(properties).map(([name, each]) => [name, fromSchema(each, root)]),
    ),
    { requiredKeys: [...required] },
  );
  return typeof rest === "object"
    ? fc.dictionary(fc.stringMatching(/^[A-Za-z]{1,8}$/), fromSchema(rest, root), { maxKeys: 3 })
    : known;
}

function textOf(schema: Schema): fc.Arbitrary<string> {
  const { minLength = 0, maxLength = 64, pattern, format, example } = schema;
  const free =
    pattern !== undefined
      ? matching(pattern, Math.min(maxLength, 64))
      : format === "date-time"
        ? fc
            .date({ min: new Date("2030-01-01"), max: new Date("2060-01-01"), noInvalidDate: true })
            .map((at) => at.toISOString())
        : format === "email"
          ? fc.emailAddress()
          : fc.string({ minLength, maxLength: Math.min(maxLength, 64), unit: "grapheme" });
  // Much more is found behind a text that means something.
  const known = [...TEXTS, ...(typeof example === "string" ? [example] : [])].filter(
    (text) => text.length >= minLength && text.length <= maxLength,
  );
  return pattern === undefined && format === undefined && known.length > 0
    ? fc.oneof(fc.constantFrom(...known), free)
    : free;
}

/** fast-check knows no lookahead: it is left out, and what it would not take is left out, too. */
function matching(pattern: string, maxLength: number): fc.Arbitrary<string> {
  const plain = new RegExp(pattern.replaceAll(/\(\?[!=].*?\)/g, ""), "u");
  return fc.stringMatching(plain, { maxLength }).filter((text) => new RegExp(pattern).test(text));
}

/** What fields of this API take. */
const TEXTS = [
  "main",
  "feature/x",
  "https://receiver.example/in",
  "0 6 * * *",
  "Europe/Berlin",
  "acme/blog",
];
