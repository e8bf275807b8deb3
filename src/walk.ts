import { callInstance } from "./call.ts";
import type { Registration } from "./instance/instance.ts";

const CHUNK = 100;
const AT_ONCE = 10;
/** An invocation may make 10,000 calls, and one that fails is made three times. */
const ROUND = 5_000;

type Visit = (project: Registration) => Promise<void>;

export interface Visited {
  readonly visited: number;
  readonly failed: number;
}

/** Every registered project, in chunks, so that their number does not matter. */
export async function* registeredProjects(env: Env): AsyncGenerator<Registration> {
  let after = "";
  for (;;) {
    const from = after;
    const chunk = await callInstance(env, (instance) => instance.projects(from, CHUNK));
    yield* chunk;
    const last = chunk.at(-1);
    if (last === undefined || chunk.length < CHUNK) {
      return;
    }
    after = last.key;
  }
}

/**
 * Those whose turn it is with the watchdog: all of them, or of more than one run may ask, as many as it may, from where the run
 * before came to. A run that is cut off is behind them too, so that no project stands in the way of those after it.
 */
export async function* projectsOfRound(env: Env): AsyncGenerator<Registration> {
  for (let n = 0; n < ROUND; n += CHUNK) {
    const chunk = await callInstance(env, (instance) => instance.nextOfRound(CHUNK));
    yield* chunk;
    if (chunk.length < CHUNK) {
      return;
    }
  }
}

/** Visits every registered project. */
export function visitProjects(env: Env, visit: Visit): Promise<Visited> {
  return visitEach(registeredProjects(env), visit, () => undefined);
}

/** Visits some at a time. One that fails is counted and does not stop the others. */
export async function visitEach(
  projects: AsyncIterable<Registration>,
  visit: Visit,
  onFailure: (project: Registration, error: unknown) => void,
): Promise<Visited> {
  const count = { visited: 0, failed: 0 };
  const worker = async (): Promise<void> => {
    for await (const project of projects) {
      count.visited += 1;
      try {
        await visit(project);
      } catch (error) {
        count.failed += 1;
        onFailure(project, error);
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return count;
}
