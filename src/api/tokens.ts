import * as z from "zod";
import type { Context } from "hono";

import { isId } from "../ids.ts";
import { existing, Problem } from "../problem.ts";
import { INSTANCE, mintToken, SCOPES } from "../security/tokens.ts";
import type { NewToken } from "../tokens.ts";
import { askInstance, askProject, keyIn, type Api, type AppEnv } from "./context.ts";
import { onInstance, onProject } from "./guard.ts";
import { jsonOf } from "./json.ts";
import { ProjectParams, TokenParams } from "./params.ts";
import { BODY, json, noContent, refusals } from "./responses.ts";
import { createRoute } from "./route.ts";
import { Description, Token } from "./schemas.ts";

const tags = ["Tokens"];
const IdParams = TokenParams.pick({ id: true });

const NewTokenBody = z.strictObject({
  scopes: z
    .array(z.enum(SCOPES))
    .min(1)
    .meta({ description: "Each includes those before it: read, deploy, manage." }),
  description: Description.optional(),
  expires_at: z.iso.datetime({ offset: true }).optional(),
});

const Made = Token.and(z.object({ token: z.string().meta({ description: "Shown this once." }) }));
const Tokens = z.object({ items: z.array(Token) });
const MADE = json(Made, "The token.");
const LIST = json(Tokens, "All tokens, those that are of no use any more included.");

const createForProject = createRoute({
  method: "post",
  path: "/v1/projects/{project}/tokens",
  operationId: "createProjectToken",
  summary: "Make a token for this project",
  tags,
  ...onProject("manage"),
  request: { params: ProjectParams, body: jsonOf(NewTokenBody) },
  responses: { 201: MADE, ...refusals("project_not_found", ...BODY) },
});

const listOfProject = createRoute({
  method: "get",
  path: "/v1/projects/{project}/tokens",
  operationId: "listProjectTokens",
  summary: "List the tokens of this project",
  tags,
  ...onProject("manage"),
  request: { params: ProjectParams },
  responses: { 200: LIST, ...refusals("project_not_found") },
});

const revokeOfProject = createRoute({
  method: "delete",
  path: "/v1/projects/{project}/tokens/{id}",
  operationId: "revokeProjectToken",
  summary: "Revoke a token, for good",
  tags,
  ...onProject("manage"),
  request: { params: TokenParams },
  responses: { 204: noContent, ...refusals("project_not_found", "token_not_found") },
});

const create = createRoute({
  method: "post",
  path: "/v1/tokens",
  operationId: "createToken",
  summary: "Make a token for the whole instance",
  tags,
  ...onInstance("manage"),
  request: { body: jsonOf(NewTokenBody) },
  responses: { 201: MADE, ...refusals(...BODY) },
});

const list = createRoute({
  method: "get",
  path: "/v1/tokens",
  operationId: "listTokens",
  summary: "List the instance's tokens",
  tags,
  ...onInstance("manage"),
  responses: { 200: LIST, ...refusals() },
});

const revoke = createRoute({
  method: "delete",
  path: "/v1/tokens/{id}",
  operationId: "revokeToken",
  summary: "Revoke a token, for good",
  description:
    "Takes the id of a token that `npm run token` made as well, though no such token is stored or listed.",
  tags,
  ...onInstance("manage"),
  request: { params: IdParams },
  responses: { 204: noContent, ...refusals("token_not_found") },
});

export function tokenRoutes(api: Api): void {
  api.openapi(createForProject, async (c) => {
    const { token, row } = await mint(c, keyIn(c), c.req.valid("json"));
    const view = existing(
      await askProject(c, (p) => p.addToken(row)),
      "project_not_found",
      "It is not registered.",
    );
    return c.json({ ...view, token }, 201);
  });

  api.openapi(listOfProject, async (c) =>
    c.json({ items: await askProject(c, (p) => p.tokens()) }, 200),
  );

  api.openapi(revokeOfProject, async (c) => {
    const { id } = c.req.valid("param");
    found(await askProject(c, (p) => p.revokeToken(id)));
    return c.body(null, 204);
  });

  api.openapi(create, async (c) => {
    const { token, row } = await mint(c, INSTANCE, c.req.valid("json"));
    const view = await askInstance(c, (instance) => instance.addToken(row));
    return c.json({ ...view, token }, 201);
  });

  api.openapi(list, async (c) =>
    c.json({ items: await askInstance(c, (instance) => instance.listTokens()) }, 200),
  );

  api.openapi(revoke, async (c) => {
    const { id } = c.req.valid("param");
    found(isId("tok", id));
    const stored = await askInstance(c, (instance) => instance.revokeToken(id, false));
    if (!stored) {
      await askInstance(c, (instance) => instance.revokeToken(id, true));
    }
    return c.body(null, 204);
  });
}

async function mint(
  c: Context<AppEnv>,
  where: string,
  input: z.infer<typeof NewTokenBody>,
): Promise<{ token: string; row: NewToken }> {
  const expires = input.expires_at === undefined ? null : Date.parse(input.expires_at);
  if (expires !== null && expires <= Date.now()) {
    const detail = "expires_at is in the past. Give a time to come, or leave it out.";
    throw new Problem("field_invalid", detail, { errors: [{ field: "expires_at", detail }] });
  }
  const { keyring } = c.var.config;
  const { id, token, hash } = await mintToken(keyring, where);
  const row = {
    id,
    hash,
    key_id: keyring.current,
    scopes: [...new Set(input.scopes)],
    description: input.description ?? null,
    expires_at: expires,
  };
  return { token, row };
}

function found(there: boolean): void {
  existing(there ? true : null, "token_not_found", "There is no such token here.");
}
