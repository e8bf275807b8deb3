import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import { methodNotAllowed } from "hono/method-not-allowed";
import { requestId } from "hono/request-id";

import { answerProblem, toProblem } from "./api/answer.ts";
import type { AppEnv } from "./api/context.ts";
import { Api } from "./api/route.ts";
import { routes } from "./api/routes.ts";
import { dashboard } from "./dashboard/routes.tsx";
import { answerPage, wantsPage } from "./dashboard/refusal.tsx";
import { gateway, pathOf, PREFIX } from "./gateway/door.ts";
import { answerEnvelope } from "./gateway/envelope.ts";
import { configOf } from "./env.ts";
import { Problem } from "./problem.ts";
import { isTooMuch, THROTTLED_SECONDS } from "./security/throttle.ts";

/** These answer without any configuration. */
const OPEN = new Set(["/docs", "/healthz", "/version", "/openapi.json", "/events.schema.json"]);

const configured = createMiddleware<AppEnv>(async (c, next) => {
  const config = await configOf(c.env);
  if (config.ok) {
    c.set("config", config.value);
  } else if (!OPEN.has(c.req.path) && !c.req.path.startsWith("/assets/")) {
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

/** What a browser may do with an answer. Pages, which may load more, say so in `headers`. */
const HEADERS = {
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "origin-agent-cluster": "?1",
  "referrer-policy": "no-referrer",
  // For this host alone: what its subdomains do is not ours to say.
  "strict-transport-security": "max-age=15552000",
  "x-content-type-options": "nosniff",
  "x-dns-prefetch-control": "off",
  "x-download-options": "noopen",
  "x-frame-options": "DENY",
  "x-permitted-cross-domain-policies": "none",
  "x-xss-protection": "0",
};

const headers = createMiddleware<AppEnv>(async (c, next) => {
  await next();
  for (const [name, value] of Object.entries({ ...HEADERS, ...c.get("headers") })) {
    c.res.headers.set(name, value);
  }
});

/** The doors, with what all of them share: ids, headers, configuration, and one way to refuse. */
export const app = new Api({ getPath: pathOf });

app.use(
  headers,
  // Always our own id: one that came with the request could be anything.
  requestId({ limitLength: 0 }),
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

app.notFound((c) => {
  const detail = "There is nothing at this address. See /openapi.json for what there is.";
  return refuse(c, new Problem("not_found", detail));
});
app.onError(async (error, c) => refuse(c, await throttled(c, toProblem(error, c))));

/**
 * Refusals of strangers are counted, and nothing else is: addresses are shared, as by everybody whose hooks one git host
 * sends, and who is let in does not pay for who is not.
 */
async function throttled(c: Context<AppEnv>, problem: Problem): Promise<Problem> {
  const stranger = problem.status === 401 || c.req.path.startsWith("/hooks/");
  if (!stranger || !(await isTooMuch(c.env.REFUSALS, c.req.raw))) {
    return problem;
  }
  return new Problem(
    "too_many_refusals",
    `Too much that came from this address was refused, the last time with ${problem.code}. Try again in a minute.`,
    { headers: { "retry-after": String(THROTTLED_SECONDS) } },
  );
}

function refuse(c: Context<AppEnv>, problem: Problem): Response {
  if (c.req.path.startsWith(`${PREFIX}/`)) {
    return answerEnvelope(c, problem);
  }
  return wantsPage(c) ? answerPage(c, problem) : answerProblem(c, problem);
}

app.route(PREFIX, gateway);

for (const register of routes) {
  register(app);
}
dashboard(app);
