type Json = Readonly<Record<string, unknown>>;

const IN_DOCUMENT = "#/components/schemas/";
const HERE = "#/$defs/";

/** The JSON Schema of an event, of the schemas that the OpenAPI document has: those are JSON Schemas already. */
export function eventSchema(schemas: Readonly<Record<string, unknown>>): {
  $schema: string;
  [key: string]: unknown;
} {
  const needed = new Set<string>();
  const root = taken(schemas["Event"], needed) as Json;
  const $defs: Record<string, unknown> = {};
  // What one of them needs is added behind it, and comes to its turn.
  for (const name of needed) {
    $defs[name] = taken(schemas[name], needed);
  }
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "An event of Signalbox",
    ...root,
    $defs,
  };
}

/** A part of a schema with its references turned to here, and without the one keyword that is OpenAPI's own. */
function taken(part: unknown, needed: Set<string>): unknown {
  if (Array.isArray(part)) {
    return part.map((item) => taken(item, needed));
  }
  if (typeof part === "string" && part.startsWith(IN_DOCUMENT)) {
    const name = part.slice(IN_DOCUMENT.length);
    needed.add(name);
    return HERE + name;
  }
  if (typeof part !== "object" || part === null) {
    return part;
  }
  return Object.fromEntries(
    Object.entries(part)
      .filter(([key]) => key !== "discriminator")
      .map(([key, value]) => [key, taken(value, needed)]),
  );
}
