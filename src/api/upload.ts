import type { Context } from "hono";

import { checkDeclaredSize } from "../body.ts";
import { formBoundary } from "../deploy-form/boundary.ts";
import { FORM_LIMITS, type DeployForm } from "../deploy-form/form.ts";
import type { FormPart } from "../deploy-form/hash.ts";
import { quoted } from "../deploy-form/problem.ts";
import { readDeployForm } from "../deploy-form/read.ts";
import { TEXT_BYTES } from "../deploy-form/text.ts";
import { newId } from "../ids.ts";
import { projectOf } from "../objects.ts";
import { agreed, Problem } from "../problem.ts";
import type { Form } from "../project/form.ts";
import { runOf } from "./run.ts";
import { acceptDeploy, type Agreement, type Wanted, type Asked } from "./accept.ts";
import { askProject, keyIn, type AppEnv } from "./context.ts";

/**
 * A multipart create: the body streams into the project while the edge reads along and checks it. However this ends
 * without a deploy, nothing of the body stays.
 */
export async function acceptForm(c: Context<AppEnv>, asked: Asked): Promise<Agreement> {
  checkDeclaredSize(c.req.raw, FORM_LIMITS.bytes);
  const contentType = c.req.header("content-type") ?? "";
  const boundary = formBoundary(contentType);
  if (!boundary.ok) {
    throw Problem.ofForm(boundary.error);
  }
  const id = newId("upl");
  try {
    const form = await receive(c, id, contentType);
    const run = runOf(asked, form.fields.signalbox_run);
    if (form.manifest === null) {
      const wanted = buildOf(form);
      await discard(c, id);
      return await acceptDeploy(c, wanted, { ...asked, run });
    }
    return await acceptDeploy(c, uploadOf(id, form), { ...asked, run });
  } catch (error) {
    // Harmless when the deploy was accepted after all: only a body that is nobody's yet is dropped.
    await discard(c, id).catch(() => undefined);
    throw error;
  }
}

async function receive(c: Context<AppEnv>, id: string, contentType: string): Promise<DeployForm> {
  const reading = readDeployForm(c.req.raw.body, contentType);
  // Once: a body that streams can't be sent twice.
  const storing = projectOf(c.env, keyIn(c)).receive(id, contentType, reading.stream);
  // The reading side waits for the storing one, and must be told when that gave up.
  storing.then((stored) => stored.ok || reading.cancel(stored.error.detail), reading.cancel);
  const [stored, form] = await Promise.all([storing, reading.form]);
  // A form that is refused is stored by half, and a body that is not stored is read by half: tell of the cause.
  if (!stored.ok && (form.ok || stored.error.code !== "upload_incomplete")) {
    return agreed(stored);
  }
  if (!form.ok) {
    throw Problem.ofForm(form.error);
  }
  return form.value;
}

function uploadOf(id: string, form: DeployForm): Wanted {
  return {
    kind: "upload",
    branch: form.fields.branch ?? null,
    form: fieldsOf(form),
    content_hash: form.content_hash,
    content: form.content_hash,
    upload: {
      id,
      bytes: form.bytes,
      parts: form.parts.map(({ name, at, size }) => ({ name, at, size })),
      hashes: form.manifest?.hashes ?? [],
    },
  };
}

/** Without a manifest, and with nothing but what a build can be told, this asks for a build, as at Cloudflare. */
function buildOf(form: DeployForm): Wanted {
  const extra = form.parts.find((part) => !isText(part));
  if (extra !== undefined) {
    throw new Problem(
      "manifest_missing",
      `The form has ${quoted(extra.name)} but no manifest. Send the manifest of the site's files, or leave the files out to have the branch built.`,
    );
  }
  const fields = fieldsOf(form);
  return {
    kind: "build",
    branch: fields.branch ?? null,
    form: fields,
    content_hash: buildHash(fields),
    content: form.content_hash,
    upload: null,
  };
}

function isText(part: FormPart): boolean {
  return part.filename === null && Object.hasOwn(TEXT_BYTES, part.name);
}

/** Those fields of a form by which a deployment of it can be told again. */
function fieldsOf({ fields }: DeployForm): Form {
  const { branch, commit_hash, commit_message, commit_dirty } = fields;
  return {
    ...(branch !== undefined && { branch }),
    ...(commit_hash !== undefined && { commit_hash }),
    ...(commit_message !== undefined && { commit_message }),
    ...(commit_dirty !== undefined && { commit_dirty }),
  };
}

/** Builds of one commit are one, while none of them has started. Without a commit there is nothing to tell them by. */
export function buildHash({ branch, commit_hash }: Form): string | null {
  return commit_hash === undefined ? null : `build/${branch ?? ""}/${commit_hash}`;
}

async function discard(c: Context<AppEnv>, id: string): Promise<void> {
  await askProject(c, (project) => project.discard(id));
}
