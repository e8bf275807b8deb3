import * as z from "zod";

/**
 * Who issues tokens to CI jobs. The list is fixed by the configuration, and where an issuer has its keys follows from its
 * address alone: nothing in a token, and no document on the way, says where to look.
 */
export interface Issuer {
  /** What a trust rule calls it: `github`, `gitlab`, or its URL. */
  readonly name: string;
  /** The claim `iss`, to the letter. */
  readonly url: string;
  readonly keysUrl: string;
  readonly kind: "github" | "gitlab";
}

/** What a token says of the job that holds it, whoever issued it. */
export interface JobClaims {
  /** The name of the issuer. */
  readonly issuer: string;
  readonly repository_id: string;
  readonly repository: string;
  readonly ref: string | null;
  readonly environment: string | null;
  readonly workflow: string | null;
  readonly run: string | null;
  /** Which run of which workflow it is, where its provider counts them. */
  readonly counted: {
    readonly workflow: string;
    readonly number: number;
    readonly attempt: number;
  } | null;
}

const GITHUB = /^https:\/\/token\.actions\.|\/_services\/token$/;

export const ISSUERS: readonly Issuer[] = [
  issuerAt("https://token.actions.githubusercontent.com", "github"),
  issuerAt("https://gitlab.com", "gitlab"),
];

/** Another one: GitHub Enterprise by what its issuers always have in their address, else a self-managed GitLab. */
export function issuerAt(url: string, name: string = url): Issuer {
  const kind = GITHUB.test(url) ? "github" : "gitlab";
  const path = kind === "github" ? "/.well-known/jwks" : "/oauth/discovery/keys";
  return { name, url, keysUrl: `${url}${path}`, kind };
}

const id = z
  .union([z.string(), z.int()])
  .transform(String)
  .pipe(z.string().regex(/^\d{1,20}$/));
/** Bounded, since it becomes part of rows and of messages. */
const text = z.string().max(1_000);
const count = z.coerce.number().int().min(1).max(1e12).nullable().default(null).catch(null);
const maybe = text.nullable().default(null);

const GitHub = z.object({
  repository_id: id,
  repository: text,
  ref: maybe,
  environment: maybe,
  job_workflow_ref: maybe,
  run_id: id.nullable().default(null),
  workflow_ref: maybe,
  run_number: count,
  run_attempt: count,
});

const GitLab = z.object({
  project_id: id,
  project_path: text,
  ref_path: maybe,
  environment: maybe,
  ci_config_ref_uri: maybe,
  pipeline_id: id.nullable().default(null),
});

/** The claims under one set of names; null: they are not those of a job. */
export function jobClaims({ kind, name }: Issuer, payload: object): JobClaims | null {
  if (kind === "github") {
    const read = GitHub.safeParse(payload);
    if (!read.success) {
      return null;
    }
    const {
      job_workflow_ref: workflow,
      run_id: run,
      workflow_ref: counter,
      run_number: number,
      run_attempt: attempt,
      ...same
    } = read.data;
    const counted =
      counter === null || number === null
        ? null
        : { workflow: withoutRef(counter), number, attempt: attempt ?? 1 };
    return { ...same, issuer: name, workflow, run, counted };
  }
  const read = GitLab.safeParse(payload);
  if (!read.success) {
    return null;
  }
  const { data } = read;
  return {
    issuer: name,
    repository_id: data.project_id,
    repository: data.project_path,
    ref: data.ref_path,
    environment: data.environment,
    workflow: data.ci_config_ref_uri,
    run: data.pipeline_id,
    // Pipelines are counted over the whole of GitLab, upwards.
    counted:
      data.pipeline_id === null
        ? null
        : { workflow: data.project_path, number: Number(data.pipeline_id), attempt: 1 },
  };
}

/** GitHub counts the runs of a workflow over all branches. */
function withoutRef(workflow: string): string {
  return workflow.replace(/@[^@]*$/, "");
}

/** The job as deploys, events and locks name it: `oidc:github:acme/site#123`. */
export function actorOf({ issuer, repository, run }: JobClaims): string {
  return `oidc:${issuer.replace(/^https?:\/\//, "")}:${repository.slice(0, 200)}#${run ?? "?"}`;
}
