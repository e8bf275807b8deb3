import * as z from "zod";

import { outcomeOf } from "./answer.ts";
import { Repository } from "./settings.ts";
import { contextOf, digest, isOutdone, tell, toldAt, type GitHost, type State } from "./status.ts";

/** Build statuses of Bitbucket Cloud. One with the same key on the same commit replaces the one before. */

const Settings = z.strictObject({
  repository: Repository,
  /** With it, the token goes as a password: API tokens of a person's account. */
  username: z
    .string()
    .min(1)
    .max(254)
    .regex(/^[\x21-\x39\x3b-\x7e]+$/, "must be an e-mail address or a user name")
    .optional(),
});

const STATES: Record<State, string> = {
  pending: "INPROGRESS",
  running: "INPROGRESS",
  success: "SUCCESSFUL",
  failure: "FAILED",
  canceled: "STOPPED",
  superseded: "STOPPED",
  skipped: "SUCCESSFUL",
};

export const bitbucket: GitHost<z.infer<typeof Settings>> = {
  settings: Settings,

  next({ repository }, event, memory) {
    const told = toldAt(event, memory);
    if (told === null || isOutdone(told, memory)) {
      return null;
    }
    const { commit, context, deploy, description } = told;
    return tell(told, event, memory, "status", {
      request: {
        method: "POST",
        url: `https://api.bitbucket.org/2.0/repositories/${repository}/commit/${commit}/statuses/build`,
        body: {
          key: keyOf(contextOf(deploy)),
          state: STATES[told.state],
          name: context,
          description,
          // Pull requests show a status only with their branch's name in it.
          refname: deploy.branch,
          // It takes none without. Braces would be read as its own placeholders.
          url: (told.url ?? pagesOf(deploy.project)).replaceAll("{", "%7B").replaceAll("}", "%7D"),
        },
      },
    });
  },

  headers: ({ username }, token) => ({
    accept: "application/json",
    authorization:
      username === undefined ? `Bearer ${token}` : `Basic ${btoa(`${username}:${token}`)}`,
    "content-type": "application/json",
    "user-agent": "Signalbox/1",
  }),

  outcome: (answer, now) => outcomeOf("Bitbucket", answer, now),
};

/** It takes 40 characters. */
function keyOf(context: string): string {
  return /^[\w./-]{1,40}$/.test(context) ? context : `signalbox-${digest(context).slice(0, 30)}`;
}

/** Cloudflare's page of the project, for whoever is signed in there. */
function pagesOf(project: string): string {
  return `https://dash.cloudflare.com/?to=/:account/pages/view/${encodeURIComponent(project)}`;
}
