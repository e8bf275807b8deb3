import type { Instance } from "./instance/instance.ts";
import { instanceOf, projectOf, type Remote } from "./objects.ts";
import type { Project } from "./project/project.ts";

const ATTEMPTS = 3;
const PAUSE_MS = 50;

/** Asks a project's object. `ask` may run several times; that is harmless, since all ids are minted before. */
export function callProject<T>(
  env: Env,
  key: string,
  ask: (project: Remote<Project>) => Promise<T>,
): Promise<T> {
  return retrying(() => ask(projectOf(env, key)));
}

export function callInstance<T>(
  env: Env,
  ask: (instance: Remote<Instance>) => Promise<T>,
): Promise<T> {
  return retrying(() => ask(instanceOf(env)));
}

/** The object has more to do than it can: asking again would make that worse. */
export function isOverloaded(error: unknown): boolean {
  return has(error, "overloaded");
}

/** The platform lost the object for a moment (a deploy, a crash, a move): asking again is right. */
export function isRetryable(error: unknown): boolean {
  return has(error, "retryable") && !isOverloaded(error);
}

/**
 * Each attempt takes a new stub, for one whose object was reset stays broken. An error that a reset leaves its callers has
 * no mark of the platform at all, and most git hosts never send again: so whatever is not overload is tried again.
 */
async function retrying<T>(attempt: () => Promise<T>): Promise<T> {
  for (let n = 1; ; n++) {
    try {
      return await attempt();
    } catch (error) {
      if (n === ATTEMPTS || isOverloaded(error)) {
        throw error;
      }
      await scheduler.wait(Math.random() * PAUSE_MS * 2 ** n);
    }
  }
}

function has(error: unknown, mark: "retryable" | "overloaded"): boolean {
  return (
    typeof error === "object" && error !== null && (error as Record<string, unknown>)[mark] === true
  );
}
