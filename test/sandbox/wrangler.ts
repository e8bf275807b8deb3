/** Runs the real wrangler, against the sandbox or through the gateway. */
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { ChildProcess } from "node:child_process";

const WRANGLER = join(import.meta.dirname, "../../node_modules/wrangler/bin/wrangler.js");

/** Where wrangler writes down what it did, in the workspace. */
export const OUTPUT = "wrangler-output.ndjson";

/** Where wrangler finds the API, and with what it may call it. */
export interface Target {
  readonly url: string;
  readonly token: string;
  readonly accountId: string;
}

export interface Run {
  code: number | null;
  output: string;
}

/** A folder of its own with the given files, and wrangler in it. */
export function workspace(files: Record<string, string>): {
  wrangler(target: Target, args: string[]): Promise<Run>;
  read(path: string): string;
  write(files: Record<string, string>): void;
  remove(): void;
} {
  const root = mkdtempSync(join(tmpdir(), "sandbox-wrangler-"));
  const write = (more: Record<string, string>): void => {
    for (const [path, content] of Object.entries(more)) {
      const file = join(root, "project", path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, content);
    }
  };
  write(files);
  const running = new Set<ChildProcess>();
  return {
    write,
    read: (path) => readFileSync(join(root, "project", path), "utf8"),
    wrangler: (target, args) => run(root, target, args, running),
    remove() {
      running.forEach(killTree);
      rmSync(root, { recursive: true, force: true });
    },
  };
}

async function run(
  root: string,
  target: Target,
  args: string[],
  running: Set<ChildProcess>,
): Promise<Run> {
  const child = spawn(process.execPath, [WRANGLER, ...args], {
    cwd: join(root, "project"),
    // Nothing of the outside: no login, no configuration, no proxy, no CI provider's variables.
    env: {
      PATH: `${dirname(process.execPath)}:/usr/bin:/bin`,
      HOME: root,
      XDG_CONFIG_HOME: join(root, "config"),
      CI: "1",
      FORCE_COLOR: "0",
      // Without the banner there is no look at the npm registry for a newer version either.
      WRANGLER_HIDE_BANNER: "true",
      // After some errors it looks for one all the same: nobody answers here.
      npm_config_registry: "http://127.0.0.1:9/",
      WRANGLER_SEND_METRICS: "false",
      WRANGLER_LOG_PATH: join(root, "logs"),
      WRANGLER_OUTPUT_FILE_PATH: join(root, "project", OUTPUT),
      CLOUDFLARE_API_BASE_URL: `${target.url}/client/v4`,
      CLOUDFLARE_API_TOKEN: target.token,
      CLOUDFLARE_ACCOUNT_ID: target.accountId,
    },
    stdio: ["ignore", "pipe", "pipe"],
    // A process group of its own: wrangler starts a second process, and both must go when a test is given up.
    detached: true,
  });
  running.add(child);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  running.delete(child);
  return { code, output };
}

function killTree({ pid }: ChildProcess): void {
  if (pid !== undefined) {
    process.kill(-pid, "SIGKILL");
  }
}
