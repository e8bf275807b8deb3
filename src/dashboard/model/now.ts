import type { Overview } from "../../project/overview.ts";
import type { Deploy, Lock } from "../../project/shapes.ts";
import { inLine } from "./line.ts";
import { runOf, usualFor } from "./run.ts";
import {
  counted,
  localized,
  person,
  shortHash,
  visible,
  type Piece,
  type Sentence,
} from "./text.ts";
import { duration, hourAndMinute, moment, since, type Clock } from "./time.ts";

/** The answer: what is live, or when it will be. */
export interface Now {
  readonly head: Sentence;
  readonly more: Sentence;
  /** For the page's title, before the project's name. */
  readonly title: string;
  readonly icon: "clear" | "stop" | "held" | "failed";
}

/** A deploy's commit, or its number where it has none. */
export function called(deploy: Pick<Deploy, "commit_hash" | "number">): Piece {
  const hash = shortHash(deploy.commit_hash);
  return hash === null ? `#${deploy.number}` : { hash };
}

export function hostOf({ project }: Pick<Overview, "project">): string {
  return visible(project.domains.find((name) => name !== project.subdomain) ?? project.subdomain);
}

export function isFailed({ status }: Pick<Deploy, "status">): boolean {
  return status === "failed" || status === "timed_out";
}

/** The newest end, when it is a failure that nothing has mended since. */
export function failedLast({ project, last }: Overview): Deploy | null {
  return last !== null && isFailed(last) && last.number > (project.live?.number ?? 0) ? last : null;
}

export function lockOf({ project }: Overview): Lock | null {
  return project.locks.find(({ environment }) => environment !== "preview") ?? null;
}

const until = (at: number | null, clock: Clock): Piece[] =>
  at === null ? [] : [" until ", { at, text: moment(at, clock) }];

export function lockSentence(lock: Lock, clock: Clock): Sentence {
  const end = lock.until === null ? null : Date.parse(lock.until);
  return [
    "By ",
    { foreign: person(lock.holder) },
    ...until(end, clock),
    ": “",
    { foreign: visible(lock.reason) },
    "”.",
  ];
}

/** What stands for a reason: the deploy's own words, in the reader's time. */
export function reasonOf(deploy: Deploy, clock: Clock): Sentence {
  const end = deploy.waiting?.until ?? null;
  return localized(deploy.reason ?? "", end === null ? null : Date.parse(end), clock);
}

function stillShows(overview: Overview): Sentence {
  const { live, externals } = overview.project;
  const other = externals.find(({ ended_at: end }) => end !== null);
  const host: Piece = { foreign: hostOf(overview) };
  if (live === null && other === undefined) {
    return [host, " shows nothing yet."];
  }
  const shown: Piece =
    live === null
      ? { hash: shortHash(other?.commit_hash ?? null) ?? "another deployment" }
      : called(live);
  return [host, " still shows ", shown, "."];
}

function othersWait(count: number): string {
  return count === 0
    ? ""
    : count === 1
      ? " One more deploy waits."
      : ` ${counted(count)} more deploys wait.`;
}

export function nowOf(overview: Overview, clock: Clock): Now {
  const { project } = overview;
  const running = project.running.find(({ kind }) => kind !== "rollback") ?? project.running[0];
  if (running !== undefined) {
    return runningNow(overview, running, clock);
  }
  const lock = lockOf(overview);
  if (lock !== null) {
    const stays: Sentence =
      project.live === null ? [] : [" ", called(project.live), " stays live."];
    const all = lock.environment === null;
    return {
      head: [all ? "The project is locked" : "Production is locked"],
      more: [...lockSentence(lock, clock), ...stays],
      title: "‖ held",
      icon: "held",
    };
  }
  const [first] = inLine(project.waiting);
  if (first !== undefined) {
    return waitingNow(overview, first, clock);
  }
  const external = project.externals.find(({ ended_at: end }) => end === null);
  if (external !== undefined) {
    return {
      head: ["A build of ", { foreign: visible(external.branch) }, " runs outside Signalbox"],
      more: [
        "Started by others ",
        { since: Date.parse(external.since), text: since(Date.parse(external.since), clock) },
        " ago. Deploys wait until it has ended.",
      ],
      title: "▸ other build",
      icon: "stop",
    };
  }
  return idleNow(overview, clock);
}

function runningNow(overview: Overview, running: Deploy, clock: Clock): Now {
  const { project, usual } = overview;
  const run = runOf(running, usualFor(usual, running), clock.now);
  const stage = run.groups.find(({ state }) => state === "now")?.name ?? "start";
  const shared = { title: `▸ ${stage}`, icon: "stop" } as const;
  const waiting = othersWait(project.waiting.length);
  if (running.status === "reconciling") {
    const why = reasonOf(running, clock);
    return { head: [called(running), " may have started"], more: why, ...shared };
  }
  if (running.status === "verifying") {
    const more = `Since its end, health checks ask whether all is well.${waiting}`;
    return { head: [called(running), " is live, and is being checked"], more: [more], ...shared };
  }
  const production = running.environment === "production";
  const shows: Sentence =
    project.live === null
      ? []
      : ["Until then ", { foreign: hostOf(overview) }, " shows ", called(project.live), "."];
  if (run.usual === null || run.elapsed > run.usual) {
    const doing = { start: "starting", build: "building", deploy: "going live", health: "live" };
    return {
      head: [called(running), ` is ${doing[stage]}`],
      more: [
        { since: run.since, text: duration(run.elapsed) },
        " so far",
        run.usual === null ? "." : `; usually ${duration(run.usual)}.`,
        waiting,
      ],
      ...shared,
    };
  }
  const at = run.since + run.usual;
  return {
    head: [
      called(running),
      production ? " goes live at about " : " is ready at about ",
      { at, text: hourAndMinute(at, clock) },
    ],
    more: production
      ? [...shows, waiting]
      : ["A preview of ", { foreign: visible(running.branch) }, ".", waiting],
    ...shared,
  };
}

function waitingNow(overview: Overview, first: Deploy, clock: Clock): Now {
  const more: Sentence = [
    ...reasonOf(first, clock),
    " ",
    ...stillShows(overview),
    othersWait(overview.project.waiting.length - 1),
  ];
  const end = first.waiting?.until ?? null;
  const shared = { title: "‖ held", icon: "held", more } as const;
  if (first.waiting?.for === "window" && end !== null) {
    const at = Date.parse(end);
    return {
      head: [called(first), " goes live after ", { at, text: moment(at, clock) }],
      ...shared,
    };
  }
  if (first.waiting?.for === "approval") {
    return { head: [called(first), " waits for approval"], ...shared };
  }
  return first.waiting === null
    ? {
        head: [called(first), " starts now"],
        more: stillShows(overview),
        title: "▸ start",
        icon: "clear",
      }
    : { head: [called(first), " waits"], ...shared };
}

function idleNow(overview: Overview, clock: Clock): Now {
  const { project } = overview;
  const failed = failedLast(overview);
  if (failed !== null) {
    const why = visible(failed.reason ?? "Failed.").replace(/\.$/, "");
    const told = why.slice(0, 1).toLowerCase() + why.slice(1);
    const short = told.split(":")[0] ?? told;
    return {
      head: [called(failed), ` ${short}`],
      more: [...(told === short ? [] : [`${why}. `]), ...stillShows(overview)],
      title: "✕ failed",
      icon: "failed",
    };
  }
  const idle = { title: "", icon: "clear" } as const;
  if (project.live !== null) {
    const at = Date.parse(project.live.ended_at ?? project.live.created_at);
    return {
      head: [called(project.live), " is live"],
      more: ["Since ", { at, text: moment(at, clock) }, ", and nothing is newer."],
      ...idle,
    };
  }
  const other = project.externals.find(({ ended_at: end }) => end !== null);
  if (other !== undefined) {
    const hash = shortHash(other.commit_hash);
    return {
      head: [hash === null ? "A deployment of others" : { hash }, " is live"],
      more: ["It was deployed outside Signalbox."],
      ...idle,
    };
  }
  const ways =
    project.source === "git"
      ? `Add a hook, or deploy ${visible(project.production_branch)} now.`
      : "Upload to it with wrangler through Signalbox, or with its API.";
  return { head: ["Nothing deployed yet"], more: [ways], ...idle };
}
