import {
  Kept,
  NOTHING,
  type GitHost,
  type Memory,
  type Request,
} from "../../../../src/notify/git/status.ts";
import type { Deploy, Event, EventType } from "../../../../src/project/shapes.ts";

export const SHA = "a84d88e7554fc1fa21bcbc4efae3c782a70d2b9d";

const NOW = Date.parse("2026-11-24T05:30:00.000Z");
const at = (seconds: number): string => new Date(NOW + seconds * 1000).toISOString();

export interface Links {
  readonly dashboard: string | null;
  readonly deployment: string | null;
  readonly logs: string | null;
  readonly site: string | null;
}

/** As an event has it, with what newer versions add. */
export type Seen = Deploy & { readonly links?: Links | null };

/** A queued preview of `feature/x`. */
export function deploy(changes: Partial<Seen> = {}): Seen {
  const number = changes.number ?? 414;
  // Fields that came later and say nothing here are left out.
  const made: object = {
    id: `dpl_${number}`,
    number,
    project: "blog",
    kind: "build",
    status: "queued",
    reason: null,
    reason_code: null,
    waiting: null,
    trigger: { id: "trg_1", kind: "hook", source: "github", actor: "ines", delivery_id: "d1" },
    branch: "feature/x",
    environment: "preview",
    target: "preview/feature/x",
    commit_hash: SHA,
    commit_message: "A change",
    commit_dirty: null,
    created_at: at(0),
    started_at: null,
    ended_at: null,
    stages: [],
    deployment: null,
    attempts: 1,
    superseded_by: null,
    retry_of: null,
    promoted_from: null,
    retries: 0,
    not_before: null,
    approved_by: null,
    released_by: null,
    health: null,
    ...changes,
  };
  return made as Seen;
}

export const PRODUCTION = {
  branch: "main",
  environment: "production",
  target: "production",
} as const;

export const STARTED = { status: "running", started_at: at(1) } as const;
export const LIVE: Partial<Seen> & { readonly ended_at: string } = {
  status: "succeeded",
  started_at: at(1),
  ended_at: at(73),
  deployment: {
    id: "5c71df2d",
    url: "https://5c71df2d.blog.pages.dev",
    aliases: ["https://feature-x.blog.pages.dev"],
    environment: "preview",
  },
};

export function stages(...begun: string[]): Deploy["stages"] {
  return ["queued", "initialize", "clone_repo", "build", "deploy"].map((name) => ({
    name,
    status: begun.includes(name) ? "success" : "idle",
    started_on: null,
    ended_on: null,
  }));
}

let sequence = 0;

/** Events come in the order in which they are made here. */
export function event(type: EventType, of: Seen, more: Record<string, unknown> = {}): Event {
  sequence += 1;
  return {
    id: `evt_${sequence}`,
    type,
    timestamp: at(sequence),
    project: of.project,
    sequence,
    data: { deploy: of, ...more },
    // As it comes from storage: events of earlier versions lack what came later.
  } as Event;
}

/** What a host answered; null: it did what it was asked, and the answer was lost. */
export type Reply = { readonly status: number; readonly body: unknown } | null;

/**
 * One event told to its end, as the delivery does it: a lost answer begins a new attempt, and only what may be stored
 * goes from one to the next.
 */
export function tellEvent<S>(
  host: GitHost<S>,
  settings: S,
  what: Event,
  ask: (request: Request) => Reply,
  before: Memory = NOTHING,
): Memory {
  let memory = stored(before);
  for (let n = 0; n < 60; n++) {
    const step = host.next(settings, what, memory);
    if (step === null) {
      return stored(memory);
    }
    const reply = ask(step.request);
    if (reply === null) {
      memory = stored(memory);
    } else if (reply.status === 404 && step.absent !== undefined) {
      memory = step.absent;
    } else {
      memory = step.learn(reply.body);
    }
  }
  throw new Error("It asks for ever.");
}

function stored({ deploy, target }: Memory): Memory {
  const kept = Kept.parse(JSON.parse(JSON.stringify({ deploy, target })));
  return { ...kept, run: {} };
}

/** The one request of a host that has but one for each event. */
export function only<S>(host: GitHost<S>, settings: S, what: Event, memory = NOTHING): Request {
  const asked: Request[] = [];
  tellEvent(
    host,
    settings,
    what,
    (request) => (asked.push(request), { status: 201, body: {} }),
    memory,
  );
  const [request] = asked;
  if (request === undefined || asked.length !== 1) {
    throw new Error(`There were ${asked.length} requests.`);
  }
  return request;
}
