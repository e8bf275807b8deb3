import { createLocalJWKSet, type LocalJWKSet } from "jose";
import * as z from "zod";

import { readBody } from "../body.ts";

/** How long keys are used without a look whether they are still the issuer's. */
const KEEP_MS = 10 * 60_000;
/** Anybody can name a key that there is not: how soon that has the issuer asked again. */
const LOOK_AGAIN_MS = 60_000;
/** While an issuer fails, not every token has it asked. */
const FAILED_MS = 5_000;
const TIMEOUT_MS = 5_000;
const MAX_BYTES = 128 * 1024;

const Key = z.looseObject({ kty: z.string(), kid: z.string() });
/** A key that is of no use does not spoil the others. */
const KeySet = z.object({ keys: z.array(Key.nullable().catch(null)).max(100) });

interface Held {
  set: LocalJWKSet | null;
  kids: ReadonlySet<string>;
  /** When `set` was fetched. */
  at: number;
  askedAt: number;
  failedAt: number;
}

/** By address, so that there are no more of them than issuers are configured. */
const held = new Map<string, Held>();

/**
 * The issuer's keys, from this isolate's memory where they are fresh and have this one. null: they can't be had now, so
 * that nothing can be said of the token.
 */
export async function keysFor(url: string, kid: string): Promise<LocalJWKSet | null> {
  const now = Date.now();
  const known = held.get(url) ?? {
    set: null,
    kids: new Set<string>(),
    at: -Infinity,
    askedAt: -Infinity,
    failedAt: -Infinity,
  };
  held.set(url, known);
  const fresh = now - known.at < KEEP_MS;
  if (fresh && known.kids.has(kid)) {
    return known.set;
  }
  if (fresh && now - known.askedAt < LOOK_AGAIN_MS) {
    // As long as that look has not ended well, this key may be one that it would find.
    return known.at >= known.askedAt ? known.set : null;
  }
  if (now - known.failedAt < FAILED_MS) {
    return null;
  }
  known.askedAt = now;
  try {
    const keys = await fetchKeys(url);
    known.set = createLocalJWKSet({ keys });
    known.kids = new Set(keys.map((key) => key.kid));
    known.at = Date.now();
    return known.set;
  } catch (error) {
    known.failedAt = Date.now();
    console.warn({ message: "an issuer's keys could not be fetched", url, error: String(error) });
    return null;
  }
}

async function fetchKeys(url: string): Promise<z.infer<typeof Key>[]> {
  const response = await fetch(url, {
    headers: { accept: "application/json", "user-agent": "signalbox" },
    redirect: "manual",
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new Error(`it answered ${response.status}`);
  }
  const bytes = await readBody(response, MAX_BYTES);
  const { keys } = KeySet.parse(JSON.parse(new TextDecoder().decode(bytes)));
  return keys.filter((key) => key !== null);
}
