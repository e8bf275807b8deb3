import { expect, test } from "vitest";
import { chaos } from "../../scripts/chaos/run.ts";

/** `npm run chaos` does the same a hundred times. What was killed as its create request left is looked for during two minutes. */
test("what is accepted under load, killed three times, is done once, in order, and told", async () => {
  const { counts, broken } = await chaos({ kills: 3, seed: 20_261_124 });
  expect(broken).toEqual([]);
  expect(counts).toMatchObject({ "kills survived": 3 });
  expect(counts["triggers answered"]).toBeGreaterThan(10);
  expect(counts["deployments made"]).toBeGreaterThan(3);
}, 480_000);
