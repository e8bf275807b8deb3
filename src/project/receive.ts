import { fault } from "../fault.ts";
import { err, ok, type Result } from "../result.ts";
import { hasSchema } from "../sql.ts";
import { within } from "../within.ts";
import type { Context } from "./context.ts";
import { takeNumber } from "./rows.ts";
import { NO_PROJECT, type Refusal } from "./refusal.ts";
import { dropUpload } from "./uploads.ts";

/** Cloudflare refuses rows over 2 MB; the local runtime does not, so this is enforced here. */
export const CHUNK_BYTES = 1_900_000;
/** Read at once, always into the same memory: the default reader hands out 4 KiB at a time, each in memory of its own. */
const READ_BYTES = 65_536;
const MAX_OPEN = 4;
const MAX_WAITING_BYTES = 500 * 1024 * 1024;
/** A sender that sends nothing for this long is gone. */
const STALL_MS = 30_000;
/** An open upload to which no row came for this long has no reader any more (a crash), or is too slow to be waited for. */
const STALE_MS = 120_000;

/**
 * Stores a body as it streams in, original bytes and boundary kept. The row comes first, so that a crash leaves something
 * the sweeper finds; the number is given now, since the order is that of first bytes. What becomes no deploy needs none.
 */
export async function receive(
  context: Context,
  id: string,
  contentType: string,
  body: ReadableStream<Uint8Array>,
  numbered = true,
): Promise<Result<{ bytes: number }, Refusal>> {
  const opened = open(context, id, contentType, numbered);
  if (!opened.ok) {
    await body.cancel().catch(() => undefined);
    return opened;
  }
  fault("upload.opened", context.state);
  const reader = body.getReader({ mode: "byob" });
  const stored = await store(reader, new ChunkWriter(context, id)).catch(() =>
    err({ code: "upload_incomplete" as const, detail: "The body ended before it was whole." }),
  );
  if (!stored.ok) {
    await reader.cancel().catch(() => undefined);
    if (!hasSchema(context.sql)) {
      return err(NO_PROJECT); // The project was removed meanwhile.
    }
    context.change(() => dropUpload(context, id));
  }
  fault("upload.stored", context.state);
  return stored;
}

async function store(
  reader: ReadableStreamBYOBReader,
  writer: ChunkWriter,
): Promise<Result<{ bytes: number }, Refusal>> {
  let room = new Uint8Array(READ_BYTES);
  for (;;) {
    const { done, value } = await within(STALL_MS, reader.read(room));
    const written = done ? writer.flush() : writer.write(value);
    if (!written.ok) {
      return written;
    }
    if (done) {
      return ok({ bytes: writer.bytes });
    }
    if (writer.isStale()) {
      throw new Error("upload: too slow");
    }
    room = new Uint8Array(value.buffer);
  }
}

function open(
  context: Context,
  id: string,
  contentType: string,
  numbered: boolean,
): Result<null, Refusal> {
  return context.change(() => {
    const open = context.sql.one<{ n: number }>(
      "SELECT COUNT(*) AS n FROM uploads WHERE state = 'open'",
    );
    if ((open?.n ?? 0) >= MAX_OPEN) {
      return err({
        code: "too_many_uploads",
        detail: `${MAX_OPEN} uploads to this project are under way already. Try again when one is done.`,
      });
    }
    context.sql.insert("uploads", {
      id,
      number: numbered ? takeNumber(context.sql) : 0,
      state: "open",
      content_type: contentType,
      due_at: context.now() + STALE_MS,
    });
    return ok(null);
  });
}

/** Gathers stream chunks of any size into rows of one size. */
class ChunkWriter {
  readonly #context: Context;
  readonly #id: string;
  readonly #buffer = new Uint8Array(CHUNK_BYTES);
  #held = 0;
  #chunks = 0;
  #touchedAt: number;
  bytes = 0;

  constructor(context: Context, id: string) {
    this.#context = context;
    this.#id = id;
    this.#touchedAt = context.now();
  }

  /** The sweeper takes it away by now. */
  isStale(): boolean {
    return this.#context.now() - this.#touchedAt >= STALE_MS;
  }

  write(data: Uint8Array): Result<null, Refusal> {
    let rest = data;
    while (rest.byteLength > 0) {
      const part = rest.subarray(0, CHUNK_BYTES - this.#held);
      this.#buffer.set(part, this.#held);
      this.#held += part.byteLength;
      this.bytes += part.byteLength;
      rest = rest.subarray(part.byteLength);
      if (this.#held === CHUNK_BYTES) {
        const stored = this.flush();
        if (!stored.ok) {
          return stored;
        }
      }
    }
    return ok(null);
  }

  flush(): Result<null, Refusal> {
    if (this.#held === 0) {
      return ok(null);
    }
    const { sql } = this.#context;
    // SQLite copies what it stores.
    const data =
      this.#held === CHUNK_BYTES ? this.#buffer.buffer : this.#buffer.slice(0, this.#held).buffer;
    const stored = this.#context.change((): Result<null, Refusal> => {
      const waiting = sql.one<{ n: number }>(
        "SELECT COALESCE(SUM(bytes), 0) AS n FROM uploads WHERE state = 'open' OR due_at IS NULL",
      );
      if ((waiting?.n ?? 0) + data.byteLength > MAX_WAITING_BYTES) {
        return err({
          code: "too_much_waiting",
          detail:
            "500 MB of uploads wait for this project. Try again when some have been deployed.",
        });
      }
      const touched = sql.run(
        "UPDATE uploads SET bytes = bytes + ?, chunks = chunks + 1, due_at = ? WHERE id = ? AND state = 'open'",
        data.byteLength,
        this.#context.now() + STALE_MS,
        this.#id,
      );
      if (touched === 0) {
        throw new Error("upload: it was given up meanwhile");
      }
      sql.insert("upload_chunks", { upload_id: this.#id, n: this.#chunks, data });
      return ok(null);
    });
    this.#chunks += 1;
    this.#touchedAt = this.#context.now();
    this.#held = 0;
    fault("upload.chunk", this.#context.state);
    return stored;
  }
}
