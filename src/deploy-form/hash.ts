import { createHash } from "node:crypto";

/** One part of a form, without its content. */
export interface FormPart {
  readonly name: string;
  readonly filename: string | null;
  readonly content_type: string | null;
  /** Where its content begins in the body. */
  readonly at: number;
  readonly size: number;
  /** Hex. */
  readonly sha256: string;
}

/**
 * One hash for what a form says, in hex: over its parts, whatever their order. The raw bytes won't do, since clients
 * choose a new boundary for each send and some add fields in the order their files happened to be read.
 */
export function contentHash(parts: readonly FormPart[]): string {
  const lines = parts.map((part) =>
    JSON.stringify([part.name, part.filename, part.content_type, part.sha256]),
  );
  return createHash("sha256").update(lines.sort().join("\n")).digest("hex");
}
