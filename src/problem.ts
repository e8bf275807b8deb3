import type { ContentfulStatusCode } from "hono/utils/http-status";

import type { FormProblem } from "./deploy-form/problem.ts";
import type { Refusal } from "./project/refusal.ts";
import type { Result } from "./result.ts";

/** Every code a refusal can have, with its status and what it means: the one list that answers and documents follow. */
export const CODES = {
  bad_request: [400, "The request can't be read."],
  query_invalid: [400, "A query parameter has a value it can't have."],
  header_invalid: [400, "A header has a value it can't have."],
  cursor_invalid: [400, "The cursor is not one that a list answered."],
  body_not_json: [400, "The body is not JSON in UTF-8."],
  manifest_missing: [400, "The form has files but no manifest that names them."],
  upload_incomplete: [400, "The body did not arrive whole."],
  upload_interrupted: [400, "The form did not arrive whole."],
  boundary_invalid: [400, "The form's content type names no usable boundary."],
  multipart_malformed: [400, "The form is not written as multipart/form-data is."],
  multipart_truncated: [400, "The form ends before its closing boundary."],
  token_missing: [401, "There is no token."],
  invalid_token: [401, "The token was not made for this place."],
  unknown_token: [401, "The token is not stored here any more."],
  expired_token: [401, "The token has expired."],
  revoked_token: [401, "The token was revoked."],
  missing_signature: [401, "The delivery has no signature, or no secret."],
  malformed_signature: [401, "The delivery's signature is not written as its source writes one."],
  bad_signature: [401, "The delivery was signed with another secret, or is not what was signed."],
  timestamp_out_of_range: [401, "The delivery was signed more than 5 minutes from now."],
  secret_awaited: [401, "The hook has not got its secret yet."],
  insufficient_scope: [403, "The token may not do this."],
  wrong_repository: [403, "The delivery is about another repository than the hook's."],
  not_trusted: [403, "No trust rule of the project fits this CI job."],
  no_access_rule: [403, "No access rule fits who came through Cloudflare Access."],
  cross_site: [403, "Another site's page may have sent the request."],
  upload_token_invalid: [403, "The upload token is none of this place, or has expired."],
  not_found: [404, "There is nothing at this address."],
  account_not_found: [404, "No credential for this account is stored."],
  project_not_found: [404, "There is no such project."],
  deploy_not_found: [404, "There is no such deploy."],
  hook_not_found: [404, "There is no such hook."],
  subscriber_not_found: [404, "There is no such subscriber."],
  delivery_not_found: [404, "There is no such delivery."],
  schedule_not_found: [404, "There is no such schedule."],
  badge_not_found: [404, "There is no such badge, or no longer."],
  token_not_found: [404, "There is no such token."],
  trust_not_found: [404, "There is no such trust rule."],
  access_rule_not_found: [404, "There is no such access rule."],
  method_not_allowed: [405, "This address does not take this method."],
  body_timeout: [408, "The body took too long to arrive."],
  conflict: [409, "The state of the thing does not allow this."],
  not_git_connected: [409, "The Pages project has no git repository, so no branch can be built."],
  not_promotable: [409, "The preview of a git build can't be promoted."],
  policy_changed: [412, "The policy is not any more what If-Match says."],
  policy_invalid: [422, "The policy as a whole does not hold together."],
  import_invalid: [422, "A line of the import can't be used, or one is missing."],
  locked: [423, "A lock is in the way, and the request asked not to wait for it."],
  lock_not_found: [404, "There is no such lock."],
  secret_not_shown: [409, "The hook has no secret that could be shown."],
  no_deployment_yet: [409, "The deploy has no deployment at Cloudflare yet."],
  body_expired: [410, "The uploaded body is no longer stored."],
  body_too_large: [413, "The body is larger than it may be."],
  form_too_large: [413, "The form is larger than it may be."],
  part_too_large: [413, "A part of the form is larger than it may be."],
  too_many_parts: [413, "The form has more parts than it may have."],
  unsupported_media_type: [415, "The body's content type is not one that is read here."],
  content_type_unsupported: [415, "The body is multipart, but not a form."],
  body_not_object: [422, "The body is JSON, but not an object."],
  field_unknown: [422, "The body has a field that there is not."],
  field_invalid: [422, "A field has a value it can't have."],
  field_repeated: [422, "The form has a field twice."],
  field_too_long: [422, "A field is longer than it may be."],
  branch_invalid: [422, "No git branch can have this name."],
  worker_conflict: [422, "The form has both _worker.js and _worker.bundle."],
  json_invalid: [422, "A part of the form that has to be a JSON object is none."],
  manifest_invalid: [422, "The manifest does not map paths to hashes."],
  manifest_too_many_entries: [422, "The manifest has more entries than it may have."],
  cron_invalid: [422, "The cron expression or its time zone can't be used."],
  credential_refused: [422, "Cloudflare did not accept the credential, so it was not stored."],
  url_refused: [422, "Events are not sent to this URL."],
  idempotency_mismatch: [422, "The Idempotency-Key was used for another request."],
  payload_invalid: [422, "The delivery is not what this hook's source sends."],
  too_many_refusals: [429, "Too much that came from this address lately had to be refused."],
  too_many_sign_ins: [429, "Somebody at this address has tried to sign in too often."],
  too_many_uploads: [429, "Too many uploads to this project are under way."],
  internal_error: [500, "Something went wrong here."],
  upstream_auth: [502, "Cloudflare did not accept the stored credential."],
  upstream_refused: [502, "Cloudflare refused the request."],
  upstream_unavailable: [502, "Cloudflare gave no usable answer."],
  not_configured: [503, "Settings of this Worker are missing."],
  unavailable: [503, "This can't be answered at the moment."],
  issuer_unavailable: [503, "The issuer's keys can't be had, so its tokens can't be verified."],
  budget_spent: [503, "Cloudflare's API limit is used up for the moment."],
  too_much_waiting: [507, "Too many bytes wait to be deployed."],
} as const satisfies Record<string, readonly [ContentfulStatusCode, string]>;

export type Code = keyof typeof CODES;

/** One thing that is wrong, with the field, parameter or setting it is about. */
export interface Fault {
  readonly field: string;
  readonly detail: string;
}

export interface ProblemExtras {
  readonly headers?: Readonly<Record<string, string>>;
  readonly errors?: readonly Fault[];
}

/** A refusal on its way out: thrown anywhere at the edge, answered as `application/problem+json` in one place. */
export class Problem extends Error {
  readonly status: ContentfulStatusCode;
  readonly code: Code;
  readonly extras: ProblemExtras;

  /** `detail` says what was wrong and what to do. It never holds a secret. */
  constructor(code: Code, detail: string, extras: ProblemExtras = {}) {
    super(detail);
    this.name = "Problem";
    this.status = CODES[code][0];
    this.code = code;
    this.extras = extras;
  }

  static ofForm({ code, detail, field }: FormProblem): Problem {
    return new Problem(code, detail, field === undefined ? {} : { errors: [{ field, detail }] });
  }
}

/** What a project agreed to, or its refusal as a problem. */
export function agreed<T>(result: Result<T, Refusal>): T {
  if (result.ok) {
    return result.value;
  }
  const { code, detail } = result.error;
  switch (code) {
    case "not_found":
      throw new Problem("not_found", detail);
    case "stale_revision":
      throw new Problem("unavailable", detail, { headers: { "retry-after": "1" } });
    case "too_many_uploads":
    case "too_much_waiting":
      throw new Problem(code, detail, { headers: { "retry-after": "30" } });
    default:
      throw new Problem(code, detail);
  }
}

/** A value that must exist, else 404. */
export function existing<T>(value: T | null, code: Code, detail: string): T {
  if (value === null) {
    throw new Problem(code, detail);
  }
  return value;
}
