import { parse } from "./git/answer.ts";
import { GIT_HOSTS, type GitKind } from "./git/hosts.ts";
import { NOTHING, toldAt, type Memory } from "./git/status.ts";
import type { Kind, Verdict } from "./kind.ts";

/** A page of a hundred comments, each with its author. */
const ANSWER_BYTES = 2 * 1024 * 1024;

/** The status of a commit at a git host: several calls for one event, each by what the ones before were answered. */
export function gitKind(kind: GitKind): Kind {
  const host = GIT_HOSTS[kind];
  return {
    proof: "token",
    answerBytes: ANSWER_BYTES,
    tells: (event) => toldAt(event, NOTHING) !== null,
    async next({ event, at, secrets: [token = ""], host: setUp, kept }, answers) {
      const settings = host.settings.parse(setUp);
      let memory: Memory = { ...kept, run: {} };
      const verdict = (more: Partial<Verdict>): Verdict => {
        const { deploy, target } = memory;
        return { delivered: false, error: null, gone: null, kept: { deploy, target }, ...more };
      };
      for (const answer of [...answers, null]) {
        const step = host.next(settings, event, memory);
        if (step === null) {
          return verdict({ delivered: true });
        }
        if (answer === null) {
          const { method, url, body } = step.request;
          return {
            method,
            url,
            headers: host.headers(settings, token),
            body: body === null ? null : JSON.stringify(body),
          };
        }
        if (answer.status === 404 && step.absent !== undefined) {
          memory = step.absent;
          continue;
        }
        const outcome = host.outcome(answer, at);
        switch (outcome.is) {
          case "done":
            memory = step.learn(parse(answer.text));
            break;
          case "again":
            return verdict({ error: outcome.reason, afterMs: outcome.after });
          case "refused":
            return verdict({ error: outcome.reason, refused: true });
          case "gone":
            return verdict({ error: outcome.reason, gone: outcome.reason });
        }
      }
      throw new Error("git: an answer without a question");
    },
  };
}
