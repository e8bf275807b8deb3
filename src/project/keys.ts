import type { Context } from "./context.ts";
import { projectRow } from "./rows.ts";
import { hookSeal } from "./hooks.ts";
import { subscriberSeal } from "./subscribers.ts";

/** How many things of a project rest on one key of the keyring. */
export interface KeyUse {
  readonly key: string;
  /** Sealed; the watchdog seals them anew with the current key. */
  readonly hook_secrets: number;
  readonly subscriber_secrets: number;
  /** As last handed out. They stay with their key until a person asks for new ones. */
  readonly hook_urls: number;
  readonly tokens: number;
}

export function keyUse(context: Context): KeyUse[] {
  return context.sql.all<{ [Field in keyof KeyUse]: KeyUse[Field] }>(
    `SELECT key,
       SUM(what = 'hook_secret') AS hook_secrets,
       SUM(what = 'subscriber_secret') AS subscriber_secrets,
       SUM(what = 'hook_url') AS hook_urls,
       SUM(what = 'token') AS tokens
     FROM (
       SELECT 'hook_secret' AS what, substr(value, 1, instr(value, '.') - 1) AS key FROM hooks, json_each(hooks.secrets)
       UNION ALL SELECT 'subscriber_secret', substr(secret, 1, instr(secret, '.') - 1) FROM subscribers
       UNION ALL SELECT 'hook_url', url_key FROM hooks
       UNION ALL SELECT 'token', key_id FROM tokens WHERE revoked_at IS NULL AND COALESCE(expires_at, ?) >= ?
     ) GROUP BY key ORDER BY key`,
    context.now(),
    context.now(),
  );
}

/**
 * Seals anew, with the current key, what rests on an older one. Nothing that is signed or checked changes by it, so a hook
 * keeps its revision. A value that was changed meanwhile is left alone.
 */
export async function reseal(context: Context): Promise<number> {
  const { sql } = context;
  const { keyring } = await context.config();
  const { key } = projectRow(sql);
  let resealed = 0;
  for (const { id, secrets } of sql.all<{ id: string; secrets: string }>(
    "SELECT id, secrets FROM hooks",
  )) {
    const sealed = JSON.parse(secrets) as string[];
    const renewed = await Promise.all(sealed.map((s) => keyring.renew(hookSeal(key, id), s)));
    if (renewed.some((value, n) => value !== sealed[n])) {
      resealed += sql.run(
        "UPDATE hooks SET secrets = ? WHERE id = ? AND secrets = ?",
        JSON.stringify(renewed),
        id,
        secrets,
      );
    }
  }
  for (const { id, secret } of sql.all<{ id: string; secret: string }>(
    "SELECT id, secret FROM subscribers",
  )) {
    const renewed = await keyring.renew(subscriberSeal(key, id), secret);
    if (renewed !== secret) {
      resealed += sql.run(
        "UPDATE subscribers SET secret = ? WHERE id = ? AND secret = ?",
        renewed,
        id,
        secret,
      );
    }
  }
  return resealed;
}
