/**
 * When to try again after the `n`th failure (1 is the first): doubling from `baseMs` up to `capMs`, plus up to a fifth of
 * that, so that many who failed together do not come back together. Never early.
 */
export function backoff(
  n: number,
  baseMs: number,
  capMs: number,
  random: number = Math.random(),
): number {
  const delay = Math.min(capMs, baseMs * 2 ** Math.min(30, Math.max(0, n - 1)));
  return Math.round(delay * (1 + random / 5));
}
