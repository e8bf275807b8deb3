import type { Event } from "../../project/shapes.ts";

/** What happened to one of many projects. */
export interface Entry {
  /** The project's. */
  readonly key: string;
  readonly event: Event;
}

/** Where a page of all projects' events ended: those of one moment come by project. */
export interface Place {
  readonly at: number;
  readonly key: string;
  readonly sequence: number;
}

function placeOf({ key, event }: Entry): Place {
  return { at: Date.parse(event.timestamp), key, sequence: event.sequence };
}

/** The newest of all, in the one order that pages go on in. */
export function newestOf(entries: readonly Entry[], limit: number): Entry[] {
  return entries
    .map((entry) => ({ entry, ...placeOf(entry) }))
    .sort(
      (a, b) =>
        b.at - a.at || (a.key < b.key ? -1 : a.key > b.key ? 1 : 0) || b.sequence - a.sequence,
    )
    .slice(0, limit)
    .map(({ entry }) => entry);
}

/** Where a project's events go on after a page that ended there. */
export function goesOn(
  place: Place | null,
  key: string,
): { before: number | null; until: number | null } {
  if (place === null) {
    return { before: null, until: null };
  }
  return key === place.key
    ? { before: place.sequence, until: null }
    : { before: null, until: key > place.key ? place.at + 1 : place.at };
}

export function writePlace(entry: Entry): string {
  const { at, key, sequence } = placeOf(entry);
  return `${at} ${sequence} ${key}`;
}

/** null: it is none. */
export function readPlace(text: string): Place | null {
  const [, at, sequence, key = ""] = /^(\d{1,15}) (\d{1,15}) (\S+)$/.exec(text) ?? [];
  return at === undefined ? null : { at: Number(at), sequence: Number(sequence), key };
}
