/** Why a project did not do what it was asked to. Doors turn the code into a status and show the detail as it is. */
export interface Refusal {
  readonly code:
    | "stale_revision"
    | "idempotency_mismatch"
    | "upload_incomplete"
    | "not_git_connected"
    | "body_expired"
    | "not_promotable"
    | "too_much_waiting"
    | "too_many_uploads"
    | "not_found"
    | "project_not_found"
    | "conflict"
    | "locked"
    | "policy_invalid"
    | "policy_changed"
    | "import_invalid";
  readonly detail: string;
}

/** It was never registered, or has been removed. */
export const NO_PROJECT: Refusal = {
  code: "project_not_found",
  detail: "There is no such project here.",
};
