import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";

import { hookCache } from "../hooks/cache.ts";
import { sources } from "../hooks/sources/index.ts";
import { checkHookSecret, newHookSecret } from "../hooks/verify.ts";
import { newId } from "../ids.ts";
import { existing, Problem } from "../problem.ts";
import { hookSeal } from "../project/hooks.ts";
import { mintHookSegment } from "../security/hook-url.ts";
import { askProject, given, keyIn, nameIn, originOf, type Api, type AppEnv } from "./context.ts";
import { onProject } from "./guard.ts";
import { jsonOf, takingJson } from "./json.ts";
import { HookParams, ProjectParams } from "./params.ts";
import { refuseDirectUpload } from "./projects.ts";
import { BODY, json, noContent, refusals } from "./responses.ts";
import { Branch, Description, Hook, SourceNames } from "./schemas.ts";

const tags = ["Hooks"];
const manage = onProject("manage");
const Repository = z
  .string()
  .max(255)
  .regex(/^[^/\s]+\/[^/\s]+$/, "must be written as owner/name");

/** What is shown once. */
const Secrets = {
  url: z.string().openapi({ description: "Where deliveries go. It is a secret too." }),
  secret: z.string().openapi({ description: "Shown this once." }),
};

const create = createRoute({
  method: "post",
  path: "/v1/projects/{project}/hooks",
  operationId: "createHook",
  summary: "Make a hook",
  tags,
  ...takingJson(manage),
  request: {
    params: ProjectParams,
    body: jsonOf(
      z.strictObject({
        source: SourceNames,
        secret: z.string().max(512).optional().openapi({ description: "Made here unless given." }),
        repository: Repository.optional().openapi({
          description: "Deliveries about another repository are refused.",
        }),
        branch: Branch.optional().openapi({ description: "Deploys this branch only." }),
        description: Description.optional(),
      }),
    ),
  },
  responses: {
    201: json(
      Hook.extend({
        ...Secrets,
        setup: z.array(z.string()).openapi({ description: "What to do at the sender." }),
      }),
      "The hook, with its URL and secret.",
    ),
    ...refusals("project_not_found", "not_git_connected", ...BODY),
  },
});

const list = createRoute({
  method: "get",
  path: "/v1/projects/{project}/hooks",
  operationId: "listHooks",
  summary: "List hooks",
  tags,
  ...onProject("read"),
  request: { params: ProjectParams },
  responses: {
    200: json(z.object({ items: z.array(Hook) }), "All hooks of the project."),
    ...refusals("project_not_found"),
  },
});

const get = createRoute({
  method: "get",
  path: "/v1/projects/{project}/hooks/{id}",
  operationId: "getHook",
  summary: "Get a hook",
  tags,
  ...onProject("read"),
  request: { params: HookParams },
  responses: { 200: json(Hook, "The hook."), ...refusals("project_not_found", "hook_not_found") },
});

const change = createRoute({
  method: "patch",
  path: "/v1/projects/{project}/hooks/{id}",
  operationId: "changeHook",
  summary: "Change a hook, or give it a new secret",
  description:
    "With `rotate_secret` the answer has a new secret and the URL made anew with the current key. The secret before it stays good until the next rotation.",
  tags,
  ...takingJson(manage),
  request: {
    params: HookParams,
    body: jsonOf(
      z.strictObject({
        repository: Repository.nullable().optional(),
        branch: Branch.nullable().optional(),
        description: Description.nullable().optional(),
        paused: z.boolean().optional(),
        rotate_secret: z.literal(true).optional(),
      }),
    ),
  },
  responses: {
    200: json(
      Hook.extend({ url: Secrets.url.optional(), secret: Secrets.secret.optional() }),
      "The hook as it is now.",
    ),
    ...refusals("project_not_found", "hook_not_found", ...BODY),
  },
});

const remove = createRoute({
  method: "delete",
  path: "/v1/projects/{project}/hooks/{id}",
  operationId: "removeHook",
  summary: "Delete a hook",
  tags,
  ...manage,
  request: { params: HookParams },
  responses: { 204: noContent, ...refusals("project_not_found", "hook_not_found") },
});

export function hookRoutes(api: Api): void {
  api.openapi(create, async (c) => {
    const input = c.req.valid("json");
    const secret = input.secret === undefined ? newHookSecret() : chosen(input.secret);
    const project = await askProject(c, (p) => p.view());
    refuseDirectUpload(existing(project, "project_not_found", "It is not registered.").source);
    const id = newId("hok");
    const hook = {
      id,
      source: input.source,
      repository: input.repository ?? null,
      branch: input.branch ?? null,
      description: input.description ?? null,
      secrets: [await seal(c, id, secret)],
      url_key: c.var.config.keyring.current,
    };
    const made = existing(
      await askProject(c, (p) => p.addHook(hook)),
      "project_not_found",
      "It is not registered.",
    );
    const { setup } = sources[input.source];
    c.header("location", `/v1/projects/${nameIn(c)}/hooks/${id}`);
    return c.json({ ...made, url: await urlOf(c, id), secret, setup: [...setup] }, 201);
  });

  api.openapi(list, async (c) => c.json({ items: await askProject(c, (p) => p.hooks()) }, 200));

  api.openapi(get, async (c) => {
    const { id } = c.req.valid("param");
    return c.json(found(await askProject(c, (p) => p.hook(id))), 200);
  });

  api.openapi(change, async (c) => {
    const { id } = c.req.valid("param");
    const { rotate_secret: rotate, ...rest } = c.req.valid("json");
    const fresh = rotate === true ? await rotated(c, id) : null;
    const changes = { ...given(rest), ...fresh?.change };
    const hook = found(await askProject(c, (p) => p.changeHook(id, changes)));
    hookCache.forget(id);
    const shown = fresh === null ? {} : { url: await urlOf(c, id), secret: fresh.secret };
    return c.json({ ...hook, ...shown }, 200);
  });

  api.openapi(remove, async (c) => {
    const { id } = c.req.valid("param");
    const removed = await askProject(c, (p) => p.removeHook(id));
    hookCache.forget(id);
    found(removed ? true : null);
    return c.body(null, 204);
  });
}

function chosen(secret: string): string {
  const checked = checkHookSecret(secret);
  if (!checked.ok) {
    const { message: detail } = checked.error;
    throw new Problem("field_invalid", detail, { errors: [{ field: "secret", detail }] });
  }
  return checked.value;
}

/** A new secret in front of the one before, which senders use until they have been told. */
async function rotated(
  c: Context<AppEnv>,
  id: string,
): Promise<{ secret: string; change: { secrets: string[]; url_key: string } }> {
  const { secrets } = found(await askProject(c, (p) => p.hookSecrets(id)));
  const secret = newHookSecret();
  const kept = [await seal(c, id, secret), ...secrets.slice(0, 1)];
  return { secret, change: { secrets: kept, url_key: c.var.config.keyring.current } };
}

async function seal(c: Context<AppEnv>, id: string, secret: string): Promise<string> {
  return c.var.config.keyring.seal(hookSeal(keyIn(c), id), secret);
}

async function urlOf(c: Context<AppEnv>, id: string): Promise<string> {
  const segment = await mintHookSegment(c.var.config.keyring, keyIn(c), id);
  return `${originOf(c)}/hooks/${nameIn(c)}/${segment}`;
}

function found<T>(value: T | null): T {
  return existing(value, "hook_not_found", "There is no such hook in this project.");
}
