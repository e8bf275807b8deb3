import { parseParameters } from "./parameters.ts";
import { refuse } from "./problem.ts";

/** What a part says of itself. `content_type` and `filename` are null where the sender left them out. */
export interface PartHead {
  readonly name: string;
  readonly filename: string | null;
  readonly content_type: string | null;
}

const FORM_DATA = /^form-data[ \t]*(?=;)/i;
const HEADER_NAME = /^[\w!#$%&'*+.^`|~-]+$/;
// oxlint-disable-next-line no-control-regex -- refusing control characters is the point
const CONTROL = /[\u0000-\u0008\u000a-\u001f\u007f]/;
const PLAIN_ENCODING = /^(?:7bit|8bit|binary)$/i;

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function malformed(what: string): never {
  return refuse(
    "multipart_malformed",
    `A part of the form has ${what}. Let a multipart library or FormData write the form.`,
  );
}

/** Reads the header lines of one part, without the empty line that ends them. */
export function parsePartHead(bytes: Uint8Array): PartHead {
  const headers = readHeaders(bytes);
  const encoding = headers.get("content-transfer-encoding");
  if (encoding !== undefined && !PLAIN_ENCODING.test(encoding)) {
    malformed("a content-transfer-encoding; forms are sent as plain bytes");
  }

  const disposition = headers.get("content-disposition") ?? "";
  const type = FORM_DATA.exec(disposition);
  const parameters = type === null ? null : parseParameters(disposition, type[0].length);
  const name = parameters?.get("name");
  if (parameters === null || name === undefined) {
    return malformed("no readable content-disposition: form-data with a name");
  }
  return {
    name,
    filename: parameters.get("filename") ?? parameters.get("filename*") ?? null,
    content_type: headers.get("content-type") ?? null,
  };
}

function readHeaders(bytes: Uint8Array): Map<string, string> {
  const headers = new Map<string, string>();
  for (const line of decode(bytes).split("\r\n")) {
    const colon = line.indexOf(":");
    const name = line.slice(0, Math.max(colon, 0)).toLowerCase();
    if (!HEADER_NAME.test(name) || CONTROL.test(line)) {
      malformed("a header line that can't be read");
    }
    if (headers.has(name)) {
      malformed("the same header twice");
    }
    headers.set(name, line.slice(colon + 1).trim());
  }
  return headers;
}

function decode(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    return malformed("headers that are not valid UTF-8");
  }
}
