import { github } from "./github.ts";
import type { Source } from "./source.ts";

/** Every source, by the name its hooks carry. */
export const sources = { github } as const satisfies Record<string, Source>;

export type SourceName = keyof typeof sources;

export const SOURCE_NAMES = Object.keys(sources) as [SourceName, ...SourceName[]];

/** The source of a hook, or `null` for a name that none has. */
export function findSource(name: string): Source | null {
  return Object.hasOwn(sources, name) ? sources[name as SourceName] : null;
}
