import type { Overview } from "../../project/overview.ts";
import type { Deploy } from "../../project/shapes.ts";
import type { Usual } from "../../project/usual.ts";
import { runOf, usualFor, type Run } from "./run.ts";
import { counted } from "./text.ts";
import { duration } from "./time.ts";

/** One lane, as it is drawn. */
export interface Line {
  /** Where each target has a lane: which one this is. */
  readonly name: string | null;
  /** Nearest the signal first. */
  readonly trains: readonly { readonly number: number; readonly ready: boolean }[];
  readonly signal: "clear" | "stop" | "held";
  readonly block:
    | { readonly is: "empty" }
    | { readonly is: "ghost"; readonly number: number | null }
    | { readonly is: "run"; readonly number: number | null; readonly run: Run };
  /** Something that we have let go still runs at Cloudflare. */
  readonly siding: boolean;
  /** `null`: nothing is live yet. */
  readonly live: { readonly number: number | null } | null;
  readonly label: string;
}

/** These hold one deploy alone; the others hold whoever is next. */
const NOT_READY = new Set(["quiet_period", "approval", "not_before", "retry"]);
const HELD = new Set(["lock", "window", "budget"]);

export const isReady = ({ waiting }: Deploy): boolean => !NOT_READY.has(waiting?.for ?? "turn");

/** Who goes next, as far as that can be said. */
export function inLine(waiting: readonly Deploy[]): Deploy[] {
  return [...waiting].sort(
    (a, b) => Number(isReady(b)) - Number(isReady(a)) || a.number - b.number,
  );
}

/** One line for the project, or one for each lane that has something on it. */
export function linesOf(overview: Overview, now: number): Line[] {
  const { project } = overview;
  if (project.policy.lane === "project") {
    return [lineOf(overview, null, now)];
  }
  const busy = [...project.running, ...project.waiting, ...project.externals.filter(runs)];
  const targets = new Set(["production", ...busy.map(({ target }) => target)]);
  return [...targets].map((target) => lineOf(overview, target, now));
}

const runs = ({ ended_at: end }: { ended_at: string | null }): boolean => end === null;

export function lineOf(overview: Overview, target: string | null, now: number): Line {
  const { project, usual, openings } = overview;
  const here = <T extends { target: string }>(each: readonly T[]): T[] =>
    each.filter((one) => target === null || one.target === target);
  const waiting = inLine(here(project.waiting));
  const block = blockOf(here(project.running), here(project.externals.filter(runs)), usual, now);
  const stray = project.leftovers.some(({ kind }) => kind === "stray");
  const shown = block.is === "empty" && stray ? ({ is: "ghost", number: null } as const) : block;
  const next = waiting.find(isReady);
  const production = target === null || target === "production";
  const stopped =
    project.locks.some(({ environment }) => environment !== "preview") || !openings.production.open;
  const held = next === undefined ? production && stopped : HELD.has(next.waiting?.for ?? "");
  const line = {
    name: target,
    trains: waiting.map((deploy) => ({ number: deploy.number, ready: isReady(deploy) })),
    signal: shown.is === "empty" ? (held ? "held" : "clear") : "stop",
    block: shown,
    siding: project.leftovers.some(({ kind }) => kind === "abandoned"),
    live: liveOf(overview, target),
  } as const;
  return { ...line, label: labelOf(line) };
}

function blockOf(
  running: readonly Deploy[],
  externals: readonly { readonly since: string }[],
  usual: readonly Usual[],
  now: number,
): Line["block"] {
  const [deploy] = running.filter(({ kind }) => kind !== "rollback").concat(running);
  if (deploy !== undefined) {
    return deploy.status === "reconciling"
      ? { is: "ghost", number: deploy.number }
      : { is: "run", number: deploy.number, run: runOf(deploy, usualFor(usual, deploy), now) };
  }
  const [external] = externals;
  if (external === undefined) {
    return { is: "empty" };
  }
  const since = Date.parse(external.since);
  const run = { since, elapsed: Math.max(0, now - since), usual: null, groups: [] };
  return { is: "run", number: null, run };
}

function liveOf({ project }: Overview, target: string | null): Line["live"] {
  if (target !== null && target !== "production") {
    return null;
  }
  const others = project.externals.some(({ ended_at: end }) => end !== null);
  return project.live === null
    ? others
      ? { number: null }
      : null
    : { number: project.live.number };
}

function labelOf(line: Omit<Line, "label">): string {
  const { trains, block, signal, live, siding, name } = line;
  const on =
    block.is === "empty"
      ? "Nothing runs"
      : block.is === "ghost"
        ? `${block.number === null ? "Something" : `#${block.number}`} may be running`
        : `${block.number === null ? "Another build" : `#${block.number}`} runs, ${duration(block.run.elapsed)}${
            block.run.usual === null ? "" : ` of about ${duration(block.run.usual)}`
          }`;
  const [first] = trains;
  const waits =
    first === undefined
      ? "nothing waits"
      : trains.length === 1
        ? `#${first.number} waits`
        : `${counted(trains.length).toLowerCase()} wait`;
  const sign = {
    clear: "the signal is clear",
    stop: "the signal is at stop",
    held: "the lane is held",
  };
  const end =
    live === null
      ? "nothing is live"
      : `${live.number === null ? "another deployment" : `#${live.number}`} is live`;
  return `${name === null ? "" : `${name}: `}${on}; ${waits}; ${sign[signal]}; ${end}${
    siding ? "; one that was let go still runs at Cloudflare" : ""
  }.`;
}
