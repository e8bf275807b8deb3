import { callInstance } from "./call.ts";
import type { Registration } from "./instance/instance.ts";

const CHUNK = 100;
const AT_ONCE = 10;

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

/** Visits every registered project, some at a time. One that fails is counted and does not stop the others. */
export async function visitProjects(
  env: Env,
  visit: (project: Registration) => Promise<void>,
  onFailure: (project: Registration, error: unknown) => void = () => undefined,
): Promise<{ visited: number; failed: number }> {
  const projects = registeredProjects(env);
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
