import type { Bytes } from "../../security/encoding.ts";
import type { Reading, Source } from "./source.ts";

/**
 * Reads a verified delivery. Content types other than forms are not looked at: senders name JSON in many ways, and
 * what does not parse is refused anyway.
 */
export function readDelivery(source: Source, headers: Headers, body: Bytes): Reading {
  const type = (headers.get("content-type") ?? "").toLowerCase();
  if (/^\s*(application\/x-www-form-urlencoded|multipart\/form-data)\b/.test(type)) {
    return { kind: "unsupported", reason: source.formHint };
  }
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(body));
  } catch {
    return { kind: "malformed", reason: "The body is not JSON in UTF-8." };
  }
  return source.read(headers, json);
}
