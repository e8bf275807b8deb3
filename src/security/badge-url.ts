import type { Keyring } from "./keyring.ts";

/**
 * The last segment of a badge's address: `<nonce>.<kid>.<mac>`. Its tag covers the project, so that the edge refuses a
 * made-up one before any project hears of it; the nonce is what the project knows its one good address by.
 */

const PURPOSE = "badge";
const SHAPE = /^([A-Za-z0-9_-]{12})\.([0-9a-f]{6}\.[A-Za-z0-9_-]{24})$/;

/**
 * The same again for the same key of the keyring; `null` where that is not in it.
 * @param project the project's key, `account_id/name`
 */
export async function mintBadgeSegment(
  keyring: Keyring,
  project: string,
  nonce: string,
  key: string = keyring.current,
): Promise<string | null> {
  const tag = await keyring.tagOf(key, PURPOSE, project, nonce);
  return tag === null ? null : `${nonce}.${tag}`;
}

/** The nonce when the segment was minted for this project, else `null`. */
export async function checkBadgeSegment(
  keyring: Keyring,
  project: string,
  segment: string,
): Promise<string | null> {
  const [, nonce = "", tag = ""] = SHAPE.exec(segment) ?? [];
  return (await keyring.checkTag(PURPOSE, tag, project, nonce)) ? nonce : null;
}
