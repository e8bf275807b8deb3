import { Cron } from "croner";

import { err, ok, type Result } from "../result.ts";

/**
 * When a cron expression in an IANA time zone matches next, strictly after `after`. A fixed local time (one hour, one
 * minute) that a clock change skips is run right after the gap, one that it repeats is run once; times that are given as
 * steps, lists or ranges drop out of a gap, and come in both of the repeated hours. null: never again.
 */
export function nextOccurrence(cron: string, timeZone: string, after: number): number | null {
  const pattern = new Cron(cron, { timezone: timeZone, paused: true });
  return pattern.nextRun(new Date(after))?.getTime() ?? null;
}

/** The next `count` times after `after`. */
export function nextOccurrences(
  cron: string,
  timeZone: string,
  after: number,
  count: number,
): number[] {
  const times: number[] = [];
  let at: number | null = after;
  while (times.length < count && at !== null) {
    at = nextOccurrence(cron, timeZone, at);
    if (at !== null) {
      times.push(at);
    }
  }
  return times;
}

/** Whether this can be scheduled, and if not what is wrong with it. */
export function checkCron(cron: string, timeZone: string, now: number): Result<null, string> {
  if (cron.trim().split(/\s+/).length !== 5) {
    return err("cron must have five fields: minute, hour, day of month, month, day of week.");
  }
  try {
    Intl.DateTimeFormat("en", { timeZone });
  } catch {
    return err(`time_zone is not an IANA time zone such as Europe/Paris.`);
  }
  try {
    return nextOccurrence(cron, timeZone, now) === null
      ? err("cron never matches again.")
      : ok(null);
  } catch (error) {
    return err(`cron can't be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}
