import { inUnits, quoted, refuse } from "./problem.ts";

/** A field of our own: which run of a CI workflow this is of. It is taken out before a form is sent on. */
export const RUN_FIELD = "signalbox_run";

/** The text fields of Create deployment, and one of our own, as far as they were given. */
export interface DeployFields {
  branch?: string;
  commit_hash?: string;
  commit_message?: string;
  commit_dirty?: boolean;
  pages_build_output_dir?: string;
  wrangler_config_hash?: string;
  signalbox_run?: string;
}

export type TextField = Exclude<keyof DeployFields, "commit_dirty">;

/** The most bytes each may have. Cloudflare shows 384 of a commit message; longer ones exist and are passed on. */
export const TEXT_BYTES: Readonly<Record<keyof DeployFields, number>> = {
  branch: 255,
  commit_hash: 128,
  commit_message: 65_536,
  commit_dirty: 16,
  pages_build_output_dir: 1024,
  wrangler_config_hash: 128,
  signalbox_run: 256,
};

// oxlint-disable-next-line no-control-regex -- refusing control characters is the point
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;
// oxlint-disable-next-line no-control-regex -- a message has lines and tabs, and nothing else below a space
const CONTROL_IN_TEXT = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/;

/** The rules of git-check-ref-format for what may not be in a branch name. */
const NOT_IN_BRANCH = /[ ~^:?*[\\]|\.\.|@\{|\/\/|^[-/]|[/.]$|(?:^|\/)\.|\.lock(?:\/|$)|^@$/;

/** Whether git takes this as a branch's name, and the form as its branch. */
export function isBranch(text: string): boolean {
  return (
    text !== "" &&
    text.isWellFormed() &&
    !CONTROL.test(text) &&
    !NOT_IN_BRANCH.test(text) &&
    new TextEncoder().encode(text).length <= TEXT_BYTES.branch
  );
}

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Reads one text field of a form into `fields`. An empty one counts as not given, except a branch. */
export function readTextField(
  name: keyof DeployFields,
  bytes: Uint8Array,
  fields: DeployFields,
): void {
  const text = decodeField(name, bytes);
  if (name !== "commit_dirty") {
    setTextField(name, text, fields);
  } else if (text === "true" || text === "false") {
    fields.commit_dirty = text === "true";
  } else {
    refuse("field_invalid", "commit_dirty must be true or false.", name);
  }
}

/** Checks one text field against its rules and puts it into `fields`. */
export function setTextField(name: TextField, text: string, fields: DeployFields): void {
  const control = name === "commit_message" ? CONTROL_IN_TEXT : CONTROL;
  if (!text.isWellFormed() || control.test(text)) {
    refuse(
      "field_invalid",
      `${name} has characters that text can't have, such as control characters. Remove them.`,
      name,
    );
  }
  if (text.length > TEXT_BYTES[name] || new TextEncoder().encode(text).length > TEXT_BYTES[name]) {
    tooLong(name);
  }
  if (name === "branch" && (text === "" || NOT_IN_BRANCH.test(text))) {
    refuse(
      "branch_invalid",
      `${quoted(text)} can't be the name of a git branch. Give the branch's own name, or leave it out for the production branch.`,
      name,
    );
  }
  if (text !== "") {
    fields[name] = text;
  }
}

export function tooLong(name: keyof DeployFields): never {
  return refuse(
    "field_too_long",
    `${name} is longer than ${inUnits(TEXT_BYTES[name])}. Shorten it.`,
    name,
  );
}

/** UTF-8 or a refusal: a replacement character would hide what was sent. */
export function decodeField(name: string, bytes: Uint8Array): string {
  try {
    return strictUtf8.decode(bytes);
  } catch {
    return refuse("field_invalid", `${name} is not valid UTF-8. Send it as UTF-8.`, name);
  }
}
