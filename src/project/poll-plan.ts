/**
 * When a deployment is looked at next. Pure: how long its stage has run, and how long that stage took before.
 */
const SHORTEST_MS = 1_000;
const LONGEST_MS = 30_000;
/** When a stage's end is expected sooner than that, it is worth a look then. */
const SOONEST_MS = 250;
/** Between a stage's end at Cloudflare and its showing, and for what our clocks differ. */
const SLACK_MS = 100;
/** The time in which a stage is expected to end is looked at so many times, or less often. */
const LOOKS = 16;
/** Of past lengths, so many of each hundred at either end count as exceptions. */
const EXCEPTIONS = 10;

/**
 * How long to wait with the next look. Without `lengths`, a quarter of the time that the stage has run, so that its end is
 * noticed within 25 % of its length at a number of calls that grows with the logarithm of that. With them, seldom until the
 * stage has ever ended, often in the time in which it usually ends, and once that has passed ever more seldom again.
 *
 * @param inStageMs how long the stage has been active
 * @param lengths how long it took before, in ms, the shortest first
 */
export function nextPoll(inStageMs: number, lengths: readonly number[] = []): number {
  const skipped = Math.floor((lengths.length * EXCEPTIONS) / 100);
  const first = lengths[skipped];
  const last = lengths[lengths.length - 1 - skipped];
  if (first === undefined || last === undefined) {
    return between(inStageMs / 4);
  }
  const step = between((last - first) / LOOKS);
  const end = last + SLACK_MS;
  const next = Math.max(first, inStageMs) + step;
  return inStageMs < end
    ? between(Math.min(next, end) - inStageMs, SOONEST_MS)
    : between((inStageMs - end) / 4);
}

/** The same for what is only waited for to end: by its age, and slower. */
export function slowPoll(ageMs: number): number {
  return Math.min(60_000, Math.max(3_000, Math.round(ageMs / 4)));
}

const between = (ms: number, least = SHORTEST_MS): number =>
  Math.min(LONGEST_MS, Math.max(least, Math.round(ms)));
