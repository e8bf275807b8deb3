import { err, ok, type Result } from "../result.ts";
import { isObject } from "./manifest.ts";
import { type FormProblem, FormRefused, quoted, refuse } from "./problem.ts";
import { type DeployFields, setTextField } from "./text.ts";

/** What a JSON create may say: it starts a build of a git project. */
export type DeployJson = Pick<
  DeployFields,
  "branch" | "commit_hash" | "commit_message" | "commit_dirty" | "signalbox_run"
>;

const ALLOWED = "branch, commit_hash, commit_message, commit_dirty and signalbox_run";

/** Reads the body of a JSON create, by the same rules as the form's fields. Unknown keys are refused by name. */
export function parseDeployJson(value: unknown): Result<DeployJson, FormProblem> {
  try {
    return ok(readDeployJson(value));
  } catch (error) {
    if (error instanceof FormRefused) {
      return err(error.problem);
    }
    throw error;
  }
}

function readDeployJson(value: unknown): DeployJson {
  if (!isObject(value)) {
    return refuse(
      "body_not_object",
      `The body must be a JSON object. It may have ${ALLOWED}; {} builds the production branch.`,
    );
  }
  const fields: DeployJson = {};
  for (const [name, given] of Object.entries(value)) {
    switch (name) {
      case "commit_dirty":
        if (typeof given !== "boolean") {
          return refuse("field_invalid", "commit_dirty must be true or false.", name);
        }
        fields.commit_dirty = given;
        break;
      case "branch":
      case "commit_hash":
      case "commit_message":
      case "signalbox_run":
        if (typeof given !== "string") {
          return refuse(
            "field_invalid",
            `${name} must be a string. Leave it out if you have none.`,
            name,
          );
        }
        setTextField(name, given, fields);
        break;
      default:
        return refuse(
          "field_unknown",
          `${quoted(name)} is no field of a deploy. Leave it out; there are ${ALLOWED}.`,
          name,
        );
    }
  }
  return fields;
}
