import * as z from "zod";
import type { Context } from "hono";

import { parseDeployJson } from "../deploy-form/json.ts";
import type { FormProblemCode } from "../deploy-form/problem.ts";
import { Problem } from "../problem.ts";
import { acceptDeploy, type Agreement, type Asked } from "./accept.ts";
import { referenceIn, type Api, type AppEnv } from "./context.ts";
import { onProject } from "./guard.ts";
import { readJson } from "./json.ts";
import { ProjectParams } from "./params.ts";
import { BODY, json, refusals } from "./responses.ts";
import { createRoute } from "./route.ts";
import { Accepted } from "./schemas.ts";
import { RUN_HEADER, runIn, runOf } from "./run.ts";
import { acceptForm, buildHash } from "./upload.ts";
import { awaitEnd, WaitQuery } from "./wait.ts";

const text = (maxLength: number) => ({ type: "string", maxLength }) as const;
const file = { type: "string", format: "binary" } as const;
const COMMIT = {
  branch: { ...text(255), description: "Default: the project's production branch." },
  commit_hash: text(128),
  commit_message: text(65_536),
} as const;

/** How a form can be wrong; the fields of the JSON body follow the same rules. */
const FORM = [
  "boundary_invalid",
  "multipart_malformed",
  "multipart_truncated",
  "upload_interrupted",
  "form_too_large",
  "part_too_large",
  "too_many_parts",
  "content_type_unsupported",
  "field_repeated",
  "field_too_long",
  "branch_invalid",
  "worker_conflict",
  "json_invalid",
  "manifest_invalid",
  "manifest_too_many_entries",
] as const satisfies FormProblemCode[];

/**
 * The two bodies are described by hand and read by `deploy-form`: a validator here would take the whole form into memory.
 */
const create = createRoute({
  method: "post",
  path: "/v1/projects/{project}/deploys",
  operationId: "createDeploy",
  summary: "Ask for a deploy",
  description:
    "JSON, or no body at all, has a branch of a git-connected project built. The multipart form of Cloudflare's Create deployment, with its manifest, uploads a site directly; assets go to Cloudflare first.",
  tags: ["Deploys"],
  ...onProject("deploy"),
  request: {
    params: ProjectParams,
    query: WaitQuery.extend({
      not_before: z.iso
        .datetime({ offset: true })
        .optional()
        .meta({ description: "The deploy waits until then." }),
      if_locked: z
        .enum(["wait", "refuse"])
        .default("wait")
        .meta({ description: "`refuse` answers 423 where a lock would have the deploy wait." }),
    }),
    headers: z.object({
      [RUN_HEADER]: z.string().max(220).optional().meta({
        description:
          "The CI run that asks, as `<workflow>/<number>` or `<workflow>/<number>.<attempt>`. One with a lower number than was there before, for the same target and workflow, ends `superseded` (`stale_run`).",
        example: "deploy.yml/42.1",
      }),
      "idempotency-key": z
        .string()
        .regex(/^[\x21-\x7e]{1,255}$/, "must be 1 to 255 visible ASCII characters")
        .optional()
        .meta({
          description:
            "A request repeated with the same key makes no second deploy and gets the first answer.",
        }),
    }),
    body: {
      content: {
        "application/json": {
          schema: {
            type: "object",
            additionalProperties: false,
            properties: { ...COMMIT, commit_dirty: { type: "boolean" } },
          },
        },
        "multipart/form-data": {
          schema: {
            type: "object",
            properties: {
              ...COMMIT,
              commit_dirty: { type: "string", enum: ["true", "false"] },
              manifest: { type: "string", description: "JSON object: path to asset hash." },
              pages_build_output_dir: text(1024),
              wrangler_config_hash: text(128),
              signalbox_run: {
                ...text(256),
                description:
                  "<workflow>/<number>.<attempt> of a CI run; not sent on to Cloudflare.",
              },
              _headers: file,
              _redirects: file,
              "_routes.json": file,
              "_worker.bundle": file,
              "_worker.js": file,
              "functions-filepath-routing-config.json": file,
            },
          },
        },
      },
    },
  },
  responses: {
    202: {
      ...json(Accepted, "What became of it. `Location` is the deploy."),
      headers: z.object({
        location: z.string(),
        "idempotency-replayed": z.literal("true").optional(),
      }),
    },
    ...refusals(
      "project_not_found",
      "query_invalid",
      "header_invalid",
      ...BODY,
      ...FORM,
      "manifest_missing",
      "idempotency_mismatch",
      "not_git_connected",
      "locked",
      "too_many_uploads",
      "too_much_waiting",
    ),
  },
});

export function createDeployRoute(api: Api): void {
  api.openapi(create, async (c) => {
    const key = c.req.valid("header")["idempotency-key"];
    const isForm = /^\s*multipart\//i.test(c.req.header("content-type") ?? "");
    const { wait, not_before: notBefore, if_locked: ifLocked } = c.req.valid("query");
    const asked: Asked = {
      door: "api",
      again: false,
      run: runIn(c),
      idempotency_key: key,
      not_before: notBefore === undefined ? null : Date.parse(notBefore),
      refuse_locked: ifLocked === "refuse",
    };
    const { accepted, replayed } = isForm ? await acceptForm(c, asked) : await acceptJson(c, asked);
    if (replayed) {
      c.header("idempotency-replayed", "true");
    }
    if (accepted.deploy === null) {
      return c.json(accepted, 202);
    }
    const { id } = accepted.deploy;
    c.header("location", `/v1/projects/${referenceIn(c)}/deploys/${id}`);
    const deploy = wait === 0 ? accepted.deploy : await awaitEnd(c, id, wait);
    return c.json({ ...accepted, deploy }, 202);
  });
}

async function acceptJson(c: Context<AppEnv>, asked: Asked): Promise<Agreement> {
  const read = parseDeployJson(await readJson(c.req.raw));
  if (!read.ok) {
    throw Problem.ofForm(read.error);
  }
  const { signalbox_run: said, ...form } = read.value;
  const run = runOf(asked, said);
  const content = JSON.stringify(Object.entries(form).sort(([a], [b]) => (a < b ? -1 : 1)));
  return acceptDeploy(
    c,
    {
      kind: "build",
      branch: form.branch ?? null,
      form,
      content_hash: buildHash(form),
      content,
      upload: null,
    },
    { ...asked, run },
  );
}
