import * as z from "zod";

import { outcomeOf } from "./answer.ts";
import { ApiUrl, Repository } from "./settings.ts";
import { isOutdone, tell, toldAt, type GitHost, type State } from "./status.ts";

/** Commit statuses of Gitea and of Forgejo, which have the same API. */

const Settings = z.strictObject({ repository: Repository, api_url: ApiUrl });

/** What both know: Gitea's `skipped` came late, and Forgejo has none. `warning` is neither red nor green. */
const STATES: Record<State, string> = {
  pending: "pending",
  running: "pending",
  success: "success",
  failure: "failure",
  canceled: "error",
  superseded: "warning",
  skipped: "success",
};

export const gitea: GitHost<z.infer<typeof Settings>> = {
  settings: Settings,

  next({ api_url, repository }, event, memory) {
    const told = toldAt(event, memory);
    if (told === null || isOutdone(told, memory)) {
      return null;
    }
    const { commit, context, description, url } = told;
    return tell(told, event, memory, "status", {
      request: {
        method: "POST",
        url: `${api_url}/repos/${repository}/statuses/${commit}`,
        body: {
          state: STATES[told.state],
          context,
          description,
          ...(url !== null && { target_url: url }),
        },
      },
    });
  },

  headers: (_, token) => ({
    accept: "application/json",
    authorization: `token ${token}`,
    "content-type": "application/json",
    "user-agent": "Signalbox/1",
  }),

  // A 404 does not say whether it is the repository or the commit that is missing: it counts for this commit only.
  outcome: (answer, now) => outcomeOf("The git host", answer, now),
};
