import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { launch } from "./child.ts";
import type { Child } from "./child.ts";
import { untilAnswering } from "./ready.ts";
import { ROOT } from "./repo.ts";

export interface SandboxProcess extends Child {
  readonly url: string;
}

/** Runs the sandbox in a process of its own, so that it can be killed without taking anything else along. */
export async function startSandboxProcess(port: number, stateDir: string): Promise<SandboxProcess> {
  await mkdir(stateDir, { recursive: true, mode: 0o700 });
  const { child, control } = launch(
    [process.execPath, join(ROOT, "sandbox/node.ts"), "--port", String(port), "--dir", stateDir],
    { log: join(stateDir, "sandbox.log"), env: process.env, cwd: ROOT },
  );
  control.destroy();
  const url = `http://127.0.0.1:${port}`;
  await untilAnswering("The sandbox", `${url}/__sandbox/speed`, child);
  return { ...child, url };
}
