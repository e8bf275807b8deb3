import type { Context } from "hono";

import { newId } from "../ids.ts";
import { agreed } from "../problem.ts";
import type { AcceptInput } from "../project/accept.ts";
import type { Run } from "../project/runs.ts";
import type { Accepted } from "../project/shapes.ts";
import { sha256, toHex, utf8 } from "../security/encoding.ts";
import { askProject, type AppEnv } from "./context.ts";

/** What a deploy is to be made of, as read from a request. */
export type Wanted = Pick<AcceptInput, "kind" | "branch" | "form" | "content_hash" | "upload"> & {
  /** Tells this request's content from another's, for its Idempotency-Key. */
  readonly content: string;
};

/** What the request says of the deploy beside its content. */
export interface Asked {
  readonly door: "api" | "gateway";
  readonly idempotency_key: string | undefined;
  readonly not_before: number | null;
  readonly refuse_locked: boolean;
  /** The client itself says that it has sent this before. */
  readonly again: boolean;
  readonly run: Run | null;
}

export interface Agreement {
  readonly accepted: Accepted;
  /** The answer is the one that an earlier request with the same Idempotency-Key got. */
  readonly replayed: boolean;
}

/** Hands a trigger of this API to its project. All ids are made here, so that the call can be repeated. */
export async function acceptDeploy(
  c: Context<AppEnv>,
  wanted: Wanted,
  { door, idempotency_key: idempotencyKey, not_before, refuse_locked, again, run }: Asked,
): Promise<Agreement> {
  const { content, ...what } = wanted;
  const keyed = idempotencyKey !== undefined;
  const input: AcceptInput = {
    ...what,
    deploy_id: newId("dpl"),
    trigger: {
      id: newId("trg"),
      kind: door,
      source: door,
      actor: c.var.caller.token,
      delivery_id: null,
      reader: c.var.caller.reader ?? null,
    },
    dedupe_key: keyed ? `idem/${idempotencyKey}` : null,
    fingerprint:
      keyed || door === "gateway"
        ? await fingerprint(`${c.req.method} ${c.req.path}\n${content}`)
        : null,
    again,
    stored_upload: null,
    hook_id: null,
    not_before,
    refuse_locked,
    run,
    retry_of: null,
  };
  const answer = agreed(await askProject(c, (project) => project.accept(input)));
  return { accepted: shown(answer), replayed: answer.id !== input.trigger.id };
}

/** The answer without what only the edge needs to know. */
export function shown({ id, outcome, reason, reason_code, deploy }: Accepted): Accepted {
  return { id, outcome, reason, reason_code, deploy };
}

async function fingerprint(text: string): Promise<string> {
  return toHex(await sha256(utf8(text)));
}
