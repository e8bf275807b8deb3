import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { build, textModules, workerSettings } from "./build.ts";
import type { WorkerSettings } from "./build.ts";
import { launch } from "./child.ts";
import type { Child } from "./child.ts";
import { untilAnswering } from "./ready.ts";

export interface WorkerOptions {
  /** 0 takes any free one. */
  readonly port: number;
  /** Holds the storage of the Durable Objects, the runtime's configuration and its log. */
  readonly stateDir: string;
  /** The Worker's text bindings. */
  readonly vars: Readonly<Record<string, string>>;
  /** A module with the same Durable Object classes to run instead of Signalbox. */
  readonly bundle?: string;
  /** How often the cron trigger fires; without it, only {@link WorkerProcess.cron} fires it. */
  readonly cronEverySeconds?: number;
  /** Lets a profiler in, at {@link WorkerProcess.inspectorPort}. */
  readonly inspector?: boolean;
}

export interface WorkerProcess extends Child {
  readonly url: string;
  /** On 127.0.0.1; null unless asked for. */
  readonly inspectorPort: number | null;
  /** Fires the cron trigger now and returns its outcome, as in `"ok"`. */
  cron(): Promise<string>;
}

/**
 * Runs the bundled Worker on plain workerd, without wrangler in between. Storage and alarms live in `stateDir`: an alarm
 * that falls due while nothing runs fires at the next start, before any request.
 */
export async function startWorker(options: WorkerOptions): Promise<WorkerProcess> {
  const { stateDir, vars, inspector = false } = options;
  const bundle = options.bundle ?? (await build()).bundle;
  const settings = await workerSettings();
  await mkdir(join(stateDir, "objects"), { recursive: true, mode: 0o700 });
  await copyFile(bundle, join(stateDir, "index.js"));
  const texts = await textModules(bundle);
  await Promise.all(
    texts.map((name) => copyFile(join(dirname(bundle), name), join(stateDir, name))),
  );
  const config = join(stateDir, "worker.capnp");
  await writeFile(config, configuration(settings, options.port, texts, Object.keys(vars)));
  const { child, control } = launch(
    [
      workerdPath(),
      "serve",
      "--experimental",
      "--verbose",
      "--control-fd=3",
      ...(inspector ? ["--inspector-addr=127.0.0.1:0"] : []),
      config,
    ],
    // Nothing of our own environment: what the Worker sees is `vars`.
    { log: join(stateDir, "workerd.log"), env: { TZ: "UTC", ...vars }, cwd: stateDir },
  );
  const ports = await listening(control, ["http", "cron", ...(inspector ? [INSPECTOR] : [])]);
  const url = `http://127.0.0.1:${ports.get("http") ?? options.port}`;
  await untilAnswering("Signalbox", `${url}/healthz`, child);

  const cron = async (): Promise<string> => {
    const response = await fetch(`http://127.0.0.1:${ports.get("cron")}`, { method: "POST" });
    return response.text();
  };
  if (options.cronEverySeconds !== undefined) {
    // A run that fails is in the log; the next one comes by itself.
    const timer = setInterval(() => void cron().catch(() => {}), options.cronEverySeconds * 1000);
    void child.exited.then(() => clearInterval(timer));
  }
  return { ...child, url, inspectorPort: ports.get(INSPECTOR) ?? null, cron };
}

/** It is no socket of the configuration, and told of in a message of its own. */
const INSPECTOR = "inspector";

/** Reads the ports the runtime reports; gives up when it closes the pipe, which it does when it ends. */
async function listening(
  control: Readable,
  sockets: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const ports = new Map<string, number>();
  for await (const line of createInterface({ input: control })) {
    const message = JSON.parse(line) as { event: string; socket: string; port: number };
    if (message.event === "listen") {
      ports.set(message.socket, message.port);
    } else if (message.event === "listen-inspector") {
      ports.set(INSPECTOR, message.port);
    }
    if (sockets.every((socket) => ports.has(socket))) {
      break;
    }
  }
  return ports;
}

/** The runtime that wrangler itself would start. */
function workerdPath(): string {
  const fromWrangler = createRequire(createRequire(import.meta.url).resolve("wrangler"));
  return (fromWrangler("workerd") as { default: string }).default;
}

/** workerd has no cron: this Worker passes each request on as a run of the main Worker's cron trigger. */
const CRON_WORKER = `export default {
  async fetch(request, env) {
    const { outcome } = await env.MAIN.scheduled({ cron: env.CRON, scheduledTime: new Date() });
    return new Response(outcome);
  },
};`;

function configuration(
  settings: WorkerSettings,
  port: number,
  texts: readonly string[],
  vars: readonly string[],
): string {
  const quote = JSON.stringify;
  const list = (items: readonly string[]): string => `[${items.join(", ")}]`;
  const objects = settings.durableObjects;
  return `using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "main", worker = .main),
    (name = "cron", worker = .cron),
    (name = "objects", disk = (path = "objects", writable = true)),
    (name = "internet", network = (allow = ["public", "private"], tlsOptions = (trustBrowserCas = true))),
  ],
  sockets = [
    (name = "http", address = "127.0.0.1:${port}", http = (), service = "main"),
    (name = "cron", address = "127.0.0.1:0", http = (), service = "cron"),
  ],
);

const main :Workerd.Worker = (
  modules = ${list([
    `(name = "index.js", esModule = embed "index.js")`,
    ...texts.map((name) => `(name = ${quote(name)}, text = embed ${quote(name)})`),
  ])},
  compatibilityDate = ${quote(settings.compatibilityDate)},
  compatibilityFlags = ${list(settings.compatibilityFlags.map((flag) => quote(flag)))},
  durableObjectNamespaces = ${list(objects.map(({ className }) => `(className = ${quote(className)}, uniqueKey = ${quote(className)}, enableSql = true)`))},
  durableObjectStorage = (localDisk = "objects"),
  bindings = ${list([
    ...objects.map(
      ({ binding, className }) =>
        `(name = ${quote(binding)}, durableObjectNamespace = ${quote(className)})`,
    ),
    ...vars.map((name) => `(name = ${quote(name)}, fromEnvironment = ${quote(name)})`),
  ])},
);

const cron :Workerd.Worker = (
  modules = [(name = "cron.js", esModule = ${quote(CRON_WORKER)})],
  compatibilityDate = ${quote(settings.compatibilityDate)},
  compatibilityFlags = ["service_binding_extra_handlers"],
  bindings = [(name = "MAIN", service = "main"), (name = "CRON", text = ${quote(settings.cron)})],
);
`;
}
