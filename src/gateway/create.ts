import type { Context } from "hono";

import { acceptDeploy, type Agreement, type Asked } from "../api/accept.ts";
import { askProject, type AppEnv } from "../api/context.ts";
import { triggered } from "../api/deploys.ts";
import { runIn, runOf } from "../api/run.ts";
import { acceptForm, buildHash } from "../api/upload.ts";
import { parseDeployJson } from "../deploy-form/json.ts";
import { newId } from "../ids.ts";
import { agreed, existing, Problem } from "../problem.ts";
import type { Deploy } from "../project/shapes.ts";
import { answerWhenEnded } from "./hold.ts";
import { deployIdOf } from "./provisional.ts";
import { readObject } from "./relay.ts";

/** Create deployment: a form is an upload, or a build where it has no manifest; JSON or nothing is a build. */
export async function createDeployment(c: Context<AppEnv>): Promise<Response> {
  const asked: Asked = {
    door: "gateway",
    idempotency_key: undefined,
    not_before: null,
    refuse_locked: false,
    run: runIn(c),
    // The SDK says so of itself when it sends again what it got no answer to.
    again: Number(c.req.header("x-stainless-retry-count") ?? 0) > 0,
  };
  const isForm = /^\s*multipart\//i.test(c.req.header("content-type") ?? "");
  const { accepted } = isForm ? await acceptForm(c, asked) : await acceptBuild(c, asked);
  const { deploy } = accepted;
  return answerWhenEnded(c, existing(deploy, "conflict", accepted.reason ?? "").id);
}

async function acceptBuild(c: Context<AppEnv>, asked: Asked): Promise<Agreement> {
  const read = parseDeployJson(await readObject(c));
  if (!read.ok) {
    throw Problem.ofForm(read.error);
  }
  const { signalbox_run: said, ...form } = read.value;
  const run = runOf(asked, said);
  return acceptDeploy(
    c,
    {
      kind: "build",
      branch: form.branch ?? null,
      form,
      content_hash: buildHash(form),
      content: JSON.stringify(form),
      upload: null,
    },
    { ...asked, run },
  );
}

/** Retry of a deployment: of the deploy that made it, with a number of its own, in line like any other. */
export async function retryDeployment(c: Context<AppEnv>): Promise<Response> {
  const { id } = await ownDeploy(c);
  const deployId = newId("dpl");
  const trigger = triggered(c, "gateway");
  agreed(await askProject(c, (project) => project.retry(id, trigger, deployId)));
  return answerWhenEnded(c, deployId);
}

export async function rollBackTo(c: Context<AppEnv>): Promise<Response> {
  const { id } = await ownDeploy(c);
  const deployId = newId("dpl");
  const trigger = triggered(c, "gateway");
  agreed(await askProject(c, (project) => project.rollBack(id, trigger, deployId)));
  return answerWhenEnded(c, deployId);
}

/** The deploy that the id in the path is of, be it the id of its deployment or the one that it was known by before. */
export async function deployIn(c: Context<AppEnv>): Promise<Deploy | null> {
  const uuid = c.req.param("deployment") ?? "";
  const early = deployIdOf(uuid);
  const found = early === null ? null : await askProject(c, (project) => project.deploy(early));
  return found ?? (await askProject(c, (project) => project.deployOf(uuid)));
}

async function ownDeploy(c: Context<AppEnv>): Promise<Deploy> {
  return existing(
    await deployIn(c),
    "deploy_not_found",
    "Signalbox has not made this deployment, so it can't do it again or go back to it.",
  );
}
