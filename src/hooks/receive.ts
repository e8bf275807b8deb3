import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";

import { shown } from "../api/accept.ts";
import { keyIn, nameIn, askProject, type Api, type AppEnv } from "../api/context.ts";
import { json, openRefusals } from "../api/responses.ts";
import { checkDeclaredSize, readBody } from "../body.ts";
import { newId } from "../ids.ts";
import { agreed, existing, Problem } from "../problem.ts";
import type { AcceptInput } from "../project/accept.ts";
import type { Reason } from "../project/reasons.ts";
import { Outcome, type Accepted, type Trigger } from "../project/shapes.ts";
import { checkHookSegment } from "../security/hook-url.ts";
import { hookCache, type KnownHook } from "./cache.ts";
import { decide, type Decision, type Ruled } from "./decide.ts";
import { noteRefusal } from "./refusals.ts";
import { findSource } from "./sources/index.ts";
import type { HookTrigger } from "./sources/source.ts";

/** Git hosts list up to 2,000 commits in one push. */
const MAX_BODY = 5 * 1_048_576;
/** One look at what is known, one when that was doubtful, one when the hook was changed in between. */
const LOOKS = 3;

const Answer = z
  .object({
    id: z
      .string()
      .openapi({ description: "Of the trigger; of the first, when there are several." }),
    results: z.array(
      z.object({
        id: z.string(),
        branch: z.string(),
        outcome: Outcome,
        reason: z.string().nullable(),
        reason_code: z.string().nullable(),
        deploy_id: z.string().nullable(),
      }),
    ),
    reason: z.string().nullable().openapi({ description: "Why there is nothing to deploy." }),
    reason_code: z.string().nullable(),
  })
  .openapi("HookAnswer");
type Answer = z.infer<typeof Answer>;

const receive = createRoute({
  method: "post",
  path: "/hooks/{project}/{segment}",
  operationId: "receiveHook",
  summary: "Where a hook's sender delivers",
  description: "The address comes from making the hook. The sender signs, so there is no token.",
  tags: ["Hooks"],
  security: [],
  request: {
    params: z.object({ project: z.string(), segment: z.string() }),
    body: { content: { "application/json": { schema: { type: "object" } } } },
  },
  responses: {
    200: json(Answer, "Nothing was queued; the reason says why."),
    202: json(Answer, "At least one deploy was queued."),
    ...openRefusals(
      "missing_signature",
      "malformed_signature",
      "bad_signature",
      "wrong_repository",
      "hook_not_found",
      "not_git_connected",
      "body_too_large",
      "upload_incomplete",
      "unsupported_media_type",
      "payload_invalid",
    ),
  },
});

export function hookDoor(api: Api): void {
  api.openapi(receive, async (c) => {
    checkDeclaredSize(c.req.raw, MAX_BODY);
    const address = { project: keyIn(c), id: await hookIn(c) };
    let hook = await look(c, address, false);
    const body = await readBody(c.req.raw, MAX_BODY);
    const mint = minting();
    for (let n = 1; n <= LOOKS; n++) {
      const source = existing(findSource(hook.source), "hook_not_found", NO_HOOK);
      const decision = await decide(hook, source, c.req.raw.headers, body);
      if ("doubtful" in decision && decision.doubtful && !hook.fresh) {
        hook = await look(c, address, true);
        continue;
      }
      const answer = await act(c, hook, decision, mint);
      if (answer !== "stale") {
        return c.json(answer, answer.results.some(isQueued) ? 202 : 200);
      }
      hookCache.forget(hook.id);
      hook = await look(c, address, true);
    }
    throw new Problem("unavailable", "The hook is being changed. Send the delivery again.", {
      headers: { "retry-after": "1" },
    });
  });
}

const NO_HOOK = "There is no such hook.";

/** The hook that the URL was made for. A made-up URL gets the same answer as a hook that was deleted. */
async function hookIn(c: Context<AppEnv>): Promise<string> {
  const segment = c.req.param("segment") ?? "";
  const id =
    nameIn(c) === null ? null : await checkHookSegment(c.var.config.keyring, keyIn(c), segment);
  return existing(id, "hook_not_found", NO_HOOK);
}

async function look(
  c: Context<AppEnv>,
  address: { readonly project: string; readonly id: string },
  again: boolean,
): Promise<KnownHook> {
  const hook = await hookCache.find(c.env, c.var.config, address, again);
  return existing(hook, "hook_not_found", NO_HOOK);
}

async function act(
  c: Context<AppEnv>,
  hook: KnownHook,
  decision: Decision,
  mint: Mint,
): Promise<Answer | "stale"> {
  switch (decision.kind) {
    case "refused": {
      const { problem } = decision;
      if (problem.status === 401 || problem.status === 403) {
        await noteRefusal(c.env, { project: keyIn(c), id: hook.id }, problem);
      }
      throw problem;
    }
    case "ignored": {
      const trigger = triggerOf(hook, mint("").trigger, null, decision.delivery);
      await record(c, trigger, "ignored", decision.reason);
      const { code, text } = decision.reason;
      return { id: trigger.id, results: [], reason: text, reason_code: code };
    }
    case "triggers": {
      const results: Answer["results"] = [];
      for (const ruled of decision.triggers) {
        const accepted = await admit(c, hook, ruled, decision.delivery, mint);
        if (accepted === "stale") {
          return "stale";
        }
        const { deploy, ...told } = accepted;
        const { branch } = ruled.trigger;
        results.push({ ...told, branch, deploy_id: deploy?.id ?? null });
      }
      return { id: results[0]?.id ?? mint("").trigger, results, reason: null, reason_code: null };
    }
  }
}

async function admit(
  c: Context<AppEnv>,
  hook: KnownHook,
  { trigger, against }: Ruled,
  delivery: string | null,
  mint: Mint,
): Promise<Accepted | "stale"> {
  const ids = mint(trigger.branch);
  const from = triggerOf(hook, ids.trigger, trigger.actor, delivery);
  if (against !== null) {
    return record(c, from, "filtered", against);
  }
  const input = inputOf(hook, trigger, from, ids.deploy);
  const result = await askProject(c, (project) => project.accept(input));
  return !result.ok && result.error.code === "stale_revision" ? "stale" : shown(agreed(result));
}

async function record(
  c: Context<AppEnv>,
  trigger: Trigger,
  outcome: "filtered" | "ignored",
  reason: Reason,
): Promise<Accepted> {
  const recorded = await askProject(c, (project) => project.filtered(trigger, outcome, reason));
  return existing(recorded, "hook_not_found", NO_HOOK);
}

function inputOf(
  hook: KnownHook,
  { branch, commit_hash, commit_message }: HookTrigger,
  trigger: Trigger,
  deployId: string,
): AcceptInput {
  const { delivery_id: delivery } = trigger;
  return {
    deploy_id: deployId,
    trigger,
    dedupe_key: delivery === null ? null : `${hook.id}/${delivery}/${branch}`,
    fingerprint: null,
    kind: "build",
    branch,
    form: { branch, commit_hash, ...(commit_message !== null && { commit_message }) },
    content_hash: `build/${branch}/${commit_hash}`,
    upload: null,
    stored_upload: null,
    hook: { id: hook.id, revision: hook.revision },
    retry_of: null,
  };
}

function triggerOf(
  hook: KnownHook,
  id: string,
  actor: string | null,
  delivery: string | null,
): Trigger {
  return { id, kind: "hook", source: hook.source, actor, delivery_id: delivery };
}

/** The ids for one branch of a delivery: the same whenever it is tried again. */
type Mint = (branch: string) => { readonly trigger: string; readonly deploy: string };

function minting(): Mint {
  const minted = new Map<string, ReturnType<Mint>>();
  return (branch) => {
    const ids = minted.get(branch) ?? { trigger: newId("trg"), deploy: newId("dpl") };
    minted.set(branch, ids);
    return ids;
  };
}

function isQueued({ outcome }: Answer["results"][number]): boolean {
  return outcome === "queued" || outcome === "held" || outcome === "coalesced";
}
