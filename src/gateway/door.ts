import { Hono, type Context } from "hono";

import { registerFound } from "../api/register.ts";
import { nameIn, type AppEnv } from "../api/context.ts";
import { UpstreamProject } from "../cloudflare/schemas.ts";
import { Problem } from "../problem.ts";
import { redact } from "../security/redact.ts";
import { relayAssets, uploadToken } from "./assets.ts";
import { createDeployment, deployIn, retryDeployment, rollBackTo } from "./create.ts";
import { okBody } from "./envelope.ts";
import { admit, type Admission } from "./guard.ts";
import { viewOf } from "./hold.ts";
import { provisional } from "./provisional.ts";
import { onlyFields, readObject, relay } from "./relay.ts";

/** Where clients of Cloudflare's API find this door. */
export const PREFIX = "/client/v4";
const PROJECTS = "/accounts/:account/pages/projects";
const PROJECT = `${PROJECTS}/:project`;
const DEPLOYMENTS = `${PROJECT}/deployments`;
const DEPLOYMENT = `${DEPLOYMENTS}/:deployment`;
const DOMAINS = `${PROJECT}/domains`;

const PAGES = ["page", "per_page"];
const NEW_PROJECT = ["name", "production_branch", "build_config", "deployment_configs", "source"];
const PROJECT_FIELDS = ["production_branch", "build_config", "deployment_configs", "source"];

export interface GatewayRoute {
  readonly method: "GET" | "POST" | "PATCH" | "DELETE";
  readonly path: string;
  /** null: what admits is an upload token. */
  readonly admission: Admission | null;
  readonly handle: (c: Context<AppEnv>) => Promise<Response>;
}

const account = (scope: Admission["scope"]): Admission => ({ scope, registered: null });
const project = (scope: Admission["scope"]): Admission => ({ scope, registered: true });

/** All that passes. Whatever is not here reaches nobody. */
export const GATEWAY_ROUTES: readonly GatewayRoute[] = [
  {
    method: "GET",
    path: PROJECTS,
    admission: account("read"),
    handle: (c) => relay(c, { method: "GET", path: [], query: PAGES }),
  },
  { method: "POST", path: PROJECTS, admission: account("manage"), handle: createProject },
  {
    method: "GET",
    path: PROJECT,
    // wrangler asks for a project before it makes it.
    admission: { scope: "read", registered: false },
    handle: (c) => relay(c, { method: "GET", path: [nameOf(c)] }),
  },
  {
    method: "PATCH",
    path: PROJECT,
    admission: project("manage"),
    handle: async (c) =>
      relay(c, {
        method: "PATCH",
        path: [nameOf(c)],
        body: onlyFields(await readObject(c), PROJECT_FIELDS),
      }),
  },
  {
    method: "GET",
    path: `${PROJECT}/upload-token`,
    admission: project("deploy"),
    handle: uploadToken,
  },
  {
    method: "POST",
    path: `${PROJECT}/purge_build_cache`,
    admission: project("manage"),
    handle: (c) => relay(c, { method: "POST", path: [nameOf(c), "purge_build_cache"] }),
  },
  { method: "GET", path: DEPLOYMENTS, admission: project("read"), handle: listDeployments },
  { method: "POST", path: DEPLOYMENTS, admission: project("deploy"), handle: createDeployment },
  {
    method: "GET",
    path: DEPLOYMENT,
    admission: { ...project("read"), late: true },
    handle: getDeployment,
  },
  {
    method: "DELETE",
    path: DEPLOYMENT,
    admission: project("manage"),
    handle: async (c) => {
      const path = [nameOf(c), "deployments", await realId(c)];
      return relay(c, { method: "DELETE", path, query: ["force"] });
    },
  },
  {
    method: "POST",
    path: `${DEPLOYMENT}/retry`,
    admission: project("deploy"),
    handle: retryDeployment,
  },
  {
    method: "POST",
    path: `${DEPLOYMENT}/rollback`,
    admission: project("deploy"),
    handle: rollBackTo,
  },
  {
    method: "GET",
    path: `${DEPLOYMENT}/history/logs`,
    admission: { ...project("read"), late: true },
    handle: getLogs,
  },
  {
    method: "POST",
    path: `${DEPLOYMENT}/tails`,
    admission: project("manage"),
    handle: async (c) => {
      const path = [nameOf(c), "deployments", await realId(c), "tails"];
      return relay(c, { method: "POST", path, body: onlyFields(await readObject(c), ["filters"]) });
    },
  },
  {
    method: "DELETE",
    path: `${DEPLOYMENT}/tails/:tail`,
    admission: project("manage"),
    handle: async (c) => {
      const path = [nameOf(c), "deployments", await realId(c), "tails", c.req.param("tail") ?? ""];
      return relay(c, { method: "DELETE", path });
    },
  },
  {
    method: "GET",
    path: DOMAINS,
    admission: project("read"),
    handle: (c) => relay(c, { method: "GET", path: [nameOf(c), "domains"], query: PAGES }),
  },
  {
    method: "POST",
    path: DOMAINS,
    admission: project("manage"),
    handle: async (c) =>
      relay(c, {
        method: "POST",
        path: [nameOf(c), "domains"],
        body: onlyFields(await readObject(c), ["name"]),
      }),
  },
  ...(["GET", "PATCH", "DELETE"] as const).map((method): GatewayRoute => ({
    method,
    path: `${DOMAINS}/:domain`,
    admission: project(method === "GET" ? "read" : "manage"),
    handle: (c) => relay(c, { method, path: [nameOf(c), "domains", c.req.param("domain") ?? ""] }),
  })),
  ...["check-missing", "upload", "upsert-hashes"].map((call): GatewayRoute => ({
    method: "POST",
    path: `/pages/assets/${call}`,
    admission: null,
    handle: relayAssets,
  })),
];

/** Door 3: the Cloudflare API as far as it is about Pages, with the queue where deployments are made. */
export const gateway = new Hono<AppEnv>();
for (const { method, path, admission, handle } of GATEWAY_ROUTES) {
  if (admission === null) {
    gateway.on(method, path, handle);
  } else {
    gateway.on(method, path, admit(admission), handle);
  }
}
gateway.all("*", () => {
  throw new Problem(
    "not_found",
    "Signalbox passes on the calls of Cloudflare's API that are about Pages, and this is none of them. See docs/gateway.md.",
  );
});

/** `//` is one slash to Cloudflare: a base URL that ends in one makes clients send it. */
export function pathOf(request: Request): string {
  const { pathname } = new URL(request.url);
  return pathname.startsWith(`${PREFIX}/`) ? pathname.replace(/\/{2,}/g, "/") : pathname;
}

async function createProject(c: Context<AppEnv>): Promise<Response> {
  const body = onlyFields(await readObject(c), NEW_PROJECT);
  const response = await relay(c, { method: "POST", path: [], body });
  const made = UpstreamProject.safeParse(
    (await response.clone().json<{ result?: unknown }>()).result,
  );
  if (response.ok && made.success) {
    // Who makes a project here will deploy to it here.
    await registerFound(c, made.data, {});
  }
  return response;
}

/** Deploys that have no deployment yet come first, as those that are queued. */
async function listDeployments(c: Context<AppEnv>): Promise<Response> {
  const path = [nameOf(c), "deployments"];
  const response = await relay(c, { method: "GET", path, query: [...PAGES, "env"] });
  if (!response.ok || Number(c.req.query("page") ?? 1) !== 1) {
    return response;
  }
  const view = await viewOf(c);
  const env = c.req.query("env");
  const early = [...view.running, ...view.waiting]
    .filter(
      ({ deployment, environment }) => deployment === null && (env ?? environment) === environment,
    )
    .sort((a, b) => b.number - a.number)
    .map((deploy) => provisional(deploy, view));
  const body = (await response.json()) as { result?: unknown };
  return c.json({ ...body, result: [...early, ...listIn(body.result)] });
}

async function getDeployment(c: Context<AppEnv>): Promise<Response> {
  const deploy = await deployIn(c);
  if (deploy !== null && deploy.deployment === null) {
    return c.json(okBody(provisional(deploy, await viewOf(c))));
  }
  const path = [
    nameOf(c),
    "deployments",
    deploy?.deployment?.id ?? c.req.param("deployment") ?? "",
  ];
  return relay(c, { method: "GET", path });
}

/** Cloudflare's log, with our reason for the end as its last line where that is not Cloudflare's own. */
async function getLogs(c: Context<AppEnv>): Promise<Response> {
  const deploy = await deployIn(c);
  const ends = deploy?.ended_at != null && deploy.status !== "succeeded" ? deploy.reason : null;
  const line =
    deploy === null || ends === null ? [] : [{ ts: deploy.ended_at, line: `Error: ${ends}` }];
  if (deploy !== null && deploy.deployment === null) {
    return c.json(okBody({ total: line.length, includes_container_logs: false, data: line }));
  }
  const id = deploy?.deployment?.id ?? c.req.param("deployment") ?? "";
  const path = [nameOf(c), "deployments", id, "history", "logs"];
  const response = await relay(c, { method: "GET", path });
  if (!response.ok) {
    return response;
  }
  const body = (await response.json()) as { result?: { data?: unknown; total?: unknown } | null };
  // A build prints what it likes.
  const printed = listIn(body.result?.data).map((each) => withoutTokens(each));
  const own = deploy?.reason_code?.startsWith("failed_") === true ? [] : line;
  const data = [...printed, ...own];
  const total = own.length === 0 ? body.result?.total : data.length;
  return c.json({ ...body, result: { ...body.result, total, data } });
}

function withoutTokens(each: object): object {
  const { line } = each as { line?: unknown };
  return typeof line === "string" ? { ...each, line: redact(line, []) } : each;
}

/** What Cloudflare's answer has where a list belongs. */
function listIn(value: unknown): object[] {
  return Array.isArray(value) ? (value as object[]) : [];
}

/** The id that Cloudflare knows a deployment by. */
async function realId(c: Context<AppEnv>): Promise<string> {
  const deploy = await deployIn(c);
  if (deploy !== null && deploy.deployment === null) {
    throw new Problem(
      "no_deployment_yet",
      `Deploy #${deploy.number} has no deployment at Cloudflare yet.`,
    );
  }
  return deploy?.deployment?.id ?? c.req.param("deployment") ?? "";
}

function nameOf(c: Context<AppEnv>): string {
  return nameIn(c) ?? "";
}
