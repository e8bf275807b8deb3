import { err, ok, type Result } from "../result.ts";
import { formBoundary } from "./boundary.ts";
import { type DeployForm, FORM_LIMITS, formCollector, type FormLimits } from "./form.ts";
import { multipartParser } from "./multipart.ts";
import { byteSource, drain } from "./source.ts";
import { type FormProblem, formProblem, FormRefused, inUnits, refuse } from "./problem.ts";

export interface DeployFormReading {
  /** Exactly the body's bytes. Fails with `FormRefused` as soon as a rule is broken. */
  readonly stream: ReadableStream<Uint8Array>;
  /**
   * What the form says, or why it is refused. Settles once the stream was read to its end or failed, so have it read
   * before waiting for this. A refusal comes when the rest of the body was taken too, within bounds: answer then.
   * Rejects only for a bug.
   */
  readonly form: Promise<Result<DeployForm, FormProblem>>;
  /**
   * Ends the reading, if nothing has ended it yet: the rest of the body is taken, within bounds, and `form` settles. Call
   * it whenever whoever got the stream failed or gave up; a stream that went through RPC doesn't tell of that by itself.
   */
  readonly cancel: (reason: unknown) => void;
}

/**
 * Reads a Create deployment form while its bytes pass by, unchanged and at the pace of whoever reads `stream`. At any
 * time it holds one chunk and the small fields, never a file.
 */
export function readDeployForm(
  body: ReadableStream<Uint8Array> | null,
  contentType: string | null,
  limits: Partial<FormLimits> = {},
): DeployFormReading {
  const { readable, writable } = passThrough();
  const writer = writable.getWriter();
  const source = byteSource(body ?? new Blob([]).stream());
  const { bytes: maxBytes, drain_ms, ...partLimits } = { ...FORM_LIMITS, ...limits };
  // An abort does not end a write that waits for its reader, on every runtime.
  const abandoned = Promise.withResolvers<never>();
  abandoned.promise.catch(() => undefined);
  let bytes = 0;

  async function pump(): Promise<DeployForm> {
    const boundary = formBoundary(contentType);
    if (!boundary.ok) {
      throw new FormRefused(boundary.error);
    }
    const collector = formCollector(partLimits);
    const parser = multipartParser(boundary.value, (head, at) => collector.open(head, at));
    for (;;) {
      const { done, value } = await source.read().catch(interrupted);
      if (done) {
        break;
      }
      bytes += value.length;
      if (bytes > maxBytes) {
        tooLarge(maxBytes);
      }
      parser.write(value);
      await Promise.race([writer.write(value), abandoned.promise]).catch(interrupted);
    }
    parser.end();
    return collector.finish(bytes, boundary.value);
  }

  let ended = false;
  let gaveUp: ReturnType<typeof setTimeout> | null = null;

  async function run(): Promise<Result<DeployForm, FormProblem>> {
    try {
      const form = await pump();
      ended = true;
      writer.close().catch(() => undefined); // its reader's business
      return ok(form);
    } catch (error) {
      ended = true; // before the stream fails: its reader may then cancel, which must not hide the reason
      writer.abort(error).catch(() => undefined);
      // Of a form that is too large as a whole a little more is taken than it may have.
      await drain(source, Math.max(maxBytes - bytes, maxBytes / 4), drain_ms);
      if (error instanceof FormRefused) {
        return err(gaveUp === null ? error.problem : INTERRUPTED);
      }
      throw error;
    } finally {
      clearTimeout(gaveUp ?? null);
    }
  }

  function cancel(reason: unknown): void {
    if (!ended && gaveUp === null) {
      writer.abort(reason).catch(() => undefined);
      abandoned.reject(reason);
      // The sender's next bytes meet that, and the rest is drained; without any, the body is let go all the same.
      gaveUp = setTimeout(() => void source.cancel(reason).catch(() => undefined), drain_ms);
    }
  }

  const form = run();
  form.catch(() => undefined); // whoever waits for it still sees the bug
  return { stream: readable, form, cancel };
}

function tooLarge(limit: number): never {
  return refuse(
    "form_too_large",
    `The form is larger than ${inUnits(limit)}, the most it may have. Deploy less at once.`,
  );
}

const INTERRUPTED = formProblem(
  "upload_interrupted",
  "The upload stopped before the whole form had arrived. Send it again.",
);

function interrupted(cause: unknown): never {
  throw new FormRefused(INTERRUPTED, { cause });
}

/** A pipe without a queue. The runtime's own passes through RPC at half the cost, and fails there without an uncaught error. */
function passThrough(): TransformStream<Uint8Array, Uint8Array> {
  return typeof IdentityTransformStream === "undefined"
    ? new TransformStream<Uint8Array, Uint8Array>()
    : new IdentityTransformStream();
}
