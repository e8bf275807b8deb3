/** Enough to make 25 MiB a few hundred reads; the default reader of the runtime hands out 4 KiB at a time. */
const READ_BYTES = 65_536;

/** A body being read, whatever kind of stream it is. */
export interface ByteSource {
  read(): Promise<ReadableStreamReadResult<Uint8Array>>;
  cancel(reason: unknown): Promise<void>;
}

export function byteSource(body: ReadableStream<Uint8Array>): ByteSource {
  try {
    const reader = body.getReader({ mode: "byob" });
    return {
      read: () => reader.read(new Uint8Array(READ_BYTES)),
      cancel: (reason) => reader.cancel(reason),
    };
  } catch {
    return body.getReader(); // no byte stream
  }
}

/**
 * Reads the rest of a refused body and drops it, up to so many bytes and milliseconds, then lets it go. A sender whose
 * body is not taken may see its connection break and never the answer that says why.
 */
export async function drain(source: ByteSource, bytes: number, ms: number): Promise<void> {
  const letGo = () => source.cancel("refused").catch(() => undefined);
  const timer = setTimeout(() => void letGo(), ms);
  try {
    for (let left = bytes; left > 0;) {
      const { done, value } = await source.read();
      if (done) {
        break;
      }
      left -= value.length;
    }
  } catch {
    // The sender is gone.
  } finally {
    clearTimeout(timer);
    void letGo();
  }
}
