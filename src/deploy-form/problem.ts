/** Why a create request is refused: an HTTP status, a stable code, a sentence that says what to do, and the field. */
export interface FormProblem {
  readonly status: 400 | 413 | 415 | 422;
  readonly code: FormProblemCode;
  readonly detail: string;
  readonly field?: string;
}

export type FormProblemCode =
  | "content_type_unsupported"
  | "boundary_invalid"
  | "upload_interrupted"
  | "multipart_malformed"
  | "multipart_truncated"
  | "form_too_large"
  | "part_too_large"
  | "too_many_parts"
  | "body_not_object"
  | "field_unknown"
  | "field_repeated"
  | "field_too_long"
  | "field_invalid"
  | "branch_invalid"
  | "worker_conflict"
  | "json_invalid"
  | "manifest_invalid"
  | "manifest_too_many_entries";

const STATUS: Record<FormProblemCode, FormProblem["status"]> = {
  content_type_unsupported: 415,
  boundary_invalid: 400,
  upload_interrupted: 400,
  multipart_malformed: 400,
  multipart_truncated: 400,
  form_too_large: 413,
  part_too_large: 413,
  too_many_parts: 413,
  body_not_object: 422,
  field_unknown: 422,
  field_repeated: 422,
  field_too_long: 422,
  field_invalid: 422,
  branch_invalid: 422,
  worker_conflict: 422,
  json_invalid: 422,
  manifest_invalid: 422,
  manifest_too_many_entries: 422,
};

export function formProblem(code: FormProblemCode, detail: string, field?: string): FormProblem {
  const problem = { status: STATUS[code], code, detail };
  return field === undefined ? problem : { ...problem, field: field.slice(0, 64) };
}

/** Carries a problem out of the parser, and is what the stream fails with. */
export class FormRefused extends Error {
  readonly problem: FormProblem;

  constructor(problem: FormProblem, options?: ErrorOptions) {
    super(problem.detail, options);
    this.name = "FormRefused";
    this.problem = problem;
  }
}

export function refuse(code: FormProblemCode, detail: string, field?: string): never {
  throw new FormRefused(formProblem(code, detail, field));
}

/** A sender's text made fit for a sentence: quoted, escaped and short. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 64 ? `${text.slice(0, 64)}…` : text);
}

/** `26214400` → `25 MiB`. */
export function inUnits(bytes: number): string {
  for (const [unit, name] of [
    [1_048_576, "MiB"],
    [1024, "KiB"],
  ] as const) {
    if (bytes >= unit && bytes % unit === 0) {
      return `${bytes / unit} ${name}`;
    }
  }
  return `${bytes} bytes`;
}
