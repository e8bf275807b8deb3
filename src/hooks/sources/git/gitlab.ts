import * as z from "zod";

import type { Delivery } from "../../delivery.ts";
import {
  branchOf,
  deliveryId,
  ignored,
  isZero,
  Name,
  notAPush,
  parse,
  readObject,
  readPush,
  Ref,
  Repository,
  Sha,
} from "../reading.ts";
import type { Reading, Source } from "../source.ts";
import { formHint, standard } from "../modes.ts";
import { changedPaths, Commits } from "./paths.ts";

const Push = z.object({
  ref: Ref,
  after: Sha,
  checkout_sha: Sha.nullish(),
  user_username: Name.nullish(),
  user_name: Name.nullish(),
  project: z.object({ path_with_namespace: Repository }),
  /** At most the newest 20. */
  commits: Commits,
  total_commits_count: z.int().nonnegative().nullish(),
});

const KIND = z.object({ object_kind: z.string().max(64) });

const steps = (field: string): string[] => [
  "On GitLab, open the project, then Settings, Webhooks, Add new webhook.",
  `Paste URL${field}`,
  "Trigger: check Push events. Leave SSL verification enabled.",
  "Leave Custom webhook template empty: it would rewrite what is read here.",
  "Press Add webhook. Test, Push events sends the default branch's last push, which deploys that branch.",
];

export const gitlab: Source = {
  name: "gitlab",
  title: "GitLab",
  kind: "git",
  events: ["push"],
  branchFrom: "ref, without refs/heads/",
  modes: {
    token: {
      title: "Secret token",
      options: [],
      scheme: () => ({ kind: "header", header: "X-Gitlab-Token", prefix: "" }),
      secret: "made",
      paste: [
        ["URL", "{url}"],
        ["Secret token", "{secret}"],
      ],
      steps: steps(" and Secret token."),
    },
    signing_token: {
      ...standard(["webhook-"], {
        secret: "given",
        paste: [["URL", "{url}"]],
        steps: [
          ...steps(", press Generate signing token and copy it.").slice(0, 4),
          "Press Add webhook.",
          "Give the copied token to this hook as its secret; until then deliveries are refused.",
        ],
      }),
      title: "Signing token",
    },
  },
  read,
};

function read(delivery: Delivery): Reading {
  const body = readObject(delivery, formHint("GitLab"));
  if (!body.ok) {
    return body.reading;
  }
  const { headers } = delivery;
  const id = deliveryId(headers.get("webhook-id") ?? headers.get("idempotency-key"));
  const kind = parse(KIND, body.json, "a GitLab event (is there a custom webhook template?)");
  if (!kind.ok) {
    return kind.reading;
  }
  const event = kind.value.object_kind;
  if (event !== "push" && event !== "tag_push") {
    return ignored(notAPush(event.toWellFormed()), id);
  }
  const parsed = parse(Push, body.json, "a GitLab push");
  if (!parsed.ok) {
    return parsed.reading;
  }
  const push = parsed.value;
  const head = push.checkout_sha ?? push.after;
  const listed = push.commits ?? [];
  const whole = (push.total_commits_count ?? listed.length) === listed.length;
  return readPush({
    event: "push",
    repository: push.project.path_with_namespace,
    delivery_id: id,
    changes: [
      {
        branch: event === "push" ? branchOf(push.ref) : null,
        deleted: isZero(push.after),
        commit_hash: head,
        commit_message: listed.find((commit) => commit.id === head)?.message ?? null,
        actor: push.user_username ?? push.user_name ?? null,
        paths: whole ? changedPaths(listed, 19) : null,
      },
    ],
  });
}
