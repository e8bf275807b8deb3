import * as z from "zod";
import { createMiddleware } from "hono/factory";

import { callProject } from "../call.ts";
import { existing } from "../problem.ts";
import { actorOf } from "../security/issuers.ts";
import { mintToken } from "../security/tokens.ts";
import { keyNamed, type Api, type AppEnv } from "./context.ts";
import { bearerJob } from "./guard.ts";
import { jsonOf } from "./json.ts";
import { trusted } from "./oidc.ts";
import { BODY, json, OIDC, openRefusals } from "./responses.ts";
import { createRoute } from "./route.ts";

const LIFE_MS = 3_600_000;

const exchange = createRoute({
  method: "post",
  path: "/v1/oidc/exchange",
  operationId: "exchangeOidc",
  summary: "Exchange a CI job's OIDC token for a token of a project",
  description:
    "For jobs that outlive their token. The answer is good for an hour and has the scope of the trust rule that fits.",
  tags: ["Tokens"],
  security: [{ oidc: [] }],
  middleware: createMiddleware<AppEnv>(async (c, next) => {
    c.set("job", await bearerJob(c));
    await next();
  }),
  request: { body: jsonOf(z.strictObject({ project: z.string().max(128) })) },
  responses: {
    201: json(
      z.object({ token: z.string(), expires_at: z.string().nullable() }),
      "The token, shown this once.",
    ),
    ...openRefusals("token_missing", "invalid_token", "expired_token", ...OIDC, ...BODY),
  },
});

export function exchangeRoute(api: Api): void {
  api.openapi(exchange, async (c) => {
    const { keyring } = c.var.config;
    const { job } = c.var;
    const key = keyNamed(c, c.req.valid("json").project);
    const { scopes } = await trusted(c, job, key);
    const { id, token, hash } = await mintToken(keyring, key);
    const row = {
      id,
      hash,
      key_id: keyring.current,
      scopes,
      description: actorOf(job.claims),
      expires_at: Date.now() + LIFE_MS,
    };
    const made = await callProject(c.env, key, (project) => project.addToken(row));
    const view = existing(made, "unavailable", "The project was forgotten just now.");
    return c.json({ token, expires_at: view.expires_at }, 201);
  });
}
