import { iso } from "../ids.ts";
import type { Context } from "./context.ts";
import { emit, referenceTo } from "./events.ts";
import { KINDS_IN_ORDER, PORTABLE, type Portable, type PortableKind } from "./portable.ts";
import type { PortableRow } from "./portable-fields.ts";
import { columnsOf, writeRow } from "./portable-rows.ts";
import { projectRow } from "./rows.ts";
import { MIGRATIONS } from "./schema.ts";

/** Raised when a line means something else than it did. */
export const EXPORT_VERSION = 1;
/** Beyond these a page ends, with the row that reached them. */
const PAGE_ROWS = 200;
const PAGE_CHARACTERS = 524_288;

/** What is taken along: all, or what a person has set up alone. */
export type Included = "all" | "settings";

/** Where a page has ended. */
interface Place {
  readonly kind: PortableKind;
  readonly after: string | number | null;
}

export interface ExportPage {
  readonly text: string;
  readonly rows: number;
  /** null: that was the last page. */
  readonly next: Place | null;
}

/** The first line. Who took what is an event, and so in the export itself. */
export function beginExport(context: Context, by: string, include: Included): string {
  context.change(() => emit(context, "project.exported", { by, include }));
  const { account_id, name, upstream_id } = projectRow(context.sql);
  return lineOf("signalbox", {
    version: EXPORT_VERSION,
    schema: MIGRATIONS.length,
    project: referenceTo(context),
    account_id,
    name,
    upstream_id,
    exported_at: iso(context.now()),
    include,
  });
}

/** The lines after a place. Each page is read by itself: a project goes on while it is exported. */
export function exportPage(context: Context, place: Place | null, include: Included): ExportPage {
  const kinds = KINDS_IN_ORDER.filter(
    (kind) => include === "all" || (PORTABLE[kind] as Portable).setting === true,
  );
  const from = place === null ? 0 : kinds.indexOf(place.kind);
  let text = "";
  let rows = 0;
  for (const [n, kind] of kinds.slice(from).entries()) {
    let after = n === 0 ? (place?.after ?? null) : null;
    for (let more = true; more;) {
      const read = rowsAfter(context, kind, after);
      for (const row of read) {
        text += lineOf(kind, writeRow(kind, row));
        rows += 1;
        after = row["_key"] as string | number;
        if (text.length >= PAGE_CHARACTERS || rows >= PAGE_ROWS) {
          return { text, rows, next: { kind, after } };
        }
      }
      more = read.length === PAGE_ROWS;
    }
  }
  return { text, rows, next: null };
}

export function lineOf(kind: string, data: object): string {
  return `${JSON.stringify({ kind, data })}\n`;
}

function rowsAfter({ sql }: Context, kind: PortableKind, after: Place["after"]): PortableRow[] {
  const { table, key, where = "TRUE" }: Portable = PORTABLE[kind];
  const [on, bindings] = after === null ? ["", []] : [`AND ${key} > ?`, [after]];
  return sql.all(
    `SELECT ${columnsOf(kind)}, ${key} AS _key FROM ${table} WHERE ${where} ${on}
     ORDER BY ${key} LIMIT ${PAGE_ROWS}`,
    ...bindings,
  );
}
