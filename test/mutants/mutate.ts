import type { Plugin } from "vite";

import { MUTANTS } from "./mutants.ts";

/** Which of the list is in force for this run. */
export const MUTANT = "SIGNALBOX_MUTANT";

/** Loads one file of the source with its change; nothing is written. */
export function mutation(): Plugin {
  const mutant = MUTANTS.find(({ name }) => name === process.env[MUTANT]);
  return {
    name: "mutation",
    enforce: "pre",
    transform(code, id) {
      return mutant !== undefined && id.endsWith(`/src/${mutant.file}`)
        ? { code: code.replace(mutant.from, () => mutant.to), map: null }
        : null;
    },
  };
}
