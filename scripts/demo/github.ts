import { randomUUID } from "node:crypto";
import { createRequire } from "node:module";
import { sign } from "@octokit/webhooks-methods";
import { send } from "./http.ts";
import type { Reply } from "./http.ts";

/** GitHub's side of a webhook: its own example of a push, signed as it signs. */

/** The repository of the example and its default branch. */
export const REPOSITORY = "Codertocat/Hello-World";
export const DEFAULT_BRANCH = "master";

interface Push {
  readonly ref: string;
  readonly after: string;
  readonly deleted: boolean;
  readonly head_commit: { readonly id: string; readonly message: string } | null;
}

const example = findExample();

/** The example as it is. */
export const PUSH: { readonly body: string; readonly commit: string; readonly message: string } = {
  body: JSON.stringify(example),
  commit: example.after,
  message: example.head_commit?.message ?? "",
};

/** The example, about another commit. */
export function pushOf(branch: string, commit: string, message: string): string {
  return JSON.stringify({
    ...example,
    ref: `refs/heads/${branch}`,
    before: example.after,
    after: commit,
    head_commit: { ...example.head_commit, id: commit, message },
  });
}

export interface DeliveryOptions {
  /** Default `push`. */
  readonly event?: string;
  /** GitHub's id of the delivery, the same when it is sent again; a new one by default. */
  readonly id?: string;
}

/** Sends a body to a hook as GitHub sends it. */
export async function deliver(
  hook: { readonly url: string; readonly secret: string },
  body: string,
  { event = "push", id = randomUUID() }: DeliveryOptions = {},
): Promise<Reply> {
  return send(hook.url, {
    method: "POST",
    headers: {
      accept: "*/*",
      "content-type": "application/json",
      "user-agent": "GitHub-Hookshot/044aadd",
      "x-github-delivery": id,
      "x-github-event": event,
      "x-github-hook-id": "109948940",
      "x-github-hook-installation-target-id": "186853002",
      "x-github-hook-installation-target-type": "repository",
      "x-hub-signature-256": await sign(hook.secret, body),
    },
    body,
  });
}

function findExample(): Push {
  // Its main file is JSON, which a plain import takes on no runtime and in no test runner alike.
  const load = createRequire(import.meta.url);
  const definitions = load("@octokit/webhooks-examples") as { name: string; examples: Push[] }[];
  const found = definitions
    .find(({ name }) => name === "push")
    ?.examples.find(({ ref, deleted }) => ref === `refs/heads/${DEFAULT_BRANCH}` && !deleted);
  if (found === undefined) {
    throw new Error("@octokit/webhooks-examples has no push to a branch any more.");
  }
  return found;
}
