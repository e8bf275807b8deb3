import { fault } from "../fault.ts";
import { err, ok, type Result } from "../result.ts";
import { must } from "../sql.ts";
import { askApproval } from "./approval.ts";
import type { Context } from "./context.ts";
import { alter, emitDeploy, move, toDeploy } from "./deploys.ts";
import { isHeld } from "./hold.ts";
import { line } from "./line.ts";
import { lockOn } from "./locks.ts";
import { quietPeriod, type Quiet } from "./quiet.ts";
import { overtakenRun, type Run } from "./runs.ts";
import { getDeploy, policyOf, projectRow, takeNumber, type DeployRow } from "./rows.ts";
import { buildForm, type Form } from "./form.ts";
import { reasons, type Reason } from "./reasons.ts";
import type { Refusal } from "./refusal.ts";
import type { Accepted, Asker, DeployKind, Outcome } from "./shapes.ts";
import type { Environment } from "./policy.ts";
import { overtakenBy, stopRunning, supersedeWaiting } from "./supersede.ts";
import { letRead } from "./trust.ts";
import { dropUpload, keepUpload, sealUpload, uploadNumber, type UploadSeal } from "./uploads.ts";

/** A trigger as a door hands it over, checked, with ids minted at the edge so that repeating the call is harmless. */
export interface AcceptInput {
  readonly deploy_id: string;
  readonly trigger: Asker;
  /** Two triggers with the same key are one: the hook's delivery and branch, or the caller's Idempotency-Key. */
  readonly dedupe_key: string | null;
  /** What an Idempotency-Key was first used for; another use of it is refused. */
  readonly fingerprint: string | null;
  readonly kind: DeployKind;
  /** null: the project's production branch. */
  readonly branch: string | null;
  readonly form: Form;
  /** Equal content joins a deploy that has not started. null: never. */
  readonly content_hash: string | null;
  readonly upload: UploadSeal | null;
  /** A retry sends the stored body of the deploy it repeats. */
  readonly stored_upload: string | null;
  readonly hook_id: string | null;
  /** Not to start before this time. */
  readonly not_before?: number | null;
  /** A hook's own quiet period, in seconds; null: the project's. Only hooks' deploys have one. */
  readonly quiet_seconds?: number | null;
  /** The caller would rather be refused than wait for a lock. */
  readonly refuse_locked?: boolean;
  readonly retry_of: string | null;
  /** The preview whose upload this publishes. */
  readonly promoted_from?: string | null;
  /** The run of a CI workflow that asks for it: an older one than was there before is superseded. */
  readonly run?: Run | null;
  /** Its sender says that it has sent this before: what the earlier one got is the answer. */
  readonly again?: boolean;
}

export interface Answered extends Accepted {
  /** The same trigger (or the same Idempotency-Key) had been accepted before; this is what it was told. */
  readonly replayed: boolean;
}

export const NOT_GIT_CONNECTED: Refusal = {
  code: "not_git_connected",
  detail:
    "This Pages project is not connected to a git repository, so there is no branch to build. Send the multipart form with a manifest instead.",
};

interface TriggerRow {
  id: string;
  fingerprint: string | null;
  outcome: Outcome;
  reason: string | null;
  reason_code: string | null;
  deploy_id: string | null;
}

/** Longer than any client goes on sending the same again. */
const AGAIN_MS = 10 * 60_000;

/** Turns a trigger into a deploy, or says why not. One transaction: what is answered is durable. */
export function accept(context: Context, input: AcceptInput): Result<Answered, Refusal> {
  const accepted = context.change(() => {
    const decided = decideOn(context, input);
    if (decided.ok) {
      letRead(context, input.trigger.reader, decided.value.deploy?.id);
    }
    return decided;
  });
  fault("accept.committed", context.state);
  return accepted;
}

/** The decision itself, for callers that are in a transaction. */
export function decideOn(context: Context, input: AcceptInput): Result<Answered, Refusal> {
  const { sql } = context;
  const again = sql.one<TriggerRow>("SELECT * FROM triggers WHERE id = ?", input.trigger.id);
  if (again !== null) {
    return ok({ ...answer(context, again), replayed: true });
  }
  const seen =
    input.dedupe_key === null
      ? null
      : sql.one<TriggerRow>("SELECT * FROM triggers WHERE dedupe_key = ?", input.dedupe_key);
  if (seen !== null) {
    return repeat(context, input, seen);
  }
  const earlier =
    input.again === true
      ? sql.one<TriggerRow>(
          "SELECT * FROM triggers WHERE at > ? AND kind = ? AND fingerprint = ? ORDER BY at DESC",
          context.now() - AGAIN_MS,
          input.trigger.kind,
          input.fingerprint,
        )
      : null;
  if (earlier !== null) {
    return repeat(context, input, earlier);
  }
  const project = projectRow(sql);
  if (input.kind === "build" && project.source === "direct_upload") {
    return err(NOT_GIT_CONNECTED);
  }
  return admit(context, input, project.production_branch);
}

function admit(
  context: Context,
  input: AcceptInput,
  productionBranch: string,
): Result<Answered, Refusal> {
  const { sql } = context;
  const branch = input.branch ?? productionBranch;
  const environment: Environment = branch === productionBranch ? "production" : "preview";
  const target = environment === "production" ? "production" : `preview/${branch}`;

  const lock = input.refuse_locked === true ? lockOn(context, environment) : null;
  if (lock !== null) {
    const until = lock.until === null ? "" : ` until ${lock.until}`;
    return err({
      code: "locked",
      detail: `${lock.environment ?? "Everything"} is locked${until} by ${lock.holder}: ${lock.reason}`,
    });
  }

  // The index is named: SQLite would take the one by target, and read every deploy the target ever had.
  const twin =
    input.content_hash === null
      ? null
      : sql.one<DeployRow>(
          "SELECT * FROM deploys INDEXED BY deploys_open WHERE ended_at IS NULL AND status = 'queued' AND target = ? AND content_hash = ? ORDER BY number DESC",
          target,
          input.content_hash,
        );
  if (twin !== null) {
    if (input.upload !== null) {
      dropUpload(context, input.upload.id);
    }
    if (twin.quiet_since !== null) {
      alter(context, twin, quietOf(context, input, twin.quiet_since) ?? {});
    }
    return ok(record(context, input, branch, "coalesced", reasons.coalesced(twin.number), twin.id));
  }

  let number: number;
  if (input.upload === null) {
    number = takeNumber(sql);
  } else {
    const sealed = sealUpload(context, input.upload);
    if (!sealed) {
      return err({
        code: "upload_incomplete",
        detail: "The uploaded body did not arrive whole. Send it again.",
      });
    }
    number = uploadNumber(sql, input.upload.id);
  }

  if (input.stored_upload !== null) {
    keepUpload(context, input.stored_upload);
  }
  const quiet = quietOf(context, input, quietSince(context, target));
  const place = { number, branch, environment, target, ...quiet };
  const row = insertDeploy(context, input, place);
  emitDeploy(context, "deploy.queued", row);

  const overtaken =
    (input.run == null ? null : overtakenRun(context, row, input.run)) ?? overtakenBy(context, row);
  if (overtaken !== null) {
    const ended = move(context, row, "superseded", {
      why: overtaken.reason,
      superseded_by: overtaken.id,
    });
    const why = { code: ended.reason_code ?? "", text: ended.reason ?? "" };
    return ok(record(context, input, branch, "superseded", why, row.id));
  }
  const policy = policyOf(sql);
  if (policy.mode === "supersede") {
    supersedeWaiting(context, row);
    if (policy.cancel_running) {
      stopRunning(context, row);
    }
  }
  if (policy.approval.environments.includes(environment)) {
    askApproval(context, row, policy.approval.expires_hours);
  }
  const wait = line(sql, context.now()).waits.get(row.id);
  return wait !== undefined && isHeld(wait)
    ? ok(record(context, input, branch, "held", reasons.waits(wait), row.id))
    : ok(record(context, input, branch, "queued", null, row.id));
}

/** Only a hook's triggers come in bursts that nobody waits for. */
function quietOf(context: Context, input: AcceptInput, since: number | null): Quiet | null {
  return input.trigger.kind === "hook"
    ? quietPeriod(
        policyOf(context.sql).quiet_period,
        input.quiet_seconds ?? null,
        since,
        context.now(),
      )
    : null;
}

/** When the first of the triggers came that wait in this target's quiet period. */
function quietSince(context: Context, target: string): number | null {
  return (
    context.sql.one<{ since: number | null }>(
      `SELECT MIN(quiet_since) AS since FROM deploys INDEXED BY deploys_open
       WHERE ended_at IS NULL AND status = 'queued' AND target = ?`,
      target,
    )?.since ?? null
  );
}

/** What is shown of a message, and goes into every event of the deploy. */
const SHOWN_MESSAGE_CHARACTERS = 1_024;

function insertDeploy(
  context: Context,
  input: AcceptInput,
  place: {
    number: number;
    branch: string;
    environment: Environment;
    target: string;
  } & Partial<Quiet>,
): DeployRow {
  const form =
    input.kind === "build" ? buildForm(input.form, place.branch, input.deploy_id) : input.form;
  const { commit_dirty: dirty } = form;
  context.sql.insert("deploys", {
    id: input.deploy_id,
    ...place,
    kind: input.kind,
    status: "queued",
    trigger_id: input.trigger.id,
    trigger_kind: input.trigger.kind,
    trigger_source: input.trigger.source,
    trigger_actor: input.trigger.actor,
    delivery_id: input.trigger.delivery_id,
    commit_hash: form.commit_hash ?? null,
    commit_message: form.commit_message?.slice(0, SHOWN_MESSAGE_CHARACTERS) ?? null,
    commit_dirty: dirty === undefined ? null : Number(dirty),
    form: JSON.stringify(form),
    content_hash: input.content_hash,
    upload_id: input.upload?.id ?? input.stored_upload,
    created_at: context.now(),
    retry_of: input.retry_of,
    promoted_from: input.promoted_from ?? null,
    not_before: input.not_before ?? null,
  });
  return must(getDeploy(context.sql, input.deploy_id));
}

/** A second trigger under a known key makes no second deploy. */
function repeat(context: Context, input: AcceptInput, seen: TriggerRow): Result<Answered, Refusal> {
  if (input.upload !== null) {
    dropUpload(context, input.upload.id);
  }
  if (input.trigger.kind === "hook") {
    return ok(
      record(
        context,
        { ...input, dedupe_key: null },
        null,
        "duplicate",
        reasons.duplicate(),
        seen.deploy_id,
      ),
    );
  }
  if (seen.fingerprint !== input.fingerprint) {
    return err({
      code: "idempotency_mismatch",
      detail: "This Idempotency-Key was used for another request. Use a new key for a new request.",
    });
  }
  return ok({ ...answer(context, seen), replayed: true });
}

function record(
  context: Context,
  input: AcceptInput,
  branch: string | null,
  outcome: Outcome,
  reason: Reason | null,
  deployId: string | null,
): Answered {
  const row: TriggerRow = {
    id: input.trigger.id,
    fingerprint: input.fingerprint,
    outcome,
    reason: reason?.text ?? null,
    reason_code: reason?.code ?? null,
    deploy_id: deployId,
  };
  context.sql.insert("triggers", {
    ...row,
    dedupe_key: input.dedupe_key,
    kind: input.trigger.kind,
    source: input.trigger.source,
    branch,
    hook_id: input.hook_id,
    delivery_id: input.trigger.delivery_id,
    at: context.now(),
  });
  return { ...answer(context, row), replayed: false };
}

/** The answer to a trigger. A deploy that waits gives its own reason, since that changes while it waits. */
function answer(context: Context, row: TriggerRow): Accepted {
  const deploy = row.deploy_id === null ? null : getDeploy(context.sql, row.deploy_id);
  const shown = deploy === null ? null : toDeploy(context, deploy);
  return {
    id: row.id,
    outcome: row.outcome,
    reason: row.reason ?? shown?.reason ?? null,
    reason_code: row.reason_code ?? shown?.reason_code ?? null,
    deploy: shown,
  };
}
