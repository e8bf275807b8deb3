import { retryAfter, type Answer } from "../kind.ts";
import { joined } from "../text.ts";
import type { Outcome } from "./status.ts";

/** What the hosts' answers have in common. `host` is the name that people know it by. */
export function outcomeOf(host: string, answer: Answer, now: number): Outcome {
  const { status } = answer;
  const said = messageOf(answer.text);
  if (status >= 200 && status < 300) {
    return { is: "done" };
  }
  if (status === 408 || status === 425 || status === 429 || status >= 500) {
    const reason =
      status === 429 ? `${host}'s rate limit is reached.` : `${host} answered ${status}.`;
    return { is: "again", reason, after: waitOf(answer, now) };
  }
  if (status < 400) {
    return {
      is: "gone",
      reason: `${host} answered ${status}: the repository or the API has moved. Set its new name or api_url.`,
    };
  }
  if (status === 401) {
    return { is: "gone", reason: `${host} does not accept the token. Set a new one.` };
  }
  if (status === 403) {
    return { is: "refused", reason: `The token may not do this at ${host}${said}` };
  }
  return { is: "refused", reason: `${host} answered ${status}${said}` };
}

/** Milliseconds until it may be tried again, by whichever header says so. */
export function waitOf(answer: Answer, now: number): number | null {
  const after = retryAfter(answer, now);
  if (after !== null) {
    return after;
  }
  const { headers } = answer;
  // Answers that are no refusal have these too.
  const prefix = ["x-ratelimit", "ratelimit"].find(
    (name) => headers.get(`${name}-remaining`) === "0",
  );
  const reset = headers.get(`${prefix}-reset`) ?? "";
  return /^\d{1,11}$/.test(reset) ? Math.max(0, Number(reset) * 1000 - now) : null;
}

/** `: <the host's own words>`, or a full stop. */
function messageOf(body: string): string {
  const message = textOf(parse(body));
  return message === "" ? "." : `: ${joined(message, 300)}`;
}

/** null where it is no JSON. */
export function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return null;
  }
}

/** GitHub, GitLab and Gitea have a `message` (GitLab's can be an object), Bitbucket has `error.message`. */
function textOf(json: unknown): string {
  const { message, error } = (json ?? {}) as { message?: unknown; error?: unknown };
  if (typeof message === "string") {
    return message;
  }
  if (message !== undefined && message !== null) {
    return JSON.stringify(message);
  }
  return typeof error === "string" ? error : typeof error === "object" ? textOf(error) : "";
}

export function listOf(answer: unknown): Record<string, unknown>[] {
  return Array.isArray(answer) ? (answer as Record<string, unknown>[]) : [];
}

export function idOf(answer: unknown): number | null {
  const { id } = (answer ?? {}) as { id?: unknown };
  return typeof id === "number" ? id : null;
}
