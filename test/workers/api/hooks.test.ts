import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { Edge, expectProblem, leave, ORIGIN } from "./edge.ts";

let edge: Edge;
beforeEach(async () => {
  edge = await Edge.create();
});
afterEach(leave);

describe("hooks", () => {
  it("are made with a URL and a secret that are shown this once", async () => {
    const json = {
      source: "github",
      repository: "acme/blog",
      branch: "main",
      description: "  The blog  ",
    };
    const made = await edge.on("POST", "/hooks", { json });
    expect(made.status).toBe(201);
    const { url, secret, paste, setup, ...hook } = made.body;
    expect(url).toMatch(
      new RegExp(`^${ORIGIN}/hooks/${edge.world.name}/${hook.id}\\.[0-9a-f]{6}\\.[\\w-]{24}$`),
    );
    expect(secret).toMatch(/^[\w-]{43}$/);
    expect(setup.join(" ")).toContain("Payload URL");
    expect(paste).toEqual([
      { label: "Payload URL", value: url },
      { label: "Content type", value: "application/json" },
      { label: "Secret", value: secret },
    ]);
    expect(hook).toMatchObject({ ...json, description: "The blog", paused: false, refusals: 0 });
    expect(made.headers.get("location")).toBe(`${edge.base}/hooks/${hook.id}`);

    const one = await edge.on("GET", `/hooks/${hook.id}`);
    const all = await edge.on("GET", "/hooks");
    expect(one.body).toEqual(hook);
    expect(all.body).toEqual({ items: [hook] });
    const stored = await edge.world.inside((_, state) =>
      JSON.stringify(state.storage.sql.exec("SELECT * FROM hooks").toArray()),
    );
    const tag = url.split(".").at(-1);
    for (const text of [one.text, all.text, stored]) {
      expect(text).not.toContain(secret);
      expect(text).not.toContain(tag);
    }
  });

  it("take a secret that somebody chose", async () => {
    const made = await edge.on("POST", "/hooks", { json: { source: "github", secret: "ours" } });
    expect(made.body.secret).toBe("ours");
  });

  it("are refused for a project that has no branches to build", async () => {
    const direct = await Edge.create({ source: "direct_upload" });
    const before = await direct.trace();
    const got = await direct.on("POST", "/hooks", { json: { source: "github" } });
    expectProblem(got, 409, "not_git_connected");
    expect(await direct.trace()).toEqual(before);
  });

  it("can be changed, and only what was named is", async () => {
    const made = await edge.on("POST", "/hooks", { json: { source: "github", branch: "main" } });
    const path = `/hooks/${made.body.id}`;
    const paused = await edge.on("PATCH", path, { json: { paused: true, description: "x" } });
    expect(paused.body).toMatchObject({ paused: true, description: "x", branch: "main" });
    expect(paused.body).not.toHaveProperty("secret");
    const open = await edge.on("PATCH", path, { json: { branch: null, paused: false } });
    expect(open.body).toMatchObject({ paused: false, description: "x", branch: null });
  });

  it("get a new secret and the same URL while the key is the same", async () => {
    const made = await edge.on("POST", "/hooks", { json: { source: "github" } });
    const path = `/hooks/${made.body.id}`;
    const got = await edge.on("PATCH", path, { json: { rotate_secret: true } });
    expect(got.status).toBe(200);
    expect(got.body.url).toBe(made.body.url);
    expect(got.body.secret).toMatch(/^[\w-]{43}$/);
    expect(got.body.secret).not.toBe(made.body.secret);
  });

  it("are gone when deleted", async () => {
    const made = await edge.on("POST", "/hooks", { json: { source: "github" } });
    const path = `/hooks/${made.body.id}`;
    expect((await edge.on("DELETE", path)).status).toBe(204);
    expectProblem(await edge.on("GET", path), 404, "hook_not_found");
    expectProblem(await edge.on("DELETE", path), 404, "hook_not_found");
  });
});
