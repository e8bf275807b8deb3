import { Problem } from "../problem.ts";
import type { Caller } from "./context.ts";

/** Somebody whom the platform itself vouches for: another Worker of the account, by its service binding. */
export interface Trusted extends Caller {
  /** Names; null: every project, and what is about the whole instance. */
  readonly projects: readonly string[] | null;
}

/** By identity: no request from outside can be among these, whatever its headers say. */
const requests = new WeakMap<Request, Trusted>();

export function trust(request: Request, trusted: Trusted): Request {
  requests.set(request, trusted);
  return request;
}

/** What such a request has for an origin, which leads nowhere. */
export const NOWHERE = "https://signalbox.service";

/** null: the request came from outside, and has to prove who sent it. */
export function trustedCaller(request: Request, project: string | null): Caller | null {
  const trusted = requests.get(request);
  if (trusted === undefined) {
    return null;
  }
  const { projects } = trusted;
  if (projects !== null && (project === null || !projects.includes(project))) {
    throw new Problem(
      "insufficient_scope",
      `This binding is for ${projects.join(", ")} alone. Change its props in the Worker that has it.`,
    );
  }
  return trusted;
}
