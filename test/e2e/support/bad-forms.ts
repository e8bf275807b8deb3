import { BOUNDARY, partHead } from "./raw.ts";

/** Bodies of Create deployment that break one rule each, with the answer to each. */

export type Body = string | Uint8Array<ArrayBuffer>;

/** Looks like an object in JSON, but for two bytes that no text has. */
export const NOT_UTF8 = new Uint8Array([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d]);

const END = `--${BOUNDARY}--\r\n`;
const MANIFEST = part("manifest", '{"/index.html":"17453d0cfb9bacc76d9f30d3cb9ca048"}');

/** One that breaks none. */
export const GOOD_FORM = MANIFEST + END;

export const BAD_FORMS: readonly (readonly [what: string, Body, status: number, code: string])[] = [
  [
    "with both kinds of script",
    form(MANIFEST, part("_worker.js", "1", "f"), part("_worker.bundle", "1", "f")),
    422,
    "worker_conflict",
  ],
  ["with files and no manifest", form(part("_headers", "/*", "f")), 400, "manifest_missing"],
  ["whose manifest is no JSON", form(part("manifest", "{")), 422, "json_invalid"],
  ["whose manifest is an array", form(part("manifest", "[]")), 422, "json_invalid"],
  ["whose manifest maps to numbers", form(part("manifest", '{"/":1}')), 422, "manifest_invalid"],
  ["with 20,001 files", form(part("manifest", large())), 422, "manifest_too_many_entries"],
  ["whose routes are no JSON", form(MANIFEST, part("_routes.json", "x", "f")), 422, "json_invalid"],
  [
    "whose function routes are no object",
    form(MANIFEST, part("functions-filepath-routing-config.json", "[]", "f")),
    422,
    "json_invalid",
  ],
  ["with a field twice", form(MANIFEST, MANIFEST), 422, "field_repeated"],
  ["that is maybe dirty", form(MANIFEST, part("commit_dirty", "maybe")), 422, "field_invalid"],
  ["with no such branch", form(MANIFEST, part("branch", "a b")), 422, "branch_invalid"],
  [
    "with a message that is not UTF-8",
    Buffer.concat([
      Buffer.from(MANIFEST + partHead("commit_message")),
      NOT_UTF8,
      Buffer.from(`\r\n${END}`),
    ]),
    422,
    "field_invalid",
  ],
  [
    "with a part that has no name",
    form(`--${BOUNDARY}\r\ncontent-disposition: form-data\r\n\r\nx\r\n`),
    400,
    "multipart_malformed",
  ],
  ["that is none", "just text", 400, "multipart_malformed"],
  ["that does not end", MANIFEST, 400, "multipart_truncated"],
  ["that ends in a part", `${MANIFEST}${partHead("_headers", "f")}/*`, 400, "multipart_truncated"],
];

function form(...parts: readonly string[]): string {
  return parts.join("") + END;
}

function part(name: string, content: string, filename?: string): string {
  return `${partHead(name, filename)}${content}\r\n`;
}

function large(): string {
  const entries = Array.from({ length: 20_001 }, (_, n) => [`/${n}.html`, "0".repeat(32)]);
  return JSON.stringify(Object.fromEntries(entries));
}
