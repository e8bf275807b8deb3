import type { Result } from "../result.ts";
import { err, ok } from "../result.ts";
import type { Bytes } from "../security/encoding.ts";
import {
  fromBase64,
  fromBase64url,
  fromHex,
  randomBytes,
  toBase64url,
  utf8,
} from "../security/encoding.ts";

/** How a sender signs: an HMAC over the raw body, in one header. A row of data, so that a new source needs no code. */
export interface HmacScheme {
  /** As the sender's documentation writes it; read without regard to case. */
  readonly header: string;
  /** What stands before the signature, exactly: `sha256=`, or nothing. */
  readonly prefix: string;
  readonly hash: "SHA-1" | "SHA-256" | "SHA-512";
  readonly encoding: "hex" | "base64" | "base64url";
}

export type Verdict =
  | { readonly ok: true }
  | {
      readonly ok: false;
      readonly reason_code: "missing_signature" | "malformed_signature" | "bad_signature";
      readonly reason: string;
    };

const DIGEST_BYTES = { "SHA-1": 20, "SHA-256": 32, "SHA-512": 64 } as const;
const DECODERS = { hex: fromHex, base64: fromBase64, base64url: fromBase64url } as const;

/**
 * Whether the body was signed with one of `secrets` (several while they are rotated). Never throws, whatever a
 * stranger sends; without a usable secret nothing verifies.
 */
export async function verifyHmac(
  scheme: HmacScheme,
  secrets: readonly string[],
  headers: Headers,
  body: Bytes,
): Promise<Verdict> {
  const value = headers.get(scheme.header) ?? "";
  // Some senders without a secret still send the header, with an empty signature.
  if (value === "" || value === scheme.prefix) {
    return refuse(
      "missing_signature",
      `The request is not signed: ${scheme.header} is missing or empty. Set the hook's secret at the sender.`,
    );
  }
  const signature = value.startsWith(scheme.prefix)
    ? decode(scheme, value.slice(scheme.prefix.length))
    : null;
  if (signature === null) {
    return refuse(
      "malformed_signature",
      `${scheme.header} is not one ${scheme.hash} signature written as ${scheme.prefix}<${scheme.encoding}>.`,
    );
  }
  for (const secret of secrets) {
    if (secret !== "" && (await isSignedWith(secret, scheme.hash, signature, body))) {
      return { ok: true };
    }
  }
  return refuse(
    "bad_signature",
    `${scheme.header} does not match. Check that the sender has this hook's secret.`,
  );
}

/** A fresh secret for a hook whose sender takes any text. */
export function newHookSecret(): string {
  return toBase64url(randomBytes(32));
}

/** What is wrong with a secret somebody chose, before a hook is made with it. */
export function checkHookSecret(
  secret: string,
): Result<string, { readonly code: "secret_blank" | "secret_invalid"; readonly message: string }> {
  if (secret.trim() === "") {
    return err({
      code: "secret_blank",
      message: "The secret is blank. Leave it out to have one made, or give one.",
    });
  }
  if (secret !== secret.trim() || secret.length > 512) {
    return err({
      code: "secret_invalid",
      message:
        "The secret has space around it or more than 512 characters. Was it pasted with a line break?",
    });
  }
  return ok(secret);
}

function refuse(
  reason_code: "missing_signature" | "malformed_signature" | "bad_signature",
  reason: string,
): Verdict {
  return { ok: false, reason_code, reason };
}

/** Exactly as many bytes as the hash has. Headers sent twice arrive joined by a comma, which no alphabet here has. */
function decode(scheme: HmacScheme, text: string): Bytes | null {
  const size = DIGEST_BYTES[scheme.hash];
  const bytes = text.length <= 2 * size ? DECODERS[scheme.encoding](text) : null;
  return bytes?.length === size ? bytes : null;
}

async function isSignedWith(
  secret: string,
  hash: HmacScheme["hash"],
  signature: Bytes,
  body: Bytes,
): Promise<boolean> {
  const algorithm = { name: "HMAC", hash };
  const key = await crypto.subtle.importKey("raw", utf8(secret), algorithm, false, ["verify"]);
  return crypto.subtle.verify("HMAC", key, signature, body);
}
