import { isId, newId } from "../ids.ts";
import { randomBytes, sha256, toBase64url, toHex, utf8 } from "./encoding.ts";
import type { Keyring } from "./keyring.ts";

/**
 * Tokens of projects and of the instance: `sbx.<id>.<random>.<kid>.<mac>`.
 *
 * The tag covers where the token is valid, so the edge drops a forgery, or a token shown to the wrong project, without
 * a look-up. What it may do, and until when, is in the row found by its id; the row keeps the hash, never the token.
 */

const PURPOSE = "token";
/** 144 bits, for whole base64url characters. */
const RANDOM_BYTES = 18;
const SHAPE = /^sbx\.([0-9A-Za-z_]{1,40})\.([A-Za-z0-9_-]{24})\.([0-9a-f]{6}\.[A-Za-z0-9_-]{24})$/;

/** Where a token is valid when that is the whole instance; any other place is a project's key, `account_id/name`. */
export const INSTANCE = "instance";

/** What a token may do, each including those before it. `deploy` means running code with the project's environment. */
export const SCOPES = ["read", "deploy", "manage"] as const;

export type Scope = (typeof SCOPES)[number];

export function isScope(value: unknown): value is Scope {
  return SCOPES.some((scope) => scope === value);
}

/** Whether somebody who holds `scopes` may do what takes `needed`. */
export function allows(scopes: readonly Scope[], needed: Scope): boolean {
  return scopes.some((scope) => SCOPES.indexOf(scope) >= SCOPES.indexOf(needed));
}

export interface MintedToken {
  readonly id: `tok_${string}`;
  /** Shown once, then forgotten. */
  readonly token: string;
  /** SHA-256 of the whole token, in hex: what is stored. */
  readonly hash: string;
}

export interface ReadToken {
  readonly id: string;
  readonly hash: string;
  readonly where: string;
}

export async function mintToken(keyring: Keyring, where: string): Promise<MintedToken> {
  const id = newId("tok");
  const random = toBase64url(randomBytes(RANDOM_BYTES));
  const token = `sbx.${id}.${random}.${await keyring.tag(PURPOSE, id, random, where)}`;
  return { id, token, hash: await hashOf(token) };
}

/**
 * Reads a token that this instance made for one of `places`, else answers `null`. That it is still good (stored, same
 * hash, neither expired nor revoked) is for the row to say.
 */
export async function readToken(
  keyring: Keyring,
  text: string,
  places: readonly string[],
): Promise<ReadToken | null> {
  const [, id = "", random = "", tag = ""] = SHAPE.exec(text) ?? [];
  if (!isId("tok", id)) {
    return null;
  }
  for (const where of places) {
    if (await keyring.checkTag(PURPOSE, tag, id, random, where)) {
      return { id, hash: await hashOf(text), where };
    }
  }
  return null;
}

async function hashOf(token: string): Promise<string> {
  return toHex(await sha256(utf8(token)));
}
