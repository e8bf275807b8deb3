import * as fc from "fast-check";
import { expect, it } from "vitest";
import { newId } from "../../../src/ids.ts";
import { checkHookSegment, mintHookSegment } from "../../../src/security/hook-url.ts";
import { keyring, mutate } from "./keys.ts";

const SITE = "acc/site";

it("gives the hook's id, for its own project only", async () => {
  const ring = await keyring();
  const id = newId("hok");
  const segment = await mintHookSegment(ring, SITE, id);
  expect(encodeURIComponent(segment)).toBe(segment);
  expect(await checkHookSegment(ring, SITE, segment)).toBe(id);
  for (const other of ["acc/other", "other/site", "site", ""]) {
    expect(await checkHookSegment(ring, other, segment)).toBeNull();
  }
  expect(await checkHookSegment(await keyring(), SITE, segment)).toBeNull();
});

it("is refused when changed in any place, or made up", async () => {
  const ring = await keyring();
  const segment = await mintHookSegment(ring, SITE, newId("hok"));
  await fc.assert(
    fc.asyncProperty(fc.nat(), fc.nat(), fc.string(), async (at, by, text) => {
      expect(await checkHookSegment(ring, SITE, mutate(segment, at, by))).toBeNull();
      expect(await checkHookSegment(ring, SITE, text)).toBeNull();
    }),
  );
  for (const text of [`${segment}/`, `${segment}\n`, segment.toLowerCase(), `x${segment}`]) {
    expect(await checkHookSegment(ring, SITE, text)).toBeNull();
  }
});

it("takes only hook ids, even with a right tag", async () => {
  const ring = await keyring();
  for (const id of [newId("tok"), "hok_short", ""]) {
    const segment = await mintHookSegment(ring, SITE, id);
    expect(await checkHookSegment(ring, SITE, segment)).toBeNull();
  }
});
