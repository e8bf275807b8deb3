import type { Deploy, DeployStatus, External, WaitingFor } from "../../project/shapes.ts";
import { person, visible } from "./text.ts";

/** A mark always stands before its word; the tone is its colour's name in the stylesheet. */
export interface Mark {
  readonly icon: string;
  readonly tone: "quiet" | "accent" | "ok" | "wait" | "bad";
  readonly word: string;
}

const STATUS: Record<DeployStatus, Mark> = {
  queued: { icon: "ring", tone: "quiet", word: "queued" },
  submitting: { icon: "half", tone: "accent", word: "submitting" },
  reconciling: { icon: "unsure", tone: "accent", word: "reconciling" },
  running: { icon: "train", tone: "accent", word: "running" },
  verifying: { icon: "checking", tone: "accent", word: "verifying" },
  succeeded: { icon: "done", tone: "ok", word: "succeeded" },
  failed: { icon: "failed", tone: "bad", word: "failed" },
  timed_out: { icon: "late", tone: "bad", word: "timed out" },
  canceled: { icon: "barred", tone: "quiet", word: "canceled" },
  superseded: { icon: "overtaken", tone: "quiet", word: "superseded" },
  skipped: { icon: "skipped", tone: "quiet", word: "skipped" },
};

const WAITS: Record<WaitingFor, Mark> = {
  turn: { icon: "ring", tone: "quiet", word: "turn" },
  quiet_period: { icon: "quiet", tone: "wait", word: "quiet period" },
  lock: { icon: "lock", tone: "wait", word: "lock" },
  window: { icon: "window", tone: "wait", word: "window" },
  approval: { icon: "person", tone: "wait", word: "approval" },
  not_before: { icon: "calendar", tone: "wait", word: "not before" },
  budget: { icon: "gauge", tone: "wait", word: "budget" },
  retry: { icon: "again", tone: "wait", word: "retry" },
};

const OUTCOMES: Record<string, Mark> = {
  queued: STATUS.queued,
  held: WAITS.quiet_period,
  superseded: STATUS.superseded,
  coalesced: { icon: "joined", tone: "quiet", word: "coalesced" },
  duplicate: { icon: "sheets", tone: "quiet", word: "duplicate" },
  filtered: { icon: "funnel", tone: "quiet", word: "filtered" },
  ignored: { icon: "dash", tone: "quiet", word: "ignored" },
  refused: { icon: "shield", tone: "bad", word: "refused" },
};

const STAGES: Record<string, Mark> = {
  success: { icon: "done", tone: "ok", word: "success" },
  active: STATUS.running,
  failure: STATUS.failed,
  canceled: STATUS.canceled,
  skipped: STATUS.skipped,
  idle: { icon: "dash", tone: "quiet", word: "idle" },
};

/** What Cloudflare may add later gets a ring and its own word. */
const unknown = (word: string): Mark => ({ icon: "ring", tone: "quiet", word: visible(word) });

export const markOf = (status: DeployStatus): Mark => STATUS[status];
export const waitMark = (waits: WaitingFor): Mark => WAITS[waits];
export const outcomeMark = (outcome: string): Mark => OUTCOMES[outcome] ?? unknown(outcome);
export const stageMark = (status: string): Mark => STAGES[status] ?? unknown(status);
export const failing = (lost: boolean): Mark => ({
  icon: "warning",
  tone: lost ? "bad" : "wait",
  word: "failing",
});

export function reasonMark(deploy: Deploy): Mark {
  return deploy.waiting === null ? markOf(deploy.status) : waitMark(deploy.waiting.for);
}

const SOURCES: Record<string, string> = {
  github: "push",
  gitlab: "push",
  gitea: "push",
  forgejo: "push",
  gogs: "push",
  bitbucket: "push",
  "bitbucket-server": "push",
  "azure-devops": "push",
};

/** "push by Jonas Weber", "API, tok_…3K7Q", "schedule". */
export function triggerText({ kind, source, actor }: Deploy["trigger"]): string {
  const who = actor === null ? null : person(actor);
  switch (kind) {
    case "hook": {
      const what = SOURCES[source] ?? visible(source);
      return who === null ? what : `${what} by ${who}`;
    }
    case "schedule":
      return "schedule";
    case "health":
      return "health check";
    case "retry":
      return who === null ? "retry" : `retry by ${who}`;
    case "gateway":
      return who === null ? "wrangler" : `wrangler, ${who}`;
    case "api":
      return who === null ? "API" : `API, ${who}`;
  }
}

/** Targets are named for what people call them. */
export function targetText({ environment }: Pick<Deploy | External, "environment">): string {
  return environment;
}

const STAGE_WORDS: Record<string, string> = { clone_repo: "clone repo" };
export const stageWord = (name: string): string => STAGE_WORDS[name] ?? visible(name);
