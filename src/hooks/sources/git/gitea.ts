import * as z from "zod";

import type { Delivery } from "../../delivery.ts";
import {
  branchOf,
  BRANCH_DELETED,
  deliveryId,
  ignored,
  isZero,
  Message,
  Name,
  notAPush,
  parse,
  readEvent,
  readPush,
  Ref,
  Repository,
  Sha,
  testSend,
} from "../reading.ts";
import type { Reading, Source } from "../source.ts";
import { formHint, signed } from "../modes.ts";
import { changedPaths, Commits } from "./paths.ts";

const User = z.object({ login: Name.nullish(), username: Name.nullish() }).nullish();
const Push = z.object({
  ref: Ref,
  before: Sha,
  after: Sha,
  head_commit: z.object({ message: Message }).nullish(),
  /** The newest few; Gitea's default is 5. Gogs has no head_commit. */
  commits: Commits,
  total_commits: z.int().nonnegative().nullish(),
  pusher: User,
  repository: z.object({ full_name: Repository }),
});
const Deletion = z.object({ ref_type: z.string().max(32) });

/** Gogs and those that grew from it, which differ in the names of their headers. */
function family(name: string, title: string, header: string, where: string): Source {
  return {
    name,
    title,
    kind: "git",
    events: ["push"],
    branchFrom: "ref, without refs/heads/",
    modes: {
      signature: signed(
        `X-${header}-Signature`,
        {},
        {
          paste: [
            ["Target URL", "{url}"],
            ["Content type", "application/json"],
            ["Secret", "{secret}"],
          ],
          steps: [
            `On ${where}, open the repository, then Settings, Webhooks, Add Webhook, ${title}.`,
            "Paste Target URL and Secret. Method: POST; content type: application/json.",
            "Trigger on: Push Events. Leave Active checked and press Add Webhook.",
            "Test Delivery is answered and deploys nothing.",
          ],
        },
      ),
    },
    read: (delivery) => read(title, header, delivery),
  };
}

export const gitea = family("gitea", "Gitea", "Gitea", "Gitea");
export const forgejo = family("forgejo", "Forgejo", "Forgejo", "Forgejo or Codeberg");
export const gogs = family("gogs", "Gogs", "Gogs", "Gogs");

function read(title: string, header: string, delivery: Delivery): Reading {
  const opened = readEvent(delivery, `X-${header}-Event`, formHint(title));
  if (!opened.ok) {
    return opened.reading;
  }
  const { event, json } = opened;
  const delivery_id = deliveryId(delivery.headers.get(`x-${header}-delivery`));
  if (event === "delete") {
    const deletion = parse(Deletion, json, `a ${title} deletion`);
    const branch = deletion.ok && deletion.value.ref_type === "branch";
    return deletion.ok
      ? ignored(branch ? BRANCH_DELETED : notAPush(event), delivery_id)
      : deletion.reading;
  }
  if (event !== "push") {
    return ignored(notAPush(event), delivery_id);
  }
  const parsed = parse(Push, json, `a ${title} push`);
  if (!parsed.ok) {
    return parsed.reading;
  }
  const push = parsed.value;
  if (push.before === push.after) {
    return ignored(testSend(title), delivery_id);
  }
  const listed = push.commits ?? [];
  const head = push.head_commit ?? listed.find(({ id }) => id === push.after);
  return readPush({
    event,
    repository: push.repository.full_name,
    delivery_id,
    changes: [
      {
        branch: branchOf(push.ref),
        deleted: isZero(push.after),
        commit_hash: push.after,
        commit_message: head?.message ?? null,
        actor: push.pusher?.login ?? push.pusher?.username ?? null,
        paths: push.total_commits === listed.length ? changedPaths(listed, Infinity) : null,
      },
    ],
  });
}
