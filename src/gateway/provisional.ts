import { isId } from "../ids.ts";
import type { Deploy, ProjectView } from "../project/shapes.ts";

const DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/**
 * The id under which a client of Cloudflare's API knows a deploy before it has a deployment: the 128 bits of its own id,
 * written as a UUID. So it needs no storage, and stays good for ever.
 */
export function uuidOf(deployId: string): string {
  let bits = 0n;
  for (const digit of deployId.slice("dpl_".length)) {
    bits = bits * 32n + BigInt(DIGITS.indexOf(digit));
  }
  const hex = bits.toString(16).padStart(32, "0");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** The deploy that such an id would be of. Any UUID is one; whether there is such a deploy, the project knows. */
export function deployIdOf(uuid: string): string | null {
  let bits = BigInt(`0x${uuid.replaceAll("-", "")}`);
  let text = "";
  for (let n = 0; n < 26; n++) {
    text = `${DIGITS[Number(bits % 32n)]}${text}`;
    bits /= 32n;
  }
  const id = `dpl_${text}`;
  return isId("dpl", id) ? id : null;
}

const STAGES = ["queued", "initialize", "clone_repo", "build", "deploy"] as const;

/** What Cloudflare's clients would be shown of a deploy that has no deployment (yet), in Cloudflare's own terms. */
export function provisional(deploy: Deploy, project: ProjectView): object {
  const id = uuidOf(deploy.id);
  const latest = latestStage(deploy);
  return {
    id,
    short_id: id.slice(0, 8),
    project_id: "",
    project_name: project.name,
    environment: deploy.environment,
    url: `https://${project.subdomain}`,
    created_on: deploy.created_at,
    modified_on: deploy.ended_at ?? deploy.created_at,
    aliases: null,
    latest_stage: latest,
    stages: STAGES.map((name) => (name === latest.name ? latest : idle(name))),
    deployment_trigger: {
      type: "ad_hoc",
      metadata: {
        branch: deploy.branch,
        commit_hash: deploy.commit_hash ?? "",
        commit_message: deploy.commit_message ?? "",
        commit_dirty: deploy.commit_dirty ?? false,
      },
    },
    build_config: null,
    env_vars: {},
    is_skipped: deploy.status === "superseded" || deploy.status === "skipped",
    skip_reason: deploy.status === "superseded" ? "superseded_queued_build" : null,
    production_branch: project.production_branch,
  };
}

const idle = (name: string): object => ({
  name,
  status: "idle",
  started_on: null,
  ended_on: null,
});

/** A failure is told of the stage `deploy`, the only one whose failure wrangler takes for one. */
function latestStage({ status, created_at, ended_at }: Deploy): {
  name: (typeof STAGES)[number];
  status: string;
  started_on: string;
  ended_on: string | null;
} {
  const at = { started_on: created_at, ended_on: ended_at };
  switch (status) {
    case "failed":
    case "timed_out":
      return { name: "deploy", status: "failure", ...at };
    case "canceled":
      return { name: "deploy", status: "canceled", ...at };
    case "superseded":
    case "skipped":
      return { name: "queued", status: "skipped", ...at };
    case "succeeded":
      return { name: "deploy", status: "success", ...at };
    default:
      return { name: "queued", status: "active", ...at };
  }
}
