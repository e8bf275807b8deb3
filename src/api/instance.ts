import { createRoute, z } from "@hono/zod-openapi";

import { callProject } from "../call.ts";
import { iso } from "../ids.ts";
import type { AskedBuild } from "../instance/builds.ts";
import type { Builds as InstanceBuilds } from "../instance/instance.ts";
import type { KeyUse } from "../project/keys.ts";
import { visitProjects } from "../walk.ts";
import { askInstance, type Api } from "./context.ts";
import { onInstance } from "./guard.ts";
import { jsonOf, takingJson } from "./json.ts";
import { BODY, json, refusals } from "./responses.ts";

const tags = ["Instance"];
const COUNTS = ["hook_secrets", "subscriber_secrets", "hook_urls", "tokens"] as const;

const KeyReport = z.object({
  id: z.string(),
  current: z.boolean(),
  in_keyring: z.boolean().openapi({
    description: "false: it is not in SIGNALBOX_KEYS, so what rests on it does not work.",
  }),
  hook_secrets: z
    .int()
    .openapi({ description: "Sealed; they move to the current key by themselves." }),
  subscriber_secrets: z.int().openapi({ description: "Likewise." }),
  hook_urls: z.int().openapi({
    description: "As last handed out. PATCH the hook with rotate_secret for a new one.",
  }),
  tokens: z.int().openapi({
    description: "Stored ones that can still be used. Make new ones and revoke these.",
  }),
  safe_to_remove: z.boolean(),
});

const keyring = createRoute({
  method: "get",
  path: "/v1/keyring",
  operationId: "getKeyring",
  summary: "What still rests on each key of SIGNALBOX_KEYS",
  description:
    "Tokens made by `npm run token` are stored nowhere and so not counted: they end with the key that signed them.",
  tags,
  ...onInstance("manage"),
  responses: {
    200: json(
      z.object({
        keys: z.array(KeyReport),
        complete: z.boolean().openapi({
          description: "false: a project could not be asked, so no key counts as safe.",
        }),
      }),
      "The keys, the current one first.",
    ),
    ...refusals(),
  },
});

const budget = createRoute({
  method: "get",
  path: "/v1/budget",
  operationId: "getBudget",
  summary: "How many calls to Cloudflare could be made at once right now",
  tags,
  ...onInstance("read"),
  responses: {
    200: json(
      z.object({
        level: z.number(),
        blocked_until: z
          .string()
          .nullable()
          .openapi({ description: "After a 429: nobody calls before." }),
      }),
      "The budget that all projects share.",
    ),
    ...refusals(),
  },
});

const Build = z.object({
  project: z.string(),
  deploy_id: z.string(),
  since: z.string(),
});
const Builds = z
  .object({
    max_builds: z.int().nullable().openapi({ description: "null: as many as Cloudflare lets." }),
    running: z.array(Build),
    waiting: z.array(Build).openapi({ description: "For a place; not for anything else." }),
  })
  .openapi("Builds");

const builds = createRoute({
  method: "get",
  path: "/v1/builds",
  operationId: "getBuilds",
  summary: "How many builds may run at once in the account, and which do",
  description:
    "Where there is a limit. A build that has ended keeps its place here until another one wants it.",
  tags,
  ...onInstance("read"),
  responses: { 200: json(Builds, "The account's builds."), ...refusals() },
});

const limitBuilds = createRoute({
  method: "patch",
  path: "/v1/builds",
  operationId: "limitBuilds",
  summary: "Set how many builds may run at once in the account",
  description:
    "Over all projects; Cloudflare's own limit is per account, too. Counts for builds that start from now on. Direct uploads need no place. With two or more, the last place is kept for production.",
  tags,
  ...takingJson(onInstance("manage")),
  request: { body: jsonOf(z.strictObject({ max_builds: z.int().min(1).max(100).nullable() })) },
  responses: { 200: json(Builds, "As it is now."), ...refusals(...BODY) },
});

export function instanceRoutes(api: Api): void {
  api.openapi(keyring, async (c) => {
    const uses: Partial<KeyUse>[] = [];
    const { failed } = await visitProjects(c.env, async ({ key }) => {
      uses.push(...(await callProject(c.env, key, (project) => project.keys())));
    });
    uses.push(...(await askInstance(c, (instance) => instance.keys())));

    const ring = c.var.config.keyring;
    const ids = new Set([...ring.ids(), ...uses.map(({ key = "" }) => key)]);
    const keys = [...ids].map((id) => {
      const own = uses.filter(({ key }) => key === id);
      const [hook_secrets = 0, subscriber_secrets = 0, hook_urls = 0, tokens = 0] = COUNTS.map(
        (what) => own.reduce((sum, use) => sum + (use[what] ?? 0), 0),
      );
      const current = id === ring.current;
      const rests = hook_secrets + subscriber_secrets + hook_urls + tokens;
      return {
        id,
        current,
        in_keyring: ring.ids().includes(id),
        hook_secrets,
        subscriber_secrets,
        hook_urls,
        tokens,
        safe_to_remove: !current && rests === 0 && failed === 0,
      };
    });
    return c.json({ keys, complete: failed === 0 }, 200);
  });

  api.openapi(builds, async (c) =>
    c.json(shownBuilds(await askInstance(c, (instance) => instance.builds())), 200),
  );

  api.openapi(limitBuilds, async (c) => {
    const { max_builds: limit } = c.req.valid("json");
    await askInstance(c, (instance) => instance.limitBuilds(limit));
    return c.json(shownBuilds(await askInstance(c, (instance) => instance.builds())), 200);
  });

  api.openapi(budget, async (c) => {
    const { level, blocked_until } = await askInstance(c, (instance) => instance.budget());
    return c.json(
      { level, blocked_until: blocked_until === null ? null : iso(blocked_until) },
      200,
    );
  });
}

function shownBuilds({ max_builds, running, waiting }: InstanceBuilds): z.infer<typeof Builds> {
  const shown = ({ project, deploy_id, since }: AskedBuild): z.infer<typeof Build> => ({
    project: project.slice(project.indexOf("/") + 1),
    deploy_id,
    since: iso(since),
  });
  return { max_builds, running: running.map(shown), waiting: waiting.map(shown) };
}
