import type { Policy } from "./policy.ts";

/** Since when a quiet period has put triggers together, and when it is over if nothing more comes. */
export interface Quiet {
  readonly quiet_since: number;
  readonly quiet_until: number;
}

/**
 * The quiet period of a deploy whose trigger has come now: each further one puts the end off, but never past
 * `max_wait_seconds` after the first, so that a steady stream can't keep a deploy waiting for ever.
 *
 * @param seconds the hook's own period, or null for the project's
 * @param since when the first trigger of those came that still wait
 */
export function quietPeriod(
  { seconds: usual, max_wait_seconds: most }: Policy["quiet_period"],
  seconds: number | null,
  since: number | null,
  now: number,
): Quiet | null {
  const period = (seconds ?? usual) * 1_000;
  if (period === 0) {
    return null;
  }
  const first = since ?? now;
  return {
    quiet_since: first,
    quiet_until: Math.min(now + period, first + Math.max(period, most * 1_000)),
  };
}
