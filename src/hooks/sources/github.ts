import * as z from "zod";
import type { Reading, Source } from "./source.ts";

const BRANCH_REF = "refs/heads/";
/** Longer messages are cut: they are shown and matched, and Cloudflare takes 384 bytes of them. */
const MAX_MESSAGE = 4096;

const Sha = z.string().regex(/^([0-9a-f]{40}|[0-9a-f]{64})$/);
const Name = z.string().min(1).max(255);
/** Git allows neither control characters nor spaces in a ref, so one that has some was not written by git. */
const Ref = z
  .string()
  .max(300)
  .regex(/^refs\/[^\p{Cc} ]+$/u)
  .refine((ref) => ref.isWellFormed());

/** The fields of a push that are read; GitHub sends some 200. */
const Push = z.object({
  ref: Ref,
  after: Sha,
  deleted: z.boolean().optional(),
  head_commit: z.object({ message: z.string() }).nullish(),
  pusher: z.object({ name: Name }).nullish(),
  sender: z.object({ login: Name }).nullish(),
  repository: z.object({
    full_name: z
      .string()
      .max(255)
      .regex(/^[^/\s]+\/[^/\s]+$/),
    default_branch: Name.optional(),
  }),
});

export const github: Source = {
  name: "github",
  title: "GitHub",
  scheme: { header: "X-Hub-Signature-256", prefix: "sha256=", hash: "SHA-256", encoding: "hex" },
  formHint:
    "GitHub sent a form. In the webhook's settings at GitHub, set Content type to application/json.",
  setup: [
    "On GitHub, open the repository, then Settings, Webhooks, Add webhook.",
    "Payload URL: paste the url of this answer.",
    "Content type: choose application/json.",
    "Secret: paste the secret of this answer. It is shown only this once.",
    "Leave SSL verification enabled.",
    "Which events: choose Just the push event.",
    "Leave Active checked and press Add webhook. GitHub sends a ping, and a green tick appears beside the webhook.",
  ],
  read,
};

function read(headers: Headers, json: unknown): Reading {
  const event = headers.get("x-github-event") ?? "";
  if (!/^[a-z0-9_]{1,64}$/.test(event)) {
    return malformed("X-GitHub-Event is missing or is not the name of an event.");
  }
  const delivery = headers.get("x-github-delivery");
  if (delivery !== null && !/^[0-9A-Za-z-]{1,64}$/.test(delivery)) {
    return malformed("X-GitHub-Delivery is not a delivery id.");
  }
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    return malformed("The body is not a JSON object.");
  }
  const ignored = (reason_code: string, reason: string): Reading => ({
    kind: "ignored",
    reason,
    reason_code,
    delivery_id: delivery,
  });
  if (event === "ping") {
    return ignored("ping", "GitHub's ping arrived; the webhook is set up right.");
  }
  if (event !== "push") {
    return ignored("not_a_push", `The event is ${event}; only a push starts a deploy.`);
  }
  const parsed = Push.safeParse(json);
  if (!parsed.success) {
    const path = parsed.error.issues[0]?.path.map(String).join(".");
    return malformed(`This is not a GitHub push: look at ${path ?? "the body"}.`);
  }
  const push = parsed.data;
  if (!push.ref.startsWith(BRANCH_REF)) {
    return ignored("not_a_branch", "The push was not to a branch; only branches are deployed.");
  }
  if (push.deleted === true || /^0+$/.test(push.after)) {
    return ignored("branch_deleted", "The branch was deleted, so there is nothing to deploy.");
  }
  const branch = push.ref.slice(BRANCH_REF.length);
  if (branch === "") {
    return malformed("This is not a GitHub push: ref names no branch.");
  }
  const { default_branch } = push.repository;
  return {
    kind: "triggers",
    repository: push.repository.full_name,
    triggers: [
      {
        branch,
        commit_hash: push.after,
        commit_message: push.head_commit?.message.slice(0, MAX_MESSAGE).toWellFormed() ?? null,
        actor: push.pusher?.name ?? push.sender?.login ?? null,
        ...(default_branch !== undefined && { default_branch }),
      },
    ],
    delivery_id: delivery,
  };
}

function malformed(reason: string): Reading {
  return { kind: "malformed", reason };
}
