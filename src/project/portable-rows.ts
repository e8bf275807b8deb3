import * as z from "zod";

import { err, ok, type Result } from "../result.ts";
import { CATALOGUE } from "./catalogue.ts";
import { PORTABLE, type Portable, type PortableKind } from "./portable.ts";
import type { Field, PortableRow } from "./portable-fields.ts";
import type { EventType } from "./shapes.ts";

interface Format {
  readonly schema: z.ZodType<PortableRow>;
  readonly columns: string;
}
const formats = new Map<PortableKind, Format>();

/** Made when it is first asked for: most requests are about something else. */
function formatOf(kind: PortableKind): Format {
  const known = formats.get(kind);
  if (known !== undefined) {
    return known;
  }
  const fields = Object.entries<Field>(PORTABLE[kind].fields);
  const format = {
    schema: z.strictObject(Object.fromEntries(fields.map(([name, { read }]) => [name, read]))),
    columns: fields
      .map(([name, { sql }]) => (sql === undefined ? name : `${sql} AS ${name}`))
      .join(", "),
  };
  formats.set(kind, format);
  return format;
}

/** What is selected of a kind's table: a column that is not named here never leaves. */
export function columnsOf(kind: PortableKind): string {
  return formatOf(kind).columns;
}

/** A row as a line says it. */
export function writeRow(kind: PortableKind, row: PortableRow): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries<Field>(PORTABLE[kind].fields).map(([name, { write }]) => [
      name,
      write(row[name] ?? null),
    ]),
  );
}

/** The row that a line says, or what is wrong with it, as a sentence that repeats nothing of it but names of fields. */
export function readRow(kind: PortableKind, data: unknown): Result<PortableRow, string> {
  const read = formatOf(kind).schema.safeParse(data);
  if (!read.success) {
    return err(`${kind}: ${firstIssue(read.error)}`);
  }
  let row = read.data;
  if (kind === "event") {
    const { data: shape } = CATALOGUE[row["type"] as EventType];
    const told = shape.safeParse(JSON.parse(String(row["data"])));
    if (!told.success) {
      return err(`${kind}: data.${firstIssue(told.error)}`);
    }
    row = { ...row, data: JSON.stringify(told.data) };
  }
  const fault = (PORTABLE[kind] as Portable).fault?.(row) ?? null;
  return fault === null ? ok(row) : err(`${kind}: ${fault}`);
}

function firstIssue({ issues: [issue] }: z.ZodError): string {
  return `${issue?.path.join(".") ?? ""}: ${issue?.message ?? "can't be read"}`.slice(0, 300);
}
