import * as z from "zod";
import type { Context } from "hono";

import { callProject } from "../call.ts";
import { iso } from "../ids.ts";
import type { AskedBuild } from "../instance/builds.ts";
import { referenceOf } from "../objects.ts";
import { visitProjects } from "../walk.ts";
import { askInstance, type Api, type AppEnv } from "./context.ts";
import { onInstance } from "./guard.ts";
import { jsonOf } from "./json.ts";
import { BODY, json, refusals } from "./responses.ts";
import { createRoute } from "./route.ts";

const tags = ["Instance"];
const COUNTS = [
  "hook_secrets",
  "subscriber_secrets",
  "credentials",
  "hook_urls",
  "badges",
  "tokens",
] as const;

const KeyReport = z.object({
  id: z.string(),
  current: z.boolean(),
  in_keyring: z.boolean().meta({
    description: "false: it is not in SIGNALBOX_KEYS, so what rests on it does not work.",
  }),
  hook_secrets: z
    .int()
    .meta({ description: "Sealed; they move to the current key by themselves." }),
  subscriber_secrets: z.int().meta({ description: "Likewise." }),
  credentials: z.int().meta({ description: "Likewise: of accounts besides the configured one." }),
  hook_urls: z.int().meta({
    description: "As last handed out. PATCH the hook with rotate_secret for a new one.",
  }),
  badges: z.int().meta({
    description:
      "Addresses of badges as last handed out. PATCH the badge with renew_url for a new one. One of which the key is not known counts for every key.",
  }),
  tokens: z.int().meta({
    description: "Stored ones that can still be used. Make new ones and revoke these.",
  }),
  sessions_until: z.string().nullable().meta({
    description:
      "Until when somebody may be signed in to the dashboard by it; null: nobody is. A session moves to the current key when it is used, which this does not know of.",
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
        complete: z.boolean().meta({
          description: "false: a project could not be asked, so no key counts as safe.",
        }),
      }),
      "The keys, the current one first.",
    ),
    ...refusals(),
  },
});

const Level = {
  level: z.number(),
  blocked_until: z.string().nullable().meta({ description: "After a 429: nobody calls before." }),
  left: z.object({ calls: z.int(), until: z.string() }).nullable().meta({
    description:
      "What Cloudflare has announced in `Ratelimit` to be left for everybody, others with the same credential included, where that is a tenth or less.",
  }),
};

const budget = createRoute({
  method: "get",
  path: "/v1/budget",
  operationId: "getBudget",
  summary: "How many calls to Cloudflare could be made at once right now",
  description:
    "Cloudflare counts the calls of a credential's owner over all accounts and tokens. `level` and `blocked_until` are those of the configured account's; `owners` has every owner that an account was stored with.",
  tags,
  ...onInstance("read"),
  responses: {
    200: json(
      z.object({ ...Level, owners: z.array(z.object({ owner: z.string(), ...Level })) }),
      "The budgets that all projects share.",
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
    max_builds: z.int().nullable().meta({ description: "null: as many as Cloudflare lets." }),
    running: z.array(Build),
    waiting: z.array(Build).meta({ description: "For a place; not for anything else." }),
  })
  .meta({ id: "Builds" });

const builds = createRoute({
  method: "get",
  path: "/v1/builds",
  operationId: "getBuilds",
  summary: "How many builds may run at once in an account, and which do",
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
  summary: "Set how many builds may run at once in an account",
  description:
    "Over all projects of an account, each account counted by itself, as Cloudflare's own limit is. Counts for builds that start from now on. Direct uploads need no place. With two or more, the last place is kept for production.",
  tags,
  ...onInstance("manage"),
  request: { body: jsonOf(z.strictObject({ max_builds: z.int().min(1).max(100).nullable() })) },
  responses: { 200: json(Builds, "As it is now."), ...refusals(...BODY) },
});

/** `key` null: may rest on any. */
type Use = { readonly key: string | null } & Partial<Record<(typeof COUNTS)[number], number>>;

export function instanceRoutes(api: Api): void {
  api.openapi(keyring, async (c) => {
    const uses: Use[] = [];
    const { failed } = await visitProjects(c.env, async ({ key }) => {
      uses.push(...(await callProject(c.env, key, (project) => project.keys())));
    });
    const instances = await askInstance(c, (instance) => instance.keys());
    uses.push(...instances);

    const ring = c.var.config.keyring;
    // Of one that is gone, sessions alone are nothing to do anything about: who had one has signed in again.
    const inUse = uses.filter((use) => COUNTS.some((what) => (use[what] ?? 0) > 0));
    const ids = new Set([...ring.ids(), ...inUse.flatMap(({ key }) => key ?? [])]);
    const keys = [...ids].map((id) => {
      const own = uses.filter(({ key }) => key === id || key === null);
      const counts = Object.fromEntries(
        COUNTS.map((what) => [what, own.reduce((sum, use) => sum + (use[what] ?? 0), 0)]),
      ) as Record<(typeof COUNTS)[number], number>;
      const current = id === ring.current;
      const until = ring.opens(id)
        ? (instances.find(({ key }) => key === id)?.sessions_until ?? null)
        : null;
      const rests = until !== null || Object.values(counts).some((count) => count > 0);
      return {
        id,
        current,
        in_keyring: ring.ids().includes(id),
        ...counts,
        sessions_until: until === null ? null : iso(until),
        safe_to_remove: !current && !rests && failed === 0,
      };
    });
    return c.json({ keys, complete: failed === 0 }, 200);
  });

  api.openapi(builds, async (c) => c.json(await readBuilds(c), 200));

  api.openapi(limitBuilds, async (c) => {
    const { max_builds: limit } = c.req.valid("json");
    await askInstance(c, (instance) => instance.limitBuilds(limit));
    return c.json(await readBuilds(c), 200);
  });

  api.openapi(budget, async (c) => {
    const owners = (await askInstance(c, (instance) => instance.budgets())).map((each) => ({
      ...each,
      blocked_until: each.blocked_until === null ? null : iso(each.blocked_until),
      left: each.left && { calls: each.left.calls, until: iso(each.left.until) },
    }));
    // There is always the configured account's.
    const { level = 0, blocked_until = null, left = null } = owners[0] ?? {};
    return c.json({ level, blocked_until, left, owners }, 200);
  });
}

async function readBuilds(c: Context<AppEnv>): Promise<z.infer<typeof Builds>> {
  const { max_builds, running, waiting } = await askInstance(c, (instance) => instance.builds());
  const shown = ({ project, deploy_id, since }: AskedBuild): z.infer<typeof Build> => ({
    project: referenceOf(project, c.var.config.accountId),
    deploy_id,
    since: iso(since),
  });
  return { max_builds, running: running.map(shown), waiting: waiting.map(shown) };
}
