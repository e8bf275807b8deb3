import type { Result } from "../../../src/result.ts";
import type { DeployForm, FormLimits } from "../../../src/deploy-form/form.ts";
import type { FormProblem } from "../../../src/deploy-form/problem.ts";
import { readDeployForm } from "../../../src/deploy-form/read.ts";

export interface TestPart {
  name: string;
  value: string | Uint8Array;
  filename?: string;
  type?: string;
}

export const BOUNDARY = "Bnd";
export const TYPE = `multipart/form-data; boundary=${BOUNDARY}`;

export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function join(...pieces: (string | Uint8Array)[]): Uint8Array {
  const parts = pieces.map((piece) => (typeof piece === "string" ? utf8(piece) : piece));
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

export function multipart(parts: readonly TestPart[], boundary = BOUNDARY): Uint8Array {
  const pieces = parts.flatMap(({ name, value, filename, type }) => [
    `--${boundary}\r\nContent-Disposition: form-data; name="${name}"`,
    filename === undefined ? "" : `; filename="${filename}"`,
    type === undefined ? "" : `\r\nContent-Type: ${type}`,
    "\r\n\r\n",
    value,
    "\r\n",
  ]);
  return join(...pieces, `--${boundary}--\r\n`);
}

/** Cuts `bytes` at the given offsets. */
export function cut(bytes: Uint8Array, offsets: readonly number[]): Uint8Array[] {
  const at = [0, ...[...offsets].sort((a, b) => a - b), bytes.length];
  return at.slice(1).map((end, index) => bytes.slice(at[index], end));
}

export function streamOf(chunks: readonly Uint8Array[]): ReadableStream<Uint8Array> {
  const left = [...chunks];
  return new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        const chunk = left.shift();
        if (chunk === undefined) {
          controller.close();
        } else {
          controller.enqueue(chunk);
        }
      },
    },
    { highWaterMark: 0 },
  );
}

export interface Reading {
  result: Result<DeployForm, FormProblem>;
  passed: Uint8Array;
  failure: unknown;
}

/** Reads a form to its end, the way a consumer does. */
export async function read(
  chunks: readonly Uint8Array[],
  options: { type?: string | null; limits?: Partial<FormLimits> } = {},
): Promise<Reading> {
  const type = options.type === undefined ? TYPE : options.type;
  const { stream, form } = readDeployForm(streamOf(chunks), type, options.limits);
  const passed: Uint8Array[] = [];
  let failure: unknown = null;
  try {
    for await (const chunk of stream) {
      passed.push(chunk);
    }
  } catch (error) {
    failure = error;
  }
  return { result: await form, passed: join(...passed), failure };
}

export async function readForm(parts: readonly TestPart[], limits?: Partial<FormLimits>) {
  const { result } = await read([multipart(parts)], limits === undefined ? {} : { limits });
  return result;
}

/** The form, or a thrown error that says why there is none. */
export function accepted(result: Result<DeployForm, FormProblem>): DeployForm {
  if (!result.ok) {
    throw new Error(`refused: ${JSON.stringify(result.error)}`);
  }
  return result.value;
}

export function refused(result: Result<DeployForm, FormProblem>): FormProblem {
  if (result.ok) {
    throw new Error("accepted");
  }
  return result.error;
}
