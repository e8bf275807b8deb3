import { Hono } from "hono";
import { adminRoutes } from "./admin.ts";
import { advance } from "./advance.ts";
import { apiRoutes } from "./api.ts";
import { push } from "./create.ts";
import { deploymentJson } from "./deployments.ts";
import { refusal } from "./answers.ts";
import { ApiError } from "./errors.ts";
import { addFault, clearFaults } from "./faults.ts";
import { storedForm } from "./form.ts";
import { readJournal } from "./journal.ts";
import { addProject, findProject, projectJson, seed } from "./projects.ts";
import { serveHost } from "./site.ts";
import { setSpeed } from "./speed.ts";
import { memoryStore } from "./store.ts";
import { table } from "./world.ts";
import type { Fate } from "./calls.ts";
import type { World } from "./world.ts";
import type { Sandbox, SandboxOptions, Speed, VanishContext } from "./types.ts";

/**
 * A Pages API of one account, in memory unless given another store. Answers the API under `/client/v4` on any host,
 * the sites it has deployed on their own host names, and its admin side under `/__sandbox`.
 */
export function createSandbox(options: SandboxOptions = {}): Sandbox {
  const world = makeWorld(options);
  const drop = options.drop ?? defaultDrop;
  const hang = options.hang ?? defaultHang;

  const sandbox: Sandbox = {
    accountId: world.accountId,
    token: world.token,
    async fetch(request, env) {
      const site = serveHost(world, request);
      if (site) {
        return site;
      }
      const fate: Fate = { vanish: null };
      const response = await app.fetch(request, fate);
      if (fate.vanish === null) {
        return response;
      }
      await response.body?.cancel();
      const context = { request, env };
      return fate.vanish === "hang" ? hang(context, request.signal) : drop(context);
    },
    addProject: (input) => projectJson(world, addProject(world, input)),
    fault: (fault) => addFault(world, fault),
    clearFaults: () => clearFaults(world),
    journal() {
      advance(world);
      return readJournal(world);
    },
    push(commit) {
      advance(world);
      const project = findProject(world, commit.project);
      const { row, reason } = world.store.transaction(() => push(world, project, commit));
      return { deployment: row && deploymentJson(world, project, row), reason };
    },
    form: (deployment) =>
      storedForm(world.store, world.deployments.get(deployment)?.form ?? deployment),
    speed: (speed) => setSpeed(world, speed),
    reset() {
      world.store.clear();
      start(world, options.speed);
    },
  };

  const app = new Hono<{ Bindings: Fate }>();
  app.route("/client/v4", apiRoutes(world));
  app.route("/__sandbox", adminRoutes(world, sandbox));
  app.notFound((c) =>
    c.text("Not found. The API is under /client/v4, the admin side under /__sandbox.\n", 404),
  );
  app.onError((error) => {
    if (error instanceof ApiError) {
      return refusal(error);
    }
    throw error;
  });

  start(world, options.speed);
  return sandbox;
}

function makeWorld(options: SandboxOptions): World {
  const store = options.store ?? memoryStore();
  return {
    now: options.now ?? Date.now,
    store,
    accountId: options.accountId ?? "0123456789abcdef0123456789abcdef",
    token: options.token ?? "sandbox-token",
    email: options.email ?? "sandbox@example.com",
    apiKey: options.apiKey ?? "sandbox-key",
    rateLimit: options.rateLimit ?? { requests: 1200, seconds: 300 },
    projects: table(store, "projects"),
    deployments: table(store, "deployments"),
    order: table(store, "order"),
    pending: table(store, "pending"),
    branches: table(store, "branches"),
    assets: table(store, "assets"),
    meta: table(store, "meta"),
  };
}

function start(world: World, speed: Speed | undefined): void {
  seed(world);
  if (speed) {
    setSpeed(world, speed);
  }
}

async function defaultDrop(): Promise<Response> {
  throw new TypeError("fetch failed: the connection was closed before an answer came");
}

async function defaultHang(_: VanishContext, signal: AbortSignal): Promise<Response> {
  return new Promise((_resolve, reject) => {
    const abort = (): void =>
      reject(
        signal.reason instanceof Error
          ? signal.reason
          : new DOMException("The operation timed out.", "TimeoutError"),
      );
    if (signal.aborted) {
      abort();
    } else {
      signal.addEventListener("abort", abort, { once: true });
    }
  });
}
