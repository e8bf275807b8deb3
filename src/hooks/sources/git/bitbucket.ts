import * as z from "zod";

import type { Delivery } from "../../delivery.ts";
import {
  Branch,
  deliveryId,
  ignored,
  Message,
  Name,
  notAPush,
  parse,
  readEvent,
  readPush,
  Repository,
  Sha,
  type RefChange,
} from "../reading.ts";
import type { Reading, Source } from "../source.ts";
import { formHint, signed } from "../modes.ts";

/** A ref that is no branch may have any name. */
const RefState = z.union([
  z.object({ type: z.literal(["branch", "named_branch"]), name: Branch }),
  z.object({ type: z.literal(["tag", "annotated_tag", "bookmark"]) }),
]);
const Target = z.object({ target: z.object({ hash: Sha, message: Message.nullish() }) });
const Push = z.object({
  actor: z.object({ nickname: Name.nullish(), display_name: Name.nullish() }).nullish(),
  repository: z.object({ full_name: Repository }),
  push: z.object({
    changes: z
      .array(z.object({ new: RefState.and(Target).nullish(), old: RefState.nullish() }))
      .max(1_000),
  }),
});

export const bitbucket: Source = {
  name: "bitbucket",
  title: "Bitbucket Cloud",
  kind: "git",
  events: ["repo:push"],
  branchFrom: "push.changes[].new.name",
  modes: {
    signature: signed(
      "X-Hub-Signature",
      { prefix: "sha256=" },
      {
        paste: [
          ["URL", "{url}"],
          ["Secret", "{secret}"],
        ],
        steps: [
          "On Bitbucket, open the repository, then Repository settings, Webhooks, Add webhook.",
          "Paste URL and Secret. Leave Active checked and Skip certificate verification unchecked.",
          "Triggers: choose Repository push, and press Save.",
          "Bitbucket sends nothing for a push whose payload would exceed 256 KB; deploy such a branch by hand.",
        ],
      },
    ),
  },
  read,
};

function read(delivery: Delivery): Reading {
  const opened = readEvent(delivery, "X-Event-Key", formHint("Bitbucket"));
  if (!opened.ok) {
    return opened.reading;
  }
  const { event, json } = opened;
  const delivery_id = deliveryId(delivery.headers.get("x-request-uuid"));
  if (event !== "repo:push") {
    return ignored(notAPush(event), delivery_id);
  }
  const parsed = parse(Push, json, "a Bitbucket push");
  if (!parsed.ok) {
    return parsed.reading;
  }
  const { actor, push, repository } = parsed.value;
  return readPush({
    event,
    repository: repository.full_name,
    delivery_id,
    changes: push.changes.map((change): RefChange => {
      const ref = change.new ?? change.old;
      return {
        branch: ref != null && "name" in ref ? ref.name : null,
        deleted: change.new == null,
        commit_hash: change.new?.target.hash ?? null,
        commit_message: change.new?.target.message ?? null,
        actor: actor?.nickname ?? actor?.display_name ?? null,
        paths: null,
      };
    }),
  });
}
