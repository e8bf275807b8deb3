import { inUnits } from "./deploy-form/problem.ts";
import { Problem } from "./problem.ts";
import type { Bytes } from "./security/encoding.ts";
import { TooLate, within } from "./within.ts";

/** From the first byte to the last, so that who sends a byte now and then is cut off as well. */
const BODY_MS = 30_000;

/** Never more is set aside for what has not come yet, whatever its sender declares. */
const MOST_AT_ONCE = 65_536;
const UNDECLARED = 4_096;

/** A request, or the answer to one of ours. */
type Message = Pick<Request | Response, "headers" | "body">;

/** Refuses a body that says of itself that it is too large, before a byte of it is read. */
export function checkDeclaredSize(request: Message, limit: number): void {
  if (Number(request.headers.get("content-length") ?? 0) > limit) {
    throw tooLarge(limit);
  }
}

/** The whole body, of which never more than `limit` bytes are held, and which does not take for ever. */
export async function readBody(request: Message, limit: number): Promise<Bytes> {
  checkDeclaredSize(request, limit);
  if (request.body === null) {
    return new Uint8Array();
  }
  const reader = (request.body as ReadableStream<Bytes>).getReader({ mode: "byob" });
  try {
    return await within(BODY_MS, readAll(reader, firstRead(request), limit));
  } catch (error) {
    void reader.cancel().catch(() => undefined);
    throw error instanceof TooLate ? tooSlow() : error;
  }
}

/** A byte more than was declared, so that what is read next is the end. */
function firstRead({ headers }: Message): number {
  const declared = Number.parseInt(headers.get("content-length") ?? "", 10);
  return declared > 0 ? Math.min(declared, MOST_AT_ONCE) + 1 : UNDECLARED;
}

/** In few large reads: the default reader hands out 4 KiB at a time. */
async function readAll(
  reader: ReadableStreamBYOBReader,
  first: number,
  limit: number,
): Promise<Bytes> {
  const chunks: Bytes[] = [];
  let size = 0;
  for (;;) {
    const room = size < first ? first - size : MOST_AT_ONCE;
    // A byte more than is let in shows that there is too much.
    const wanted = Math.min(room, limit - size + 1);
    const { done, value } = await reader.read(new Uint8Array(wanted)).catch(interrupted);
    if (done) {
      return join(chunks, size);
    }
    size += value.byteLength;
    if (size > limit) {
      throw tooLarge(limit);
    }
    chunks.push(value);
  }
}

function join(chunks: readonly Bytes[], size: number): Bytes {
  const [only] = chunks;
  if (only !== undefined && chunks.length === 1) {
    return only;
  }
  const whole = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.byteLength;
  }
  return whole;
}

function tooLarge(limit: number): Problem {
  return new Problem("body_too_large", `The body is larger than ${inUnits(limit)}. Send less.`);
}

function tooSlow(): Problem {
  const detail = `The body was not whole after ${BODY_MS / 1_000} seconds. Send it again.`;
  return new Problem("body_timeout", detail);
}

function interrupted(): never {
  throw new Problem("upload_incomplete", "The body ended before it was whole. Send it again.");
}
