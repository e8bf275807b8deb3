import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { mintBootstrapToken, readBootstrapToken } from "../../src/security/bootstrap.ts";
import { newKeySecret, parseKeyring } from "../../src/security/keyring.ts";
import type { Keyring } from "../../src/security/keyring.ts";

export interface LocalSecrets {
  /** For `SIGNALBOX_KEYS`. */
  readonly keys: string;
  /** Manages the instance. */
  readonly token: string;
}

const DAY_MS = 86_400_000;

/**
 * The secrets of a local stack, made once per state directory: what was handed out before a restart (hook URLs, tokens)
 * must stay good after it. The token is made anew when it has less than a month to go.
 */
export async function localSecrets(dir: string): Promise<LocalSecrets> {
  const path = join(dir, "secrets.json");
  const kept = JSON.parse(await readFile(path, "utf8").catch(() => "{}")) as Partial<LocalSecrets>;
  const keys = kept.keys ?? newKeySecret();
  const keyring = await parseKeyring(keys);
  if (!keyring.ok) {
    throw new Error(`${path} is damaged. Remove the directory ${dir} to start over.`);
  }
  const secrets = { keys, token: await lastingToken(keyring.value, kept.token ?? "") };
  await writeFile(path, JSON.stringify(secrets, null, 2), { mode: 0o600 });
  return secrets;
}

async function lastingToken(keyring: Keyring, kept: string): Promise<string> {
  const now = Date.now();
  if ((await readBootstrapToken(keyring, kept, now + 30 * DAY_MS)).ok) {
    return kept;
  }
  const grant = { scopes: ["manage"], expiresAt: now + 365 * DAY_MS } as const;
  return (await mintBootstrapToken(keyring, grant)).token;
}
