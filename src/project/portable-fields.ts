import * as z from "zod";

import { isId, type IdPrefix, iso } from "../ids.ts";
import type { SqlValue } from "../sql.ts";

/** What can stand in a line; no blob does. */
export type Cell = Exclude<SqlValue, ArrayBuffer>;

export type PortableRow = Readonly<Record<string, Cell>>;

/** How one column is written in a line, and how it is read again. What is read was checked; what is written is ours. */
export interface Field {
  readonly read: z.ZodType<Cell>;
  readonly write: (value: Cell) => unknown;
  /** Where it is no column of its own. */
  readonly sql?: string;
}

/** Numbers that count up must have room to do so. */
const MOST = 1_000_000_000_000;

export const same = (value: Cell): unknown => value;
export const text = (most = 65_536): Field => ({ read: z.string().max(most), write: same });
export const one = (of: z.ZodType<string>): Field => ({ read: of, write: same });
export const int = (least = 0): Field => ({ read: z.int().min(least).max(MOST), write: same });
export const id = (prefix: IdPrefix): Field => ({
  read: z.string().refine((given) => isId(prefix, given), `must be an id that begins ${prefix}_`),
  write: same,
});
export const flag: Field = {
  read: z.boolean().transform(Number),
  write: (value) => value === 1,
};
export const time: Field = {
  read: z.iso.datetime().transform(Date.parse),
  write: (value) => iso(value as number),
};
/** Kept as JSON. What is stored may lack what came later, and is written with it. */
export const json = (of: z.ZodType): Field => ({
  read: of.transform((value) => JSON.stringify(value)),
  write: (value) => {
    const stored: unknown = JSON.parse(value as string);
    return of.safeParse(stored).data ?? stored;
  },
});
export const maybe = ({ read, write, ...rest }: Field): Field => ({
  ...rest,
  read: read.nullable(),
  write: (value) => (value === null ? null : write(value)),
});
