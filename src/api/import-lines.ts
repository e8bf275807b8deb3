import { inUnits, quoted } from "../deploy-form/problem.ts";
import { byteSource, drain } from "../deploy-form/source.ts";
import { isObject } from "../deploy-form/manifest.ts";
import { Problem } from "../problem.ts";
import type { ImportLine } from "../project/import.ts";

/** As much as Cloudflare lets through in one request on most plans. */
export const IMPORT_BYTES = 100 * 1024 * 1024;
/** No row is larger. */
const LINE_BYTES = 1024 * 1024;
/** Lines go on together, for each write is a message to the project. */
const WRITE_CHARACTERS = 65_536;
const DRAIN_MS = 10_000;

/** Makes of a line what is stored of it. @throws {@link LineFault} */
export type LineChecker = (kind: string, data: unknown, lines: number) => ImportLine;

/** What is wrong with a line. It repeats nothing of it but names. */
export class LineFault extends Error {}

export interface ExportReading {
  /** A line for each that was read, checked. It fails as soon as something is wrong. */
  readonly stream: ReadableStream<Uint8Array>;
  /** Why, or null. Settles when the stream was read to its end or has failed, and the rest of the body was taken. */
  readonly problem: Promise<Problem | null>;
  /** Whoever read the stream has given up. */
  readonly cancel: () => void;
}

/** Reads an export line by line at the pace of whoever takes what comes of it. Holds one line and what waits to be written. */
export function readExport(
  body: ReadableStream<Uint8Array> | null,
  check: LineChecker,
): ExportReading {
  const { readable, writable } = new IdentityTransformStream();
  const writer = (writable as WritableStream<Uint8Array>).getWriter();
  const source = byteSource(body ?? new Blob([]).stream());
  const abandoned = Promise.withResolvers<never>();
  abandoned.promise.catch(() => undefined);
  const lines = new Lines(check);
  let bytes = 0;

  async function pump(): Promise<void> {
    for (;;) {
      const { done, value } = await Promise.race([source.read(), abandoned.promise]).catch(() => {
        throw new Problem(
          "upload_incomplete",
          "The body ended before it was whole. Send it again.",
        );
      });
      bytes += value?.length ?? 0;
      if (bytes > IMPORT_BYTES) {
        throw new Problem(
          "body_too_large",
          `The export is larger than ${inUnits(IMPORT_BYTES)}, the most that is imported. Export with include=settings.`,
        );
      }
      const out = done ? lines.end() : lines.add(value);
      if (out !== "") {
        await Promise.race([writer.write(new TextEncoder().encode(out)), abandoned.promise]);
      }
      if (done) {
        return;
      }
    }
  }

  async function run(): Promise<Problem | null> {
    try {
      await pump();
      await Promise.race([writer.close(), abandoned.promise]).catch(() => undefined);
      return null;
    } catch (error) {
      writer.abort(error).catch(() => undefined);
      await drain(source, Math.max(IMPORT_BYTES - bytes, IMPORT_BYTES / 4), DRAIN_MS);
      if (error instanceof Problem) {
        return error;
      }
      if (error instanceof LineFault) {
        const detail = `Line ${lines.read}: ${error.message}`;
        return new Problem("import_invalid", detail, {
          errors: [{ field: `line ${lines.read}`, detail: error.message }],
        });
      }
      // Its reader gave up, and says itself why.
      return new Problem("upload_incomplete", "The body was not taken whole. Send it again.");
    }
  }

  const cancel = (): void => abandoned.reject(new Error("abandoned"));
  return { stream: readable, problem: run(), cancel };
}

/** The rules of the lines as a whole: one header, rows of kinds that there are, one end that has counted them. */
class Lines {
  /** So many were read; the last one is at hand. */
  read = 0;
  readonly #check: LineChecker;
  readonly #decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  #ended = false;
  #out = "";

  constructor(check: LineChecker) {
    this.#check = check;
  }

  add(chunk: Uint8Array): string {
    let from = 0;
    for (let at = chunk.indexOf(0x0a); at !== -1; at = chunk.indexOf(0x0a, from)) {
      this.#hold(chunk.subarray(from, at));
      this.#line();
      from = at + 1;
    }
    this.#hold(chunk.slice(from));
    return this.#out.length >= WRITE_CHARACTERS ? this.#take() : "";
  }

  end(): string {
    if (this.#heldBytes > 0) {
      this.#line();
    }
    if (!this.#ended) {
      this.read += 1;
      throw new LineFault(
        "the export ends before its last line, so it was cut off. Take it again.",
      );
    }
    return this.#take();
  }

  #take(): string {
    const out = this.#out;
    this.#out = "";
    return out;
  }

  #hold(bytes: Uint8Array): void {
    this.#heldBytes += bytes.byteLength;
    if (this.#heldBytes > LINE_BYTES) {
      this.read += 1;
      throw new LineFault(`is longer than ${inUnits(LINE_BYTES)}, which no line of an export is.`);
    }
    if (bytes.byteLength > 0) {
      this.#held.push(bytes);
    }
  }

  #line(): void {
    this.read += 1;
    if (this.#ended) {
      throw new LineFault("comes after the last line of the export. Take the export again.");
    }
    const { kind, data } = parsed(this.#text());
    if ((this.read === 1) !== (kind === "signalbox")) {
      throw new LineFault(
        this.read === 1
          ? "this is not the first line of an export of Signalbox. Send what GET …/export answered."
          : "is the first line of another export. Import one at a time.",
      );
    }
    // Neither the first nor this one counts.
    const line = this.#check(kind, data, this.read - 2);
    this.#ended = line[0] === "end";
    this.#out += `${JSON.stringify(line)}\n`;
  }

  #text(): string {
    const held = this.#held;
    this.#held = [];
    this.#heldBytes = 0;
    try {
      const text = held.map((bytes) => this.#decoder.decode(bytes, { stream: true })).join("");
      return text + this.#decoder.decode();
    } catch {
      throw new LineFault("is not in UTF-8.");
    }
  }
}

function parsed(text: string): { kind: string; data: unknown } {
  let line: unknown;
  try {
    line = JSON.parse(text);
  } catch {
    throw new LineFault("is not JSON. Each line of an export is one JSON object.");
  }
  if (!isObject(line) || typeof line["kind"] !== "string") {
    throw new LineFault("is not an object with kind and data, as each line of an export is.");
  }
  const other = Object.keys(line).find((key) => key !== "kind" && key !== "data");
  if (other !== undefined) {
    throw new LineFault(`has ${quoted(other)} beside kind and data.`);
  }
  return { kind: line["kind"], data: line["data"] };
}
