import { expect, it } from "vitest";

import { VERSION } from "../../../src/version.ts";

it("is the package's version", async () => {
  // By a variable: the compiler has no types for JSON files here.
  const file: string = "../../../package.json";
  const { version } = (await import(file)) as { version: string };
  expect(VERSION).toBe(version);
});
