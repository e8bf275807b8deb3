/// <reference types="vite/types/importMeta.d.ts" />
import { expect, it } from "vitest";

import { MUTANTS } from "../mutants/mutants.ts";

const sources = import.meta.glob<string>("../../src/**/*.ts", {
  query: "?raw",
  import: "default",
  eager: true,
});

it.each(MUTANTS)("the mutant “$name” fits the source", ({ file, from, to }) => {
  expect(sources[`../../src/${file}`]?.split(from)).toHaveLength(2);
  expect(to).not.toBe(from);
});

it("mutants have names of their own", () => {
  expect(new Set(MUTANTS.map(({ name }) => name)).size).toBe(MUTANTS.length);
});
