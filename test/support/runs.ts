/// <reference types="vite/types/importMeta.d.ts" />
import * as fc from "fast-check";

/** What `vitest.config.ts` hands on from the environment. */
export const asked = (name: string): string | undefined => {
  const value: unknown = import.meta.env[name];
  return typeof value === "string" && value !== "" ? value : undefined;
};

/** What the usual runs draw from: whether a commit passes must not be a matter of luck. */
const USUAL_SEED = 20_261_124;

/**
 * How a model is run. Says with which seed, so that any run can be had again: `SIGNALBOX_SEED` takes it, `SIGNALBOX_PATH`
 * the path that a failure prints. `SIGNALBOX_RUNS` asks for more runs than usual, and those are drawn anew each time.
 */
export function modelRuns(
  name: string,
  usual: number,
): { seed: number; numRuns: number; path?: string } {
  const more = asked("SIGNALBOX_RUNS");
  const anew = more !== undefined || asked("SIGNALBOX_STEPS") !== undefined;
  const seed = Number(
    asked("SIGNALBOX_SEED") ?? (anew ? Math.floor(Math.random() * 2 ** 31) : USUAL_SEED),
  );
  const numRuns = Number(more ?? usual);
  const path = asked("SIGNALBOX_PATH");
  console.log(`${name}: ${numRuns} runs, seed ${seed}, replay with SIGNALBOX_SEED=${seed}`);
  return { seed, numRuns, ...(path === undefined ? {} : { path }) };
}

/** One step of a model: an arbitrary thing to do, which prints as its name and what was drawn for it. */
export interface Step<M> {
  readonly run: (model: M) => Promise<void> | void;
}

/** Something that can be done to a model, and how often, beside the others. */
export interface Command<M> {
  readonly weight: number;
  readonly arbitrary: fc.Arbitrary<Step<M>>;
}

export function command<M, T>(
  name: string,
  weight: number,
  drawn: fc.Arbitrary<T>,
  run: (model: M, what: T) => Promise<unknown> | void,
): Command<M> {
  const arbitrary = drawn.map((what) => ({
    run: async (model: M) => void (await run(model, what)),
    [fc.toStringMethod]: () => `${name}(${JSON.stringify(what)})`,
  }));
  return { weight, arbitrary };
}

export function steps<M>(
  commands: readonly Command<M>[],
  maxLength: number,
): fc.Arbitrary<Step<M>[]> {
  // Without a bias towards small values: what goes wrong takes a few steps.
  return fc.noBias(fc.array(fc.oneof(...commands), { minLength: 1, maxLength, size: "max" }));
}
