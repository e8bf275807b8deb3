import { fault } from "../fault.ts";
import type { UpstreamDeployment } from "../cloudflare/schemas.ts";
import { must } from "../sql.ts";
import { backoff } from "./backoff.ts";
import type { Context } from "./context.ts";
import { emit } from "./events.ts";
import { GIVE_UP_MS } from "./leftovers.ts";
import { liveSince, toExternal } from "./live.ts";
import { slowPoll } from "./poll-plan.ts";
import { read } from "./reading.ts";
import { ids, knownOf, listBackTo, sentOf } from "./reconcile.ts";
import { openDeploys, policyOf, projectRow, type DeployRow, type ExternalRow } from "./rows.ts";
import { mayBeOurs, type Sent } from "./twin.ts";
import { call } from "./upstream.ts";

/** The watchdog comes every five minutes: so each project is looked at every ten, where the budget allows that. */
const LOOK_EVERY_MS = 9 * 60_000;
/** So far are looks spread that found no permit, so that none of very many projects has to wait for ever. */
const SPREAD_MS = 300_000;
const LOOK_AGAIN_MS = 60_000;
/** Less than what the sweep keeps, so that what it has removed is not told anew. */
const NEWS_MS = 29 * 24 * 3_600_000;

/** What is known of a project's deployments when they are listed. */
export interface Known {
  /** Whose these are is settled. */
  readonly settled: ReadonlySet<string>;
  /** Create requests that have or may have made a deployment which is not known yet. */
  readonly open: readonly { readonly baseline: readonly string[]; readonly sent: Sent }[];
  /** The newest at the first list (Cloudflare's clock); null: this is the first. */
  readonly historyUntil: number | null;
}

/**
 * The listed deployments that others made and that nobody was told of. What may be the deployment of an open create
 * request is left to those who look for that. What had ended before the first list is history.
 */
export function whatIsExternal(
  listed: readonly UpstreamDeployment[],
  known: Known,
  now: number,
): UpstreamDeployment[] {
  const perhapsOurs = new Set(
    known.open.flatMap(({ baseline, sent }) => mayBeOurs(listed, baseline, sent)),
  );
  return listed.filter((deployment) => {
    const created = Date.parse(deployment.created_on);
    const news =
      read(deployment).end === null
        ? !(created <= now - GIVE_UP_MS)
        : known.historyUntil !== null && created > Math.max(known.historyUntil, now - NEWS_MS);
    return news && !known.settled.has(deployment.id) && !perhapsOurs.has(deployment);
  });
}

/**
 * Takes from a list what it says of others' deployments. Inside the caller's transaction.
 *
 * @param askedAt when the list was asked for: what somebody wanted looked at later than that, still is
 */
export function notice(
  context: Context,
  listed: readonly UpstreamDeployment[],
  askedAt: number,
): void {
  const { sql } = context;
  const now = context.now();
  const { history_until: historyUntil } = projectRow(sql);
  for (const deployment of listed) {
    const row = openExternal(context, deployment.id);
    if (row !== null) {
      see(context, row, deployment);
    }
  }
  const known = { settled: knownOf(context, listed), open: openRequests(context), historyUntil };
  for (const deployment of whatIsExternal(listed, known, now).toReversed()) {
    add(context, deployment);
  }
  const newest = Math.max(0, ...listed.map((d) => Date.parse(d.created_on) || 0));
  sql.run(
    `UPDATE project SET listed_at = ?, history_until = COALESCE(history_until, ?),
       look_at = CASE WHEN look_at > ? THEN look_at END`,
    now,
    newest,
    askedAt,
  );
}

/** From before a request leaves until its answer is here; and where none came, for as long as twins are watched for. */
function openRequests(context: Context): Known["open"] {
  const rows = [
    ...openDeploys(context.sql).filter((d) => d.status === "submitting" && d.posted_at !== null),
    ...context.sql.all<DeployRow>(
      "SELECT d.* FROM stray_watches w JOIN deploys d ON d.id = w.deploy_id",
    ),
  ];
  return rows.flatMap((row) => {
    try {
      return [{ baseline: ids(row.baseline), sent: sentOf(context, row) }];
    } catch (error) {
      // A row that can't be read must not stop another deploy's list.
      console.error({ message: "a deploy can't be read", id: row.id, error: String(error) });
      return [];
    }
  });
}

/** What is shown of a message that somebody else wrote. */
const SHOWN_MESSAGE_CHARACTERS = 1_024;

function add(context: Context, deployment: UpstreamDeployment): void {
  const now = context.now();
  const { type, metadata } = deployment.deployment_trigger ?? {};
  const production = deployment.environment === "production";
  const branch =
    metadata?.branch ?? (production ? projectRow(context.sql).production_branch : "unknown");
  context.sql.insert("externals", {
    deployment_id: deployment.id,
    environment: production ? "production" : "preview",
    branch,
    target: production ? "production" : `preview/${branch}`,
    url: deployment.url,
    trigger_type: type ?? null,
    commit_hash: metadata?.commit_hash ?? null,
    commit_message: metadata?.commit_message?.slice(0, SHOWN_MESSAGE_CHARACTERS) ?? null,
    stage: read(deployment).stage,
    created_on: deployment.created_on,
    since: now,
    due_at: now,
  });
  const row = must(openExternal(context, deployment.id));
  emit(context, "external.started", { external: toExternal(row) });
  see(context, row, deployment);
}

/** Writes what one look at it says. */
function see(context: Context, row: ExternalRow, deployment: UpstreamDeployment): void {
  const { stages, stage, end } = read(deployment);
  const seen = change(context, row, { stage, errors: 0 });
  if (end === null) {
    lookLater(context, seen, context.now() + slowPoll(context.now() - row.since));
    return;
  }
  const live = end.status === "succeeded" && row.environment === "production";
  const liveAt = live ? (liveSince(stages) ?? context.now()) : null;
  finish(context, change(context, seen, { live_at: liveAt }), end.status as ExternalRow["outcome"]);
}

/** It is looked at again then; earlier, when it is no longer to hold its lane. */
function lookLater(context: Context, row: ExternalRow, at: number): void {
  const now = context.now();
  if (now - row.since > GIVE_UP_MS) {
    finish(context, row, "given_up");
    return;
  }
  const lets = row.since + policyOf(context.sql).deadline_seconds * 1_000;
  change(context, row, { due_at: lets > now ? Math.min(at, lets) : at });
}

function finish(context: Context, row: ExternalRow, outcome: ExternalRow["outcome"]): void {
  const ended = change(context, row, { ended_at: context.now(), due_at: null, outcome });
  emit(context, "external.ended", { external: toExternal(ended) });
}

function change(context: Context, row: ExternalRow, fields: Partial<ExternalRow>): ExternalRow {
  context.sql.update("externals", "deployment_id", row.deployment_id, fields);
  return { ...row, ...fields };
}

/** The effect: one look at a deployment of others that runs. */
export async function watchExternal(context: Context, id: string): Promise<void> {
  if (openExternal(context, id) === null) {
    return;
  }
  const { name } = projectRow(context.sql);
  const called = await call(context, "poll", (c) => c.deployment(name, id));
  fault("external.answered", context.state);
  context.change(() => {
    const row = openExternal(context, id);
    if (row === null) {
      return;
    }
    if (!called.permitted) {
      lookLater(context, row, called.until);
    } else if (called.answer.ok) {
      see(context, row, called.answer.value);
    } else if (called.answer.error.kind === "refused" && called.answer.error.status === 404) {
      finish(context, row, "deleted");
    } else {
      const { retryAfterMs } = called.answer.error;
      const pause = Math.max(retryAfterMs ?? 0, backoff(row.errors + 1, 5_000, 300_000));
      const failed = change(context, row, { errors: row.errors + 1 });
      lookLater(context, failed, context.now() + pause);
    }
  });
  fault("external.settled", context.state);
}

/** The effect: one list, for what others have started. */
export async function look(context: Context): Promise<void> {
  const askedAt = context.now();
  const listed = await listBackTo(context, [], "look", 1);
  fault("look.listed", context.state);
  context.change(() => {
    if (listed.ok) {
      notice(context, listed.value, askedAt);
      return;
    }
    const { error, until } = listed.error;
    const now = context.now();
    const again =
      error === null
        ? (until ?? now) + Math.round(Math.random() * SPREAD_MS)
        : Math.max(until ?? 0, now + LOOK_AGAIN_MS);
    // What is refused for good is left to the watchdog's next round.
    context.sql.run("UPDATE project SET look_at = ?", error?.kind === "refused" ? null : again);
  });
  fault("look.settled", context.state);
}

/** On the watchdog's round: has a project looked at whose last list is too old. */
export function lookIfDue(context: Context): void {
  const { look_at: due, listed_at: listed } = projectRow(context.sql);
  const now = context.now();
  if (due === null && (listed ?? 0) <= now - LOOK_EVERY_MS) {
    context.change(() => context.sql.run("UPDATE project SET look_at = ?", now));
  }
}

function openExternal(context: Context, id: string): ExternalRow | null {
  return context.sql.one<ExternalRow>(
    "SELECT * FROM externals WHERE deployment_id = ? AND ended_at IS NULL",
    id,
  );
}
