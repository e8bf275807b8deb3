import * as z from "zod";

import type { Delivery } from "../../delivery.ts";
import {
  branchOf,
  deliveryId,
  ignored,
  isZero,
  Message,
  Name,
  notAPush,
  parse,
  ping,
  readEvent,
  readPush,
  Ref,
  Repository,
  Sha,
} from "../reading.ts";
import type { Reading, Source } from "../source.ts";
import { formHint, signed } from "../modes.ts";
import { changedPaths, Commits } from "./paths.ts";

/** The fields of a push that are read; GitHub sends some 200. */
const Push = z.object({
  ref: Ref,
  after: Sha,
  deleted: z.boolean().optional(),
  forced: z.boolean().optional(),
  head_commit: z.object({ message: Message }).nullish(),
  commits: Commits,
  pusher: z.object({ name: Name }).nullish(),
  sender: z.object({ login: Name }).nullish(),
  repository: z.object({ full_name: Repository }),
});

/** GitHub lists no more commits than this in one push. */
const MAX_COMMITS = 2_048;

export const github: Source = {
  name: "github",
  title: "GitHub",
  kind: "git",
  events: ["push"],
  branchFrom: "ref, without refs/heads/",
  modes: {
    signature: signed(
      "X-Hub-Signature-256",
      { prefix: "sha256=" },
      {
        paste: [
          ["Payload URL", "{url}"],
          ["Content type", "application/json"],
          ["Secret", "{secret}"],
        ],
        steps: [
          "On GitHub, open the repository, then Settings, Webhooks, Add webhook.",
          "Paste Payload URL and Secret, and choose application/json as Content type.",
          "Leave SSL verification enabled.",
          "Which events: choose Just the push event.",
          "Leave Active checked and press Add webhook. GitHub sends a ping, and a green tick appears beside the webhook.",
        ],
      },
    ),
  },
  read,
};

function read(delivery: Delivery): Reading {
  const opened = readEvent(delivery, "X-GitHub-Event", formHint("GitHub"));
  if (!opened.ok) {
    return opened.reading;
  }
  const { event, json } = opened;
  const delivery_id = deliveryId(delivery.headers.get("x-github-delivery"));
  if (event === "ping") {
    return ignored(ping("GitHub"), delivery_id);
  }
  if (event !== "push") {
    return ignored(notAPush(event), delivery_id);
  }
  const parsed = parse(Push, json, "a GitHub push");
  if (!parsed.ok) {
    return parsed.reading;
  }
  const push = parsed.value;
  return readPush({
    event,
    repository: push.repository.full_name,
    delivery_id,
    changes: [
      {
        branch: branchOf(push.ref),
        deleted: push.deleted === true || isZero(push.after),
        commit_hash: push.after,
        commit_message: push.head_commit?.message ?? null,
        actor: push.pusher?.name ?? push.sender?.login ?? null,
        // A forced push takes commits away too, and those are not listed.
        paths: push.forced === true ? null : changedPaths(push.commits, MAX_COMMITS - 1),
      },
    ],
  });
}
