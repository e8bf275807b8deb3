import { randomBytes, toBase64, toBase64url, toHex } from "../../security/encoding.ts";
import { keyOf } from "./hmac.ts";
import type { Scheme } from "./scheme.ts";
import { readStandardKey } from "./standard.ts";

const MAX_LENGTH = 512;
/** Of a key that is written in code. A shorter one may be as good as none: zeros are what HMAC fills a key up with. */
const MIN_KEY_BYTES = 16;
/** A secret that is sent as it is has to be long: it can be guessed at, where a signature can't. */
const MIN_SENT_LENGTH = 16;

/** A fresh secret of the kind that a scheme takes. */
export function newSecret(scheme: Scheme): string {
  const bytes = randomBytes(32);
  switch (scheme.kind) {
    case "standard":
      return `whsec_${toBase64(bytes)}`;
    case "contentful":
      return toHex(bytes);
    case "hmac":
      return { hex: toHex, base64: toBase64, base64url: toBase64url, utf8: toBase64url }[
        scheme.key
      ](bytes);
    default:
      return toBase64url(bytes);
  }
}

/** What is wrong with a secret that somebody gave, in one sentence; `null` when nothing is. */
export function checkSecret(scheme: Scheme, secret: string): string | null {
  if (secret.trim() === "") {
    return "The secret is blank. Leave it out, or give the whole of it.";
  }
  if (secret !== secret.trim() || secret.length > MAX_LENGTH) {
    return `The secret has space around it or more than ${MAX_LENGTH} characters. Was it pasted with a line break?`;
  }
  switch (scheme.kind) {
    case "standard":
      return readStandardKey(secret) === null
        ? "The secret must be whsec_ and the base64 of 24 to 64 bytes, or whpk_ and the base64 of a 32-byte Ed25519 public key."
        : null;
    case "contentful":
      return /^[0-9a-zA-Z+/=_-]{64}$/.test(secret)
        ? null
        : "Contentful's signing secrets have exactly 64 characters: letters, digits and + / = _ -";
    case "hmac": {
      const key = keyOf(scheme, secret);
      const decoded = scheme.key !== "utf8";
      return key === null || (decoded && key.length < MIN_KEY_BYTES)
        ? `The secret must be written as ${scheme.key}${decoded ? `, and be at least ${MIN_KEY_BYTES} bytes` : ""}.`
        : null;
    }
    case "basic":
      return /^[^\p{Cc}]*$/u.test(secret) && secret.length >= MIN_SENT_LENGTH ? null : TOO_WEAK;
    case "header":
    case "body":
      return /^[!-~]*$/.test(secret) && secret.length >= MIN_SENT_LENGTH ? null : TOO_WEAK;
    case "url":
      return "This hook has no secret but its URL. Leave the secret out.";
  }
}

const TOO_WEAK = `A secret that is sent as it is must have at least ${MIN_SENT_LENGTH} visible ASCII characters. Leave it out to have one made.`;
