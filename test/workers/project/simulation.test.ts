import * as fc from "fast-check";
import { afterAll, describe, it, vi } from "vitest";

import { asked, modelRuns, steps } from "../../support/runs.ts";
import { policy } from "../support/model/commands.ts";
import { COMMANDS } from "../support/simulation/commands.ts";
import { Simulation, tally } from "../support/simulation/simulation.ts";

/**
 * Several projects, the instance, the sandbox with faults and subscribers under one seed, in virtual time; the invariants of
 * docs/reliability.md are judged after each step. `npm run simulate` is the long one, and has a run again by its seed.
 */

const LENGTH = 80;
/** Of each project, at first. */
const policies = fc.tuple(policy, policy, policy);
/** A run has so many steps in the mean. */
const MEAN = (1 + LENGTH) / 2;

afterAll(() => {
  vi.restoreAllMocks();
});

describe("several projects under one instance", () => {
  it(
    "keep the ten invariants, whatever is asked of them and whatever breaks",
    async () => {
      const wanted = Number(asked("SIGNALBOX_STEPS") ?? 900);
      const replayed = asked("SIGNALBOX_PATH") !== undefined;
      const began = performance.now();
      let told = began;
      try {
        await fc.assert(
          fc.asyncProperty(
            fc.nat(),
            policies,
            steps(COMMANDS, LENGTH),
            async (seed, rules, sequence) => {
              const simulation = await Simulation.begin(seed);
              try {
                await simulation.adopt(rules);
                for (const step of sequence) {
                  await simulation.step(fc.stringify(step), () => step.run(simulation));
                }
                await simulation.finish();
              } catch (error) {
                const again = "again with npm run simulate -- --seed N --path P, as told above";
                throw new Error(
                  `${String(error)}\n(${again})\n\nLast steps:\n${simulation.story()}`,
                  {
                    cause: error,
                  },
                );
              } finally {
                await simulation.end();
              }
              if (performance.now() - told > 60_000) {
                told = performance.now();
                console.log(summary(told - began));
              }
            },
          ),
          {
            ...modelRuns("simulation", Math.ceil(wanted / MEAN)),
            endOnFailure: asked("SIGNALBOX_STEPS") !== undefined || replayed,
          },
        );
      } finally {
        console.log(summary(performance.now() - began));
      }
    },
    24 * 3_600_000,
  );
});

function summary(ms: number): string {
  const { virtualMs, ...counts } = tally;
  const numbers = Object.entries(counts).map(([what, count]) => `${count} ${what}`);
  const days = (virtualMs / 86_400_000).toFixed(1);
  const rate = (tally.steps / (ms / 1_000)).toFixed(1);
  return `simulated: ${numbers.join(", ")}, ${days} days of virtual time, ${rate} steps/s`;
}
