import type { Bytes } from "../security/encoding.ts";

/** One request of a sender, its body whole: what schemes verify and sources read. */
export interface Delivery {
  readonly method: string;
  /** As the sender saw it. */
  readonly path: string;
  /** What follows the path, the `?` included, or nothing. */
  readonly search: string;
  readonly headers: Headers;
  readonly body: Bytes;
}

/** Bounds what is looked into; real headers of this kind are a tenth of it. */
const MAX_HEADER = 2_048;

/** Where a value stands in the headers. */
export type Field =
  /** It is the header's whole value. */
  | { readonly header: string }
  /** It is one of the header's `name=value` pairs, which commas part. */
  | { readonly header: string; readonly pair: string };

/**
 * The value of a field; "" when it is not there. `null`: the header holds something else than it should, such as a pair
 * twice. A header sent twice arrives as one, joined by a comma.
 */
export function readField(headers: Headers, field: Field): string | null {
  const value = headers.get(field.header) ?? "";
  if (value.length > MAX_HEADER) {
    return null;
  }
  if (!("pair" in field)) {
    return value;
  }
  const found = value
    .split(",")
    .map((pair) => pair.replace(/^ /, ""))
    .filter((pair) => pair.startsWith(`${field.pair}=`))
    .map((pair) => pair.slice(field.pair.length + 1));
  return found.length > 1 ? null : (found[0] ?? "");
}

/** How people write the place: in reasons and documents. */
export function nameField(field: Field): string {
  return "pair" in field ? `${field.pair} in ${field.header}` : field.header;
}

/** The body as JSON; `undefined` when it is none, or not UTF-8. */
export function jsonIn(body: Bytes): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(body));
  } catch {
    return undefined;
  }
}

/** The value a JSON pointer (RFC 6901) leads to; `undefined` when there is none. */
export function at(json: unknown, pointer: string): unknown {
  let value = json;
  for (const token of pointer.split("/").slice(1)) {
    const key = token.replaceAll("~1", "/").replaceAll("~0", "~");
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) {
      return undefined;
    }
    value = (value as Record<string, unknown>)[key];
  }
  return value;
}
