import { Buffer } from "node:buffer";
import { type PartHead, parsePartHead } from "./part-head.ts";
import { refuse } from "./problem.ts";

/** Takes one part's content. A chunk may be reused after the call: copy what must stay. */
export interface PartSink {
  write(chunk: Uint8Array): void;
  end(): void;
}

export interface MultipartParser {
  write(chunk: Uint8Array): void;
  /** The body is over. */
  end(): void;
}

const CR = 13;
const LF = 10;
const DASH = 45;
const BLANK = new Set([CR, LF, 9, 32]);
const HEAD_END = Uint8Array.of(CR, LF, CR, LF);
const MAX_HEAD_BYTES = 4096;
const MAX_EPILOGUE_BYTES = 1024;
const EMPTY = new Uint8Array(0);

type State = "opening" | "delimited" | "head" | "begin" | "content" | "epilogue";

/**
 * A push parser for `multipart/form-data`, stricter than RFC 2046: nothing before the first boundary, no padding after
 * one, only blanks after the last, so that whoever reads the same bytes next can't see other parts in them. The result
 * doesn't depend on how the body is cut into chunks. It holds at most one part's head or one delimiter, never content.
 *
 * `open` hears of each part, and where in the body its content begins. `write` and `end` throw `FormRefused`; after that the
 * parser must not be used.
 */
export function multipartParser(
  boundary: string,
  open: (head: PartHead, at: number) => PartSink,
): MultipartParser {
  const delimiter = new TextEncoder().encode(`\r\n--${boundary}`);
  const opening = delimiter.subarray(2);
  let state: State = "opening";
  let part: PartSink | null = null;
  let held: Uint8Array = EMPTY;
  let position = 0;
  let epilogueBytes = 0;

  /** Each takes bytes off the front and tells how many. None, and no other state: it must see more of them first. */
  const steps: Record<State, (data: Uint8Array) => number> = {
    opening(data) {
      const size = Math.min(data.length, opening.length);
      if (!startsWith(opening, data.subarray(0, size))) {
        malformed("The body does not begin with the boundary that its content type names.");
      }
      if (size < opening.length) {
        return 0;
      }
      state = "delimited";
      return size;
    },
    delimited(data) {
      if (data.length < 2) {
        return 0;
      }
      if (data[0] === DASH && data[1] === DASH) {
        state = "epilogue";
      } else if (data[0] === CR && data[1] === LF) {
        state = "head";
      } else {
        malformed("The boundary occurs inside a part, or its line does not end after it.");
      }
      return 2;
    },
    head(data) {
      const end = indexOf(data, HEAD_END);
      if ((end === -1 ? data.length : end) > MAX_HEAD_BYTES) {
        malformed(`The headers of a part are longer than ${MAX_HEAD_BYTES} bytes.`);
      }
      if (end === -1) {
        return 0;
      }
      part = open(parsePartHead(data.subarray(0, end)), position + end + HEAD_END.length);
      state = "begin";
      return end + HEAD_END.length;
    },
    // A boundary right after the head is content to some readers and the next part to others.
    begin(data) {
      const size = Math.min(data.length, opening.length);
      if (!startsWith(opening, data.subarray(0, size))) {
        state = "content";
      } else if (size === opening.length) {
        malformed("The boundary occurs inside a part.");
      }
      return 0;
    },
    content(data) {
      const end = indexOf(data, delimiter);
      const size = end === -1 ? data.length - delimiterBegun(data) : end;
      if (size > 0) {
        part?.write(data.subarray(0, size));
      }
      if (end === -1) {
        return size;
      }
      part?.end();
      part = null;
      state = "delimited";
      return end + delimiter.length;
    },
    epilogue(data) {
      epilogueBytes += data.length;
      if (epilogueBytes > MAX_EPILOGUE_BYTES || !data.every((byte) => BLANK.has(byte))) {
        malformed("There is something after the closing boundary.");
      }
      return data.length;
    },
  };

  /** How many bytes at the end of `data` may be the begin of a delimiter, which has one CR: its first byte. */
  function delimiterBegun(data: Uint8Array): number {
    const end = data.subarray(Math.max(0, data.length - delimiter.length + 1));
    const cr = end.lastIndexOf(CR);
    const begun = cr === -1 ? EMPTY : end.subarray(cr);
    return startsWith(delimiter, begun) ? begun.length : 0;
  }

  return {
    write(chunk) {
      let data = held.length === 0 ? chunk : concat(held, chunk);
      while (data.length > 0) {
        const before = state;
        const taken = steps[before](data);
        if (taken === 0 && state === before) {
          break;
        }
        data = data.subarray(taken);
        position += taken;
      }
      held = data.slice();
    },
    end() {
      if (state !== "epilogue") {
        refuse(
          "multipart_truncated",
          "The body ended before its closing boundary. Send the whole form again.",
        );
      }
    },
  };
}

function malformed(what: string): never {
  return refuse(
    "multipart_malformed",
    `${what} Let a multipart library or FormData write the form, and its content type with it.`,
  );
}

function startsWith(whole: Uint8Array, start: Uint8Array): boolean {
  return start.every((byte, index) => whole[index] === byte);
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

/** Node's search is native; one in JavaScript takes seconds over 25 MiB chosen against it. */
function indexOf(data: Uint8Array, bytes: Uint8Array): number {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength).indexOf(bytes);
}
