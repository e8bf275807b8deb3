import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { stream } from "hono/streaming";

import { toProblem } from "../api/answer.ts";
import { askCloudflare } from "../api/cloudflare.ts";
import { askProject, nameIn, type AppEnv } from "../api/context.ts";
import { findDeploy } from "../api/wait.ts";
import { Watch } from "../api/watch.ts";
import { existing, Problem } from "../problem.ts";
import type { Policy } from "../project/policy.ts";
import type { Deploy, DeployStatus, ProjectView } from "../project/shapes.ts";
import { allows } from "../security/tokens.ts";
import { okBody, OWN, refusedBody, refusedBy, type Refused } from "./envelope.ts";
import { provisional } from "./provisional.ts";
import { bare } from "./relay.ts";

/** Other clients than wrangler give up, or send again, a minute after they asked. */
const PLAIN_HOLD_MS = 50_000;
/** Well within the five minutes that wrangler waits for the next byte. */
const BLANK_EVERY_MS = 5_000;
/** The project tells when something has happened; only what a person's patience ends has to be looked at by the clock. */
const LOOK_EVERY_MS = 10_000;
const PAUSE_MS = 3_000;
const READ_PATIENCE_MS = 60_000;
/** A project that can't be asked for a moment does not end the wait for its deploy. */
const LOOKS_IN_VAIN = 20;

type Outcome =
  | { readonly ok: true; readonly body: object }
  | { readonly ok: false; readonly refused: Refused };

/**
 * Answers with what became of a deploy. wrangler's answer is held until that is known, since all it looks at later it takes
 * for success: the headers go at once, then a blank from time to time, at last the envelope. Other clients get an
 * answer within their patience: the end if it has come by then, else a deployment that is queued.
 */
export async function answerWhenEnded(c: Context<AppEnv>, id: string): Promise<Response> {
  if (!/^wrangler\//i.test(c.req.header("user-agent") ?? "")) {
    return answerSoon(c, id);
  }
  c.header("content-type", "application/json");
  return stream(c, async (out) => {
    await out.write(" ");
    const blanks = setInterval(() => void out.write(" "), BLANK_EVERY_MS);
    const watch = new Watch(c);
    // Who hangs up is waited for no longer.
    out.onAbort(() => watch.close());
    const outcome = await outcomeOf(c, watch, id, () => (out.aborted ? 0 : LOOK_EVERY_MS));
    clearInterval(blanks);
    if (outcome !== null) {
      await out.write(JSON.stringify(outcome.ok ? outcome.body : refusedBody(outcome.refused)));
    }
    await out.close();
  });
}

async function answerSoon(c: Context<AppEnv>, id: string): Promise<Response> {
  const until = Date.now() + PLAIN_HOLD_MS;
  const outcome = await outcomeOf(c, new Watch(c), id, () => until - Date.now());
  if (outcome === null) {
    const [deploy, project] = await Promise.all([findDeploy(c, id), viewOf(c)]);
    return c.json(okBody(provisional(deploy, project)));
  }
  if (outcome.ok) {
    return c.json(outcome.body);
  }
  const { refused } = outcome;
  return c.json(refusedBody(refused), refused.status as ContentfulStatusCode, {
    "x-should-retry": "false",
  });
}

/**
 * Waits for the end of a deploy, or of the one that took its place, while `left` says that somebody still waits, and for how many
 * milliseconds at least. null: nobody does.
 */
async function outcomeOf(
  c: Context<AppEnv>,
  watch: Watch,
  first: string,
  left: () => number,
): Promise<Outcome | null> {
  try {
    const began = Date.now();
    const { gateway } = (await patiently(() => viewOf(c))).policy;
    let deploy = await patiently(() => findDeploy(c, first));
    while (left() > 0) {
      const { id, superseded_by: newer } = deploy;
      if (deploy.ended_at === null) {
        const refused = await givenUp(c, deploy, id === first, began, gateway);
        if (refused !== null) {
          return { ok: false, refused };
        }
        if (!(await watch.next(Math.min(LOOK_EVERY_MS, left()))) && left() > 0) {
          // Nobody tells any more, as when the token was revoked meanwhile. What was begun with it is seen to its end.
          await scheduler.wait(PAUSE_MS);
        }
        deploy = await patiently(() => findDeploy(c, id));
      } else if (deploy.status === "succeeded") {
        return { ok: true, body: await deploymentOf(c, deploy, left) };
      } else if (newer !== null && gateway.superseded === "adopt") {
        const winner = await patiently(() => findDeploy(c, newer));
        if (winner.kind === "rollback") {
          // What is live then is older than what this client has sent.
          return { ok: false, refused: failure(deploy, id === first) };
        }
        deploy = winner;
      } else {
        return { ok: false, refused: failure(deploy, id === first) };
      }
    }
    return null;
  } catch (error) {
    return { ok: false, refused: refusedBy(toProblem(error, c)) };
  } finally {
    watch.close();
  }
}

async function patiently<T>(look: () => Promise<T>): Promise<T> {
  for (let vain = 1; ; vain++) {
    try {
      return await look();
    } catch (error) {
      if (error instanceof Problem || vain === LOOKS_IN_VAIN) {
        throw error;
      }
      await scheduler.wait(PAUSE_MS);
    }
  }
}

const RULES: readonly string[] = ["lock", "window", "approval", "not_before"];

/**
 * A client can't wait for ever on what people decide. What it is told has failed must not go live afterwards, unless
 * somebody else has asked for that: what this one has joined, or was superseded by, stays.
 */
async function givenUp(
  c: Context<AppEnv>,
  { id, number, waiting, reason, trigger }: Deploy,
  own: boolean,
  since: number,
  { max_wait_minutes: minutes }: Policy["gateway"],
): Promise<Refused | null> {
  const ruled = waiting !== null && RULES.includes(waiting.for);
  if (!ruled || Date.now() < since + minutes * 60_000) {
    return null;
  }
  const why = reason ?? "";
  if (!own || trigger.kind !== "gateway") {
    const message = `Deploy #${number}, which somebody else asked for too, still waits after ${minutes} min. ${why}`;
    return { status: 409, code: OWN + 6, message };
  }
  const canceled = await askProject(c, (project) => project.cancel(id, "the gateway", true));
  const message = `Deploy #${number} was given up after ${minutes} min. ${why}`;
  return canceled.ok ? { status: 409, code: OWN + 6, message } : null;
}

/** One code for each way to end. */
const CODES: Partial<Record<DeployStatus, number>> = {
  failed: OWN + 1,
  timed_out: OWN + 2,
  canceled: OWN + 3,
  superseded: OWN + 4,
  skipped: OWN + 5,
};

function failure(deploy: Deploy, own: boolean): Refused {
  const { number, status, reason } = deploy;
  const who = own ? `Deploy #${number}` : `Deploy #${number}, which took its place,`;
  return {
    status: 409,
    code: CODES[status] ?? OWN,
    message: `${who} ended ${status.replace("_", " ")}. ${reason ?? ""}`.trimEnd(),
  };
}

/** The deployment as Cloudflare shows it now; if it does not while somebody waits, what is known of it. */
async function deploymentOf(
  c: Context<AppEnv>,
  deploy: Deploy,
  left: () => number,
): Promise<object> {
  const { deployment } = deploy;
  const path = [nameIn(c) ?? "", "deployments", deployment?.id ?? ""];
  for (const until = Date.now() + READ_PATIENCE_MS; left() > 0 && Date.now() < until;) {
    const answer = await askCloudflare(c, (client) => client.relay("GET", path)).catch(() => null);
    if (answer?.ok === true) {
      return allows(c.var.caller.scopes, "manage") ? answer.value : bare(answer.value);
    }
    await scheduler.wait(PAUSE_MS);
  }
  return okBody({
    ...provisional(deploy, await viewOf(c)),
    id: deployment?.id,
    short_id: deployment?.id.slice(0, 8),
    url: deployment?.url,
    aliases: deployment?.aliases ?? null,
  });
}

export async function viewOf(c: Context<AppEnv>): Promise<ProjectView> {
  const view = await askProject(c, (project) => project.view());
  return existing(view, "project_not_found", "The project is not registered any more.");
}
