import type { Sql } from "../sql.ts";
import type { Context } from "./context.ts";

/** After a restart an open upload has no reader; one that had arrived whole is accepted within moments. */
const ORPHAN_MS = 10_000;

/** What the edge counted while the body passed; the object must have stored the same. */
export interface UploadSeal {
  readonly id: string;
  readonly bytes: number;
  readonly parts: readonly { readonly name: string; readonly size: number }[];
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

/** The stored body as a stream with a known length, read row by row. */
export function bodyOf(
  sql: Sql,
  id: string,
): { body: ReadableStream<Uint8Array>; contentType: string } | null {
  const row = uploadRow(sql, id);
  if (row === null || row.state !== "sealed") {
    return null;
  }
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
  return {
    body: rows.pipeThrough(new FixedLengthStream(row.bytes)),
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
