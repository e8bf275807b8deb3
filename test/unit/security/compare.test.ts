import * as fc from "fast-check";
import { expect, it } from "vitest";
import { constantTimeEqual } from "../../../src/security/compare.ts";

it("agrees with ===", async () => {
  const text = fc.string({ maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(text, text, async (a, b) => {
      expect(await constantTimeEqual(a, b)).toBe(a === b);
      expect(await constantTimeEqual(a, a)).toBe(true);
    }),
  );
});

it("tells a prefix from the whole", async () => {
  expect(await constantTimeEqual("secret", "secret!")).toBe(false);
  expect(await constantTimeEqual("", "a")).toBe(false);
});
