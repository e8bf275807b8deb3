/// <reference types="vite/types/importMeta.d.ts" />
import { FAULT_KINDS } from "../../../sandbox/types.ts";
import type { Call, Fault, FaultKind } from "../../../sandbox/types.ts";
import type { World } from "./world.ts";

export type Kind = FaultKind["kind"];
export type Times = Fault["times"];

const DETAILS: Partial<Record<Kind, object>> = {
  rate_limited: { retry_after: 300 },
  late: { delay_ms: 30_000 },
  unknown_enum: { delay_ms: 60_000 },
};

/** Whether the sandbox lets this fault strike this call. */
export function strike(world: World, call: Call, kind: Kind, times: Times): boolean {
  try {
    world.sandbox.fault({ call, kind, times, ...DETAILS[kind] } as Fault);
    return true;
  } catch {
    return false;
  }
}

/** A table of docs/reliability.md, found by the name of its first column: the cells by row and by fault. */
export function faultTable(first: string): Map<string, Map<Kind, string>> {
  const pages: Record<string, string> = import.meta.glob("../../../docs/reliability.md", {
    query: "?raw",
    import: "default",
    eager: true,
  });
  const lines = Object.values(pages).join("").split("\n");
  const from = lines.findIndex((line) => line.startsWith(`| ${first} `));
  const cells = (line: string): string[] =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim());
  const columns = cells(lines[from] ?? "")
    .slice(1)
    .map((cell) => FAULT_KINDS.filter((kind) => cell.includes(`\`${kind}\``)));
  const table = new Map<string, Map<Kind, string>>();
  for (let at = from + 2; lines[at]?.startsWith("|") === true; at++) {
    const [name = "", ...ends] = cells(lines[at] ?? "");
    const row = columns.flatMap((kinds, n) => kinds.map((kind) => [kind, ends[n] ?? ""] as const));
    table.set(name.replaceAll("`", ""), new Map(row));
  }
  return table;
}
