import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { createSandbox } from "../../sandbox/app.ts";
import { build } from "./build.ts";
import type { Child, Exit } from "./child.ts";
import { claimPort } from "./port.ts";
import { startSandboxProcess } from "./sandbox.ts";
import type { SandboxProcess } from "./sandbox.ts";
import { localSecrets } from "./secrets.ts";
import { startWorker } from "./workerd.ts";
import type { WorkerProcess } from "./workerd.ts";

/** The content of `stack.json`, by which scripts find a running stack. */
export interface StackFile {
  readonly url: string;
  readonly sandbox_url: string;
  readonly account_id: string;
  /** Manages the instance. */
  readonly token: string;
  /** What the sandbox takes for Cloudflare's API token. */
  readonly sandbox_token: string;
  readonly projects: readonly string[];
}

export type Part = "signalbox" | "sandbox";

export interface Stack {
  readonly info: StackFile;
  /** The processes now running; each restart makes a new one. */
  readonly worker: WorkerProcess;
  readonly sandbox: SandboxProcess;
  /** SIGKILL of one part (Signalbox unless told): nothing gets to finish. Resolves when it is gone. */
  kill(part?: Part): Promise<void>;
  /** Starts that part again on the same port and the same state, killing it first where it still runs. */
  restart(part?: Part): Promise<void>;
  /** Stops both parts in order and removes `stack.json`. */
  stop(): Promise<void>;
}

export interface StackOptions {
  /** Holds all state; a stack started on it again goes on where the last one ended, however it ended. */
  readonly dir: string;
  /** 0, the default, takes any free one. */
  readonly port?: number;
  readonly sandboxPort?: number;
  /** An issuer of OIDC tokens on loopback. */
  readonly issuer?: string;
  /** Lets a profiler into Signalbox. */
  readonly inspector?: boolean;
  /** Hears how the start goes along. */
  readonly say?: (line: string) => void;
  /** Called when a part ends that nobody stopped through the stack. */
  readonly onDeath?: (part: Part, exit: Exit) => void;
}

/** The Pages projects the sandbox has from the start: one for direct uploads, one connected to git. */
const PROJECTS = ["site", "blog"] as const;
const CRON_SECONDS = 60;

/** Starts the sandbox and Signalbox against it, registers the sandbox's projects, and writes `stack.json`. */
export async function startStack(options: StackOptions): Promise<Stack> {
  const { say = () => {}, onDeath = () => {} } = options;
  const dir = resolve(options.dir);
  const stackFile = join(dir, "stack.json");
  await mkdir(dir, { recursive: true, mode: 0o700 });
  await refuseSecond(stackFile);
  const sandboxPort = await claimPort(options.sandboxPort ?? 0, "--sandbox-port");
  const port = await claimPort(options.port ?? 0, "--port");
  const { keys, token } = await localSecrets(dir);
  // The sandbox process takes the same defaults as this one, which serves nobody.
  const { accountId, token: sandboxToken } = createSandbox();
  const info: StackFile = {
    url: `http://127.0.0.1:${port}`,
    sandbox_url: `http://127.0.0.1:${sandboxPort}`,
    account_id: accountId,
    token,
    sandbox_token: sandboxToken,
    projects: PROJECTS,
  };

  const begin = {
    sandbox: () => startSandboxProcess(sandboxPort, join(dir, "sandbox")),
    signalbox: () =>
      startWorker({
        port,
        stateDir: join(dir, "signalbox"),
        cronEverySeconds: CRON_SECONDS,
        inspector: options.inspector ?? false,
        vars: {
          SIGNALBOX_KEYS: keys,
          CLOUDFLARE_ACCOUNT_ID: info.account_id,
          CLOUDFLARE_API_TOKEN: info.sandbox_token,
          CLOUDFLARE_API_BASE_URL: `${info.sandbox_url}/client/v4`,
          PUBLIC_URL: info.url,
          SIGNALBOX_LOCAL: "1",
          SIGNALBOX_LOCAL_SITES: `${info.sandbox_url}/__sandbox/site`,
          ...(options.issuer === undefined ? {} : { SIGNALBOX_LOCAL_ISSUER: options.issuer }),
        },
      }),
  };
  /** Parts whose end is our own doing. */
  const leaving = new Set<Child>();
  const watch = <P extends Child>(part: Part, child: P): P => {
    void child.exited.then((exit) => {
      if (!leaving.has(child)) {
        onDeath(part, exit);
      }
    });
    return child;
  };

  say("Building the Worker");
  await build();
  say("Starting the sandbox");
  const sandbox = watch("sandbox", await begin.sandbox());
  say("Starting Signalbox");
  const worker = await begin.signalbox().catch(async (error: unknown) => {
    leaving.add(sandbox);
    await sandbox.stop();
    throw error;
  });
  const parts = { sandbox, signalbox: watch("signalbox", worker) };
  let stopped = false;

  const stack: Stack = {
    info,
    get worker() {
      return parts.signalbox;
    },
    get sandbox() {
      return parts.sandbox;
    },
    async kill(part = "signalbox") {
      leaving.add(parts[part]);
      await parts[part].kill();
    },
    async restart(part = "signalbox") {
      await stack.kill(part);
      if (part === "sandbox") {
        parts.sandbox = watch(part, await begin.sandbox());
      } else {
        parts.signalbox = watch(part, await begin.signalbox());
      }
      if (stopped) {
        await stack.stop();
      }
    },
    async stop() {
      stopped = true;
      await rm(stackFile, { force: true });
      for (const part of [parts.signalbox, parts.sandbox]) {
        leaving.add(part);
        await part.stop();
      }
    },
  };
  try {
    say(`Registering ${PROJECTS.join(" and ")}`);
    await Promise.all(PROJECTS.map((project) => register(info, project)));
    await writePrivate(stackFile, JSON.stringify(info, null, 2));
  } catch (error) {
    await stack.stop();
    throw error;
  }
  return stack;
}

/** Registers a Pages project with Signalbox; harmless when it is registered already. */
async function register({ url, token }: StackFile, project: string): Promise<void> {
  const response = await fetch(`${url}/v1/projects/${project}`, {
    method: "PUT",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: "{}",
    signal: AbortSignal.timeout(20_000),
  });
  const answer = await response.text();
  if (!response.ok) {
    throw new Error(`Project ${project} was not registered: ${response.status} ${answer}`);
  }
}

/** Two stacks on one state would overwrite each other's rows. */
async function refuseSecond(stackFile: string): Promise<void> {
  const text = await readFile(stackFile, "utf8").catch(() => null);
  if (text === null) {
    return;
  }
  const { url } = JSON.parse(text) as StackFile;
  const answers = await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(2000) }).then(
    () => true,
    () => false,
  );
  if (answers) {
    throw new Error(
      `A stack is already running on this state, at ${url}. Stop it, or choose another --dir.`,
    );
  }
  await rm(stackFile);
}

/** Readers see the whole file or none of it. */
async function writePrivate(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, `${text}\n`, { mode: 0o600 });
  await rename(`${path}.new`, path);
}
