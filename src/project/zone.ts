const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const NEAR_MS = 36 * HOUR_MS;

/** Made once for each zone: that takes longer than all that is asked of it. */
const formats = new Map<string, Intl.DateTimeFormat>();

/** The clocks of a time zone. What they show is written as the milliseconds at which UTC shows the same. */
export class Zone {
  readonly #format: Intl.DateTimeFormat;

  constructor(name: string) {
    this.#format = formats.get(name) ?? formatOf(name);
    formats.set(name, this.#format);
  }

  /** To the second. */
  faceAt(at: number): number {
    const shown = this.#format.formatToParts(at);
    const part = (type: Intl.DateTimeFormatPartTypes): number =>
      Number(shown.find((each) => each.type === type)?.value);
    const [year, month, day] = [part("year"), part("month"), part("day")];
    return Date.UTC(year, month - 1, day, part("hour"), part("minute"), part("second"));
  }

  /** When they show this for the first time; if they never do, when they have jumped over it. */
  whenShows(face: number): number {
    const [first] = this.timesOf(face);
    return first ?? this.#changeBetween(face - NEAR_MS, face + NEAR_MS);
  }

  /** When they show this: once, twice around a change back, or never. */
  timesOf(face: number): number[] {
    // Surely before and after any change near it: no zone is that far from UTC, and none changes twice in three days.
    const times = [face - NEAR_MS, face + NEAR_MS].map((near) => face - this.#ahead(near));
    return [...new Set(times)].filter((at) => this.faceAt(at) === face);
  }

  /** When they are set back within the next three hours, which is farther than they ever are. */
  nextBack(after: number): number | null {
    const now = Math.floor(after / MINUTE_MS) * MINUTE_MS;
    const later = now + 3 * HOUR_MS;
    return this.#ahead(later) < this.#ahead(now) ? this.#changeBetween(now, later) : null;
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

function formatOf(timeZone: string): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat("en", {
    timeZone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  });
}
