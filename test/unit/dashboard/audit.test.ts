import { describe, expect, test } from "vitest";

import {
  goesOn,
  newestOf,
  readPlace,
  writePlace,
  type Entry,
  type Place,
} from "../../../src/dashboard/model/audit.ts";
import type { Event } from "../../../src/project/shapes.ts";

/** Projects with a few events each, many of them of one moment. */
const PROJECTS: Record<string, readonly number[]> = {
  "acc/a": [1, 1, 2, 2, 2, 5],
  "acc/b": [2, 2, 3, 5, 5],
  "acc/b-2": [5],
  "other/a": [2, 5, 5, 6],
  "other/none": [],
};

const entriesOf = (key: string): Entry[] =>
  (PROJECTS[key] ?? []).map((ms, n) => {
    const event = { sequence: n + 1, timestamp: new Date(ms).toISOString() };
    return { key, event: event as Event };
  });

/** As the project answers it. */
function asked(key: string, place: Place | null, limit: number): Entry[] {
  const { before, until } = goesOn(place, key);
  return entriesOf(key)
    .filter(({ event }) => before === null || event.sequence < before)
    .filter(({ event }) => until === null || Date.parse(event.timestamp) < until)
    .toReversed()
    .slice(0, limit);
}

describe("the events of all projects", () => {
  const keys = Object.keys(PROJECTS);
  const all = newestOf(keys.flatMap(entriesOf), 100).map(writePlace);

  test("are in order of time, and in each project in its own", () => {
    expect(all).toHaveLength(16);
    const times = all.map((place) => readPlace(place)?.at ?? 0);
    expect(times).toEqual([...times].sort((a, b) => b - a));
    for (const key of keys) {
      const own = all.map(readPlace).filter((place) => place?.key === key);
      expect(own.map((place) => place?.sequence)).toEqual(
        entriesOf(key)
          .map(({ event }) => event.sequence)
          .toReversed(),
      );
    }
  });

  test.each([1, 2, 3, 4, 5, 7])("are the same in pages of %i, wherever those end", (size) => {
    const paged: string[] = [];
    for (let place: Place | null = null, more = true; more;) {
      const from: Place | null = place;
      const page = newestOf(
        keys.flatMap((key) => asked(key, from, size)),
        size,
      );
      paged.push(...page.map(writePlace));
      place = readPlace(paged.at(-1) ?? "");
      more = page.length === size;
    }
    expect(paged).toEqual(all);
  });

  test("a place that is none is none", () => {
    for (const text of ["", "1 2", "x 2 acc/a", "1 2 acc/a more", "-1 2 acc/a"]) {
      expect(readPlace(text)).toBeNull();
    }
  });
});
