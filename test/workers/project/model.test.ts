import * as fc from "fast-check";
import { afterAll, describe, it, vi } from "vitest";

import { seeded, withoutChance } from "../../support/chance.ts";
import { modelRuns, steps } from "../../support/runs.ts";
import { COMMANDS, policy } from "../support/model/commands.ts";
import { Play, travelMs } from "../support/model/play.ts";

/**
 * The line's rules over the real object, the instance and the sandbox in virtual time: 160 runs of up to 6 random steps and
 * 60 of up to 14, with what must hold judged after each step (../support/model/rules.ts), and at the end that everything
 * ends once nothing is in the way. `SIGNALBOX_RUNS=20000` for a long one. Effects take turns (../support/turns.ts), so that
 * what a run does follows from its seed. ./simulation.test.ts has several projects beside each other;
 * test/unit/project/line-model.test.ts does the same for the decisions alone, with longer runs.
 */

afterAll(() => {
  vi.restoreAllMocks();
});

describe("a project's line", () => {
  it.each([
    { runs: 160, length: 6 },
    { runs: 60, length: 14 },
  ])(
    "keeps its rules, whatever is asked of it and whatever breaks: $runs times up to $length steps",
    async ({ runs, length }) => {
      await fc.assert(
        fc.asyncProperty(
          fc.nat(),
          fc.boolean(),
          policy,
          steps(COMMANDS, length),
          async (seed, history, rules, sequence) => {
            const draw = seeded(seed);
            const leaveToChance = withoutChance(draw);
            const play = await Play.begin({ draw });
            play.world.travelMs = () => travelMs(draw);
            try {
              await play.step(() => play.history(history ? 2 : 0));
              await play.step(() => play.people.changePolicy(rules));
              for (const { run } of sequence) {
                await play.step(() => run(play));
              }
              await play.finish();
            } finally {
              await play.end();
              leaveToChance();
            }
          },
        ),
        modelRuns(`the project's model, up to ${length} steps`, runs),
      );
    },
    24 * 3_600_000,
  );
});
