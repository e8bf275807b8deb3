import * as fc from "fast-check";

import type { Bytes } from "../../../../src/security/encoding.ts";
import { must } from "./support.ts";

/** Small changes to text and bytes. Whatever the numbers, what comes out is not what went in. */

/** One change. The numbers are taken modulo whatever there is to choose from. */
export interface Edit {
  readonly kind: "flip" | "insert" | "delete" | "truncate" | "duplicate" | "case";
  readonly at: number;
  readonly size: number;
  readonly what: number;
}

const number = fc.nat({ max: 0xffff });
export const edits: fc.Arbitrary<Edit> = fc.record({
  kind: fc.constantFrom("flip", "insert", "delete", "truncate", "duplicate", "case"),
  at: number,
  size: number,
  what: number,
});

/** Neither spaces, which headers lose at their ends, nor commas, which part pairs. */
export const VISIBLE = Array.from({ length: 94 }, (_, i) => String.fromCharCode(33 + i)).filter(
  (char) => char !== ",",
);

export interface Letters {
  /** What may come in. */
  readonly alphabet?: readonly string[];
  /** The letter case says nothing, so that more than it has to change. */
  readonly foldsCase?: boolean;
}

export function editText(
  text: string,
  edit: Edit,
  { alphabet = VISIBLE, foldsCase = false }: Letters = {},
): string {
  const fold = (char: string): string => (foldsCase ? char.toLowerCase() : char);
  const pick = (from: readonly string[]): string => must(from[edit.what % from.length]);
  return editList(Array.from(text), edit, {
    fresh: () => pick(alphabet),
    other(old) {
      const turned = old === old.toUpperCase() ? old.toLowerCase() : old.toUpperCase();
      return edit.kind === "case" && !foldsCase && turned !== old
        ? turned
        : pick(alphabet.filter((char) => fold(char) !== fold(old)));
    },
  }).join("");
}

export function editBytes(bytes: Bytes, edit: Edit): Bytes {
  const { kind, what } = edit;
  const edited = editList(Array.from(bytes), edit, {
    fresh: () => what & 0xff,
    other: (old) => old ^ (kind === "case" ? 1 << (what % 8) : 1 + (what % 255)),
  });
  return new Uint8Array(edited);
}

function editList<T>(
  list: readonly T[],
  { kind, at, size }: Edit,
  { fresh, other }: { fresh: () => T; other: (old: T) => T },
): T[] {
  const edited = [...list];
  if (list.length === 0 || kind === "insert") {
    edited.splice(at % (list.length + 1), 0, fresh());
    return edited;
  }
  const place = at % list.length;
  const length = 1 + (size % Math.min(8, list.length - place));
  if (kind === "delete") {
    edited.splice(place, length);
  } else if (kind === "truncate") {
    edited.length = place;
  } else if (kind === "duplicate") {
    edited.splice(place, 0, ...list.slice(place, place + length));
  } else {
    edited[place] = other(must(list[place]));
  }
  return edited;
}
