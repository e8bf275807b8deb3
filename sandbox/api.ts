/** The routes of the Pages API, and the few others its clients ask for. */
import { Hono } from "hono";
import { ok, page } from "./answers.ts";
import { expire, missing, readHashes, upload } from "./assets.ts";
import { mintUploadToken } from "./auth.ts";
import { faulty, guarded, journalled } from "./calls.ts";
import { createDeployment, manifestIn, retryDeployment } from "./create.ts";
import {
  deleteDeployment,
  deploymentJson,
  findDeployment,
  listDeployments,
  rollback,
} from "./deployments.ts";
import * as errors from "./errors.ts";
import { shapeOf } from "./faults.ts";
import { readForm } from "./form.ts";
import { logsOf } from "./logs.ts";
import { addProject, deleteProject, findProject, patchProject, projectJson } from "./projects.ts";
import { timestamp } from "./time.ts";
import type { Handler } from "hono";
import type { ApiContext, ApiEnv } from "./calls.ts";
import type { DeploymentRow, ProjectRow, World } from "./world.ts";
import type { Call, ProjectInput } from "./types.ts";

export function apiRoutes(world: World): Hono<ApiEnv> {
  const api = new Hono<ApiEnv>();
  const account = `/accounts/${world.accountId}`;
  api.use(journalled(world), guarded(world));
  accountRoutes(api, world);
  projectRoutes(api, world, `${account}/pages/projects`);
  deploymentRoutes(api, world, `${account}/pages/projects/:project/deployments`);
  assetRoutes(api, world, "/pages/assets");
  api.all("*", (c) => {
    const path = c.req.path.replace("/client/v4", "");
    // To a credential of one account, every other account looks like this.
    throw path.startsWith("/accounts/") && !path.startsWith(`${account}/`)
      ? errors.unauthenticated(403)
      : errors.noRoute(path);
  });
  return api;
}

/** What wrangler asks when it isn't told the account, or after an authentication error. */
function accountRoutes(api: Hono<ApiEnv>, world: World): void {
  const account = { id: world.accountId, name: "Sandbox", type: "standard" };
  const size = { standard: 20, largest: 50 };
  api.get("/accounts", (c) => page(c.req.url, [account], size));
  api.get("/memberships", (c) =>
    page(c.req.url, [{ id: world.accountId, status: "accepted", account }], size),
  );
  api.get("/user", () => ok({ id: world.accountId, email: world.email }));
  api.get("/user/tokens/verify", () => ok({ id: world.accountId, status: "active" }));
}

function projectRoutes(api: Hono<ApiEnv>, world: World, base: string): void {
  const on = (call: Call, run: (c: ApiContext) => Response | Promise<Response>): Handler<ApiEnv> =>
    faulty(world, call, run);
  const find = (c: ApiContext): ProjectRow => findProject(world, c.req.param("project") ?? "");
  const show = (row: ProjectRow): object => projectJson(world, row);

  const list = on("projects", (c) =>
    page(c.req.url, world.projects.list(), { standard: 10, largest: 10 }, show),
  );
  // wrangler sends JSON as text/plain: the content type is not looked at.
  const make = on("projects", (c) =>
    ok(show(addProject(world, readJson(c) as unknown as ProjectInput))),
  );
  api.get(base, list).post(base, make);

  const get = on("project", (c) => ok(show(find(c))));
  const patch = on("patch", (c) => ok(show(patchProject(world, find(c), readJson(c)))));
  const remove = on("project", (c) => {
    const row = find(c);
    world.store.transaction(() => deleteProject(world, row));
    return ok(null);
  });
  const one = `${base}/:project`;
  api.get(one, get).patch(one, patch).delete(one, remove);

  const uploadToken = on("upload-token", async (c) => {
    find(c);
    return ok({ jwt: await mintUploadToken(world) });
  });
  const purge = on("project", (c) => {
    find(c);
    return ok(null);
  });
  const domains = on("project", (c) => {
    const { domains: names, created_at } = find(c);
    return page(c.req.url, names, { standard: 20, largest: 50 }, (name) => ({
      id: name,
      name,
      status: "active",
      created_on: timestamp(created_at),
    }));
  });
  api.get(`${one}/upload-token`, uploadToken);
  api.post(`${one}/purge_build_cache`, purge);
  api.get(`${one}/domains`, domains);
}

function deploymentRoutes(api: Hono<ApiEnv>, world: World, base: string): void {
  /** A route that has a project, and what it answers about a deployment of it. */
  const on = (
    call: Call,
    run: (c: ApiContext, project: ProjectRow) => Response | Promise<Response>,
  ): Handler<ApiEnv> =>
    faulty(world, call, (c) => run(c, findProject(world, c.req.param("project") ?? "")));
  const find = (c: ApiContext, project: ProjectRow): DeploymentRow =>
    findDeployment(world, project, c.req.param("deployment") ?? "");
  const made = (c: ApiContext, project: ProjectRow, row: DeploymentRow): Response => {
    c.set("made", row.id);
    return ok(deploymentJson(world, project, row));
  };

  const create = on("create", async (c, project) => {
    const form = await readForm(c.req.header("content-type") ?? null, c.get("body"));
    if (c.get("fault")?.kind === "expired_assets") {
      expire(world, Object.values(manifestIn(form) ?? {}));
    }
    const shape = shapeOf(world, "create", project.name, c.get("fault"));
    const row = world.store.transaction(() => createDeployment(world, project, form, shape));
    return made(c, project, row);
  });
  const list = on("list", (c, project) => {
    const environment = c.req.query("env");
    if (environment !== undefined && environment !== "production" && environment !== "preview") {
      throw errors.badRequest('The env parameter must be "production" or "preview".');
    }
    const ids = listDeployments(world, project, environment);
    return page(c.req.url, ids, { standard: 25, largest: 25 }, (id) =>
      deploymentJson(world, project, findDeployment(world, project, id)),
    );
  });
  api.post(base, create).get(base, list);

  const get = on("get", (c, project) => ok(deploymentJson(world, project, find(c, project))));
  const remove = on("delete", (c, project) => {
    const row = find(c, project);
    const force = c.req.query("force") === "true";
    world.store.transaction(() => deleteDeployment(world, project, row, force));
    return ok(null);
  });
  const retry = on("retry", (c, project) => {
    const old = find(c, project);
    const shape = shapeOf(world, "retry", project.name, c.get("fault"));
    const row = world.store.transaction(() => retryDeployment(world, project, old, shape));
    return made(c, project, row);
  });
  const back = on("rollback", (c, project) => {
    const row = find(c, project);
    world.store.transaction(() => rollback(world, project, row));
    return ok(deploymentJson(world, findProject(world, project.name), row));
  });
  const logs = on("logs", (c, project) => ok(logsOf(project, find(c, project))));
  const one = `${base}/:deployment`;
  api.get(one, get).delete(one, remove);
  api.post(`${one}/retry`, retry).post(`${one}/rollback`, back);
  api.get(`${one}/history/logs`, logs);
}

function assetRoutes(api: Hono<ApiEnv>, world: World, base: string): void {
  const hashes = (c: ApiContext): string[] => {
    const read = readHashes(readJson(c));
    if (c.get("fault")?.kind === "expired_assets") {
      expire(world, read);
    }
    return read;
  };
  const check = faulty(world, "check-missing", (c) => ok(missing(world, hashes(c))));
  const send = faulty(world, "upload", (c) => {
    const files: unknown = readJson(c);
    world.store.transaction(() => upload(world, files));
    return ok(null);
  });
  const upsert = faulty(world, "upsert-hashes", (c) => {
    hashes(c);
    return ok(null);
  });
  api
    .post(`${base}/check-missing`, check)
    .post(`${base}/upload`, send)
    .post(`${base}/upsert-hashes`, upsert);
}

function readJson(c: ApiContext): object {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(c.get("body")));
    if (typeof value === "object" && value !== null) {
      return value;
    }
  } catch {
    // Told below, with every other body that is neither an object nor an array.
  }
  throw errors.badRequest("The body must be JSON.");
}
