import type { Sql } from "../sql.ts";
import type { Context } from "./context.ts";
import { RUN_FIELD } from "../deploy-form/text.ts";
import { splice, type Edit } from "./splice.ts";

const CRLF = 2;

/** After a restart an open upload has no reader; one that had arrived whole is accepted within moments. */
const ORPHAN_MS = 10_000;

/** A part of a stored body, and where in it its content is. */
export interface StoredPart {
  readonly name: string;
  readonly at: number;
  readonly size: number;
}

/** What the edge counted while the body passed; the object must have stored the same. */
export interface UploadSeal {
  readonly id: string;
  readonly bytes: number;
  readonly parts: readonly StoredPart[];
  /** Hashes of the manifest's files, which Cloudflare must still have when the form is submitted. */
  readonly hashes: readonly string[];
}

interface UploadRow {
  id: string;
  number: number;
  state: "open" | "sealed" | "dead";
  content_type: string;
  bytes: number;
  chunks: number;
  parts: string | null;
  hashes: string | null;
  sealed_at: number | null;
  due_at: number | null;
}

/** The object was restarted: whoever streamed a body into its predecessor was cut off with it. */
export function orphanUploads(context: Context): void {
  context.sql.run(
    "UPDATE uploads SET due_at = MIN(due_at, ?) WHERE state = 'open'",
    context.now() + ORPHAN_MS,
  );
}

/** Inside accept's transaction: makes the stored body the deploy's, if it is what the edge saw pass. */
export function sealUpload(context: Context, seal: UploadSeal): boolean {
  const row = uploadRow(context.sql, seal.id);
  const stored = context.sql.one<{ chunks: number; bytes: number }>(
    "SELECT COUNT(*) AS chunks, COALESCE(SUM(LENGTH(data)), 0) AS bytes FROM upload_chunks WHERE upload_id = ?",
    seal.id,
  );
  const whole =
    row?.state === "open" &&
    row.bytes === seal.bytes &&
    stored?.bytes === seal.bytes &&
    stored.chunks === row.chunks;
  if (whole) {
    context.sql.update("uploads", "id", seal.id, {
      state: "sealed",
      parts: JSON.stringify(seal.parts),
      hashes: JSON.stringify(seal.hashes),
      sealed_at: context.now(),
      due_at: null,
    });
  }
  return whole;
}

/** A retry needs the body again: it is not swept until that has ended. */
export function keepUpload(context: Context, id: string): void {
  context.sql.update("uploads", "id", id, { due_at: null });
}

export function uploadNumber(sql: Sql, id: string): number {
  return uploadRow(sql, id)?.number ?? 0;
}

/** Whether the body of a deploy is still there to be sent. */
export function hasBody(sql: Sql, id: string): boolean {
  return uploadRow(sql, id)?.state === "sealed";
}

/** The hashes of its manifest and since when it waits. */
export function manifestOf(sql: Sql, id: string): { hashes: string[]; sealedAt: number } {
  const row = uploadRow(sql, id);
  return {
    hashes: row?.hashes == null ? [] : (JSON.parse(row.hashes) as string[]),
    sealedAt: row?.sealed_at ?? 0,
  };
}

/** Where the value of the branch stands in a stored body; null: it names none, or is not known part by part. */
export function branchPart(sql: Sql, id: string): StoredPart | null {
  return partsOf(sql, id).find(({ name }) => name === "branch") ?? null;
}

/** In their order; none where an earlier version did not write down where they stand. */
function partsOf(sql: Sql, id: string): StoredPart[] {
  const parts = JSON.parse(uploadRow(sql, id)?.parts ?? "[]") as Partial<StoredPart>[];
  return parts.filter((part): part is StoredPart => part.at !== undefined);
}

/** Takes a part out, from the end of the one before it; the first one, to the line break before the next boundary. */
function without(parts: readonly StoredPart[], name: string): Edit[] {
  return parts.flatMap((part, n) => {
    const before = parts[n - 1];
    const to = part.at + part.size;
    return part.name !== name
      ? []
      : [
          before === undefined
            ? { from: 0, to: to + CRLF, bytes: new Uint8Array() }
            : { from: before.at + before.size, to, bytes: new Uint8Array() },
        ];
  });
}

/**
 * The stored body as a stream with a known length, read row by row, without what is for us alone. With `branch`, it names that
 * one instead of its own.
 */
export function bodyOf(
  sql: Sql,
  id: string,
  branch: string | null = null,
): { body: ReadableStream<Uint8Array>; contentType: string } | null {
  const row = uploadRow(sql, id);
  const part = branch === null ? null : branchPart(sql, id);
  if (row === null || row.state !== "sealed" || (branch !== null && part === null)) {
    return null;
  }
  const named =
    branch === null || part === null
      ? []
      : [{ from: part.at, to: part.at + part.size, bytes: new TextEncoder().encode(branch) }];
  // From the end on, so that each finds its place where it was.
  const edits = [...named, ...without(partsOf(sql, id), RUN_FIELD)].sort((a, b) => b.from - a.from);
  let n = 0;
  const rows = new ReadableStream<Uint8Array>({
    pull(controller) {
      const chunk = sql.one<{ data: ArrayBuffer }>(
        "SELECT data FROM upload_chunks WHERE upload_id = ? AND n = ?",
        id,
        n,
      );
      n += 1;
      if (chunk === null) {
        controller.close();
      } else {
        controller.enqueue(new Uint8Array(chunk.data));
      }
    },
  });
  const edited = edits.reduce((body, edit) => body.pipeThrough(splice(edit)), rows);
  const length = edits.reduce(
    (sum, { from, to, bytes }) => sum + bytes.length - (to - from),
    row.bytes,
  );
  return {
    body: edited.pipeThrough(new FixedLengthStream(length)),
    contentType: row.content_type,
  };
}

/** Gives an upload up, bytes and all, inside the caller's transaction. */
export function dropUpload(context: Context, id: string): void {
  context.sql.run("DELETE FROM upload_chunks WHERE upload_id = ?", id);
  context.sql.run("DELETE FROM uploads WHERE id = ?", id);
}

/** The caller's way to give up a body that arrived but that it can't use. */
export function discardUpload(context: Context, id: string): void {
  context.change(() => {
    if (uploadRow(context.sql, id)?.state === "open") {
      dropUpload(context, id);
    }
  });
}

/** The sweeper's step for one upload whose time has come: stale while open, or no longer needed. */
export function sweepUpload(context: Context, id: string): void {
  context.change(() => {
    const row = uploadRow(context.sql, id);
    if (row !== null && row.due_at !== null && row.due_at <= context.now()) {
      dropUpload(context, id);
    }
  });
}

function uploadRow(sql: Sql, id: string): UploadRow | null {
  return sql.one<UploadRow>("SELECT * FROM uploads WHERE id = ?", id);
}
