import { concat, fromBase64, utf8, type Bytes } from "../../security/encoding.ts";
import { readField, type Delivery } from "../delivery.ts";
import { checkAge, readTimestamp } from "./clock.ts";
import type { StandardScheme } from "./scheme.ts";
import { refuse, tryEach, type Verdict } from "./verdict.ts";

/** A key as the standard writes it: symmetric (`whsec_`, HMAC-SHA256) or public (`whpk_`, Ed25519). */
export interface StandardKey {
  readonly version: "v1" | "v1a";
  readonly bytes: Bytes;
}

/** More than one is sent while a key is rotated; nobody has reason to send more than these. */
const MAX_SIGNATURES = 16;

/** Never throws. Only what the secret is for is looked at: a `v1a` signature says nothing to an HMAC key. */
export async function verifyStandard(
  scheme: StandardScheme,
  secrets: readonly string[],
  { headers, body }: Delivery,
  now: number,
): Promise<Verdict> {
  const prefix = scheme.prefixes.find((p) => headers.has(`${p}signature`)) ?? scheme.prefixes[0];
  const read = (name: string): string | null => readField(headers, { header: `${prefix}${name}` });
  const signatures = read("signature");
  if (signatures === "") {
    return refuse(
      "missing_signature",
      `The request is not signed: ${prefix}signature is missing or empty. Set the hook's secret at the sender.`,
    );
  }
  const id = read("id");
  const timestamp = read("timestamp");
  const at = readTimestamp(timestamp ?? "", "s");
  const given = readSignatures(signatures ?? "");
  if (given === null) {
    return refuse(
      "malformed_signature",
      `${prefix}signature is not a list of v1,<base64> signatures.`,
    );
  }
  // A dot in the id would let its end be moved without changing what is signed.
  if (id === null || !/^[!-~]{1,255}$/.test(id) || id.includes(".") || id.includes(",")) {
    return refuse("malformed_signature", `${prefix}id is missing or is not an id.`);
  }
  if (at === null) {
    return refuse(
      "malformed_signature",
      `${prefix}timestamp is not a whole number of seconds since 1970.`,
    );
  }
  const content = concat([utf8(`${id}.${timestamp}.`), body]);
  const verdict = await tryEach(
    secrets,
    async (secret) => {
      const key = readStandardKey(secret);
      const ours = given.filter(({ version }) => version === key?.version);
      for (const { bytes } of ours) {
        if (key !== null && (await isSignedWith(key, bytes, content))) {
          return true;
        }
      }
      return false;
    },
    `${prefix}signature is a Standard Webhooks signature of id, time stamp and body with this hook's secret.`,
    `${prefix}signature does not match. Check that the sender has this hook's secret.`,
  );
  return checkAge(verdict, at, now);
}

/** `null` for what is no key: the standard asks for 24 to 64 bytes of a symmetric one. */
export function readStandardKey(secret: string): StandardKey | null {
  const [, kind, text = ""] = /^(whsec|whpk)_(.+)$/.exec(secret) ?? [];
  const bytes = fromBase64(text);
  if (kind === undefined || bytes === null) {
    return null;
  }
  if (kind === "whpk") {
    return bytes.length === 32 ? { version: "v1a", bytes } : null;
  }
  return bytes.length >= 24 && bytes.length <= 64 ? { version: "v1", bytes } : null;
}

function readSignatures(text: string): StandardKey[] | null {
  const entries = text.split(" ");
  const read = entries.flatMap((entry): (StandardKey | null)[] => {
    const [, version, base64 = ""] = /^(v1a?),(\S+)$/.exec(entry) ?? [];
    if (version === undefined) {
      // Versions to come are passed over; they are written alike.
      return /^v[0-9]+[a-z]*,[!-~]+$/.test(entry) ? [] : [null];
    }
    const bytes = fromBase64(base64);
    const size = version === "v1" ? 32 : 64;
    return [bytes?.length === size ? { version: version as "v1" | "v1a", bytes } : null];
  });
  const whole = read.filter((signature) => signature !== null);
  return whole.length < read.length || entries.length > MAX_SIGNATURES ? null : whole;
}

async function isSignedWith(key: StandardKey, signature: Bytes, content: Bytes): Promise<boolean> {
  const algorithm = key.version === "v1" ? { name: "HMAC", hash: "SHA-256" } : { name: "Ed25519" };
  const imported = await crypto.subtle.importKey("raw", key.bytes, algorithm, false, ["verify"]);
  return crypto.subtle.verify(algorithm.name, imported, signature, content);
}
