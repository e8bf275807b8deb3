import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Pages } from "../../scripts/demo/pages.ts";
import { Signalbox } from "../../scripts/demo/signalbox.ts";
import { ROOT } from "../../scripts/lib/repo.ts";
import { launch } from "../../scripts/lib/child.ts";
import { untilAnswering } from "../../scripts/lib/ready.ts";
import { freePort } from "../../scripts/lib/port.ts";
import { startSandboxProcess } from "../../scripts/lib/sandbox.ts";
import { startStack } from "../../scripts/lib/stack.ts";
import type { StackFile } from "../../scripts/lib/stack.ts";
import { startWorker } from "../../scripts/lib/workerd.ts";
import { createSandbox } from "../../sandbox/app.ts";

/** A Worker in a process of its own, with a sandbox behind it, on state of its own. */
interface Side extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
  readonly pages: Pages;
  readonly sandbox: Sandbox;
}

export type Sandbox = Pick<StackFile, "sandbox_url" | "account_id" | "sandbox_token">;

export interface SignalboxSide extends Side {
  readonly signalbox: Signalbox;
  readonly token: string;
  /** Of the process measured; null unless asked for. */
  readonly inspectorPort: number | null;
}

/**
 * Signalbox with the sandbox's projects registered. `prepare` asks for more, and `whileDown` changes its files; the process
 * measured has seen none of it.
 */
export async function startSignalbox(
  prepare: (side: Pick<SignalboxSide, "signalbox" | "pages">) => Promise<void> = async () => {},
  whileDown: (dir: string) => void = () => {},
  { inspector = false } = {},
): Promise<SignalboxSide> {
  await using scope = new AsyncDisposableStack();
  const dir = scope.use(await mkdtempDisposable(join(tmpdir(), "signalbox-bench-")));
  const stack = await startStack({ dir: dir.path, inspector });
  scope.defer(() => stack.stop());
  const { url, token } = stack.info;
  const signalbox = new Signalbox(url, token);
  const pages = new Pages(stack.info);
  await prepare({ signalbox, pages });
  await stack.kill();
  whileDown(dir.path);
  await stack.restart();
  const { pid, inspectorPort } = stack.worker;
  const sandbox = stack.info;
  return { url, pid, inspectorPort, pages, sandbox, signalbox, token, ...owning(scope) };
}

/** A Worker of `bench/minimal` in Signalbox's place: the same runtime, bindings and sandbox. */
export async function startMinimal(
  module: string,
  vars: Readonly<Record<string, string>> = {},
): Promise<Side> {
  await using scope = new AsyncDisposableStack();
  const dir = scope.use(await mkdtempDisposable(join(tmpdir(), "signalbox-bench-")));
  const process = await startSandboxProcess(await freePort(), join(dir.path, "sandbox"));
  scope.defer(() => process.stop());
  const { accountId, token } = createSandbox();
  const sandbox = { sandbox_url: process.url, account_id: accountId, sandbox_token: token };
  const worker = await startWorker({
    port: 0,
    stateDir: join(dir.path, "worker"),
    bundle: join(ROOT, "bench/minimal", module),
    vars: {
      CLOUDFLARE_ACCOUNT_ID: sandbox.account_id,
      CLOUDFLARE_API_TOKEN: sandbox.sandbox_token,
      CLOUDFLARE_API_BASE_URL: `${sandbox.sandbox_url}/client/v4`,
      ...vars,
    },
  });
  scope.defer(() => worker.stop());
  const { url, pid } = worker;
  return { url, pid, pages: new Pages(sandbox), sandbox, ...owning(scope) };
}

/** Something else that takes pushes, as a process of this machine. */
export async function startProcess(
  command: readonly [string, ...string[]],
  { port, path, env }: { port: number; path: string; env: Readonly<Record<string, string>> },
): Promise<Pick<Side, "url" | "pid"> & AsyncDisposable> {
  await using scope = new AsyncDisposableStack();
  const dir = scope.use(await mkdtempDisposable(join(tmpdir(), "signalbox-bench-")));
  const log = join(dir.path, "log");
  const { child, control } = launch(command, { log, env, cwd: ROOT });
  control.destroy();
  scope.defer(() => child.stop());
  const url = `http://127.0.0.1:${port}`;
  await untilAnswering(command[0], url, child);
  return { url: url + path, pid: child.pid, ...owning(scope) };
}

/** Hands over what was opened, so that it outlives the function that opened it. */
function owning(scope: AsyncDisposableStack): AsyncDisposable {
  const owned = scope.move();
  return { [Symbol.asyncDispose]: () => owned.disposeAsync() };
}
