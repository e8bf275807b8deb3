import * as z from "zod";

import { toBase64url, randomBytes } from "./encoding.ts";
import type { Keyring } from "./keyring.ts";
import { SCOPES } from "./tokens.ts";

/**
 * A browser's session: sealed with the keyring into a cookie, so that nothing of it is stored. It names a token and is worth
 * nothing without it: each request asks whether that token is still good.
 */

const CONTEXT = "session";
const FORM_PURPOSE = "session-form";
export const SESSION_MS = 12 * 3_600_000;

/** A token that was read and found to be ours; whether it is still good is for whoever stores it to say. */
export const Held = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("bootstrap"),
    id: z.string(),
    scopes: z.array(z.enum(SCOPES)),
    expires_at: z.int(),
  }),
  z.object({ kind: z.literal("stored"), id: z.string(), hash: z.string(), where: z.string() }),
]);
export type Held = z.infer<typeof Held>;

const Session = z.object({ held: Held, until: z.int(), nonce: z.string() });
export type Session = z.infer<typeof Session>;

export function newSession(held: Held, now: number): Session {
  return { held, until: now + SESSION_MS, nonce: toBase64url(randomBytes(18)) };
}

/**
 * The same session, to be sealed anew. What came sealed with a key that leaked may say any end, which the current key is
 * not to vouch for: from now on it has no longer than one that begins.
 */
export function renewedSession(session: Session, now: number): Session {
  return { ...session, until: Math.min(session.until, now + SESSION_MS) };
}

export async function sealSession(keyring: Keyring, session: Session): Promise<string> {
  return keyring.seal(CONTEXT, JSON.stringify(session));
}

/** `null` for one that was not made here, or is over. */
export async function openSession(
  keyring: Keyring,
  sealed: string,
  now: number,
): Promise<Session | null> {
  const text = await keyring.unseal(CONTEXT, sealed);
  if (text === null) {
    return null;
  }
  const session = Session.safeParse(JSON.parse(text));
  return session.success && session.data.until > now ? session.data : null;
}

/** What a form carries, and no other page can know. `owner` is the session's nonce, or the actor that Access has let in. */
export async function formToken(keyring: Keyring, owner: string): Promise<string> {
  return keyring.tag(FORM_PURPOSE, owner);
}

export async function isFormToken(keyring: Keyring, owner: string, text: string): Promise<boolean> {
  return keyring.checkTag(FORM_PURPOSE, text, owner);
}
