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
  readObject,
  readPush,
  Ref,
  Sha,
  testSend,
  type RefChange,
} from "../reading.ts";
import type { Reading, Source } from "../source.ts";
import { basic, formHint, header } from "../modes.ts";

const Kind = z.object({
  eventType: z.string().min(1).max(64),
  id: z.string().max(128).nullish(),
  subscriptionId: z.string().max(64).nullish(),
});
const Push = z.object({
  resource: z.object({
    refUpdates: z.array(z.object({ name: Ref, newObjectId: Sha })).max(1_000),
    /** Not in large pushes. */
    commits: z.array(z.object({ commitId: Sha, comment: Message.nullish() })).nullish(),
    pushedBy: z.object({ displayName: Name.nullish(), uniqueName: Name.nullish() }).nullish(),
    repository: z.object({
      name: Name,
      remoteUrl: z.string().max(2_048).nullish(),
      project: z.object({ name: Name }),
    }),
  }),
});

/** Whose sample data Azure DevOps sends when a subscription is tested, which then has no number of its own. */
const SAMPLE =
  /^https:\/\/(fabrikam-fiber-inc\.visualstudio\.com|dev\.azure\.com\/fabrikam-fiber-inc)\//;
const NO_SUBSCRIPTION = /^[0-]+$/;

const STEPS = [
  "In Azure DevOps, open Project settings, Service hooks, Create subscription, Web Hooks.",
  "Trigger: Code pushed. Choose the repository; leave the branch at Any, this hook's rules choose.",
];

export const azureDevops: Source = {
  name: "azure-devops",
  title: "Azure DevOps",
  kind: "git",
  events: ["git.push"],
  branchFrom: "resource.refUpdates[].name, without refs/heads/",
  modes: {
    basic: basic({
      paste: [
        ["URL", "{url}"],
        ["Basic authentication username", "{username}"],
        ["Basic authentication password", "{secret}"],
      ],
      steps: [
        ...STEPS,
        "Action: paste URL, Basic authentication username and password. Resource details to send: All.",
        "Test sends a sample of another repository, which deploys nothing. Press Finish.",
      ],
    }),
    header: header({
      paste: [
        ["URL", "{url}"],
        ["HTTP headers", "{header}:{prefix}{secret}"],
      ],
      steps: [
        ...STEPS,
        "Action: paste URL and HTTP headers. Resource details to send: All.",
        "Test sends a sample of another repository, which deploys nothing. Press Finish.",
      ],
    }),
  },
  read,
};

function read(delivery: Delivery): Reading {
  const body = readObject(delivery, formHint("Azure DevOps"));
  if (!body.ok) {
    return body.reading;
  }
  const kind = parse(Kind, body.json, "an Azure DevOps event");
  if (!kind.ok) {
    return kind.reading;
  }
  const event = kind.value.eventType;
  const delivery_id = deliveryId(kind.value.id);
  if (event !== "git.push") {
    return ignored(notAPush(event.toWellFormed()), delivery_id);
  }
  const parsed = parse(Push, body.json, "an Azure DevOps push");
  if (!parsed.ok) {
    return parsed.reading;
  }
  const { commits, pushedBy, refUpdates, repository } = parsed.value.resource;
  if (
    SAMPLE.test(repository.remoteUrl ?? "") ||
    NO_SUBSCRIPTION.test(kind.value.subscriptionId ?? "")
  ) {
    return ignored(testSend("Azure DevOps"), delivery_id);
  }
  return readPush({
    event,
    repository: `${repository.project.name}/${repository.name}`,
    delivery_id,
    changes: refUpdates.map(({ name, newObjectId }): RefChange => ({
      branch: branchOf(name),
      deleted: isZero(newObjectId),
      commit_hash: newObjectId,
      commit_message: commits?.find((c) => c.commitId === newObjectId)?.comment ?? null,
      actor: pushedBy?.displayName ?? pushedBy?.uniqueName ?? null,
      paths: null,
    })),
  });
}
