import type { World } from "./world.ts";

interface Window {
  start: number;
  used: number;
}

export interface Allowance {
  allowed: boolean;
  /** Seconds until the window ends. */
  reset: number;
  headers: Record<string, string>;
}

/** Counts one call of a credential. Over the limit, everything is refused until the window ends. */
export function spend(world: World, credential: string): Allowance {
  const { requests, seconds } = world.rateLimit;
  const now = world.now();
  const stored = world.store.get("limits", credential) as Window | undefined;
  const window = stored && now - stored.start < seconds * 1000 ? stored : { start: now, used: 0 };
  const allowed = window.used < requests;
  const used = allowed ? window.used + 1 : window.used;
  world.store.put("limits", credential, { start: window.start, used });
  const reset = Math.max(1, Math.ceil((window.start + seconds * 1000 - now) / 1000));
  return {
    allowed,
    reset,
    headers: limitHeaders(world, requests - used, reset),
  };
}

export function limitHeaders(
  world: World,
  remaining: number,
  reset: number,
): Record<string, string> {
  const { requests, seconds } = world.rateLimit;
  return {
    ratelimit: `"default";r=${remaining};t=${reset}`,
    "ratelimit-policy": `"default";q=${requests};w=${seconds}`,
  };
}
