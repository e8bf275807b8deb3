import { Cron, CronDate, CronPattern } from "croner";

/** A recurring time in which deploys may not start (`deny`), or outside of which they may not (`allow`). */
export interface Window {
  readonly action: "allow" | "deny";
  /** null: both. */
  readonly environment: Environment | null;
  readonly cron: string;
  /** Elapsed time from each start, 1 to 10080: a night with a clock change is neither longer nor shorter. */
  readonly duration_minutes: number;
  readonly time_zone: string;
  readonly reason: string | null;
}

export interface Opening {
  readonly open: boolean;
  /** When it opens next; null: it is open, or does not open within 400 days. */
  readonly until: number | null;
  /** What is in the way, for people: the window's own reason, or null. */
  readonly reason: string | null;
}

type Environment = "production" | "preview";

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const HORIZON = 400 * DAY;

/**
 * So many searches for an occurrence one call may make. Few need more than a handful; one window that is active without
 * a gap needs about one a day until the horizon. What runs out of them counts as not changing again.
 */
const MAX_SEARCHES = 600;

/** Whether deploys of this environment may start, and if not, when they may. Deny beats allow. */
export function openingAt(
  windows: readonly Window[],
  environment: Environment,
  now: number,
): Opening {
  const plan = new Plan(windows, environment, now);
  // Asked first: what follows moves on in time.
  const denying = plan.denies.filter((track) => track.at(now).active);
  const open = plan.firstOpen(now);
  if (open === now) {
    return { open: true, until: null, reason: null };
  }
  const blamed = denying.length > 0 ? denying : plan.allows;
  const reason = blamed.map(({ window }) => window.reason).find((text) => text !== null) ?? null;
  return { open: false, until: open === Infinity ? null : open, reason };
}

/** The next instant at which open turns to closed or back; null: not within 400 days. */
export function nextChange(
  windows: readonly Window[],
  environment: Environment,
  now: number,
): number | null {
  const plan = new Plan(windows, environment, now);
  const open = plan.firstOpen(now);
  const change = open === now ? plan.firstClosed(now) : open;
  return change === Infinity ? null : change;
}

/** The windows of one environment, for one call. Infinity stands for never: not until the horizon. */
class Plan {
  readonly denies: readonly Track[];
  readonly allows: readonly Track[];
  private readonly horizon: number;
  private readonly searches = { left: MAX_SEARCHES };

  constructor(windows: readonly Window[], environment: Environment, now: number) {
    this.horizon = now + HORIZON;
    const tracks = windows
      .filter((window) => window.environment === null || window.environment === environment)
      .map((window) => new Track(window, now, this.searches));
    this.denies = tracks.filter(({ window }) => window.action === "deny");
    this.allows = tracks.filter(({ window }) => window.action === "allow");
  }

  /** The first instant from `from` on at which it is open. */
  firstOpen(from: number): number {
    let at = this.firstInactive(this.denies, from, this.horizon);
    while (at <= this.horizon) {
      const allowing = this.allows.map((track) => track.at(at));
      if (allowing.length === 0 || allowing.some(({ active }) => active)) {
        return at;
      }
      if (this.searches.left <= 0) {
        break;
      }
      const next = Math.min(...allowing.map(({ until }) => until));
      at = this.firstInactive(this.denies, next, this.horizon);
    }
    return Infinity;
  }

  /** The first instant after `from` at which it is closed; it is open at `from`. */
  firstClosed(from: number): number {
    const next = Math.min(...this.denies.map((track) => track.at(from).until));
    const denied = next <= this.horizon ? next : Infinity;
    if (this.allows.length === 0) {
      return denied;
    }
    const limit = Math.min(denied, this.horizon);
    return Math.min(denied, this.firstInactive(this.allows, from, limit));
  }

  /** The first instant from `from` on, up to `limit`, at which none of them is active. */
  private firstInactive(tracks: readonly Track[], from: number, limit: number): number {
    let at = from;
    while (at <= limit) {
      // Any that is active will do: the others have their turn where it ends.
      const active = tracks.find((track) => track.at(at).active);
      if (active === undefined) {
        return at;
      }
      if (this.searches.left <= 0) {
        break;
      }
      at = active.at(at).until;
    }
    return Infinity;
  }
}

interface Stretch {
  readonly from: number;
  /** Where something else may begin: a stretch may be followed by another that is as active. */
  readonly until: number;
  readonly active: boolean;
}

/** One window along time. Asked for rising instants it searches each stretch once. */
class Track {
  readonly window: Window;
  private readonly cron: Cron;
  private readonly duration: number;
  private readonly searches: { left: number };
  private known: Stretch | null = null;
  private rhythm: Rhythm | null = null;

  constructor(window: Window, now: number, searches: { left: number }) {
    this.window = window;
    this.searches = searches;
    this.duration = window.duration_minutes * MINUTE;
    // With its years given, the search for one that never comes ends with them. A day more at both ends, as years begin
    // at different instants.
    const years = [now - 8 * DAY, now + HORIZON + DAY].map((at) => new Date(at).getUTCFullYear());
    this.cron = new Cron(`0 ${window.cron} ${years.join("-")}`, {
      timezone: window.time_zone,
      paused: true,
    });
  }

  at(at: number): Stretch {
    if (this.known === null || at < this.known.from || at >= this.known.until) {
      this.known = this.search(at);
    }
    return this.known;
  }

  private search(at: number): Stretch {
    this.searches.left--;
    // The first start whose time is not over. If it lies ahead, it is the next one too.
    const start = this.cron.nextRun(new Date(at - this.duration))?.getTime() ?? Infinity;
    return start > at
      ? { from: at, until: start, active: false }
      : { from: at, until: this.lastOfRow(start) + this.duration, active: true };
  }

  /**
   * The last of the starts that follow on this one so closely that the window stays active, or an earlier one of them.
   * Read off the pattern, as searching every minute of a weekend one by one would take too long. That holds as long as
   * the clock is not changed, so this goes less far when it is.
   */
  private lastOfRow(start: number): number {
    this.rhythm ??= rhythmOf(this.window);
    const { minutes, unbroken } = this.rhythm;
    const minute = this.wallMinute(start);
    const index = minutes.indexOf(minute);
    if (index === -1) {
      // A clock change has moved this start, so the pattern says nothing about the next.
      return start;
    }
    // No zone changes its clock and back within a week.
    const weekLater = start + 7 * DAY;
    if (unbroken && this.wallMinute(weekLater) === minute) {
      return weekLater;
    }
    const row = minutes.slice(index);
    const gap = row.findIndex(
      (m, i) => (row[i + 1] ?? Infinity) - m > this.window.duration_minutes,
    );
    for (let last = gap; last > 0; last = Math.floor(last / 2)) {
      const wall = row[last] ?? minute;
      const later = start + (wall - minute) * MINUTE;
      if (this.wallMinute(later) === wall) {
        return later;
      }
    }
    return start;
  }

  /** The minute of the day that clocks in its zone show. */
  private wallMinute(at: number): number {
    const local = new CronDate(new Date(at), this.window.time_zone);
    return local.hour * 60 + local.minute;
  }
}

interface Rhythm {
  /** The minutes of the day at which it starts, rising. */
  readonly minutes: readonly number[];
  /** Whether, but for clock changes, it is active without a gap from day to day. */
  readonly unbroken: boolean;
}

function rhythmOf(window: Window): Rhythm {
  const pattern = new CronPattern(window.cron, window.time_zone);
  const minutes: number[] = [];
  for (const [hour, inHour] of pattern.hour.entries()) {
    for (const [minute, inMinute] of pattern.minute.entries()) {
      if (inHour !== 0 && inMinute !== 0) {
        minutes.push(hour * 60 + minute);
      }
    }
  }
  const daily = pattern.starDOM && pattern.starDOW && pattern.month.every((set) => set !== 0);
  const tomorrow = (minutes[0] ?? Infinity) + 24 * 60;
  const close = minutes.every(
    (minute, i) => (minutes[i + 1] ?? tomorrow) - minute <= window.duration_minutes,
  );
  return { minutes, unbroken: daily && close };
}
