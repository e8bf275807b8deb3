import { fault } from "../fault.ts";
import { err, ok, type Result } from "../result.ts";
import { decideOn, NOT_GIT_CONNECTED, type AcceptInput, type Answered } from "./accept.ts";
import type { Context } from "./context.ts";
import { projectRow } from "./rows.ts";
import type { Reason } from "./reasons.ts";
import type { Refusal } from "./refusal.ts";
import type { Trigger } from "./shapes.ts";

/** A part of a delivery of which no deploy comes. */
export interface Unwanted {
  readonly trigger: Trigger;
  readonly branch: string | null;
  readonly outcome: "filtered" | "ignored";
  readonly reason: Reason;
}

/** A hook's delivery, of which each branch is a part; the hook as the edge knew it when it checked the signature. */
export interface HookDelivered {
  readonly hook: { readonly id: string; readonly revision: number };
  readonly parts: readonly (AcceptInput | Unwanted)[];
}

/** All of a delivery or nothing of it, so that what a sender repeats was either accepted or was not. */
export function acceptDelivery(
  context: Context,
  { hook, parts }: HookDelivered,
): Result<Answered[], Refusal> {
  const accepted = context.change((): Result<Answered[], Refusal> => {
    const row = context.sql.one<{ revision: number }>(
      "SELECT revision FROM hooks WHERE id = ?",
      hook.id,
    );
    if (row?.revision !== hook.revision) {
      return err({ code: "stale_revision", detail: "The hook was changed a moment ago." });
    }
    if (projectRow(context.sql).source === "direct_upload") {
      return err(NOT_GIT_CONNECTED);
    }
    context.sql.update("hooks", "id", hook.id, { last_delivery_at: context.now() });
    context.listeners.delivered();
    return ok(
      parts.map((part) =>
        "outcome" in part ? pass(context, hook.id, part) : agreedTo(decideOn(context, part)),
      ),
    );
  });
  fault("accept.committed", context.state);
  return accepted;
}

/** A build of a git project is never refused; that it is one was checked. Throwing takes back the whole delivery. */
function agreedTo(answer: Result<Answered, Refusal>): Answered {
  if (!answer.ok) {
    throw new Error(`a part of a delivery was refused: ${answer.error.code}`);
  }
  return answer.value;
}

/** Records a part of which no deploy comes. A repeated call finds it on record. */
function pass(context: Context, hookId: string, part: Unwanted): Answered {
  const { trigger, branch, outcome, reason } = part;
  const told = { id: trigger.id, outcome, reason: reason.text, reason_code: reason.code };
  context.sql.insert(
    "triggers",
    {
      ...told,
      kind: trigger.kind,
      source: trigger.source,
      branch,
      hook_id: hookId,
      delivery_id: trigger.delivery_id,
      at: context.now(),
    },
    true,
  );
  return { ...told, deploy: null, replayed: false };
}
