import { isId } from "../ids.ts";
import type { Keyring } from "./keyring.ts";

/**
 * The last segment of a hook's URL: `<hook id>.<kid>.<mac>`. Its tag covers the project, so that the edge refuses a
 * made-up URL, or one moved to another project, before any project hears of it.
 */

const PURPOSE = "hook-url";
const SHAPE = /^([0-9A-Za-z_]{1,40})\.([0-9a-f]{6}\.[A-Za-z0-9_-]{24})$/;

/** @param project the project's key, `account_id/name` */
export async function mintHookSegment(
  keyring: Keyring,
  project: string,
  hookId: string,
): Promise<string> {
  return `${hookId}.${await keyring.tag(PURPOSE, project, hookId)}`;
}

/** The hook's id when the segment was minted for this project, else `null`. */
export async function checkHookSegment(
  keyring: Keyring,
  project: string,
  segment: string,
): Promise<string | null> {
  const [, hookId = "", tag = ""] = SHAPE.exec(segment) ?? [];
  const real = isId("hok", hookId) && (await keyring.checkTag(PURPOSE, tag, project, hookId));
  return real ? hookId : null;
}
