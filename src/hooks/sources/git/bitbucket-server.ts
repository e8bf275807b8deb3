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
  Sha,
  type RefChange,
} from "../reading.ts";
import type { Reading, Source } from "../source.ts";
import { basic, formHint, signed } from "../modes.ts";

const Push = z.object({
  actor: z.object({ name: Name.nullish(), displayName: Name.nullish() }).nullish(),
  repository: z.object({
    slug: Name,
    project: z.object({ key: Name }),
  }),
  changes: z
    .array(z.object({ ref: z.object({ id: Ref }), toHash: Sha, type: z.string().max(32) }))
    .max(1_000),
  /** Only in newer versions, and of the first change. */
  toCommit: z.object({ id: Sha, message: Message.nullish() }).nullish(),
});

const PING = "diagnostics:ping";

const steps = (auth: string): string[] => [
  "On Bitbucket Data Center, open the repository, then Repository settings, Webhooks, Create webhook.",
  `Paste URL${auth}`,
  "Events: choose Repository, Push. Leave Active checked and press Create.",
  "Test connection sends a ping, which deploys nothing.",
];

export const bitbucketServer: Source = {
  name: "bitbucket-server",
  title: "Bitbucket Data Center",
  kind: "git",
  events: ["repo:refs_changed"],
  branchFrom: "changes[].ref.id, without refs/heads/",
  modes: {
    signature: signed(
      "X-Hub-Signature",
      { prefix: "sha256=" },
      {
        paste: [
          ["URL", "{url}"],
          ["Secret", "{secret}"],
        ],
        steps: steps(" and Secret."),
      },
    ),
    basic: basic({
      paste: [
        ["URL", "{url}"],
        ["Username", "{username}"],
        ["Password", "{secret}"],
      ],
      steps: steps(", Username and Password (under Authentication)."),
    }),
  },
  read,
  isPing: ({ headers }) => headers.get("x-event-key") === PING,
};

function read(delivery: Delivery): Reading {
  const opened = readEvent(delivery, "X-Event-Key", formHint("Bitbucket"));
  if (!opened.ok) {
    return opened.reading;
  }
  const { event, json } = opened;
  const delivery_id = deliveryId(delivery.headers.get("x-request-id"));
  if (event === PING) {
    return ignored(ping("Bitbucket"), delivery_id);
  }
  if (event !== "repo:refs_changed") {
    return ignored(notAPush(event), delivery_id);
  }
  const parsed = parse(Push, json, "a Bitbucket push");
  if (!parsed.ok) {
    return parsed.reading;
  }
  const { actor, changes, repository, toCommit } = parsed.value;
  return readPush({
    event,
    repository: `${repository.project.key}/${repository.slug}`,
    delivery_id,
    changes: changes.map(({ ref, toHash, type }): RefChange => ({
      branch: branchOf(ref.id),
      deleted: type === "DELETE" || isZero(toHash),
      commit_hash: toHash,
      commit_message: toCommit?.id === toHash ? (toCommit.message ?? null) : null,
      actor: actor?.name ?? actor?.displayName ?? null,
      paths: null,
    })),
  });
}
