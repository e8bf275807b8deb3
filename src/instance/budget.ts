/**
 * Cloudflare counts 1,200 calls in five minutes over everything its user does, and answers whoever goes over with 429 for
 * the rest of the five minutes. So all projects draw on one bucket, which never lets 1,200 through in any five minutes:
 * 300 s × RATE + CAPACITY + CREDIT = 1,190.
 */
export const RATE = 3.85;
export const CAPACITY = 20;
/** Polls leave this many permits to creates and to people's calls. */
const RESERVE = 8;
/** How far the bucket may be overdrawn to finish what has begun. */
const CREDIT = 15;
/**
 * Looks for what others have started get at most 5 % of it all, from a small bucket of their own: in any five minutes
 * 300 s × 5 % of RATE + LOOK_CAPACITY = 59.75 of 1,200.
 */
const LOOK_RATE = RATE / 20;
const LOOK_CAPACITY = 2;

/**
 * `create` and `call` (somebody waits for the answer) may use up the reserve, `poll` and `look` may not. `more` is for the further
 * calls of something whose first call had its permit: were it stopped half-way for want of the second, it would begin
 * again, spend the next permit on its first call, and never end.
 */
export type PermitKind = "create" | "call" | "poll" | "look" | "more";

const NEEDED: Record<PermitKind, number> = {
  create: 1,
  call: 1,
  poll: RESERVE + 1,
  look: RESERVE + 1,
  more: 1 - CREDIT,
};

export interface Budget {
  /** Permits in the bucket at `at`. */
  readonly level: number;
  /** Of those, what is in the looks' own bucket. */
  readonly looks: number;
  readonly at: number;
  /** After a 429: nobody calls before. */
  readonly blockedUntil: number;
  /** What Cloudflare has announced that there is left for everybody, others included. */
  readonly left: Left | null;
}

/** So many calls are left until then. */
export interface Left {
  readonly calls: number;
  readonly until: number;
}

/** Empty at start: a restarted object does not know what was spent just before. */
export function newBudget(now: number, blockedUntil: number): Budget {
  return { level: 0, looks: 0, at: now, blockedUntil, left: null };
}

/** How many permits are in the bucket by `now`. */
export function levelAt(budget: Budget, now: number): number {
  return Math.min(CAPACITY, budget.level + secondsSince(budget, now) * RATE);
}

function secondsSince(budget: Budget, now: number): number {
  return Math.max(0, now - budget.at) / 1000;
}

export type Draw =
  | { readonly granted: true; readonly budget: Budget }
  | { readonly granted: false; readonly budget: Budget; readonly until: number };

/** Takes one permit, or says from when on it is worth asking again. */
export function draw(budget: Budget, kind: PermitKind, now: number): Draw {
  if (now < budget.blockedUntil) {
    return { granted: false, budget, until: budget.blockedUntil };
  }
  const level = levelAt(budget, now);
  const looks = Math.min(LOOK_CAPACITY, budget.looks + secondsSince(budget, now) * LOOK_RATE);
  const refilled = { ...budget, level, looks, at: Math.max(now, budget.at) };
  const needed = NEEDED[kind];
  const left = leftAt(budget, now);
  if (left !== null && left.calls < Math.max(1, needed)) {
    return { granted: false, budget, until: left.until };
  }
  const look = kind === "look" ? 1 : 0;
  if (level >= needed && looks >= look) {
    const less = left && { ...left, calls: left.calls - 1 };
    return {
      granted: true,
      budget: { ...refilled, level: level - 1, looks: looks - look, left: less },
    };
  }
  const seconds = Math.max((needed - level) / RATE, (look - looks) / LOOK_RATE);
  return { granted: false, budget: refilled, until: now + Math.ceil(seconds * 1000) };
}

/** Somebody was answered 429: all are quiet until Cloudflare's time is up, and nothing was saved up meanwhile. */
export function block(budget: Budget, until: number): Budget {
  return {
    level: 0,
    looks: 0,
    at: Math.max(budget.at, until),
    blockedUntil: Math.max(budget.blockedUntil, until),
    left: null,
  };
}

/** Cloudflare says how many calls are left. Answers arrive in any order, so of two announcements the lower one counts. */
export function announce(budget: Budget, left: Left, now: number): Budget {
  const known = leftAt(budget, now);
  return { ...budget, left: known !== null && known.calls < left.calls ? known : left };
}

export function leftAt({ left }: Budget, now: number): Left | null {
  return left !== null && now < left.until ? left : null;
}
