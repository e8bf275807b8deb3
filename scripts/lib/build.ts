import {
  mkdir,
  mkdtemp,
  readFile,
  readdir,
  rename,
  rm,
  stat,
  utimes,
  writeFile,
} from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { ROOT, tool } from "./repo.ts";
import { run } from "./run.ts";

export interface BuildOptions {
  /** Keep the fault points that crash tests use; such a bundle goes to `out/faults`. */
  readonly faults?: boolean;
}

export interface Built {
  /** The bundled Worker, one ES module. */
  readonly bundle: string;
  /** Whether it had to be built; false when it was newer than everything it is made of. */
  readonly fresh: boolean;
}

/** What a runtime must be told about the Worker; read from wrangler.toml at build time, so that it can't drift from it. */
export interface WorkerSettings {
  readonly compatibilityDate: string;
  readonly compatibilityFlags: readonly string[];
  readonly durableObjects: readonly { readonly binding: string; readonly className: string }[];
  readonly cron: string;
}

const CONFIG = join(ROOT, "wrangler.toml");
const INPUTS = [join(ROOT, "src"), CONFIG, join(ROOT, "package-lock.json")];
const SETTINGS = join(ROOT, "out/settings.json");

/** Bundles the Worker as a deploy would, unless the bundle is newer than its inputs. Safe to run several times at once. */
export async function build({ faults = false }: BuildOptions = {}): Promise<Built> {
  const folder = join(ROOT, faults ? "out/faults" : "out");
  const bundle = join(folder, "index.js");
  if ((await modified(bundle)) > (await newest(INPUTS))) {
    return { bundle, fresh: false };
  }
  const started = new Date();
  await mkdir(folder, { recursive: true });
  const scratch = await mkdtemp(join(ROOT, "out/.build-"));
  try {
    await bundleInto(scratch, faults ? ["--define", "__FAULTS__:true"] : []);
    // Changed while it was being built counts as newer than the bundle: the time of the start is what it is good for.
    await utimes(join(scratch, "index.js"), started, started);
    // The bundle comes last: it is what the others are looked for by.
    const files = (await readdir(scratch)).filter((file) => file !== "README.md");
    for (const file of files.sort((a, b) => Number(a === "index.js") - Number(b === "index.js"))) {
      await rename(join(scratch, file), join(folder, file));
    }
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  return { bundle, fresh: true };
}

/** Runs `wrangler deploy --dry-run` into `folder` and returns what it printed. */
export async function bundleInto(folder: string, args: readonly string[] = []): Promise<string> {
  const { code, output } = await run(
    [...tool("wrangler"), "deploy", "--dry-run", "--outdir", folder, "--config", CONFIG, ...args],
    { timeoutMs: 60_000 },
  );
  if (code !== 0) {
    throw new Error(`The Worker could not be bundled:\n${output}`);
  }
  return output;
}

/** The names of the text modules that a bundle imports from beside it. */
export async function textModules(bundle: string): Promise<string[]> {
  const code = await readFile(bundle, "utf8");
  return [...code.matchAll(/\bfrom\s*"\.\/([\w.-]+)"/g)].map(([, name = ""]) => name);
}

/** What a deploy of it uploads, each module compressed, in KiB. */
export async function uploadedKiB(bundle: string): Promise<number> {
  const names = [basename(bundle), ...(await textModules(bundle))];
  const modules = await Promise.all(names.map((name) => readFile(join(dirname(bundle), name))));
  return modules.reduce((sum, module) => sum + gzipSync(module).length, 0) / 1024;
}

/** Reads the settings of the Worker from wrangler.toml, by wrangler's own reader. */
export async function workerSettings(): Promise<WorkerSettings> {
  if ((await modified(SETTINGS)) > (await modified(CONFIG))) {
    return JSON.parse(await readFile(SETTINGS, "utf8")) as WorkerSettings;
  }
  const started = new Date();
  // Only when needed: loading wrangler takes more than a second.
  const { unstable_readConfig: readConfig } = await import("wrangler");
  const config = readConfig({ config: CONFIG });
  if (config.compatibility_date === undefined) {
    throw new Error("wrangler.toml names no compatibility_date.");
  }
  const settings: WorkerSettings = {
    compatibilityDate: config.compatibility_date,
    compatibilityFlags: config.compatibility_flags,
    durableObjects: config.durable_objects.bindings.map(
      (object: { name: string; class_name: string }) => ({
        binding: object.name,
        className: object.class_name,
      }),
    ),
    cron: config.triggers.crons?.[0] ?? "* * * * *",
  };
  await mkdir(join(ROOT, "out"), { recursive: true });
  const scratch = `${SETTINGS}.${process.pid}`;
  await writeFile(scratch, JSON.stringify(settings, null, 2));
  await utimes(scratch, started, started);
  await rename(scratch, SETTINGS);
  return settings;
}

async function modified(path: string): Promise<number> {
  return stat(path).then(
    (found) => found.mtimeMs,
    () => 0,
  );
}

/** The latest change under any of the paths; a folder's own time tells of removed files. */
async function newest(paths: readonly string[]): Promise<number> {
  let latest = 0;
  for (const path of paths) {
    latest = Math.max(latest, await modified(path));
    const inside = await readdir(path, { recursive: true }).catch(() => []);
    for (const name of inside) {
      latest = Math.max(latest, await modified(join(path, name)));
    }
  }
  return latest;
}
