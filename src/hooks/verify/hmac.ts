import {
  concat,
  fromBase64,
  fromBase64url,
  fromHex,
  utf8,
  type Bytes,
} from "../../security/encoding.ts";
import { nameField, readField, type Delivery } from "../delivery.ts";
import { checkAge, readTimestamp } from "./clock.ts";
import type { HmacScheme } from "./scheme.ts";
import { refuse, tryEach, type Verdict } from "./verdict.ts";

const DIGEST_BYTES = { "SHA-1": 20, "SHA-256": 32, "SHA-512": 64 } as const;
const DECODERS = { hex: fromHex, base64: fromBase64, base64url: fromBase64url, utf8 } as const;

/** Never throws, whatever a stranger sends. */
export async function verifyHmac(
  scheme: HmacScheme,
  secrets: readonly string[],
  delivery: Delivery,
  now: number,
): Promise<Verdict> {
  const place = nameField(scheme.signature);
  const value = readField(delivery.headers, scheme.signature);
  // Some senders without a secret still send the header, with an empty signature.
  if (value === "" || value === scheme.prefix) {
    return refuse(
      "missing_signature",
      `The request is not signed: ${place} is missing or empty. Set the hook's secret at the sender.`,
    );
  }
  const signature = value?.startsWith(scheme.prefix)
    ? readDigest(scheme, value.slice(scheme.prefix.length))
    : null;
  if (signature === null) {
    return refuse(
      "malformed_signature",
      `${place} is not one ${scheme.hash} signature written as ${scheme.prefix}<${scheme.encoding}>.`,
    );
  }
  const fields = new Map<string, string>();
  for (const [name, field] of Object.entries(scheme.fields)) {
    const text = readField(delivery.headers, field);
    if (text === null || text === "") {
      return refuse("malformed_signature", `${nameField(field)} is missing or sent twice.`);
    }
    fields.set(name, text);
  }
  const at =
    scheme.clock === null ? now : readTimestamp(fields.get("timestamp") ?? "", scheme.clock);
  const content = fill(scheme.content, fields, delivery.body);
  if (at === null) {
    const unit = scheme.clock === "s" ? "seconds" : "milliseconds";
    return refuse(
      "malformed_signature",
      `The time stamp is not a whole number of ${unit} since 1970.`,
    );
  }
  if (content === null) {
    return refuse("malformed_signature", "The body is not UTF-8, so it is not what was signed.");
  }
  const verdict = await tryEach(
    secrets,
    (secret) => isSignedWith(scheme, secret, signature, content),
    `${place} is the HMAC-${scheme.hash} of ${scheme.content === "{body}" ? "the body" : scheme.content} with this hook's secret.`,
    `${place} does not match. Check that the sender has this hook's secret.`,
  );
  return checkAge(verdict, at, now);
}

/** The key that a secret's text stands for; `null` when it is not written that way, or is nothing. */
export function keyOf(scheme: HmacScheme, secret: string): Bytes | null {
  const key = DECODERS[scheme.key](secret);
  return key === null || key.length === 0 ? null : key;
}

/** Exactly as many bytes as the hash has. */
function readDigest(scheme: HmacScheme, text: string): Bytes | null {
  const size = DIGEST_BYTES[scheme.hash];
  const bytes = text.length <= 2 * size ? DECODERS[scheme.encoding](text) : null;
  return bytes?.length === size ? bytes : null;
}

/** The bytes that were signed; `null` when the body would have to be text and is not. */
function fill(template: string, fields: ReadonlyMap<string, string>, body: Bytes): Bytes | null {
  if (template === "{body}") {
    return body;
  }
  const pieces: Bytes[] = [];
  // Every second piece is a name.
  for (const [n, piece] of template.split(/\{([a-z_]+(?::json)?)\}/).entries()) {
    if (n % 2 === 0) {
      pieces.push(utf8(piece));
    } else if (piece === "body") {
      pieces.push(body);
    } else if (piece === "body:json") {
      const text = textOf(body);
      if (text === null) {
        return null;
      }
      pieces.push(utf8(JSON.stringify(text)));
    } else {
      const [name = "", json] = piece.split(":");
      const value = fields.get(name) ?? "";
      pieces.push(utf8(json === undefined ? value : JSON.stringify(value)));
    }
  }
  return concat(pieces);
}

function textOf(body: Bytes): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body);
  } catch {
    return null;
  }
}

async function isSignedWith(
  scheme: HmacScheme,
  secret: string,
  signature: Bytes,
  content: Bytes,
): Promise<boolean> {
  const bytes = keyOf(scheme, secret);
  if (bytes === null) {
    return false;
  }
  const algorithm = { name: "HMAC", hash: scheme.hash };
  const key = await crypto.subtle.importKey("raw", bytes, algorithm, false, ["verify"]);
  return crypto.subtle.verify("HMAC", key, signature, content);
}
