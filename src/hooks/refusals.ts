import { callProject } from "../call.ts";
import type { Problem } from "../problem.ts";

const EVERY_MS = 60_000;
const SIZE = 500;

const noted = new Map<string, number>();

/**
 * Tells the project that somebody with a right URL was refused, so that a wrongly pasted secret can be seen. At most once
 * a minute for each hook: a stranger with a leaked URL can cause no more than that.
 */
export async function noteRefusal(
  env: Env,
  hook: { readonly project: string; readonly id: string },
  problem: Problem,
): Promise<void> {
  const now = Date.now();
  if ((noted.get(hook.id) ?? -Infinity) > now - EVERY_MS) {
    return;
  }
  if (noted.size >= SIZE) {
    noted.clear();
  }
  noted.set(hook.id, now);
  try {
    await callProject(env, hook.project, (p) =>
      p.noteRefusal(hook.id, problem.code, problem.message),
    );
  } catch (error) {
    // The sender's answer does not depend on this.
    console.error({ message: "a refusal could not be noted", hook: hook.id, error: String(error) });
  }
}
