import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { numberAfter, page, textAfter } from "../../../src/api/pages.ts";

describe("pages", () => {
  it("show every row once, whatever the size of a page", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 50 }),
        fc.integer({ min: 1, max: 20 }),
        (count, limit) => {
          const rows = Array.from({ length: count }, (_, n) => count - n);
          const seen: number[] = [];
          let cursor: string | undefined;
          do {
            const before = numberAfter(cursor) ?? Infinity;
            const found = rows.filter((row) => row < before).slice(0, limit + 1);
            const { items, next_cursor } = page(found, limit, (row) => row);
            expect(items.length).toBeLessThanOrEqual(limit);
            seen.push(...items);
            cursor = next_cursor ?? undefined;
          } while (cursor !== undefined);
          expect(seen).toEqual(rows);
        },
      ),
    );
  });

  it("keep any text as a place", () => {
    fc.assert(
      fc.property(fc.string(), (place) => {
        const { next_cursor } = page([place.toWellFormed(), "next"], 1, (row) => row);
        expect(textAfter(next_cursor ?? undefined)).toBe(place.toWellFormed());
      }),
    );
  });

  it("start at the beginning without a cursor", () => {
    expect(numberAfter(undefined)).toBeNull();
    expect(textAfter(undefined)).toBe("");
  });

  it.each(["", "%", "e30", "IngI", "MS41", "bnVsbA==", "x".repeat(500)])(
    "refuse the cursor %j",
    (cursor) => {
      expect(() => numberAfter(cursor)).toThrow(/next_cursor/);
    },
  );
});
