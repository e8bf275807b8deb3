import { err, ok, type Result } from "../result.ts";
import { readCron, type CronFields } from "./cron-fields.ts";
import { Zone } from "./zone.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
/** After so long the calendar begins anew, days of the week included. */
const CYCLE_MS = 146_097 * DAY_MS;

/**
 * When a cron expression in an IANA time zone matches next, strictly after `after`. null: never again.
 *
 * Where hours are named, each of the times they make is run once: one that a clock change skips right after the gap, one
 * that it repeats the first time. With `*` for the hours it is the rhythm that was asked for: it runs whenever the clock
 * shows such a time.
 */
export function nextOccurrence(cron: string, timeZone: string, after: number): number | null {
  const [, hours = "*"] = cron.trim().split(/\s+/);
  const next = hours.includes("*") ? nextShown : nextOnce;
  return next(readCron(cron), new Zone(timeZone), after);
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

/** Every time that the fields make is run once, the first time that clocks show it, or right after they have skipped it. */
export function nextOnce(
  fields: CronFields,
  zone: Zone,
  after: number,
  until: number = after + CYCLE_MS,
): number | null {
  const last = zone.faceAt(until);
  let face = nextFace(fields, zone.faceAt(after), last);
  while (face !== null) {
    const at = zone.whenShows(face);
    if (at > after) {
      return at;
    }
    // Shown a first time before a clock was set back, or skipped and run already.
    face = nextFace(fields, face, last);
  }
  return null;
}

/** Whenever clocks show such a time: twice what they repeat, and never what they skip. */
export function nextShown(
  fields: CronFields,
  zone: Zone,
  after: number,
  until: number = after + CYCLE_MS,
): number | null {
  const last = zone.faceAt(until);
  const firstFrom = (face: number, isLate: (at: number) => boolean): number => {
    for (let next = nextFace(fields, face, last); next !== null;) {
      const at = zone.timesOf(next).find(isLate);
      if (at !== undefined) {
        return at;
      }
      next = nextFace(fields, next, last);
    }
    return Infinity;
  };
  const next = firstFrom(zone.faceAt(after), (at) => at > after);
  // Clocks that are set back soon show earlier times again, before they come to that one.
  const back = zone.nextBack(after);
  const again = back === null ? Infinity : firstFrom(zone.faceAt(back) - 1, (at) => at >= back);
  const first = Math.min(next, again);
  return first === Infinity ? null : first;
}

/** The first time after `after` that a clock's face shows and the fields make. */
function nextFace(
  { minutes, months, isDay }: CronFields,
  after: number,
  until: number,
): number | null {
  let day = Math.floor(after / DAY_MS) * DAY_MS;
  while (day <= until) {
    const date = new Date(day);
    if (!months.has(date.getUTCMonth())) {
      day = Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1);
      continue;
    }
    const minute = isDay(date) ? minutes.find((m) => day + m * MINUTE_MS > after) : undefined;
    if (minute !== undefined) {
      return day + minute * MINUTE_MS;
    }
    day += DAY_MS;
  }
  return null;
}
