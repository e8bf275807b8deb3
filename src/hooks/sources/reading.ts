import * as z from "zod";

import { isBranch } from "../../deploy-form/text.ts";
import type { Reason } from "../../project/reasons.ts";
import { jsonIn, type Delivery } from "../delivery.ts";
import type { HookTrigger, Reading } from "./source.ts";

/** What readers of payloads have in common. */

const BRANCH_REF = "refs/heads/";
/** Longer messages are cut: they are shown and matched, and Cloudflare takes 384 bytes of them. */
const MAX_MESSAGE = 4_096;
/** Nobody pushes more in earnest, and all of a delivery is accepted at once. */
export const MAX_BRANCHES = 200;

export const Sha = z.string().regex(/^([0-9a-f]{40}|[0-9a-f]{64})$/);
// oxlint-disable-next-line no-control-regex -- what text that is shown can do without
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;
const clean = (text: string): string => text.replaceAll(CONTROL, "").toWellFormed();
/** Text to be shown: a name, a title. */
export const Name = z.string().min(1).max(255).transform(clean);
export const Message = z.string().transform((text) => clean(text.slice(0, MAX_MESSAGE)));
export const Branch = z.string().max(255).refine(isBranch, "is no branch");
/** `owner/name`, or longer where a host has groups within groups. */
export const Repository = z
  .string()
  .max(255)
  .regex(/^[^/\p{Cc}]+(\/[^/\p{Cc}]+)+$/u)
  .refine((name) => name.isWellFormed());
/** Git allows neither control characters nor spaces in a ref, so one that has some was not written by git. */
export const Ref = z
  .string()
  .max(300)
  .regex(/^refs\/[^\p{Cc} ]+$/u)
  .refine((ref) => ref.isWellFormed());

/** The branch that a full ref names, whatever it is called; `null` for tags and the like. Stripped once: a branch may be called refs/heads/x. */
export function branchOf(ref: string): string | null {
  return ref.startsWith(BRANCH_REF) ? ref.slice(BRANCH_REF.length) : null;
}

/** All zeros, however long the repository's hashes are: git's way to say that there is none. */
export function isZero(sha: string): boolean {
  return /^0+$/.test(sha);
}

export const ignored = (reason: Reason, delivery: string | null): Reading => ({
  kind: "ignored",
  reason,
  delivery_id: delivery,
});

export const malformed = (reason: string): Reading => ({ kind: "malformed", reason });

/** What a payload must look like, or which field does not. */
export function parse<Schema extends z.ZodType>(
  schema: Schema,
  json: unknown,
  what: string,
): { ok: true; value: z.output<Schema> } | { ok: false; reading: Reading } {
  const parsed = schema.safeParse(json);
  if (parsed.success) {
    return { ok: true, value: parsed.data };
  }
  const path = parsed.error.issues[0]?.path.map(String).join(".") ?? "";
  return {
    ok: false,
    reading: malformed(`This is not ${what}: look at ${path === "" ? "the body" : path}.`),
  };
}

/** An id that a sender gives a delivery; `null` when there is none. Anything stranger than this is not looked up. */
export function deliveryId(text: string | null | undefined): string | null {
  return text != null && /^[!-~]{1,128}$/.test(text) ? text : null;
}

/** The JSON object in a body, or why there is none. */
export function readObject(
  { headers, body }: Delivery,
  formHint: string,
): { ok: true; json: object } | { ok: false; reading: Reading } {
  const type = (headers.get("content-type") ?? "").toLowerCase();
  if (/^\s*(application\/x-www-form-urlencoded|multipart\/form-data)\b/.test(type)) {
    return { ok: false, reading: { kind: "unsupported", reason: formHint } };
  }
  const json = jsonIn(body);
  if (json === undefined) {
    return { ok: false, reading: malformed("The body is not JSON in UTF-8.") };
  }
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    return { ok: false, reading: malformed("The body is not a JSON object.") };
  }
  return { ok: true, json };
}

/** The event that a header names, and the JSON object that comes with it; or why there is none. */
export function readEvent(
  delivery: Delivery,
  header: string,
  formHint: string,
): { ok: true; event: string; json: object } | { ok: false; reading: Reading } {
  const event = delivery.headers.get(header) ?? "";
  if (!/^[a-z0-9_:-]{1,64}$/.test(event)) {
    return {
      ok: false,
      reading: malformed(`${header} is missing or is not the name of an event.`),
    };
  }
  const body = readObject(delivery, formHint);
  return body.ok ? { ...body, event } : body;
}

/** What a push did to one branch or other ref. */
export interface RefChange extends Omit<HookTrigger, "branch"> {
  /** The branch's name; `null` when the ref is no branch. */
  readonly branch: string | null;
  readonly deleted: boolean;
}

/** A push to any number of refs. When nothing of it can be deployed, that is the reading. */
export function readPush(push: {
  readonly event: string;
  readonly repository: string;
  readonly delivery_id: string | null;
  readonly changes: readonly RefChange[];
}): Reading {
  const { event, repository, delivery_id, changes } = push;
  const triggers: HookTrigger[] = [];
  const passed_over: { branch: string; reason: Reason }[] = [];
  for (const { deleted, ...trigger } of changes) {
    const { branch } = trigger;
    if (branch !== null && !isBranch(branch)) {
      return malformed("This push is to a branch whose name git does not allow.");
    }
    if (branch !== null && deleted) {
      passed_over.push({ branch, reason: BRANCH_DELETED });
    } else if (branch !== null) {
      triggers.push(trigger);
    }
  }
  if (triggers.length > MAX_BRANCHES) {
    return malformed(
      `This push is to ${triggers.length} branches; ${MAX_BRANCHES} are taken at once.`,
    );
  }
  if (triggers.length === 0) {
    const [deleted] = passed_over;
    return ignored(deleted?.reason ?? NOT_A_BRANCH, delivery_id);
  }
  return { kind: "triggers", event, repository, triggers, passed_over, delivery_id };
}

export const BRANCH_DELETED: Reason = {
  code: "branch_deleted",
  text: "The branch was deleted, so there is nothing to deploy.",
};
const NOT_A_BRANCH: Reason = {
  code: "not_a_branch",
  text: "The push was not to a branch; only branches are deployed.",
};

export const ping = (title: string): Reason => ({
  code: "ping",
  text: `${title}'s ping arrived; the webhook is set up right.`,
});

export const notAPush = (event: string): Reason => ({
  code: "not_a_push",
  text: `The event is ${event}; only a push starts a deploy.`,
});

export const testSend = (title: string): Reason => ({
  code: "test",
  text: `${title}'s test arrived; the webhook is set up right, and a test deploys nothing.`,
});
