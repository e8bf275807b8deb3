import { timestamp } from "./time.ts";
import { count, sortable } from "./world.ts";
import type { World } from "./world.ts";
import type { Journal, JournalLive, JournalRequest, JournalTransition } from "./types.ts";

/** Entries kept of each kind; older ones are dropped. */
const KEPT = 50_000;

type Timed<Entry> = Omit<Entry, "at"> & { at: number };

export const recordRequest = (world: World, entry: Timed<JournalRequest>): void =>
  append(world, "requests", entry);
export const recordTransition = (world: World, entry: Timed<JournalTransition>): void =>
  append(world, "transitions", entry);
export const recordLive = (world: World, entry: Timed<JournalLive>): void =>
  append(world, "live", entry);

export function readJournal(world: World): Journal {
  const entries = (name: string): unknown[] => world.store.list(name).map(([, entry]) => entry);
  return {
    requests: entries("requests") as JournalRequest[],
    transitions: entries("transitions") as JournalTransition[],
    live: entries("live") as JournalLive[],
  };
}

function append(world: World, name: string, entry: { at: number }): void {
  const number = count(world, name);
  world.store.put(name, sortable(number), { ...entry, at: timestamp(entry.at) });
  world.store.delete(name, sortable(number - KEPT));
}
