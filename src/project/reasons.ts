import type { Wait } from "./queue.ts";

/**
 * Every reason that a person or a program is given for why something waits, ended or did not happen: one code, one plain
 * sentence, the same in API, events and dashboard. Clock times are UTC.
 */
export interface Reason {
  readonly code: string;
  readonly text: string;
}

const clock = (ms: number): string => `${new Date(ms).toISOString().slice(11, 19)} UTC`;

const DAY_MS = 86_400_000;
/** With its date, when that is not soon. */
const moment = (ms: number): string =>
  Math.abs(ms - Date.now()) < DAY_MS
    ? clock(ms)
    : `${new Date(ms).toISOString().slice(0, 16).replace("T", " ")} UTC`;

function span(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) {
    return `${seconds} s`;
  }
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

const STAGE_NAMES: Record<string, string> = {
  queued: "the queue at Cloudflare",
  initialize: "initialize",
  clone_repo: "clone",
  build: "build",
  deploy: "deploy",
};

export const reasons = {
  supersededBy: (number: number, what: string, laterMs: number): Reason => ({
    code: "superseded",
    text: `Superseded by #${number}: ${what}, ${laterMs < 1_000 ? "a moment" : span(laterMs)} later.`,
  }),
  staleRun: (
    run: { readonly workflow: string; readonly number: number },
    newer: number,
    number: number,
  ): Reason => ({
    code: "stale_run",
    text: `Superseded by #${number}: run ${run.number} of ${run.workflow} is older than run ${newer}, which came first.`,
  }),
  newerWentFirst: (number: number): Reason => ({
    code: "newer_went_first",
    text: `Superseded by #${number}: a newer deploy of this target went first.`,
  }),
  supersededUpstream: (): Reason => ({
    code: "superseded_upstream",
    text: "Superseded at Cloudflare: a newer build of this branch was queued there.",
  }),
  coalesced: (number: number): Reason => ({
    code: "coalesced",
    text: `Joined #${number}, which has the same content and has not started.`,
  }),
  duplicate: (): Reason => ({
    code: "duplicate",
    text: "This delivery was accepted before.",
  }),
  fixedBranch: (branch: string): Reason => ({
    code: "other_branch",
    text: `This hook deploys only ${branch}.`,
  }),
  branchFiltered: (branch: string): Reason => ({
    code: "branch_filtered",
    text: `The hook's rules leave out the branch ${branch}.`,
  }),
  pathsFiltered: (count: number): Reason => ({
    code: "paths_filtered",
    text: `The hook's rules leave out ${count === 1 ? "the only file" : `all ${count} files`} that changed.`,
  }),
  eventFiltered: (event: string | null, wanted: string): Reason => ({
    code: "event_filtered",
    text: `The event is ${event ?? "not named"}; this hook deploys on ${wanted}.`,
  }),
  skipWord: (word: string): Reason => ({
    code: "skip_ci",
    text: `The commit's message asks for no build: ${word}.`,
  }),
  secretReceived: (): Reason => ({
    code: "secret_received",
    text: "The sender's secret arrived and is kept; deliveries signed with it are accepted from now on.",
  }),
  hookPaused: (): Reason => ({ code: "hook_paused", text: "This hook is paused." }),
  canceledBy: (actor: string | null, running: boolean): Reason => ({
    code: running ? "canceled_running" : "canceled",
    text: `Canceled by ${actor ?? "a token"} while it ${running ? "ran" : "waited"}.`,
  }),
  canceledUpstream: (): Reason => ({
    code: "canceled_upstream",
    text: "Canceled at Cloudflare.",
  }),
  deletedUpstream: (): Reason => ({
    code: "deployment_deleted",
    text: "Its deployment was deleted at Cloudflare before it ended.",
  }),
  skippedUpstream: (why: string): Reason => ({
    code: "skipped_upstream",
    text: `Skipped by Cloudflare: ${why}.`,
  }),
  failedIn: (stage: string): Reason => ({
    code: `failed_${stage.replace(/[^a-z_]/g, "")}`,
    text: `Failed in ${STAGE_NAMES[stage] ?? stage}.`,
  }),
  timedOut: (stage: string, deadlineMs: number): Reason => ({
    code: "timed_out",
    text: `Timed out in ${STAGE_NAMES[stage] ?? stage}: it ran ${span(deadlineMs)}, its deadline.`,
  }),
  refused: (message: string, code: number | null): Reason => ({
    code: "refused_upstream",
    text: `Cloudflare refused the deployment: ${message}${code === null ? "" : ` [${code}]`}`,
  }),
  noCredential: (message: string): Reason => ({
    code: "upstream_auth",
    text: `Cloudflare did not accept the stored credential: ${message}`,
  }),
  projectGone: (): Reason => ({
    code: "project_gone",
    text: "Cloudflare has no such Pages project any more.",
  }),
  attemptsUsedUp: (attempts: number, last: string): Reason => ({
    code: "attempts_used_up",
    text: `Gave up after ${attempts} attempts; the last one: ${last}`,
  }),
  reconciling: (until: number): Reason => ({
    code: "reconciling",
    text: `May have started: Cloudflare's answer was lost; looking until ${clock(until)}.`,
  }),
  outcomeUncertain: (why: string): Reason => ({
    code: "outcome_uncertain",
    text: `Cloudflare's answer to the create request was lost, and ${why}.`,
  }),
  bodyLost: (): Reason => ({
    code: "body_lost",
    text: "Its uploaded body is no longer stored; upload it again.",
  }),
  assetsExpired: (count: number): Reason => ({
    code: "assets_expired",
    text: `Cloudflare no longer has ${count} of its files; upload them again.`,
  }),
  waits: (wait: Wait): Reason => ({ code: wait.code, text: waitSentence(wait) }),
  rejectedBy: (actor: string, reason: string | null): Reason => ({
    code: "rejected",
    text: `Rejected by ${actor}${reason === null ? "." : `: ${reason}`}`,
  }),
  approvalExpired: (): Reason => ({
    code: "approval_expired",
    text: "Nobody approved it in time.",
  }),
  unchanged: (branch: string, number: number): Reason => ({
    code: "unchanged",
    text: `Nothing new has come for ${branch} since #${number}, which succeeded.`,
  }),
  endedByImport: (): Reason => ({
    code: "ended_by_import",
    text: "It had not ended when it was exported, and an import starts nothing and follows nothing.",
  }),
  passedBeforeImport: (): Reason => ({
    code: "passed_before_import",
    text: "Its time had passed when it was imported.",
  }),
  internalError: (): Reason => ({
    code: "internal_error",
    text: "Signalbox itself failed with this deploy again and again and has given it up.",
  }),
  unhealthy: (url: string, detail: string, tries: number): Reason => ({
    code: "health_failed",
    text: `Failed its health check: ${url} ${detail}${tries === 1 ? "" : `, ${tries} times`}.`,
  }),
  missed: (minutes: number): Reason => ({
    code: "missed",
    text: `It came more than ${minutes} minutes late, and this schedule skips what it has missed.`,
  }),
} as const;

function waitSentence({ code, until, behind, because, by }: Wait): string {
  const time = until === null ? null : moment(until);
  switch (code) {
    case "external":
      return `Waits for a build of ${because ?? "a branch"} that was started outside Signalbox.`;
    case "max_builds":
      return "Waits for its turn: as many builds run in this account as max_builds allows.";
    case "turn":
      return behind !== null
        ? `Waits for its turn behind #${behind}.`
        : `Waits for its turn${time === null ? "" : `, at ${time}: starts are kept apart`}.`;
    case "budget":
      return `Waits for Cloudflare's API limit${time === null ? "" : `, until ${time}`}.`;
    case "retry":
      return `Waits to try again${time === null ? "" : ` at ${time}`}.`;
    case "not_before":
      return `Waits until ${time ?? "its time"}, as its trigger asked.`;
    case "quiet_period":
      return `Waits for the quiet period${time === null ? "" : `, until ${time}`}.`;
    case "lock":
      return `Waits for the lock by ${by ?? "somebody"}${time === null ? "" : `, until ${time}`}${because === null ? "." : `: “${because}”.`}`;
    case "window":
      // It may be one that allows deploys, which has to open, or one that denies them, which has to end.
      return because === null
        ? `Waits for a window to open${time === null ? "" : ` at ${time}`}.`
        : `Waits for the window “${because}”${time === null ? "" : `, until ${time}`}.`;
    case "approval":
      return `Waits for approval${time === null ? "" : `, until ${time}`}.`;
  }
}
