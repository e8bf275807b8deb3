import { spawn } from "node:child_process";
import { closeSync, fstatSync, openSync, readFileSync } from "node:fs";
import type { Readable } from "node:stream";
import { tether } from "./tether.ts";

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A long-running process of ours, alone in its process group, which never outlives us. */
export interface Child {
  readonly pid: number;
  running(): boolean;
  /** Settles when the process is gone, however that came about. */
  readonly exited: Promise<Exit>;
  /** Sends a signal (SIGKILL unless told) and waits for the process to be gone. */
  kill(signal?: NodeJS.Signals): Promise<Exit>;
  /** SIGTERM, and SIGKILL where that is not enough. */
  stop(): Promise<void>;
  /** Everything it has printed since it started; its log file also has what earlier ones printed. */
  output(): string;
}

export interface LaunchOptions {
  /** Both output streams are appended to this file. */
  readonly log: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
}

const GRACE_MS = 3000;

/** Starts a process. `control` is what it writes to file descriptor 3. */
export function launch(
  [file, ...args]: readonly [string, ...string[]],
  { log, env, cwd }: LaunchOptions,
): { child: Child; control: Readable } {
  const descriptor = openSync(log, "a", 0o600);
  const beginning = fstatSync(descriptor).size;
  const process_ = spawn(file, args, {
    cwd,
    env,
    // A group of its own: Ctrl-C in a terminal reaches us alone, and we stop it in order.
    detached: true,
    stdio: ["ignore", descriptor, descriptor, "pipe"],
  });
  closeSync(descriptor);
  const pid = process_.pid;
  const control = process_.stdio[3];
  if (pid === undefined || control === null || control === undefined) {
    throw new Error(`${file} could not be started.`);
  }
  const exited = new Promise<Exit>((resolve) => {
    process_.once("exit", (code, signal) => resolve({ code, signal }));
  });
  void exited.then(tether(pid));
  const running = (): boolean => process_.exitCode === null && process_.signalCode === null;
  const send = (signal: NodeJS.Signals): void => {
    if (running()) {
      process.kill(-pid, signal);
    }
  };
  const child: Child = {
    pid,
    running,
    exited,
    async kill(signal = "SIGKILL") {
      send(signal);
      return exited;
    },
    async stop() {
      send("SIGTERM");
      const impatience = setTimeout(() => send("SIGKILL"), GRACE_MS);
      await exited;
      clearTimeout(impatience);
    },
    output: () => readFileSync(log).subarray(beginning).toString(),
  };
  return { child, control: control as Readable };
}
