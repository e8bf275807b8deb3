import { styleText } from "node:util";
import { runLayer, STATIC_LAYERS, TEST_LAYERS } from "./lib/layers.ts";
import type { Layer, LayerResult } from "./lib/layers.ts";

/**
 * Runs every layer, whatever the others say, and ends with one table: `npm test` all of them, `npm run check` (argument
 * `static`) those that run nothing. The last line of `npm test` counts the tests; a static layer that fails counts as one.
 */
const staticOnly = process.argv[2] === "static";

const results: LayerResult[] = await runAll(STATIC_LAYERS);
if (!staticOnly) {
  results.push(...(await runAll(TEST_LAYERS)));
}
summarize(results);
process.exitCode = results.every(({ ok }) => ok) ? 0 : 1;

/**
 * Two at a time, since most machines have two cores to give, and a layer that waits leaves its own to the other; each
 * reports when it is done, in one piece.
 */
async function runAll(layers: readonly Layer[]): Promise<LayerResult[]> {
  const waiting = [...layers];
  const done: LayerResult[] = [];
  const worker = async (): Promise<void> => {
    for (let layer = waiting.shift(); layer !== undefined; layer = waiting.shift()) {
      const result = await runLayer(layer);
      done.push(result);
      console.log(`${mark(result.ok)} ${result.name} ${styleText("dim", seconds(result.ms))}`);
      if (!result.ok || result.tests !== null) {
        console.log(`\n${result.output.trim()}\n`);
      }
    }
  };
  await Promise.all([worker(), worker()]);
  return layers.flatMap(({ name }) => done.filter((result) => result.name === name));
}

function summarize(all: readonly LayerResult[]): void {
  const width = Math.max(...all.map(({ name }) => name.length));
  console.log(`\n${styleText("bold", "Summary")}`);
  for (const { name, ok, ms, tests } of all) {
    console.log(
      `${mark(ok)} ${name.padEnd(width)} ${seconds(ms).padStart(9)}   ${tests === null ? (ok ? "" : "failed") : describe(tests)}`.trimEnd(),
    );
  }
  // Since this process started: less than the sum, as layers run side by side.
  console.log(`  ${"in all".padEnd(width)} ${seconds(performance.now()).padStart(9)}\n`);
  if (!staticOnly) {
    const passed = all.reduce((sum, { tests }) => sum + (tests?.passed ?? 0), 0);
    const failed = all.reduce((sum, { ok, tests }) => sum + (tests?.failed ?? (ok ? 0 : 1)), 0);
    console.log(`${passed} passed, ${failed} failed`);
  }
}

function describe({ passed, failed, skipped }: NonNullable<LayerResult["tests"]>): string {
  const parts = [`${passed} passed`];
  if (failed > 0) {
    parts.push(`${failed} failed`);
  }
  if (skipped > 0) {
    parts.push(`${skipped} skipped`);
  }
  return parts.join(", ");
}

function mark(ok: boolean): string {
  return ok ? styleText("green", "✓") : styleText("red", "✗");
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
