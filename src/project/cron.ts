import { Cron, CronDate } from "croner";

import { err, ok, type Result } from "../result.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/**
 * When a cron expression in an IANA time zone matches next, strictly after `after`. null: never again.
 *
 * Where hours are named, each of the times they make is run once: one that a clock change skips right after the gap, one
 * that it repeats the first time. With `*` for the hours it is the rhythm that was asked for: it runs whenever the clock
 * shows such a time.
 */
export function nextOccurrence(cron: string, timeZone: string, after: number): number | null {
  const [, hours = "*"] = cron.trim().split(/\s+/);
  return hours.includes("*")
    ? next(cron, timeZone, after)
    : nextByName(cron, new Zone(timeZone), after);
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

function next(cron: string, timeZone: string, after: number): number | null {
  const pattern = new Cron(cron, { timezone: timeZone, paused: true });
  return pattern.nextRun(new Date(after))?.getTime() ?? null;
}

/**
 * Searches the clock's face, on which every time comes once and in order, and asks the zone when it shows what was found.
 * The library itself does so only for one time a day: of several it loses those in a gap, and runs repeated ones twice.
 */
function nextByName(cron: string, zone: Zone, after: number): number | null {
  let face = next(cron, "UTC", zone.faceAt(after));
  while (face !== null) {
    const at = zone.whenShows(face);
    if (at > after) {
      return at;
    }
    // Shown a first time before a clock was set back, or skipped and run already.
    face = next(cron, "UTC", face);
  }
  return null;
}

/** The clocks of a time zone. What they show is written as the milliseconds at which UTC shows the same. */
class Zone {
  readonly #name: string;

  constructor(name: string) {
    this.#name = name;
  }

  faceAt(at: number): number {
    const { year, month, day, hour, minute, second } = new CronDate(new Date(at), this.#name);
    return Date.UTC(year, month, day, hour, minute, second);
  }

  /** When they show this for the first time; if they never do, when they have jumped over it. */
  whenShows(face: number): number {
    // Surely before and after any change near it: no zone is that far from UTC, and none changes twice in three days.
    const [before, after] = [face - 36 * HOUR_MS, face + 36 * HOUR_MS];
    const early = face - this.#ahead(before);
    const late = face - this.#ahead(after);
    const shown = [early, late].filter((at) => this.faceAt(at) === face);
    return shown.length > 0 ? Math.min(...shown) : this.#changeBetween(before, after);
  }

  /** How far they are ahead of UTC, to the minute as `at` is. */
  #ahead(at: number): number {
    return this.faceAt(at) - at;
  }

  #changeBetween(before: number, after: number): number {
    const old = this.#ahead(before);
    let [low, high] = [before, after];
    while (high - low > MINUTE_MS) {
      const middle = low + Math.floor((high - low) / 2 / MINUTE_MS) * MINUTE_MS;
      if (this.#ahead(middle) === old) {
        low = middle;
      } else {
        high = middle;
      }
    }
    return high;
  }
}
