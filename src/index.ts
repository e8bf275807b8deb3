import { app } from "./app.ts";
import { runWatchdog } from "./watchdog.ts";

export { Instance } from "./instance/instance.ts";
export { Project } from "./project/project.ts";
export { SignalboxService } from "./service.ts";

export default {
  fetch: app.fetch,
  async scheduled(_controller, env): Promise<void> {
    await runWatchdog(env);
  },
} satisfies ExportedHandler<Env>;
