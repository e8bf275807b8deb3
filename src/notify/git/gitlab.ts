import * as z from "zod";

import { outcomeOf } from "./answer.ts";
import { ApiUrl } from "./settings.ts";
import { isOutdone, tell, toldAt, type GitHost, type State } from "./status.ts";

/** Commit statuses of GitLab, which it shows as jobs of the commit's pipeline. */

const Settings = z.strictObject({
  /** The project's id, or its path with all groups. */
  repository: z
    .string()
    .max(500)
    .regex(
      /^(\d+|[A-Za-z0-9_][\w.-]*(\/[A-Za-z0-9_][\w.-]*)+)$/,
      'must be "group/project" or an id',
    ),
  api_url: ApiUrl.default("https://gitlab.com/api/v4"),
});

/** All that every version knows. `canceled` is grey: neither passed nor failed. */
const STATES: Record<State, string> = {
  pending: "pending",
  running: "running",
  success: "success",
  failure: "failed",
  canceled: "canceled",
  superseded: "canceled",
  skipped: "success",
};

export const gitlab: GitHost<z.infer<typeof Settings>> = {
  settings: Settings,

  next(settings, event, memory) {
    const told = toldAt(event, memory);
    if (told === null || isOutdone(told, memory)) {
      return null;
    }
    const { commit, description, context, url } = told;
    const state = STATES[told.state];
    return tell(told, event, memory, "status", {
      // A status can't be set to the state that it has, not even for a new description.
      content: state,
      request: {
        method: "POST",
        url: `${settings.api_url}/projects/${encodeURIComponent(settings.repository)}/statuses/${commit}`,
        body: {
          state,
          ref: told.deploy.branch,
          name: context,
          description,
          ...(url !== null && url.length <= 255 && { target_url: url }),
        },
      },
    });
  },

  /** This form takes access tokens of every kind, and those of OAuth. */
  headers: (_, token) => ({
    accept: "application/json",
    authorization: `Bearer ${token}`,
    "content-type": "application/json",
    "user-agent": "Signalbox/1",
  }),

  outcome(answer, now) {
    // It has this state already, or a later one: our answer was lost, or the deploy went back to wait.
    if (answer.status === 400 && answer.text.includes("Cannot transition status")) {
      return { is: "done" };
    }
    // Somebody else writes to the same commit.
    if (answer.status === 409) {
      return {
        is: "again",
        reason: "GitLab answered 409: the commit is being changed.",
        after: null,
      };
    }
    if (answer.status === 404 && answer.text.includes("Project Not Found")) {
      return {
        is: "gone",
        reason: "GitLab has no such project, or the token may not see it.",
      };
    }
    return outcomeOf("GitLab", answer, now);
  },
};
