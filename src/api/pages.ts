import * as z from "zod";

import { Problem } from "../problem.ts";
import { fromBase64url, toBase64url, utf8 } from "../security/encoding.ts";

const LIMIT = 100;

export const PageQuery = z.object({
  limit: z.coerce.number().int().min(1).max(LIMIT).default(20),
  cursor: z.string().max(500).optional().meta({ description: "`next_cursor` of the page before." }),
});

/** A list, and where it goes on. */
export function pageOf<Schema extends z.ZodType>(
  item: Schema,
): z.ZodObject<{ items: z.ZodArray<Schema>; next_cursor: z.ZodNullable<z.ZodString> }> {
  return z.object({ items: z.array(item), next_cursor: z.string().nullable() });
}

/**
 * Makes a page of rows of which one more than `limit` was asked for. Cursors are opaque: what they say is no promise.
 */
export function page<Row>(
  rows: readonly Row[],
  limit: number,
  place: (last: Row) => string | number,
): { items: Row[]; next_cursor: string | null } {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  const more = rows.length > limit && last !== undefined;
  return { items, next_cursor: more ? toBase64url(utf8(JSON.stringify(place(last)))) : null };
}

export function numberAfter(cursor: string | undefined): number | null {
  const place = placeIn(cursor);
  if (place !== null && !Number.isSafeInteger(place)) {
    throw badCursor();
  }
  return place as number | null;
}

export function textAfter(cursor: string | undefined): string {
  const place = placeIn(cursor) ?? "";
  if (typeof place !== "string") {
    throw badCursor();
  }
  return place;
}

function placeIn(cursor: string | undefined): unknown {
  if (cursor === undefined) {
    return null;
  }
  try {
    return JSON.parse(new TextDecoder().decode(fromBase64url(cursor) ?? new Uint8Array()));
  } catch {
    throw badCursor();
  }
}

export function badCursor(): Problem {
  return new Problem(
    "cursor_invalid",
    "cursor is not the next_cursor of a list. Start again without it.",
  );
}
