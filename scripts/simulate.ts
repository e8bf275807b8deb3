import { spawn } from "node:child_process";
import { parseArgs } from "node:util";

/**
 * `npm run simulate -- --seed N --steps M`: the simulation (`test/workers/project/simulation.test.ts`) for so many steps. What
 * it prints with a failure, `--seed N --path P`, has the failing run again, and nothing before it.
 */
const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    steps: { type: "string", default: "100000" },
    path: { type: "string" },
  },
});

const file = "test/workers/project/simulation.test.ts";
const args = ["run", "--project", "workers", file, "--disable-console-intercept"];
const child = spawn("vitest", args, {
  stdio: "inherit",
  env: {
    ...process.env,
    SIGNALBOX_STEPS: values.steps,
    ...(values.seed !== undefined && { SIGNALBOX_SEED: values.seed }),
    ...(values.path !== undefined && { SIGNALBOX_PATH: values.path }),
  },
});
child.on("close", (code) => {
  process.exitCode = code ?? 1;
});
