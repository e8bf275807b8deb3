import { randomBytes, randomUUID } from "node:crypto";
import { sign } from "@octokit/webhooks-methods";
import { DEFAULT_BRANCH, pushOf } from "../../scripts/demo/github.ts";
import type { Signalbox } from "../../scripts/demo/signalbox.ts";
import type { Message } from "./load.ts";

/** Signed before the clock starts: the load is not to spend its time on that. */
const PUSHES = 500;

export interface Hook {
  readonly url: string;
  readonly secret: string;
}

/** A hook for pushes of GitHub, with a secret of its own, to a project that is connected to git. */
export async function githubHook(signalbox: Signalbox, project: string): Promise<Hook> {
  await signalbox.ask("PUT", `/v1/projects/${project}`, { native_builds: "off" });
  return signalbox.ask("POST", `/v1/projects/${project}/hooks`, { source: "github" });
}

/** A push of a commit of its own, so that it is a deploy of its own, and the one that waits gives way to it. */
export async function signedPush(secret: string, branch = DEFAULT_BRANCH): Promise<Message> {
  const commit = randomBytes(20).toString("hex");
  const body = pushOf(branch, commit, `Change ${commit.slice(0, 7)}`);
  const headers = {
    "content-type": "application/json",
    "content-length": String(Buffer.byteLength(body)),
    "user-agent": "GitHub-Hookshot/044aadd",
    "x-github-delivery": randomUUID(),
    "x-github-event": "push",
    "x-hub-signature-256": await sign(secret, body),
  };
  return { headers, body };
}

/** Pushes in turn, each a delivery of its own. */
export async function pushesInTurn(secret: string): Promise<() => Message> {
  const pushes = await Promise.all(Array.from({ length: PUSHES }, () => signedPush(secret)));
  let sent = 0;
  return () => {
    const { headers, body } = pushes[sent++ % pushes.length] ?? { headers: {}, body: "" };
    return { headers: { ...headers, "x-github-delivery": randomUUID() }, body };
  };
}
