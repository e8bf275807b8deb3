import { OpenAPIHono } from "@hono/zod-openapi";
import { createMiddleware } from "hono/factory";
import { methodNotAllowed } from "hono/method-not-allowed";
import { requestId } from "hono/request-id";
import { secureHeaders } from "hono/secure-headers";

import { answerProblem, invalid, toProblem } from "./api/answer.ts";
import type { AppEnv } from "./api/context.ts";
import { routes } from "./api/routes.ts";
import { gateway, pathOf, PREFIX } from "./gateway/door.ts";
import { answerEnvelope } from "./gateway/envelope.ts";
import { configOf } from "./env.ts";
import { Problem } from "./problem.ts";

/** These answer without any configuration. */
const OPEN = new Set(["/healthz", "/version", "/openapi.json", "/events.schema.json"]);

const configured = createMiddleware<AppEnv>(async (c, next) => {
  const config = await configOf(c.env);
  if (config.ok) {
    c.set("config", config.value);
  } else if (!OPEN.has(c.req.path)) {
    const errors = config.error.map(({ setting, detail }) => ({ field: setting, detail }));
    const detail = errors.map((fault) => `${fault.field} ${fault.detail}`).join(" ");
    throw new Problem("not_configured", detail, { errors });
  }
  await next();
});

/** Answers may hold what is shown only once. */
const uncached = createMiddleware<AppEnv>(async (c, next) => {
  await next();
  c.header("cache-control", "no-store");
});

/** The doors, with what all of them share: ids, headers, configuration, and one way to refuse. */
export const app = new OpenAPIHono<AppEnv>({
  getPath: pathOf,
  defaultHook(result) {
    if (!result.success) {
      throw invalid(result.target, result.error);
    }
  },
});

app.use(
  // Always our own id: one that came with the request could be anything.
  requestId({ limitLength: 0 }),
  secureHeaders({
    contentSecurityPolicy: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
    xFrameOptions: "DENY",
    // For this host alone: what its subdomains do is not ours to say.
    strictTransportSecurity: "max-age=15552000",
  }),
  methodNotAllowed({
    app,
    onMethodNotAllowed: (c, methods) => {
      const allow = methods.join(", ");
      const problem = new Problem("method_not_allowed", `This address takes ${allow}.`, {
        headers: { allow },
      });
      return answerProblem(c, problem);
    },
  }),
  configured,
);
app.use("/v1/*", uncached);
app.use("/hooks/*", uncached);
app.use(`${PREFIX}/*`, uncached);

app.notFound((c) =>
  answerProblem(
    c,
    new Problem(
      "not_found",
      "There is nothing at this address. See /openapi.json for what there is.",
    ),
  ),
);
app.onError((error, c) => {
  const problem = toProblem(error, c);
  return c.req.path.startsWith(`${PREFIX}/`)
    ? answerEnvelope(c, problem)
    : answerProblem(c, problem);
});
app.route(PREFIX, gateway);

for (const register of routes) {
  register(app);
}
