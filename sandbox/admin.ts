/** What only the sandbox has: its journal, faults, speed, pushes, and a look at what it stored. */
import { Hono } from "hono";
import { advance } from "./advance.ts";
import { cancel } from "./deployments.ts";
import * as errors from "./errors.ts";
import { listFaults } from "./faults.ts";
import { serve } from "./site.ts";
import { speedOf } from "./speed.ts";
import type { Fate } from "./calls.ts";
import type { World } from "./world.ts";
import type { Fault, ProjectInput, Push, Sandbox, Speed } from "./types.ts";

export function adminRoutes(world: World, sandbox: Sandbox): Hono<{ Bindings: Fate }> {
  const admin = new Hono<{ Bindings: Fate }>();

  admin.get("/journal", (c) => c.json(sandbox.journal()));

  admin.get("/faults", (c) => c.json(listFaults(world)));
  admin.post("/faults", async (c) => {
    const body = await read<Fault | Fault[]>(c.req.raw);
    world.store.transaction(() => [body].flat().forEach((fault) => sandbox.fault(fault)));
    return c.json(listFaults(world), 201);
  });
  admin.delete("/faults", (c) => {
    sandbox.clearFaults();
    return c.body(null, 204);
  });

  admin.get("/speed", (c) => c.json(speedOf(world)));
  admin.post("/speed", async (c) => {
    sandbox.speed(await read<Speed>(c.req.raw));
    return c.json(speedOf(world));
  });

  admin.post("/projects", async (c) =>
    c.json(sandbox.addProject(await read<ProjectInput>(c.req.raw)), 201),
  );
  admin.post("/push", async (c) => {
    const commit = await read<Partial<Push>>(c.req.raw);
    if (!commit.project || !commit.branch || !commit.commit_hash) {
      throw errors.badRequest("A push needs project, branch and commit_hash.");
    }
    return c.json(sandbox.push(commit as Push), 201);
  });
  admin.post("/reset", (c) => {
    sandbox.reset();
    return c.body(null, 204);
  });

  admin.get("/deployments/:deployment/form", (c) => {
    const form = sandbox.form(c.req.param("deployment"));
    if (!form) {
      throw errors.deploymentNotFound();
    }
    return c.json(form);
  });
  // Somebody presses Cancel in Cloudflare's dashboard.
  admin.post("/deployments/:deployment/cancel", (c) => {
    advance(world);
    const row = world.deployments.get(c.req.param("deployment"));
    if (!row) {
      throw errors.deploymentNotFound();
    }
    world.store.transaction(() => cancel(world, row));
    return c.body(null, 204);
  });

  admin.get("/site/:hostname", (c) => c.redirect(`${new URL(c.req.url).pathname}/`, 308));
  admin.get("/site/:hostname/*", (c) => {
    const hostname = c.req.param("hostname");
    const base = `/__sandbox/site/${hostname}`;
    return serve(world, hostname, new URL(c.req.url).pathname.slice(base.length), base);
  });
  return admin;
}

async function read<Body>(request: Request): Promise<Body> {
  const body: unknown = await request.json().catch(() => null);
  if (typeof body !== "object" || body === null) {
    throw errors.badRequest("The body must be a JSON object.");
  }
  return body as Body;
}
