import type { Context } from "./context.ts";
import { projectRow } from "./rows.ts";
import { hookSeal } from "./hooks.ts";
import { headersSeal, subscriberSeal } from "./subscribers.ts";

/** How many things of a project rest on one key of the keyring. */
export interface KeyUse {
  /** null: of what may rest on any. */
  readonly key: string | null;
  /** Sealed; the watchdog seals them anew with the current key. */
  readonly hook_secrets: number;
  readonly subscriber_secrets: number;
  /** As last handed out. They stay with their key until a person asks for new ones. */
  readonly hook_urls: number;
  readonly badges: number;
  readonly tokens: number;
}

export function keyUse(context: Context): KeyUse[] {
  return context.sql.all<{ [Field in keyof KeyUse]: KeyUse[Field] }>(
    `SELECT key,
       SUM(what = 'hook_secret') AS hook_secrets,
       SUM(what = 'subscriber_secret') AS subscriber_secrets,
       SUM(what = 'hook_url') AS hook_urls,
       SUM(what = 'badge') AS badges,
       SUM(what = 'token') AS tokens
     FROM (
       SELECT 'hook_secret' AS what, substr(value, 1, instr(value, '.') - 1) AS key FROM hooks, json_each(hooks.secrets)
       UNION ALL SELECT 'subscriber_secret', substr(value, 1, instr(value, '.') - 1)
         FROM subscribers, json_each(json_array(NULLIF(secret, ''), old_secret, headers)) WHERE value IS NOT NULL
       UNION ALL SELECT 'hook_url', url_key FROM hooks
       UNION ALL SELECT 'badge', badge_key FROM project WHERE badge IS NOT NULL
       UNION ALL SELECT 'token', key_id FROM tokens WHERE revoked_at IS NULL AND COALESCE(expires_at, ?) >= ?
     ) GROUP BY key ORDER BY key`,
    context.now(),
    context.now(),
  );
}

/** What of a subscriber is sealed, and for what. */
const SUBSCRIBER_SEALS = [
  ["secret", subscriberSeal],
  ["old_secret", subscriberSeal],
  ["headers", headersSeal],
] as const;

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
  for (const [column, sealOf] of SUBSCRIBER_SEALS) {
    for (const { id, value } of sql.all<{ id: string; value: string }>(
      `SELECT id, ${column} AS value FROM subscribers WHERE ${column} <> ''`,
    )) {
      const renewed = await keyring.renew(sealOf(key, id), value);
      if (renewed !== value) {
        resealed += sql.run(
          `UPDATE subscribers SET ${column} = ? WHERE id = ? AND ${column} = ?`,
          renewed,
          id,
          value,
        );
      }
    }
  }
  return resealed;
}
