import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT, tool } from "./repo.ts";
import { run } from "./run.ts";

/** One way of looking at the whole repository. */
export interface Layer {
  readonly name: string;
  /** Null when the layer has no tests to count. */
  readonly project: string | null;
  readonly command: readonly [string, ...string[]];
}

export interface LayerResult {
  readonly name: string;
  readonly ok: boolean;
  readonly ms: number;
  readonly output: string;
  readonly tests: TestCounts | null;
}

export interface TestCounts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** Checks that run nothing. */
export const STATIC_LAYERS: readonly Layer[] = [
  // Without the empty env file, secrets in a developer's own .dev.vars would count as drift.
  check(
    "bindings",
    "wrangler",
    "types",
    "--check",
    "--include-runtime=false",
    "--env-file=/dev/null",
  ),
  check("types", "tsc", "-p", "tsconfig.json"),
  check("types (node)", "tsc", "-p", "tsconfig.node.json"),
  check("lint", "oxlint", "--type-aware", "--deny-warnings"),
  check("format", "oxfmt", "--check"),
  {
    name: "packages",
    project: null,
    command: [process.execPath, join(ROOT, "scripts/lockfile.ts")],
  },
];

/** The vitest projects, those that take longest first: e2e mostly waits, and workers computes on one core. */
export const TEST_LAYERS: readonly Layer[] = ["e2e", "workers", "browser", "unit", "sandbox"].map(
  (project) => ({
    name: project,
    project,
    command: [...tool("vitest"), "run", "--project", project],
  }),
);

function check(name: string, binary: string, ...args: readonly string[]): Layer {
  return { name, project: null, command: [...tool(binary), ...args] };
}

export async function runLayer(layer: Layer): Promise<LayerResult> {
  if (layer.project === null) {
    const { code, output, ms } = await run(layer.command);
    return { name: layer.name, ok: code === 0, ms, output, tests: null };
  }
  const scratch = await mkdtemp(join(tmpdir(), "signalbox-check-"));
  const report = join(scratch, "report.json");
  try {
    const { code, output, ms } = await run([
      ...layer.command,
      "--reporter=default",
      "--reporter=json",
      `--outputFile.json=${report}`,
    ]);
    const tests = await countTests(report, code === 0);
    return { name: layer.name, ok: tests.failed === 0, ms, output, tests };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/**
 * Reads vitest's report. A run that went wrong without a failed test to show for it (a file that does not load, an error
 * outside any test, no tests at all) counts as one failure, so that "0 failed" always means what it says.
 */
async function countTests(path: string, succeeded: boolean): Promise<TestCounts> {
  const text = await readFile(path, "utf8").catch(() => "{}");
  const report = JSON.parse(text) as Readonly<Record<string, number | undefined>>;
  const count = (name: string): number => report[name] ?? 0;
  const passed = count("numPassedTests");
  const failed = count("numFailedTests");
  const skipped = count("numPendingTests") + count("numTodoTests");
  const silent = !succeeded || passed === 0;
  return { passed, failed: silent ? Math.max(failed, 1) : failed, skipped };
}
