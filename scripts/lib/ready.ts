import { setTimeout as delay } from "node:timers/promises";
import type { Child } from "./child.ts";

const DEADLINE_MS = 20_000;

/**
 * Waits until something answers at `url`, whatever it says. Throws, with the end of what it printed, when the process
 * ends or is too slow, and leaves none behind.
 */
export async function untilAnswering(name: string, url: string, child: Child): Promise<void> {
  const deadline = Date.now() + DEADLINE_MS;
  while (child.running() && Date.now() < deadline) {
    try {
      const response = await fetch(url, { redirect: "manual", signal: AbortSignal.timeout(2000) });
      await response.body?.cancel();
      return;
    } catch {
      await delay(25);
    }
  }
  const slow = child.running();
  const { code, signal } = await child.kill();
  const reason = slow
    ? `nothing answered at ${url} within ${DEADLINE_MS / 1000} s`
    : `it ended with ${signal ?? `code ${code}`}`;
  throw new Error(`${name} did not start: ${reason}.\n${child.output().slice(-3000)}`);
}
