import * as z from "zod";

import { idOf, listOf, outcomeOf, waitOf } from "./answer.ts";
import { comment } from "./comment.ts";
import type { Answer } from "../kind.ts";
import { ApiUrl, Repository } from "./settings.ts";
import {
  bounded,
  isOutdone,
  tell,
  toldAt,
  type GitHost,
  type Memory,
  type Outcome,
  type State,
  type Step,
  type Told,
} from "./status.ts";
import { joined } from "../text.ts";
import type { Event } from "../../project/shapes.ts";

/** Commit statuses, deployments and a comment on the pull request. */

const Settings = z.strictObject({
  repository: Repository,
  api_url: ApiUrl.default("https://api.github.com"),
  deployments: z.boolean().default(true),
  comment: z.boolean().default(false),
});
type Settings = z.infer<typeof Settings>;

/** A commit status has no neutral state. One that stays pending is at least neither red nor green. */
const STATUS: Record<State, string> = {
  pending: "pending",
  running: "pending",
  success: "success",
  failure: "failure",
  canceled: "error",
  superseded: "pending",
  skipped: "success",
};

const DEPLOYMENT: Record<State, string> = {
  pending: "queued",
  running: "in_progress",
  success: "success",
  failure: "failure",
  canceled: "error",
  superseded: "inactive",
  skipped: "inactive",
};

/** One event for one subscriber. */
export interface Telling {
  readonly settings: Settings;
  readonly event: Event;
  readonly memory: Memory;
  readonly told: Told;
  /** The repository's URL in the API. */
  readonly base: string;
}

export const github: GitHost<Settings> = {
  settings: Settings,

  next(settings, event, memory) {
    const told = toldAt(event, memory);
    if (told === null) {
      return null;
    }
    const base = `${settings.api_url}/repos/${settings.repository}`;
    const telling = { settings, event, memory, told, base };
    return status(telling) ?? deployment(telling) ?? replaced(telling) ?? comment(telling);
  },

  headers: (_, token) => ({
    accept: "application/vnd.github+json",
    authorization: `Bearer ${token}`,
    "content-type": "application/json",
    "user-agent": "Signalbox/1",
    "x-github-api-version": "2022-11-28",
  }),

  outcome(answer, now) {
    return limited(answer, now) ?? missing(answer) ?? outcomeOf("GitHub", answer, now);
  },
};

function status({ base, event, memory, told }: Telling): Step | null {
  if (isOutdone(told, memory)) {
    return null;
  }
  const { commit, context, description, url } = told;
  const body = {
    state: STATUS[told.state],
    context: plain(context),
    description: plain(description),
    ...(url !== null && { target_url: url }),
  };
  const request = { method: "POST", url: `${base}/statuses/${commit}`, body } as const;
  return tell(told, event, memory, "status", { request });
}

/**
 * A deployment is made when the deploy starts, and never twice: as long as its id is not known, it is looked for before
 * it is made.
 */
function deployment(telling: Telling): Step | null {
  const { base, event, memory, settings, told } = telling;
  const { deploy, page, site, state } = told;
  const id = memory.deploy.deployment ?? null;
  const begun = deploy.started_at !== null || state === "running";
  if (!settings.deployments || !begun) {
    return null;
  }
  if (id === null && memory.run.noDeployment !== true) {
    return look(telling);
  }
  if (id === null) {
    // What never showed up there has no need to be taken back.
    return ["running", "success", "failure"].includes(state) ? make(telling) : null;
  }
  const body = {
    state: DEPLOYMENT[state],
    description: plain(told.description),
    ...(page !== null && { log_url: page }),
    ...(state === "success" && site !== null && { environment_url: site }),
    // Deployments of previews are told apart by branch, which GitHub does not know: see `replaced` for production.
    auto_inactive: false,
  };
  const first = memory.target.live === undefined && isLive(told);
  return tell(
    told,
    event,
    memory,
    "deployment",
    {
      request: { method: "POST", url: `${base}/deployments/${id}/statuses`, body },
      absent: { ...memory, deploy: { ...memory.deploy, deployment: null } },
    },
    () => (first ? { target: { live: id } } : {}),
  );
}

function look({ base, memory, told }: Telling): Step {
  const query = new URLSearchParams({
    sha: told.commit,
    environment: environmentOf(told),
    task: "deploy",
    per_page: "100",
  });
  return {
    request: { method: "GET", url: `${base}/deployments?${query.toString()}`, body: null },
    learn: (answer) => {
      const found = listOf(answer).find(({ payload }) =>
        JSON.stringify(payload ?? "").includes(told.deploy.id),
      );
      const id = idOf(found);
      return id === null
        ? { ...memory, run: { ...memory.run, noDeployment: true } }
        : { ...memory, deploy: { ...memory.deploy, deployment: id } };
    },
  };
}

function make({ base, event, memory, told }: Telling): Step | null {
  const { commit, deploy } = told;
  const production = deploy.environment === "production";
  const body = {
    ref: commit,
    task: "deploy",
    // It is deployed already, whatever else GitHub would like to see or merge first.
    auto_merge: false,
    required_contexts: [],
    payload: { signalbox: deploy.id },
    environment: environmentOf(told),
    description: joined(`Deploy #${deploy.number} by Signalbox`, 140),
    production_environment: production,
    transient_environment: !production,
  };
  return tell(
    told,
    event,
    memory,
    // One that was deleted is made anew, but only once for an event.
    `made/${event.sequence}`,
    { request: { method: "POST", url: `${base}/deployments`, body } },
    (answer) => ({ deploy: { deployment: idOf(answer) } }),
  );
}

/** In production GitHub leaves the deployment before active too, unless it is told. */
function replaced({ base, event, memory, settings, told }: Telling): Step | null {
  const { deployment: id = null } = memory.deploy;
  const { live } = memory.target;
  if (!settings.deployments || !isLive(told) || id === null || live === undefined || live === id) {
    return null;
  }
  const body = { state: "inactive", description: `Replaced by #${told.deploy.number}.` };
  const target = { live: id };
  return tell(
    told,
    event,
    memory,
    "replaced",
    {
      request: { method: "POST", url: `${base}/deployments/${live}/statuses`, body },
      absent: { ...memory, target: { ...memory.target, ...target } },
    },
    () => ({ target }),
  );
}

function isLive({ deploy, state }: Told): boolean {
  return state === "success" && deploy.environment === "production";
}

function environmentOf({ deploy }: Told): string {
  const name = deploy.environment === "production" ? "Production" : "Preview";
  return bounded(`${deploy.project} (${name})`, 255);
}

/** Statuses with characters beyond U+FFFF are refused. */
function plain(text: string): string {
  return text.replace(/[\u{10000}-\u{10ffff}]/gu, "\ufffd");
}

/** GitHub says 403 both for what the token may not do and for what comes too often. */
function limited(answer: Answer, now: number): Outcome | null {
  const { headers, status, text } = answer;
  const often =
    headers.get("retry-after") !== null ||
    headers.get("x-ratelimit-remaining") === "0" ||
    /rate limit/i.test(text);
  if (status !== 429 && !(status === 403 && often)) {
    return null;
  }
  const after = waitOf(answer, now) ?? 60_000;
  return { is: "again", reason: "GitHub's rate limit is reached.", after };
}

function missing({ status }: Answer): Outcome | null {
  return status === 404
    ? { is: "gone", reason: "GitHub has no such repository, or the token may not see it." }
    : null;
}
