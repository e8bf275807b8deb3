import { expect, it } from "vitest";

import { isId, newId } from "../../src/ids.ts";

it("an id has its time in front, as ULIDs have it, and then what nobody guesses", () => {
  const ids = Array.from({ length: 100 }, () => newId("dpl", 1_469_918_176_385));
  expect(ids.every((id) => id.startsWith("dpl_01ARYZ6S41") && isId("dpl", id))).toBe(true);
  expect(new Set(ids).size).toBe(100);
  expect(newId("dpl", 1_469_918_176_386) > (ids.toSorted().at(-1) ?? "")).toBe(true);
  expect(isId("trg", ids[0] ?? "")).toBe(false);
});
