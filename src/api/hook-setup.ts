import * as z from "zod";
import type { Context } from "hono";

import { hookCache } from "../hooks/cache.ts";
import { chooseMode, pasteOf, type Chosen } from "../hooks/sources/modes.ts";
import { provenBy, sources } from "../hooks/sources/index.ts";
import type { Source } from "../hooks/sources/source.ts";
import { checkSecret, newSecret } from "../hooks/verify/new-secret.ts";
import { newId } from "../ids.ts";
import { existing, Problem } from "../problem.ts";
import { GlobRule, HookAuth, HookFields, HookSettings } from "../project/hook-settings.ts";
import type { HookChange } from "../project/hooks.ts";
import { hookSeal } from "../project/hooks.ts";
import { mintHookSegment } from "../security/hook-url.ts";
import {
  askProject,
  given,
  keyIn,
  referenceIn,
  originOf,
  type Api,
  type AppEnv,
} from "./context.ts";
import { onProject } from "./guard.ts";
import { found } from "./hooks.ts";
import { jsonOf } from "./json.ts";
import { HookParams, ProjectParams } from "./params.ts";
import { refuseDirectUpload } from "./projects.ts";
import { BODY, json, refusals } from "./responses.ts";
import { createRoute } from "./route.ts";
import { Branch, Description, Hook, SourceNames } from "./schemas.ts";

const tags = ["Hooks"];
const manage = onProject("manage");
const Repository = z
  .string()
  .trim()
  .max(255)
  .regex(/^[^/]+(\/[^/]+)+$/, "must be written as owner/name");

/** What is shown once. */
const Url = z.string().meta({ description: "Where deliveries go. It is a secret too." });
const Secret = z.string().meta({ description: "Shown this once." });
const SetUp = {
  url: Url,
  secret: Secret.nullable().meta({
    description: "Shown this once. null: its sender makes it, or there is none but the URL.",
  }),
  paste: z
    .array(z.object({ label: z.string(), value: z.string() }))
    .meta({ description: "What to paste at the sender, field by field." }),
  setup: z.array(z.string()).meta({ description: "What to do at the sender, step by step." }),
};

/** Its rules, each of which can be changed later. */
const settings = {
  fields: HookFields.optional(),
  branches: GlobRule.optional(),
  paths: GlobRule.optional(),
  events: HookSettings.shape.events.unwrap().optional(),
  skip_ci: z.boolean().optional(),
  quiet_period_seconds: HookSettings.shape.quiet_period_seconds.unwrap().optional(),
};

const create = createRoute({
  method: "post",
  path: "/v1/projects/{project}/hooks",
  operationId: "createHook",
  summary: "Make a hook",
  description:
    "`GET /v1/sources` lists the sources with their modes, and what each asks for. A hook of a sender that makes its own secret waits until it is given that secret.",
  tags,
  ...manage,
  request: {
    params: ProjectParams,
    body: jsonOf(
      z.strictObject({
        source: SourceNames,
        auth: HookAuth.optional().meta({
          description: "How the sender proves itself, where the source leaves a choice.",
        }),
        secret: z.string().max(512).optional().meta({ description: "Made here unless given." }),
        repository: Repository.optional().meta({
          description: "Deliveries about another repository are refused.",
        }),
        branch: Branch.optional().meta({
          description:
            "Deploys this branch only. For a sender that knows of no branches it is the one that is built; default: production.",
        }),
        ...settings,
        description: Description.optional(),
      }),
    ),
  },
  responses: {
    201: json(Hook.and(z.object(SetUp)), "The hook, with what to paste at the sender."),
    ...refusals("project_not_found", "not_git_connected", ...BODY),
  },
});

const change = createRoute({
  method: "patch",
  path: "/v1/projects/{project}/hooks/{id}",
  operationId: "changeHook",
  summary: "Change a hook, or its secret",
  description:
    "`secret` gives the hook a secret that its sender made; `rotate_secret` has one made here, and answers it together with the URL, made anew with the current key. Either way the secret before it stays good until the next change, or until `retire_old_secret`. `renew_url` answers the URL, made anew with the current key; the one before stays good as long as its key is in SIGNALBOX_KEYS.",
  tags,
  ...manage,
  request: {
    params: HookParams,
    body: jsonOf(
      z.strictObject({
        repository: Repository.nullable().optional(),
        branch: Branch.nullable().optional(),
        ...settings,
        description: Description.nullable().optional(),
        paused: z.boolean().optional(),
        secret: z.string().max(512).optional(),
        rotate_secret: z.literal(true).optional(),
        renew_url: z.literal(true).optional(),
        retire_old_secret: z.literal(true).optional(),
      }),
    ),
  },
  responses: {
    200: json(
      Hook.and(z.object({ url: Url.optional(), secret: Secret.optional() })),
      "The hook as it is now.",
    ),
    ...refusals("project_not_found", "hook_not_found", ...BODY),
  },
});

const showSecret = createRoute({
  method: "post",
  path: "/v1/projects/{project}/hooks/{id}/secret",
  operationId: "showHookSecret",
  summary: "Show the secret that a hook's sender handed over",
  description: "Once, to be pasted back at the sender (Notion asks for that).",
  tags,
  ...manage,
  request: { params: HookParams },
  responses: {
    200: json(z.object({ secret: Secret }), "The secret."),
    ...refusals("project_not_found", "hook_not_found", "secret_not_shown"),
  },
});

/** Making a hook and giving it secrets: what is set up here and at its sender together. */
export function hookSetupRoutes(api: Api): void {
  api.openapi(create, async (c) => {
    const {
      source: sourceName,
      secret: chosenSecret,
      repository,
      branch,
      description,
      ...rest
    } = c.req.valid("json");
    const source: Source = sources[sourceName];
    const chosen = modeIn(source, rest.auth ?? {});
    checkSettings(source, given({ ...rest, repository }));
    const secret = firstSecret(chosen, chosenSecret);
    const project = await askProject(c, (p) => p.view());
    refuseDirectUpload(existing(project, "project_not_found", "It is not registered.").source);
    const id = newId("hok");
    const hook = {
      id,
      source: sourceName,
      repository: repository ?? null,
      branch: branch ?? null,
      description: description ?? null,
      settings: HookSettings.parse(rest),
      secrets: secret === null ? [] : [await seal(c, id, secret)],
      awaiting_secret: secret === null && chosen.mode.secret !== "none",
      url_key: c.var.config.keyring.current,
    };
    const made = existing(
      await askProject(c, (p) => p.addHook(hook)),
      "project_not_found",
      "It is not registered.",
    );
    const url = await urlOf(c, id);
    const paste = pasteOf(chosen, { url, secret });
    c.header("location", `/v1/projects/${referenceIn(c)}/hooks/${id}`);
    return c.json({ ...made, url, secret, paste, setup: [...chosen.mode.steps] }, 201);
  });

  api.openapi(change, async (c) => {
    const { id } = c.req.valid("param");
    const {
      secret: chosenSecret,
      rotate_secret: rotate,
      renew_url: renew,
      ...rest
    } = c.req.valid("json");
    const { repository, branch, description, paused, retire_old_secret, ...rules } = given(rest);
    const { source, auth } = found(await askProject(c, (p) => p.hook(id)));
    const known = provenBy({ source, settings: { auth } });
    checkSettings(known.source, given({ ...rules, repository }));
    const secret = nextSecret(known, chosenSecret, rotate === true);
    const showsUrl = rotate === true || renew === true;
    const changes: HookChange = given({
      repository,
      branch,
      description,
      paused,
      retire_old_secret,
      settings: rules,
      ...(secret !== null && { add_secret: await seal(c, id, secret) }),
      ...(showsUrl && { url_key: c.var.config.keyring.current }),
    });
    const hook = found(await askProject(c, (p) => p.changeHook(id, changes)));
    hookCache.forget({ project: keyIn(c), id });
    const shown = {
      ...(showsUrl && { url: await urlOf(c, id) }),
      ...(rotate === true && secret !== null && { secret }),
    };
    return c.json({ ...hook, ...shown }, 200);
  });

  api.openapi(showSecret, async (c) => {
    const { id } = c.req.valid("param");
    found(await askProject(c, (p) => p.hook(id)));
    const sealed = await askProject(c, (p) => p.showSecret(id));
    const detail =
      "There is no secret to show: none has come from the sender, or it was shown before.";
    const text = existing(sealed, "secret_not_shown", detail);
    const secret = await c.var.config.keyring.unseal(hookSeal(keyIn(c), id), text);
    return c.json({ secret: existing(secret, "secret_not_shown", detail) }, 200);
  });
}

function modeIn(source: Source, auth: HookAuth): Chosen {
  const chosen = chooseMode(source, auth);
  if (!chosen.ok) {
    throw wrong(chosen.error.field, chosen.error.detail);
  }
  return chosen.value;
}

/** What can't be meant for this source. */
function checkSettings(
  source: Source,
  asked: { fields?: object; events?: unknown; repository?: unknown },
): void {
  if (asked.fields !== undefined && !source.takesFields) {
    throw wrong("fields", `${source.title} is read as it sends; fields are for generic sources.`);
  }
  if (asked.repository != null && source.kind !== "git") {
    throw wrong("repository", `${source.title} names no repository. Leave it out.`);
  }
  if (asked.events != null && source.kind === "git") {
    throw wrong("events", `${source.title} hooks deploy on pushes alone. Leave events out.`);
  }
}

function firstSecret({ mode, scheme }: Chosen, chosen: string | undefined): string | null {
  if (chosen !== undefined) {
    return checked(scheme, chosen);
  }
  return mode.secret === "made" ? newSecret(scheme) : null;
}

function nextSecret(
  { mode, scheme }: Chosen,
  chosen: string | undefined,
  rotate: boolean,
): string | null {
  if (!rotate) {
    return chosen === undefined ? null : checked(scheme, chosen);
  }
  if (chosen !== undefined) {
    throw wrong("rotate_secret", "Give a secret or have one made, not both.");
  }
  if (mode.secret !== "made") {
    const detail =
      mode.secret === "none"
        ? "This hook has no secret but its URL. Make a new hook instead."
        : "The sender makes this hook's secret. Rotate it there, and give the new one as secret.";
    throw wrong("rotate_secret", detail);
  }
  return newSecret(scheme);
}

function checked(scheme: Chosen["scheme"], secret: string): string {
  const detail = checkSecret(scheme, secret);
  if (detail !== null) {
    throw wrong("secret", detail);
  }
  return secret;
}

function wrong(field: string, detail: string): Problem {
  return new Problem("field_invalid", detail, { errors: [{ field, detail }] });
}

async function seal(c: Context<AppEnv>, id: string, secret: string): Promise<string> {
  return c.var.config.keyring.seal(hookSeal(keyIn(c), id), secret);
}

async function urlOf(c: Context<AppEnv>, id: string): Promise<string> {
  const segment = await mintHookSegment(c.var.config.keyring, keyIn(c), id);
  return `${originOf(c)}/hooks/${referenceIn(c)}/${segment}`;
}
