import type { Result } from "../result.ts";
import { err, ok } from "../result.ts";
import { constantTimeEqual } from "./compare.ts";
import type { Bytes } from "./encoding.ts";
import {
  concat,
  fromBase64,
  fromBase64url,
  randomBytes,
  toBase64url,
  toHex,
  utf8,
} from "./encoding.ts";

/**
 * The master keys that tags and sealed values come from.
 *
 * A tag (`kid.mac`) proves that we made a text; a sealed value (`kid.ciphertext`) hides one and is bound to the row it
 * belongs to. Each names its key, so that keys can be rotated: list a new one first and both stay accepted.
 */

export interface KeyringProblem {
  readonly code: "keys_missing" | "keys_invalid";
  /** One sentence on what is wrong and one on what to do. Never holds the secret, only its place in the list. */
  readonly message: string;
}

interface Key {
  readonly id: string;
  readonly tagsOnly: boolean;
  readonly tags: CryptoKey;
  readonly seals: CryptoKey;
}

const TAGS_ONLY = "tags-only";
const MIN_SECRET_BYTES = 32;
const MAX_SECRET_BYTES = 128;
const MAX_KEYS = 8;
/** 144 bits: more than the 128 a tag needs, and whole base64url characters, so that a tag has exactly one spelling. */
const TAG_BYTES = 18;
const IV_BYTES = 12;
const NAMED = /^([0-9a-f]{6})\.([A-Za-z0-9_-]+)$/;

export class Keyring {
  /** The id of the key that makes new tags and sealed values. */
  readonly current: string;
  readonly #keys: ReadonlyMap<string, Key>;
  readonly #currentKey: Key;

  /** Use {@link parseKeyring}; it checks what a keyring must hold to. */
  constructor(current: Key, others: readonly Key[]) {
    this.current = current.id;
    this.#currentKey = current;
    this.#keys = new Map([current, ...others].map((key) => [key.id, key]));
  }

  /** All key ids, the current one first. */
  ids(): string[] {
    return [...this.#keys.keys()];
  }

  /**
   * A tag over `parts`, made with the current key. `purpose` keeps kinds of tags apart: one made for a hook URL is
   * worth nothing as a token.
   */
  async tag(purpose: string, ...parts: readonly string[]): Promise<string> {
    return makeTag(this.#currentKey, purpose, parts);
  }

  /** The tag that the key of this id gives, for what was handed out with it and is shown again; `null`: it is not in the ring. */
  async tagOf(id: string, purpose: string, ...parts: readonly string[]): Promise<string | null> {
    const key = this.#keys.get(id);
    return key === undefined ? null : makeTag(key, purpose, parts);
  }

  /** Whether `tag` was made for exactly this purpose and these parts by a key of this ring. */
  async checkTag(purpose: string, tag: string, ...parts: readonly string[]): Promise<boolean> {
    const key = this.#keys.get(keyIdOf(tag) ?? "");
    return key !== undefined && constantTimeEqual(tag, await makeTag(key, purpose, parts));
  }

  /** Encrypts with the current key. It opens again only under the same `context`, say `hook/<project>/<id>/secret`. */
  async seal(context: string, plaintext: string): Promise<string> {
    const iv = randomBytes(IV_BYTES);
    const key = this.#currentKey;
    const algorithm = { name: "AES-GCM", iv, additionalData: utf8(context) };
    const encrypted = await crypto.subtle.encrypt(algorithm, key.seals, utf8(plaintext));
    return `${key.id}.${toBase64url(concat([iv, new Uint8Array(encrypted)]))}`;
  }

  /** The plaintext, or `null` when this ring, or this context, can't open it. */
  async unseal(context: string, sealed: string): Promise<string | null> {
    const [, id, text] = NAMED.exec(sealed) ?? [];
    const key = this.#keys.get(id ?? "");
    const bytes = fromBase64url(text ?? "");
    if (key === undefined || key.tagsOnly || bytes === null || bytes.length < IV_BYTES) {
      return null;
    }
    const iv = bytes.subarray(0, IV_BYTES);
    const algorithm = { name: "AES-GCM", iv, additionalData: utf8(context) };
    try {
      const plaintext = await crypto.subtle.decrypt(algorithm, key.seals, bytes.subarray(IV_BYTES));
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(plaintext);
    } catch {
      return null;
    }
  }

  /** The same value sealed with the current key; as it was where it is already, or where its key is not in the ring. */
  async renew(context: string, sealed: string): Promise<string> {
    if (!this.needsReseal(sealed)) {
      return sealed;
    }
    const plain = await this.unseal(context, sealed);
    return plain === null ? sealed : this.seal(context, plain);
  }

  /** Whether what the key of this id has sealed can be opened here. */
  opens(id: string): boolean {
    return this.#keys.get(id)?.tagsOnly === false;
  }

  /** The id of the key a tag or a sealed value names, whether or not this ring has it. */
  keyIdOf(sealedOrTag: string): string | null {
    return keyIdOf(sealedOrTag);
  }

  /** Whether a sealed value rests on a key other than the current one. */
  needsReseal(sealed: string): boolean {
    return keyIdOf(sealed) !== this.current;
  }
}

/** Reads `SIGNALBOX_KEYS`: secrets separated by commas, the current one first, others optionally `:tags-only`. */
export async function parseKeyring(text: string): Promise<Result<Keyring, KeyringProblem>> {
  if (text.trim() === "") {
    return err({
      code: "keys_missing",
      message:
        "SIGNALBOX_KEYS is not set. Make a key with `npm run keys` and set it with `wrangler secret put SIGNALBOX_KEYS`.",
    });
  }
  const entries = text.split(",");
  if (entries.length > MAX_KEYS) {
    return invalid(`SIGNALBOX_KEYS lists more than ${MAX_KEYS} keys. Remove the oldest ones.`);
  }
  const keys: Key[] = [];
  for (const [index, entry] of entries.entries()) {
    const which = `Key ${index + 1} of SIGNALBOX_KEYS`;
    const [secretText = "", mark, ...rest] = entry.split(":").map((part) => part.trim());
    if (secretText === "") {
      return invalid(`${which} is blank. Remove the extra comma, or put the key there.`);
    }
    if (rest.length > 0 || (mark !== undefined && mark !== TAGS_ONLY)) {
      return invalid(
        `${which} has a mark that is not known. The only mark is \`:${TAGS_ONLY}\`, after the key.`,
      );
    }
    if (mark !== undefined && index === 0) {
      return invalid(
        `${which} is marked ${TAGS_ONLY}, but the first key makes new tags and seals. Put the new key first.`,
      );
    }
    const secret = decodeSecret(secretText);
    if (secret === null) {
      return invalid(
        `${which} is not base64 text of at least ${MIN_SECRET_BYTES} random bytes. Make one with \`npm run keys\`.`,
      );
    }
    const key = await deriveKey(secret, mark !== undefined);
    const same = keys.findIndex((other) => other.id === key.id);
    if (same !== -1) {
      return invalid(`${which} repeats key ${same + 1}. List each key once.`);
    }
    keys.push(key);
  }
  const [current, ...others] = keys;
  // Always there, since the text has at least one entry; this spares an assertion.
  return current === undefined
    ? invalid("SIGNALBOX_KEYS is empty.")
    : ok(new Keyring(current, others));
}

/** A fresh secret for `SIGNALBOX_KEYS`. */
export function newKeySecret(): string {
  return toBase64url(randomBytes(MIN_SECRET_BYTES));
}

function invalid(message: string): Result<never, KeyringProblem> {
  return err({ code: "keys_invalid", message });
}

function decodeSecret(text: string): Bytes | null {
  const secret = fromBase64url(text) ?? fromBase64(text);
  const fits =
    secret !== null && secret.length >= MIN_SECRET_BYTES && secret.length <= MAX_SECRET_BYTES;
  return fits ? secret : null;
}

async function deriveKey(secret: Bytes, tagsOnly: boolean): Promise<Key> {
  const master = await crypto.subtle.importKey("raw", secret, "HKDF", false, [
    "deriveBits",
    "deriveKey",
  ]);
  const hkdf = (label: string) => ({
    name: "HKDF",
    hash: "SHA-256",
    salt: new Uint8Array(),
    info: utf8(`signalbox/${label}`),
  });
  const hmac = { name: "HMAC", hash: "SHA-256", length: 256 };
  const aes = { name: "AES-GCM", length: 256 };
  const [id, tags, seals] = await Promise.all([
    crypto.subtle.deriveBits(hkdf("id"), master, 24),
    crypto.subtle.deriveKey(hkdf("tags"), master, hmac, false, ["sign"]),
    crypto.subtle.deriveKey(hkdf("seals"), master, aes, false, ["encrypt", "decrypt"]),
  ]);
  return { id: toHex(new Uint8Array(id)), tagsOnly, tags, seals };
}

function keyIdOf(sealedOrTag: string): string | null {
  return NAMED.exec(sealedOrTag)?.[1] ?? null;
}

async function makeTag(key: Key, purpose: string, parts: readonly string[]): Promise<string> {
  const mac = await crypto.subtle.sign("HMAC", key.tags, join([purpose, ...parts]));
  return `${key.id}.${toBase64url(new Uint8Array(mac, 0, TAG_BYTES))}`;
}

/** Each part behind its length, so that no two lists of parts give the same bytes. */
function join(parts: readonly string[]): Bytes {
  const texts = parts.map(utf8);
  const whole = new Uint8Array(texts.reduce((sum, text) => sum + 4 + text.length, 0));
  const view = new DataView(whole.buffer);
  let at = 0;
  for (const text of texts) {
    view.setUint32(at, text.length);
    whole.set(text, at + 4);
    at += 4 + text.length;
  }
  return whole;
}
