import * as z from "zod";
import type { Context } from "hono";

import { keyIn, nameIn, askProject, type Api, type AppEnv } from "../api/context.ts";
import { json, openRefusals } from "../api/responses.ts";
import { createRoute } from "../api/route.ts";
import { checkDeclaredSize, readBody } from "../body.ts";
import { newId } from "../ids.ts";
import { agreed, existing, Problem } from "../problem.ts";
import type { Answered } from "../project/accept.ts";
import type { HookDelivered } from "../project/hook-delivery.ts";
import { cutBytes } from "../project/form.ts";
import { hookSeal } from "../project/hooks.ts";
import { reasons } from "../project/reasons.ts";
import { Outcome, type Trigger } from "../project/shapes.ts";
import type { Bytes } from "../security/encoding.ts";
import { checkHookSegment } from "../security/hook-url.ts";
import { hookCache, type KnownHook } from "./cache.ts";
import { decide, type Decision, type Part } from "./decide.ts";
import type { Delivery } from "./delivery.ts";
import { noteRefusal } from "./refusals.ts";
import { provenBy } from "./sources/index.ts";

/** Git hosts list up to 2,000 commits in one push; nobody else has so much to say. */
const GIT_BODY = 5 * 1_048_576;
const OTHER_BODY = 1_048_576;
/** So that the mark behind it is within what Cloudflare keeps of a message. */
const MARKED_BYTES = 320;
/** One look at what is known, one when that was doubtful, one when the hook was changed in between. */
const LOOKS = 3;

const Answer = z
  .object({
    id: z.string().meta({ description: "Of the trigger; of the first, when there are several." }),
    results: z.array(
      z.object({
        id: z.string(),
        branch: z.string().nullable().meta({ description: "null: the production branch." }),
        outcome: Outcome,
        reason: z.string().nullable(),
        reason_code: z.string().nullable(),
        deploy_id: z.string().nullable(),
      }),
    ),
    reason: z.string().nullable().meta({ description: "Why there is nothing to deploy." }),
    reason_code: z.string().nullable(),
  })
  .meta({ id: "HookAnswer" });
type Answer = z.infer<typeof Answer>;

const receive = createRoute({
  method: "post",
  path: "/hooks/{project}/{segment}",
  operationId: "receiveHook",
  summary: "Where a hook's sender delivers",
  description:
    "The address comes from making the hook. The sender proves itself as the hook's source says, so there is no token. A few senders count 200 alone as accepted and get that.",
  tags: ["Hooks"],
  security: [],
  request: {
    params: z.object({ project: z.string(), segment: z.string() }),
    body: { content: { "application/json": { schema: {} } } },
  },
  responses: {
    200: json(Answer, "Nothing was queued; the reason says why."),
    202: json(Answer, "At least one deploy was queued."),
    ...openRefusals(
      "missing_signature",
      "malformed_signature",
      "bad_signature",
      "timestamp_out_of_range",
      "secret_awaited",
      "wrong_repository",
      "hook_not_found",
      "not_git_connected",
      "body_too_large",
      "upload_incomplete",
      "body_timeout",
      "unsupported_media_type",
      "payload_invalid",
      "too_many_refusals",
    ),
  },
});

export function hookDoor(api: Api): void {
  api.openapi(receive, async (c) => {
    checkDeclaredSize(c.req.raw, GIT_BODY);
    const address = { project: keyIn(c), id: await hookIn(c) };
    let hook = await look(c, address, false);
    const { source, scheme } = provenBy(hook);
    const body = await readBody(c.req.raw, source.kind === "git" ? GIT_BODY : OTHER_BODY);
    const delivery = deliveryOf(c, body);
    const mint = minting();
    for (let n = 1; n <= LOOKS; n++) {
      const decision = await decide(hook, source, scheme, delivery, Date.now());
      if ("doubtful" in decision && decision.doubtful && !hook.fresh) {
        hook = await look(c, address, true);
        continue;
      }
      const answer = await act(c, hook, decision, mint);
      if (answer !== "stale") {
        const status = answer.results.some(isQueued) ? (source.status ?? 202) : 200;
        return c.json(answer, status);
      }
      hookCache.forget(address);
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

function deliveryOf(c: Context<AppEnv>, body: Bytes): Delivery {
  const { pathname: path, search } = new URL(c.req.url);
  return { method: c.req.method, path, search, headers: c.req.raw.headers, body };
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
    case "handshake": {
      const sealed = await c.var.config.keyring.seal(hookSeal(keyIn(c), hook.id), decision.secret);
      const taken = await askProject(c, (p) => p.takeSecret(hook.id, sealed));
      hookCache.forget({ project: keyIn(c), id: hook.id });
      const { code, text } = reasons.secretReceived();
      return taken
        ? { id: mint("").trigger, results: [], reason: text, reason_code: code }
        : "stale";
    }
    case "pinged": {
      const { code, text } = decision.reason;
      return { id: mint("").trigger, results: [], reason: text, reason_code: code };
    }
    case "ignored":
    case "look": {
      const { reason } = decision;
      const { trigger: id } = mint("");
      const trigger = triggerOf(hook, id, null, decision.delivery);
      const part = { trigger, branch: null, outcome: "ignored", reason } as const;
      const recorded = await hand(c, hook, [part]);
      if (recorded === "stale") {
        return "stale";
      }
      if (decision.kind === "look") {
        await askProject(c, (p) => p.look());
      }
      return { id, results: [], reason: reason.text, reason_code: reason.code };
    }
    case "triggers": {
      const { delivery } = decision;
      const parts = decision.parts.map((part) => handedOver(hook, part, delivery, mint));
      const answers = await hand(c, hook, parts);
      if (answers === "stale") {
        return "stale";
      }
      const results = answers.map((answer, n) => {
        const { id, outcome, reason, reason_code, deploy } = answer;
        const branch = deploy?.branch ?? decision.parts[n]?.branch ?? null;
        return { id, branch, outcome, reason, reason_code, deploy_id: deploy?.id ?? null };
      });
      return { id: results[0]?.id ?? "", results, reason: null, reason_code: null };
    }
  }
}

/** The whole delivery in one call, so that none of it or all of it is accepted. */
async function hand(
  c: Context<AppEnv>,
  { id, revision }: KnownHook,
  parts: HookDelivered["parts"],
): Promise<Answered[] | "stale"> {
  const result = await askProject(c, (p) => p.acceptDelivery({ hook: { id, revision }, parts }));
  if (!result.ok && result.error.code === "project_not_found") {
    throw new Problem("hook_not_found", NO_HOOK); // Its project was removed since it was looked up.
  }
  return !result.ok && result.error.code === "stale_revision" ? "stale" : agreed(result);
}

function handedOver(
  hook: KnownHook,
  part: Part,
  delivery: string | null,
  mint: Mint,
): HookDelivered["parts"][number] {
  const { branch } = part;
  const ids = mint(branch ?? "");
  if (part.outcome !== "deploy") {
    const { outcome, reason } = part;
    return { trigger: triggerOf(hook, ids.trigger, null, delivery), branch, outcome, reason };
  }
  const { commit_hash: hash, commit_message: message, actor } = part.trigger;
  return {
    deploy_id: ids.deploy,
    trigger: triggerOf(hook, ids.trigger, actor, delivery),
    dedupe_key: delivery === null ? null : `${hook.id}/${delivery}/${branch ?? ""}`,
    fingerprint: null,
    kind: "build",
    branch,
    form: {
      ...(branch !== null && { branch }),
      ...(hash !== null && { commit_hash: hash }),
      ...(message !== null && {
        commit_message: hash === null ? marked(message, ids.deploy) : message,
      }),
    },
    // Without a commit nothing says that two deliveries mean the same content.
    content_hash: hash === null ? null : `build/${branch}/${hash}`,
    upload: null,
    stored_upload: null,
    hook_id: hook.id,
    quiet_seconds: hook.settings.quiet_period_seconds,
    retry_of: null,
  };
}

/** Without a commit, only its message can tell a deployment from others of the branch. */
function marked(message: string, deployId: string): string {
  return `${cutBytes(message, MARKED_BYTES)} [${deployId}]`;
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
