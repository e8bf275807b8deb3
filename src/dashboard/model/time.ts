/** Who reads: when that is, and where. */
export interface Clock {
  readonly now: number;
  /** An IANA name. */
  readonly zone: string;
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** Joins a number and its unit. */
const NB = "\u00A0";

/** The zone's own name, or UTC for what is none. */
export function zoneOr(name: string | undefined): string | null {
  try {
    return name === undefined || name === ""
      ? null
      : new Intl.DateTimeFormat("en-GB", { timeZone: name }).resolvedOptions().timeZone;
  } catch {
    return null;
  }
}

const formats = new Map<string, Intl.DateTimeFormat>();

function parts(at: number, zone: string): Record<string, string> {
  let format = formats.get(zone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat("en-GB", {
      timeZone: zone,
      hourCycle: "h23",
      weekday: "short",
      year: "numeric",
      month: "short",
      day: "numeric",
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
    });
    formats.set(zone, format);
  }
  return Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, value]));
}

/** 14:31 */
export function hourAndMinute(at: number, { zone }: Clock): string {
  const { hour = "", minute = "" } = parts(at, zone);
  return `${hour}:${minute}`;
}

/** 14:31:07 */
export function toTheSecond(at: number, { zone }: Clock): string {
  const { hour = "", minute = "", second = "" } = parts(at, zone);
  return `${hour}:${minute}:${second}`;
}

/** 17 Nov */
export function dayAndMonth(at: number, { zone }: Clock): string {
  const { day = "", month = "" } = parts(at, zone);
  return `${day}${NB}${month.slice(0, 3)}`;
}

/** Days from the reader's today: 0, 1 tomorrow, −1 yesterday. */
function daysAway(at: number, clock: Clock): number {
  const midnight = (ms: number): number => {
    const { year, month = "", day } = parts(ms, clock.zone);
    return Date.parse(`${day} ${month.slice(0, 3)} ${year} UTC`);
  };
  return Math.round((midnight(at) - midnight(clock.now)) / DAY);
}

/** 14:31 today; else with as much of the day as it takes. */
export function moment(at: number, clock: Clock, seconds = false): string {
  const time = seconds ? toTheSecond(at, clock) : hourAndMinute(at, clock);
  const away = daysAway(at, clock);
  if (away === 0) {
    return time;
  }
  if (away === 1 || away === -1) {
    return `${away === 1 ? "tomorrow" : "yesterday"} ${time}`;
  }
  if (away > 1 && away < 7) {
    return `${parts(at, clock.zone)["weekday"]} ${time}`;
  }
  return `${dayAndMonth(at, clock)}, ${time}`;
}

/** What heads the rows of one day. */
export function dayHead(at: number, clock: Clock): string {
  const away = daysAway(at, clock);
  const { weekday = "" } = parts(at, clock.zone);
  const date = `${weekday} ${dayAndMonth(at, clock)}`;
  return away === 0 ? "Today" : away === -1 ? `Yesterday, ${date}` : date;
}

/** In a row below its day's head. */
export function inRow(at: number, clock: Clock): string {
  return daysAway(at, clock) > -7
    ? hourAndMinute(at, clock)
    : `${dayAndMonth(at, clock)}, ${hourAndMinute(at, clock)}`;
}

/** For the tooltip: nothing left out. */
export function inFull(at: number, clock: Clock): string {
  const { weekday = "", year = "" } = parts(at, clock.zone);
  const utc = new Date(at).toISOString().slice(0, 19).replace("T", " ");
  return `${weekday} ${dayAndMonth(at, clock)} ${year}, ${toTheSecond(at, clock)} ${clock.zone} (${utc} UTC)`;
}

/** 1 min 12 s: two units at most. */
export function duration(ms: number): string {
  return inUnits(ms, ["d", "h", "min", "s"], false);
}

/** 1 m 02 s, for tables and labels. */
export function brief(ms: number): string {
  return inUnits(ms, ["d", "h", "m", "s"], true);
}

function inUnits(ms: number, names: readonly string[], padded: boolean): string {
  const sizes = [DAY, HOUR, MINUTE, SECOND];
  const total = Math.max(0, Math.round(ms / SECOND)) * SECOND;
  const first = Math.max(
    0,
    sizes.findIndex((size) => total >= size),
  );
  const from = total < SECOND ? 3 : first;
  const large = Math.floor(total / (sizes[from] ?? 1));
  const small = Math.floor((total % (sizes[from] ?? 1)) / (sizes[from + 1] ?? 1));
  const head = `${large}${NB}${names[from]}`;
  if (from === 3 || (small === 0 && !(padded && from === 2))) {
    return head;
  }
  const tail = padded ? String(small).padStart(2, "0") : String(small);
  return `${head}${NB}${tail}${NB}${names[from + 1]}`;
}

/** "26 min ago", "in 3 h 29 min"; null when it is less than a minute or more than a day away. */
export function distance(at: number, { now }: Clock): string | null {
  const away = Math.abs(at - now);
  if (away < MINUTE || away >= DAY) {
    return null;
  }
  const length = duration(Math.floor(away / MINUTE) * MINUTE);
  return at < now ? `${length} ago` : `in ${length}`;
}

/** How long something has been so: 41 min, 2 h, 3 days. */
export function since(at: number, { now }: Clock): string {
  const away = Math.max(0, now - at);
  const [size, unit] =
    away < MINUTE
      ? [SECOND, "s"]
      : away < HOUR
        ? [MINUTE, "min"]
        : away < DAY
          ? [HOUR, "h"]
          : [DAY, away < 2 * DAY ? "day" : "days"];
  return `${Math.floor(away / size)}${NB}${unit}`;
}

export function ago(at: number, clock: Clock): string {
  return distance(at, clock) ?? (clock.now - at < MINUTE ? "just now" : moment(at, clock));
}
