import { callInstance, callProject } from "./call.ts";
import { configOf } from "./env.ts";
import { projectsOfRound, visitEach, type Visited } from "./walk.ts";

/**
 * Wakes the registered projects whose turn it is, which with 5,000 or fewer are all, so that a lost alarm never stops one for
 * long, and has them seal anew what an older key has sealed; likewise the instance, which has no alarm and is swept by this. One
 * project that fails does not stop the others.
 */
export async function runWatchdog(env: Env): Promise<Visited> {
  const config = await configOf(env);
  if (!config.ok) {
    const settings = config.error.map(({ setting }) => setting).join(", ");
    console.error({ message: "the watchdog can't run without its settings", settings });
    return { visited: 0, failed: 0 };
  }
  await callInstance(env, (instance) => instance.sweep());
  let resealed = await callInstance(env, (instance) => instance.reseal());
  const { visited, failed } = await visitEach(
    projectsOfRound(env),
    async ({ key }) => {
      resealed += await callProject(env, key, (project) => project.wake());
    },
    ({ key }, error) =>
      console.error({
        message: "the watchdog could not wake a project",
        key,
        error: String(error),
      }),
  );
  console.log({ message: "the watchdog went round", projects: visited, failed, resealed });
  return { visited, failed };
}
