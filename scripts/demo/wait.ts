import { setTimeout as delay } from "node:timers/promises";

const EVERY_MS = 50;

/** Looks until there is something to see, and returns that; throws when it takes too long. */
export async function until<T>(
  what: string,
  look: () => T | Promise<T>,
  timeoutMs = 30_000,
): Promise<Exclude<T, null | undefined | false | 0 | "">> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const seen = await look();
    if (seen) {
      return seen as Exclude<T, null | undefined | false | 0 | "">;
    }
    if (Date.now() > deadline) {
      throw new Error(`Waited ${timeoutMs / 1000} s in vain: ${what}.`);
    }
    await delay(EVERY_MS);
  }
}
