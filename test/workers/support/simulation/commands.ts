import * as fc from "fast-check";

import { command, type Command } from "../../../support/runs.ts";
import { elsewhere } from "../elsewhere.ts";
import { COMMANDS as OF_A_PROJECT } from "../model/commands.ts";
import type { Play } from "../model/play.ts";
import { MOODS } from "./hearing.ts";
import { tally, type Simulation } from "./simulation.ts";

/** What can happen where several projects are. One entry is all that a new kind of thing needs. */

const PROJECTS = 3;
const one = fc.nat(PROJECTS - 1);

const playOf = (simulation: Simulation, which: number): Play => {
  const play = simulation.plays[which];
  if (play === undefined) {
    throw new Error(`simulation: there is no project ${which}`);
  }
  return play;
};

/** The same in any of the projects. */
const inAny = ({ weight, arbitrary }: Command<Play>): Command<Simulation> => ({
  weight: 3 * weight,
  arbitrary: fc.tuple(one, arbitrary).map(([which, step]) => ({
    run: (simulation: Simulation) => step.run(playOf(simulation, which)),
    [fc.toStringMethod]: () => `${which}: ${fc.stringify(step)}`,
  })),
});

export const COMMANDS: readonly Command<Simulation>[] = [
  ...OF_A_PROJECT.map(inAny),

  // — Outside —
  command(
    "external",
    3,
    fc.tuple(one, fc.constantFrom("main", "a")),
    async (simulation: Simulation, [which, branch]) => {
      // What is out of order for everybody is so for others too.
      await elsewhere(playOf(simulation, which).world, branch).catch(() => null);
    },
  ),
  command(
    "mood",
    12,
    fc.tuple(one, fc.constantFrom(...MOODS, "good" as const, "flaky" as const)),
    (simulation: Simulation, [which, mood]) => {
      const hearing = simulation.hearings[which];
      if (hearing !== undefined) {
        hearing.mood = mood;
      }
    },
  ),
  command(
    "subscriber",
    5,
    fc.tuple(one, fc.constantFrom("active" as const, "active" as const, "paused" as const)),
    async (simulation: Simulation, [which, state]) => simulation.hearings[which]?.change(state),
  ),
  command(
    "forge",
    2,
    fc.tuple(one, fc.constantFrom("hook" as const, "api" as const, "gateway" as const)),
    (simulation: Simulation, [which, door]) => simulation.forge(playOf(simulation, which), door),
  ),

  // — The instance and the platform —
  command("builds", 4, fc.constantFrom(1, 2, null), (simulation: Simulation, limit) =>
    playOf(simulation, 0).doors.askInstance("PATCH", "/v1/builds", { json: { max_builds: limit } }),
  ),
  command("instanceRestarts", 2, fc.constant(null), (simulation: Simulation) =>
    simulation.restartInstance(),
  ),
  command("successor", 8, one, async (simulation: Simulation, which) => {
    tally.successors += 1;
    await playOf(simulation, which).world.replace();
  }),
  command("alarmTwice", 3, one, async (simulation: Simulation, which) => {
    const { world } = playOf(simulation, which);
    await world.retrying(() => world.inside((project) => project.alarm()));
  }),
];
