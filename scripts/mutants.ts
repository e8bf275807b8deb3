import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { styleText } from "node:util";

import { MUTANT } from "../test/mutants/mutate.ts";
import { MUTANTS, type Mutant } from "../test/mutants/mutants.ts";

/**
 * `npm run mutants`: takes each mechanism out, runs the test that is to notice, and prints how many were noticed. A word
 * as argument picks those with it in their name. Ends with 1 if any was not.
 */
const LIMIT_MS = 180_000;

type Outcome = "killed" | "survived" | "no such test" | "did not run";

interface Report {
  readonly testResults: readonly {
    readonly name: string;
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[];
  }[];
}

const [word = ""] = process.argv.slice(2);
const chosen = MUTANTS.filter(({ name }) => name.includes(word));
const room = mkdtempSync(join(tmpdir(), "mutants-"));
const survivors: string[] = [];
try {
  await unchanged();
  for (const mutant of chosen) {
    const outcome = outcomeOf(mutant, await run([mutant], mutant.name));
    const ok = outcome === "killed";
    console.log(
      `${styleText(ok ? "green" : "red", ok ? "✓" : "✗")} ${mutant.name}${ok ? "" : `: ${outcome}`}`,
    );
    if (!ok) {
      survivors.push(mutant.name);
    }
  }
} finally {
  rmSync(room, { recursive: true });
}
console.log(`\n${chosen.length - survivors.length} of ${chosen.length} mutants killed`);
process.exitCode = survivors.length === 0 ? 0 : 1;

/** Each of the tests passes as long as nothing is changed, or that it fails says nothing. */
async function unchanged(): Promise<void> {
  for (const layer of new Set(chosen.map(layerOf))) {
    const mutants = chosen.filter((mutant) => layerOf(mutant) === layer);
    const report = await run(mutants, null);
    for (const mutant of mutants) {
      const outcome = outcomeOf(mutant, report);
      if (outcome !== "survived") {
        const { test, title } = mutant;
        const what = outcome === "killed" ? "fails" : outcome;
        throw new Error(`${test} "${title}", without any change: ${what}`);
      }
    }
  }
}

function outcomeOf({ test, title }: Mutant, report: Report | null): Outcome {
  if (report === null) {
    return "did not run";
  }
  const states = report.testResults
    .filter(({ name }) => name.endsWith(`/${test}`))
    .flatMap(({ assertionResults }) => assertionResults)
    .filter(({ fullName, status }) => fullName.includes(title) && status !== "skipped")
    .map(({ status }) => status);
  return states.includes("failed")
    ? "killed"
    : states.includes("passed")
      ? "survived"
      : "no such test";
}

function layerOf({ test }: Mutant): string {
  return test.split("/")[0] ?? "";
}

/** The tests of these, which are of one layer. A run that a change has made endless is ended, and is none. */
async function run(mutants: readonly Mutant[], mutant: string | null): Promise<Report | null> {
  const file = join(room, "report.json");
  rmSync(file, { force: true });
  const files = new Set(mutants.map(({ test }) => `test/${test}`));
  const titles = mutants.map(({ title }) => title.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  const layer = mutants.map(layerOf)[0] ?? "";
  const args = ["run", "--project", layer, ...files, "-t", titles.join("|")];
  const child = spawn("vitest", [...args, "--reporter", "json", "--outputFile", file], {
    stdio: "ignore",
    env: { ...process.env, ...(mutant !== null && { [MUTANT]: mutant }) },
    timeout: mutant === null ? 0 : LIMIT_MS,
    killSignal: "SIGKILL",
  });
  await once(child, "close");
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Report) : null;
}
