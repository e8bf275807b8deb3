/** What happens when: all of it follows from a seed. */

export const DOORS = [
  "hook",
  "signed",
  "api",
  "upload",
  "cut-upload",
  "gateway",
  "schedule",
  "cancel",
  "lock",
  "rollback",
  "fault",
] as const;
export type Door = (typeof DOORS)[number];

export interface Action {
  /** Milliseconds from the beginning. */
  readonly at: number;
  readonly door: Door;
  readonly project: string;
  readonly branch: string;
  /** By which a repeated request is known, and a commit like no other's. */
  readonly key: string;
  /** Whether it is sent again although it was answered, as senders do. */
  readonly twice: boolean;
  /** For what else is up to chance, from 0 to 1. */
  readonly chance: number;
}

export interface Plan {
  readonly actions: readonly Action[];
  /** For how many milliseconds Signalbox is up before each kill. */
  readonly lives: readonly number[];
}

export const GIT_PROJECTS = ["shop", "docs"] as const;
export const UPLOAD_PROJECT = "site";
const BRANCHES = ["main", "develop", "feature/login"];

const WEIGHTS: Record<Door, number> = {
  hook: 5,
  signed: 3,
  api: 4,
  upload: 4,
  "cut-upload": 1,
  gateway: 3,
  schedule: 1,
  cancel: 1,
  lock: 1,
  rollback: 1,
  fault: 1,
};
const EVERY_MS = 400;
/** It takes a restarted Signalbox 3 s until it has calls enough to look at what runs. */
const LIFE_MS = [500, 6_000] as const;
/** More than it takes to start it again: for so much longer there is something to do. */
const RESTART_MS = 10_000;

export function planOf(seed: number, kills: number): Plan {
  const random = randomOf(seed);
  const lives = Array.from({ length: kills }, () =>
    Math.round(LIFE_MS[0] + random() * (LIFE_MS[1] - LIFE_MS[0])),
  );
  const end = lives.reduce((sum, life) => sum + life + RESTART_MS, 0);
  const doors = DOORS.flatMap((door) => Array.from({ length: WEIGHTS[door] }, () => door));
  const actions: Action[] = [];
  for (let at = 0; at < end; at += random() * 2 * EVERY_MS) {
    const door = pick(doors, random());
    const project = door.endsWith("upload") ? UPLOAD_PROJECT : pick(GIT_PROJECTS, random());
    actions.push({
      at: Math.round(at),
      door,
      project,
      branch: pick(BRANCHES, random()),
      key: hex(random, 40),
      twice: random() < 0.2,
      chance: random(),
    });
  }
  return { actions, lives };
}

/** One of these, by a number from 0 to 1. */
export function pick<T>(from: readonly T[], chance: number): T {
  const found = from[Math.floor(chance * from.length)];
  if (found === undefined) {
    throw new Error("There is nothing to pick from.");
  }
  return found;
}

function hex(random: () => number, length: number): string {
  return Array.from({ length }, () => Math.floor(random() * 16).toString(16)).join("");
}

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
