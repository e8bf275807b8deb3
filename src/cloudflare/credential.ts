import * as z from "zod";

import type { Config } from "../env.ts";

/** What Cloudflare takes from us: an API token, or the older e-mail and key. */
export const Credential = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("token"), token: z.string() }).readonly(),
  z.object({ kind: z.literal("key"), email: z.string(), key: z.string() }).readonly(),
]);
export type Credential = z.infer<typeof Credential>;

/** What the credential of an account is sealed for. */
export function accountSeal(account: string): string {
  return `account/${account}`;
}

/**
 * The credential for calls about an account: the configured one, or the one that a permit brought along, sealed. null: none
 * is stored, or the key that sealed it is not in SIGNALBOX_KEYS any more.
 */
export async function credentialFor(
  config: Config,
  account: string,
  sealed: string | null,
): Promise<Credential | null> {
  if (account === config.accountId) {
    return config.credential;
  }
  const plain = sealed === null ? null : await config.keyring.unseal(accountSeal(account), sealed);
  return plain === null ? null : Credential.parse(JSON.parse(plain));
}
