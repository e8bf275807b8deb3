import * as z from "zod";
import { isId, newId } from "../ids.ts";
import type { Result } from "../result.ts";
import { err, ok } from "../result.ts";
import { fromBase64url, toBase64url, utf8 } from "./encoding.ts";
import type { Keyring } from "./keyring.ts";
import type { Scope } from "./tokens.ts";
import { SCOPES } from "./tokens.ts";

/**
 * Bootstrap tokens: `sbxr.<claims>.<kid>.<mac>`, made offline by whoever holds `SIGNALBOX_KEYS`.
 *
 * The first token of an instance has no row to be looked up in, so it carries what it may do and until when, under a
 * tag. It is valid for the whole instance. Its id can be put on the list of revoked tokens.
 */

const PURPOSE = "bootstrap-token";
const SHAPE = /^sbxr\.([A-Za-z0-9_-]{1,400})\.([0-9a-f]{6}\.[A-Za-z0-9_-]{24})$/;

const Claims = z.object({
  id: z.string().refine((id) => isId("tok", id)),
  scopes: z.array(z.enum(SCOPES)).min(1),
  /** Unix milliseconds. */
  expires_at: z.int().positive(),
});

export type BootstrapToken = z.infer<typeof Claims>;

/** Whether a text claims to be a bootstrap token, true or forged: which of the two readers to ask. */
export function isBootstrapToken(text: string): boolean {
  return text.startsWith("sbxr.");
}

export async function mintBootstrapToken(
  keyring: Keyring,
  grant: { readonly scopes: readonly Scope[]; readonly expiresAt: number },
): Promise<{ readonly id: string; readonly token: string }> {
  const claims: BootstrapToken = Claims.parse({
    id: newId("tok"),
    scopes: [...grant.scopes],
    expires_at: grant.expiresAt,
  });
  const payload = toBase64url(utf8(JSON.stringify(claims)));
  return { id: claims.id, token: `sbxr.${payload}.${await keyring.tag(PURPOSE, payload)}` };
}

/** The claims of a bootstrap token made with this keyring. Whether its id was revoked is for the instance to say. */
export async function readBootstrapToken(
  keyring: Keyring,
  text: string,
  now: number,
): Promise<Result<BootstrapToken, "forged" | "expired">> {
  const [, payload = "", tag = ""] = SHAPE.exec(text) ?? [];
  if (payload === "" || !(await keyring.checkTag(PURPOSE, tag, payload))) {
    return err("forged");
  }
  // Only what this keyring tagged gets here; the schema still guards against a token of another version.
  const claims = Claims.safeParse(parseJson(payload));
  if (!claims.success) {
    return err("forged");
  }
  return claims.data.expires_at > now ? ok(claims.data) : err("expired");
}

function parseJson(payload: string): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(fromBase64url(payload) ?? new Uint8Array()));
  } catch {
    return null;
  }
}
