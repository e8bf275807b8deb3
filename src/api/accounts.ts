import * as z from "zod";
import type { Context } from "hono";

import type { UpstreamProject } from "../cloudflare/schemas.ts";
import { accountSeal, type Credential } from "../cloudflare/credential.ts";
import { ACCOUNT } from "../env.ts";
import { CONFIGURED_OWNER, type AccountView } from "../instance/accounts.ts";
import { existing, Problem } from "../problem.ts";
import { registeredProjects } from "../walk.ts";
import { answered, askAs, askCloudflare, takePermit } from "./cloudflare.ts";
import { accountIn, askInstance, type Api, type AppEnv } from "./context.ts";
import { onInstance } from "./guard.ts";
import { jsonOf } from "./json.ts";
import { BODY, json, noContent, refusals } from "./responses.ts";
import { createRoute } from "./route.ts";
import { Description } from "./schemas.ts";

/** Far more than an account can have (its soft limit is 100 projects, ten a page). */
const MAX_PAGES = 50;

const tags = ["Accounts"];
const params = z.object({ account: z.string().meta({ description: "The account's id." }) });

const Account = z
  .object({
    id: z.string(),
    configured: z.boolean().meta({
      description: "The one of CLOUDFLARE_ACCOUNT_ID, whose credential is a setting of the Worker.",
    }),
    kind: z.enum(["token", "key"]),
    owner: z.string().meta({
      description:
        "Whose calls Cloudflare's limit counts together: those with one owner share a budget.",
    }),
    description: z.string().nullable(),
    created_at: z.string().nullable(),
    changed_at: z
      .string()
      .nullable()
      .meta({ description: "When its credential was last replaced." }),
  })
  .meta({ id: "Account" });

const Secret = z.string().trim().min(1).max(512);
const Body = z
  .strictObject({
    api_token: Secret.optional().meta({
      description: 'With the permission "Cloudflare Pages: Edit" on this account.',
    }),
    email: z.email().max(254).optional(),
    api_key: Secret.optional().meta({ description: "With `email`: the older Global API Key." }),
    owner: z.string().trim().min(1).max(64).optional().meta({
      description:
        "A name of your choice for whoever made the credential. Cloudflare does not tell, and counts calls by user: so without it the account shares the configured one's budget. Give it only when that is another user.",
    }),
    description: Description.optional(),
  })
  .refine(
    ({ api_token: token, email, api_key: key }) =>
      token === undefined ? email !== undefined && key !== undefined : !(email ?? key),
    "Give either api_token, or both email and api_key.",
  );

const list = createRoute({
  method: "get",
  path: "/v1/accounts",
  operationId: "listAccounts",
  summary: "List the Cloudflare accounts that are looked after",
  tags,
  ...onInstance("read"),
  responses: {
    200: json(z.object({ items: z.array(Account) }), "The configured one first."),
    ...refusals(),
  },
});

const get = createRoute({
  method: "get",
  path: "/v1/accounts/{account}",
  operationId: "getAccount",
  summary: "Get a Cloudflare account that is looked after",
  tags,
  ...onInstance("read"),
  request: { params },
  responses: { 200: json(Account, "The account."), ...refusals("account_not_found") },
});

const put = createRoute({
  method: "put",
  path: "/v1/accounts/{account}",
  operationId: "putAccount",
  summary: "Add a Cloudflare account, or replace its credential",
  description:
    "The credential is tried at Cloudflare before it is stored, sealed. From the answer on every call is made with it, so the one before can be revoked at Cloudflare as soon as what runs has ended.",
  tags,
  ...onInstance("manage"),
  request: { params, body: jsonOf(Body) },
  responses: {
    200: json(Account, "Its credential is replaced."),
    201: json(Account, "It is added. Register its projects as `<account id>:<name>`."),
    ...refusals(
      "account_not_found",
      "conflict",
      "credential_refused",
      "upstream_refused",
      "upstream_unavailable",
      "budget_spent",
      ...BODY,
    ),
  },
});

const remove = createRoute({
  method: "delete",
  path: "/v1/accounts/{account}",
  operationId: "removeAccount",
  summary: "Forget an account and its credential",
  description: "Once none of its projects is registered any more.",
  tags,
  ...onInstance("manage"),
  request: { params },
  responses: { 204: noContent, ...refusals("account_not_found", "conflict") },
});

const projects = createRoute({
  method: "get",
  path: "/v1/accounts/{account}/projects",
  operationId: "listAccountProjects",
  summary: "List the Pages projects of the account, to pick from",
  tags: ["Projects"],
  ...onInstance("read"),
  request: { params },
  responses: {
    200: json(
      z.object({
        items: z.array(
          z.object({
            name: z.string(),
            production_branch: z.string(),
            subdomain: z.string(),
            source: z.enum(["git", "direct_upload"]),
            registered: z.boolean(),
          }),
        ),
      }),
      "Everything that the account has.",
    ),
    ...refusals(
      "account_not_found",
      "upstream_auth",
      "upstream_refused",
      "upstream_unavailable",
      "budget_spent",
    ),
  },
});

export function accountRoutes(api: Api): void {
  api.openapi(list, async (c) => c.json({ items: await all(c) }, 200));

  api.openapi(get, async (c) => {
    const found = (await all(c)).find(({ id }) => id === accountIn(c));
    return c.json(existing(found ?? null, "account_not_found", NONE), 200);
  });

  api.openapi(put, async (c) => {
    const id = furtherAccount(c);
    const { api_token: token, email = "", api_key: key = "", ...rest } = c.req.valid("json");
    const credential: Credential =
      token === undefined ? { kind: "key", email, key } : { kind: "token", token };
    await verify(c, id, credential);
    const { created, account } = await askInstance(c, async (instance) =>
      instance.putAccount({
        id,
        kind: credential.kind,
        credential: await c.var.config.keyring.seal(accountSeal(id), JSON.stringify(credential)),
        owner: rest.owner ?? CONFIGURED_OWNER,
        description: rest.description ?? null,
      }),
    );
    return c.json(shown(account), created ? 201 : 200);
  });

  api.openapi(remove, async (c) => {
    const id = furtherAccount(c);
    const left = existing(
      await askInstance(c, (instance) => instance.removeAccount(id)),
      "account_not_found",
      NONE,
    );
    if (left > 0) {
      throw new Problem(
        "conflict",
        `${left} of its projects ${left === 1 ? "is" : "are"} registered. Delete ${left === 1 ? "it" : "them"} here first.`,
      );
    }
    return c.body(null, 204);
  });

  api.openapi(projects, async (c) => {
    const account = accountIn(c);
    if (!ACCOUNT.test(account)) {
      throw noAccount();
    }
    const found = await allProjects(c);
    const registered = new Set<string>();
    for await (const project of registeredProjects(c.env)) {
      if (project.account_id === account) {
        registered.add(project.name);
      }
    }
    const items = found.map(({ name, production_branch, subdomain, source }) => ({
      name,
      production_branch,
      subdomain,
      source: source ? ("git" as const) : ("direct_upload" as const),
      registered: registered.has(name),
    }));
    return c.json({ items }, 200);
  });
}

const NONE = "No such account is stored here.";

async function all(c: Context<AppEnv>): Promise<z.infer<typeof Account>[]> {
  const { accountId, credential } = c.var.config;
  const configured = {
    id: accountId,
    configured: true,
    kind: credential.kind,
    owner: CONFIGURED_OWNER,
    description: null,
    created_at: null,
    changed_at: null,
  };
  const others = await askInstance(c, (instance) => instance.accounts());
  return [configured, ...others.map(shown)];
}

/** The account in the path, which is not the configured one. */
function furtherAccount(c: Context<AppEnv>): string {
  const id = accountIn(c);
  if (!ACCOUNT.test(id)) {
    throw noAccount();
  }
  if (id === c.var.config.accountId) {
    throw new Problem(
      "conflict",
      "This is the configured account. Its credential is a setting of the Worker: change it with `wrangler secret put CLOUDFLARE_API_TOKEN`.",
    );
  }
  return id;
}

/** Asks Cloudflare for the account's projects with it, before it takes the place of one that works. */
async function verify(
  c: Context<AppEnv>,
  accountId: string,
  credential: Credential,
): Promise<void> {
  await takePermit(c, accountId);
  const answer = await askAs(c, { accountId, credential }, (client) => client.projects(1));
  if (!answer.ok && answer.error.kind === "refused") {
    throw new Problem(
      "credential_refused",
      `Cloudflare did not let this credential list the account's Pages projects, so nothing was changed: ${answer.error.message} It needs the permission "Cloudflare Pages: Edit" on this account.`,
    );
  }
  answered(answer);
}

function shown(account: AccountView): z.infer<typeof Account> {
  return { ...account, configured: false };
}

function noAccount(): Problem {
  return new Problem("account_not_found", "This is not what an account's id looks like.");
}

/** Cloudflare does not say how large its pages are, so one that is smaller than the first is the last. */
async function allProjects(c: Context<AppEnv>): Promise<UpstreamProject[]> {
  const found: UpstreamProject[] = [];
  let size = 1;
  for (let page = 1; page <= MAX_PAGES; page++) {
    const rows = answered(await askCloudflare(c, (client) => client.projects(page)));
    found.push(...rows);
    if (rows.length < size) {
      break;
    }
    size = rows.length;
  }
  return found;
}
