import { err, ok, type Result } from "../result.ts";
import { parseParameters } from "./parameters.ts";
import { type FormProblem, formProblem } from "./problem.ts";

const MEDIA_TYPE = /^[ \t]*multipart\/form-data[ \t]*(?=;|$)/i;

/** RFC 2046: one to 70 characters of a short list, the last one no space. */
const BOUNDARY = /^[\w'()+,./:=? -]{0,69}[\w'()+,./:=?-]$/;

/** The boundary of a `multipart/form-data` content type, strictly read. */
export function formBoundary(contentType: string | null): Result<string, FormProblem> {
  const media = MEDIA_TYPE.exec(contentType ?? "");
  if (contentType === null || media === null) {
    return err(
      formProblem(
        "content_type_unsupported",
        "The body is not a form. Send it as multipart/form-data, the form of Cloudflare's Create deployment.",
      ),
    );
  }
  const boundary = parseParameters(contentType, media[0].length)?.get("boundary");
  if (boundary === undefined || !BOUNDARY.test(boundary)) {
    return err(
      formProblem(
        "boundary_invalid",
        "The content type names no usable boundary. Let your HTTP client set the content type of the form, or give one boundary of at most 70 characters.",
      ),
    );
  }
  return ok(boundary);
}
