import { join, resolve } from "node:path";

/** The repository's root. Everything here works from any current directory. */
export const ROOT = resolve(import.meta.dirname, "../..");

/** Command and first arguments that run one of the repository's own tools on the Node we run on. */
export function tool(name: string): [command: string, script: string] {
  return [process.execPath, join(ROOT, "node_modules/.bin", name)];
}
