import { spawn } from "node:child_process";
import { once } from "node:events";
import { parseArgs } from "node:util";
import { tool } from "./lib/repo.ts";

/**
 * `npm run fuzz -- --runs N`: the tests that draw what comes from outside, with many more draws than in `npm test`. Each
 * prints its seed; `--seed` has it drawn again.
 */
const { values } = parseArgs({
  options: { runs: { type: "string", default: "20000" }, seed: { type: "string", default: "" } },
});

const [node, ...vitest] = tool("vitest");
const child = spawn(node, [...vitest, "run", "--project", "unit", "--project", "workers", "fuzz"], {
  stdio: "inherit",
  env: { ...process.env, SIGNALBOX_RUNS: values.runs, SIGNALBOX_SEED: values.seed },
});
const [code] = (await once(child, "exit")) as [number | null];
process.exitCode = code ?? 1;
