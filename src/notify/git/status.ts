import { createHash } from "node:crypto";
import * as z from "zod";

import type { Answer } from "../kind.ts";
import type { Deploy, Event, EventType } from "../../project/shapes.ts";
import { joined } from "../text.ts";

/** What git hosts are told of a deploy, and what is remembered of their answers. Pure: no host is asked from here. */

/** Where a deploy stands, as far as a commit's readers care. Each host has its own word for each. */
export type State =
  | "pending"
  | "running"
  | "success"
  | "failure"
  | "canceled"
  | "superseded"
  | "skipped";

const STATES: Record<Deploy["status"], State> = {
  queued: "pending",
  submitting: "running",
  reconciling: "running",
  running: "running",
  verifying: "running",
  succeeded: "success",
  failed: "failure",
  timed_out: "failure",
  canceled: "canceled",
  superseded: "superseded",
  skipped: "skipped",
};

/** The others say nothing that the next of these does not. */
const TOLD: ReadonlySet<EventType> = new Set<EventType>([
  "deploy.queued",
  "deploy.held",
  "deploy.released",
  "deploy.approval_requested",
  "deploy.started",
  "deploy.stage",
  "deploy.succeeded",
  "deploy.failed",
  "deploy.health_failed",
  "deploy.timed_out",
  "deploy.canceled",
  "deploy.superseded",
  "deploy.skipped",
]);

/**
 * What was learnt from earlier answers. `deploy` belongs to one deploy and is to be kept as long as an event of it can
 * still be delivered, since it tells what is late; `target` belongs to the target (production, or a branch's preview)
 * and stays. When they are lost, things are looked for again, and told again, but none is made twice.
 */
export const Kept = z.object({
  deploy: z.object({
    /** The newest event of this deploy that was told. */
    sequence: z.int().optional(),
    /** What each kind of step said last. */
    told: z.record(z.string(), z.string()).optional(),
    /** GitHub's deployment; null once it was deleted there. */
    deployment: z.int().nullable().optional(),
  }),
  target: z.object({
    /** The newest deploy that was told, and its commit. */
    number: z.int().optional(),
    commit: z.string().optional(),
    /** GitHub's deployment of the last deploy of production that succeeded. */
    live: z.int().optional(),
    /** Our comment, by pull request; null once it was deleted there. */
    comments: z.record(z.string(), z.int().nullable()).optional(),
  }),
});

export type Kept = z.infer<typeof Kept>;

export interface Memory extends Kept {
  /**
   * What was seen in this attempt, and may not be believed in the next: in between, something may have been made whose
   * answer was lost. Empty at the beginning of each attempt, and never stored.
   */
  readonly run: {
    /** GitHub has no deployment of this deploy. */
    readonly noDeployment?: true;
    /** The open pull requests whose head is this commit. */
    readonly pulls?: readonly number[];
    /** By pull request: how many pages of comments were searched for ours, or that it has none. */
    readonly searched?: Readonly<Record<string, number | "all">>;
  };
}

/** Of a deploy and a target of which nothing was told yet. */
export const NOTHING: Memory = { deploy: {}, target: {}, run: {} };

/** One request, without the headers that every request to its host has, so that it holds no secret. */
export interface Request {
  readonly method: "GET" | "POST" | "PATCH";
  readonly url: string;
  readonly body: Record<string, unknown> | null;
}

export interface Step {
  readonly request: Request;
  /** What to remember once it is done. `answer` is the parsed JSON body. */
  learn(answer: unknown): Memory;
  /** Where a 404 is no refusal: what to remember then, because the thing itself was deleted. */
  readonly absent?: Memory;
}

/** How one kind of host is told. `S` is what is set up per subscriber; the token is kept apart. */
export interface GitHost<S> {
  readonly settings: z.ZodType<S>;
  /**
   * Take the step, keep what `learn` makes of the answer, and ask again with it, until it is null: the event is told. A
   * step whose answer was lost comes again; all are harmless when repeated.
   */
  next(settings: S, event: Event, memory: Memory): Step | null;
  /** The headers of every request. */
  headers(settings: S, token: string): Record<string, string>;
  outcome(answer: Answer, now: number): Outcome;
}

export type Outcome =
  | { readonly is: "done" }
  /** Later, and not before so many milliseconds where the host said so. */
  | { readonly is: "again"; readonly reason: string; readonly after: number | null }
  /** This can't be told, however often it is tried; what comes next may be. */
  | { readonly is: "refused"; readonly reason: string }
  /** Nothing can be told until somebody changes the subscriber. */
  | { readonly is: "gone"; readonly reason: string };

/** A deploy as an event has it. Links came later than the other fields, so old events lack them. */
export interface Told {
  readonly deploy: Deploy;
  readonly commit: string;
  readonly state: State;
  /** Why, or how far; can hold people's words. */
  readonly sentence: string;
  /** The same after the deploy's number, in 140 characters. */
  readonly description: string;
  readonly context: string;
  /** A person's page about the deploy. */
  readonly page: string | null;
  /** Where the result is to be seen, once there is one. */
  readonly site: string | null;
  /** What a click on the status opens. */
  readonly url: string | null;
}

interface Links {
  readonly dashboard?: string | null;
  readonly deployment?: string | null;
  readonly site?: string | null;
}

/** What a host is to be told at this event, or null: nothing, or nothing new. */
export function toldAt(event: Event, memory: Memory): Told | null {
  const deploy = event.data["deploy"] as (Deploy & { links?: Links | null }) | undefined;
  const commit = deploy?.commit_hash ?? "";
  const late = event.sequence < (memory.deploy.sequence ?? 0);
  if (deploy === undefined || !/^[0-9a-f]{40}$/i.test(commit) || late || !TOLD.has(event.type)) {
    return null;
  }
  const links: Links = deploy.links ?? {};
  const state = STATES[deploy.status];
  const sentence = sentenceOf(deploy, state);
  const page = web(links.dashboard) ?? web(links.deployment);
  const site = web(links.site) ?? web(deploy.deployment?.aliases[0]) ?? web(deploy.deployment?.url);
  return {
    deploy,
    commit,
    state,
    sentence,
    description: joined(`#${deploy.number}: ${sentence}`, 140),
    context: bounded(contextOf(deploy), 100),
    page,
    site,
    url: state === "success" ? (site ?? page) : page,
  };
}

/** A newer deploy of the same commit has the last word on it, whatever is heard of this one later. */
export function isOutdone({ deploy, commit }: Told, { target }: Memory): boolean {
  return target.commit === commit && deploy.number < (target.number ?? 0);
}

/** The step that tells something, unless that was the last thing that was said in this way. */
export function tell(
  { deploy, commit }: Told,
  event: Event,
  memory: Memory,
  kind: string,
  say: { readonly request: Request; readonly content?: unknown; readonly absent?: Memory },
  learn: (answer: unknown) => Partial<Memory> = () => ({}),
): Step | null {
  const said = digest(JSON.stringify(say.content ?? say.request)).slice(0, 16);
  if (memory.deploy.told?.[kind] === said) {
    return null;
  }
  const { number = 0 } = memory.target;
  const newest = deploy.number >= number ? { number: deploy.number, commit } : {};
  return {
    request: say.request,
    ...(say.absent !== undefined && { absent: say.absent }),
    learn: (answer) => {
      const learnt = learn(answer);
      const told = { ...memory.deploy.told, [kind]: said };
      return {
        deploy: { ...memory.deploy, sequence: event.sequence, told, ...learnt.deploy },
        target: { ...memory.target, ...newest, ...learnt.target },
        run: memory.run,
      };
    },
  };
}

export function contextOf(deploy: Deploy): string {
  const place = deploy.environment === "production" ? "" : `/${deploy.target}`;
  return joined(`signalbox/${deploy.project}${place}`, 1000);
}

/** A name that is no longer than `max`: one that would be keeps its beginning, and a hash tells it from its like. */
export function bounded(name: string, max: number): string {
  return name.length <= max ? name : `${joined(name, max - 13)}-${digest(name).slice(0, 12)}`;
}

export function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** Only http(s), as the parser writes it. */
function web(text: string | null | undefined): string | null {
  const url = URL.parse(text ?? "");
  return url !== null && /^https?:$/.test(url.protocol) ? url.href : null;
}

function sentenceOf(deploy: Deploy, state: State): string {
  switch (state) {
    case "pending":
      return deploy.reason ?? "Waits for its turn.";
    case "running":
      return deploy.status === "verifying" ? "Checking its health." : stageOf(deploy);
    case "success":
      return `Deployed${took(deploy)}.`;
    case "failure":
      return deploy.reason ?? "Failed.";
    case "canceled":
      return deploy.reason ?? "Canceled.";
    case "superseded":
      return deploy.reason ?? "Superseded by a newer deploy.";
    case "skipped":
      return deploy.reason ?? "Skipped by Cloudflare.";
  }
}

/** Two stages take long enough to be worth a call each. */
function stageOf(deploy: Deploy): string {
  const begun = deploy.stages.filter((stage) => stage.status !== "idle").map(({ name }) => name);
  if (begun.includes("deploy")) {
    return "Deploying.";
  }
  return begun.includes("build") ? "Building." : "Starting.";
}

function took({ started_at, ended_at }: Deploy): string {
  if (started_at === null || ended_at === null) {
    return "";
  }
  const seconds = Math.max(0, Math.round((Date.parse(ended_at) - Date.parse(started_at)) / 1000));
  const [minutes, rest] = [Math.floor(seconds / 60), seconds % 60];
  return ` in ${minutes === 0 ? "" : `${minutes} min `}${rest} s`;
}
