import { spawn } from "node:child_process";
import { ROOT } from "./repo.ts";
import { tether } from "./tether.ts";

export interface Finished {
  /** The exit code; 1 when a signal ended it. */
  readonly code: number;
  /** What it printed, both streams. */
  readonly output: string;
  readonly ms: number;
}

export interface RunOptions {
  readonly timeoutMs?: number;
}

/** wrangler then asks and tells nobody, and leaves no files in the home directory. */
const QUIET_WRANGLER = {
  WRANGLER_SEND_METRICS: "false",
  WRANGLER_HIDE_BANNER: "true",
  WRANGLER_WRITE_LOGS: "false",
};

/** Runs a command to its end. One that takes too long is ended with everything it started. */
export async function run(
  [file, ...args]: readonly [string, ...string[]],
  { timeoutMs = 15 * 60_000 }: RunOptions = {},
): Promise<Finished> {
  const started = performance.now();
  const child = spawn(file, args, {
    cwd: ROOT,
    env: { ...process.env, ...QUIET_WRANGLER },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  const { pid } = child;
  if (pid === undefined) {
    throw new Error(`${file} could not be started.`);
  }
  const chunks: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => chunks.push(chunk));
  const timer = setTimeout(() => {
    chunks.push(Buffer.from(`\nEnded: not done after ${timeoutMs / 1000} s.\n`));
    process.kill(-pid, "SIGKILL");
  }, timeoutMs);
  const release = tether(pid);
  const code = await new Promise<number>((resolve) => {
    child.once("close", (status) => resolve(status ?? 1));
  });
  clearTimeout(timer);
  release();
  return { code, output: Buffer.concat(chunks).toString(), ms: performance.now() - started };
}
