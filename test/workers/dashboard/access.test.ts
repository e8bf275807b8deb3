import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { bootstrap, Edge, leave, ORIGIN } from "../api/edge.ts";
import { AUD, Issuer } from "../support/issuer.ts";
import { Visit, type Page } from "./visit.ts";

const HEADER = "cf-access-jwt-assertion";

let edge: Edge;
let access: Issuer;
beforeEach(async () => {
  edge = await Edge.create();
  access = await Issuer.in(edge.world, "access", [AUD[0]]);
});
afterEach(async () => {
  // The instance is the same in all tests.
  const { body } = await edge.send("GET", "/v1/access");
  for (const { id } of body.items as { id: string }[]) {
    await edge.send("DELETE", `/v1/access/${id}`);
  }
  leave();
});

async function rule(json: object): Promise<string> {
  const made = await edge.send("POST", "/v1/access", {
    json: { email: "ada@example.com", ...json },
  });
  expect(made.status).toBe(201);
  return (made.body as { id: string }).id;
}

/** A browser that has logged in with Access, which adds its header to everything. */
async function through(claims: Record<string, unknown> = {}): Promise<Visit> {
  return new Visit({ [HEADER]: await access.token(claims) });
}

const lockPath = (of: Edge): string => `/projects/${of.world.name}/locks`;

function expectSignIn(page: Page): void {
  expect(page.status).toBe(401);
  expect(page.text).toContain('<input type="password" name="token"');
}

describe("who comes through Access", () => {
  it("is signed in without a token, acts under their address, and signs out at Access", async () => {
    await rule({ scopes: ["manage"] });
    const ada = await through();
    expect((await ada.get("/")).text).toContain(edge.world.name);
    const settings = await ada.get("/settings");
    expect(settings.text).toContain("<code>access:ada@example.com</code>");
    expect(settings.text).toContain('href="/cdn-cgi/access/logout"');
    expect(settings.text).not.toContain('action="/sign-out"');
    expect(ada.cookies.size).toBe(0);
    expect((await ada.post(lockPath(edge), { reason: "stop" })).status).toBe(303);
    const [lock] = await edge.world.stub().locks();
    expect(lock).toMatchObject({ reason: "stop", holder: "access:ada@example.com" });
    expect((await ada.get("/tokens")).status).toBe(200);
  });

  it("is warned before taking away what may be their own rule", async () => {
    const id = await rule({ scopes: ["manage"] });
    const warning = "You are here by such a rule yourself.";
    const asked = await (await through()).get(`/access/${id}/remove`);
    expect([asked.status, asked.text.includes(warning)]).toEqual([200, true]);
    const visit = new Visit();
    await visit.signIn(edge.token);
    expect((await visit.get(`/access/${id}/remove`)).text).not.toContain(warning);
    expect((await visit.get("/access")).text).not.toContain("Access is not configured");
  });

  it("is nobody any more as soon as the rule is taken away", async () => {
    const id = await rule({ scopes: ["manage"] });
    const ada = await through();
    const csrf = await ada.csrf();
    await edge.send("DELETE", `/v1/access/${id}`);
    const before = await edge.trace();
    expect((await ada.get("/")).status).toBe(403);
    expect((await ada.post(lockPath(edge), { reason: "stop", csrf })).status).toBe(403);
    expect(await edge.trace()).toEqual(before);
  });

  it("has the projects of the rules and nothing else, each as its rules say", async () => {
    const other = await Edge.create();
    const third = await Edge.create();
    access = await Issuer.in(third.world, "access", [AUD[0]]);
    await rule({ scopes: ["manage"], project: edge.world.name });
    await rule({ scopes: ["read"], project: other.world.name });
    const ada = await through();
    const overview = (await ada.get("/")).text;
    expect(overview).toContain(edge.world.name);
    expect(overview).toContain(other.world.name);
    expect(overview).not.toContain(third.world.name);
    for (const path of ["/tokens", "/audit", "/register"]) {
      const got = await ada.get(path);
      expect([path, got.status]).toEqual([path, 403]);
      expect(got.text).toContain("your access rules are for");
    }
    expect((await ada.get(`/projects/${third.world.name}`)).status).toBe(404);
    expect((await ada.get("/projects/nobody-knows")).status).toBe(404);
    const before = await third.trace();
    expect((await ada.post(lockPath(third), { reason: "mine" })).status).toBe(404);
    await ada.post("/register", { project: third.world.name });
    expect(await third.trace()).toEqual(before);
    await ada.post(lockPath(edge), { reason: "mine" });
    await ada.post(lockPath(other), { reason: "mine" });
    expect(await edge.world.stub().locks()).toHaveLength(1);
    expect(await other.world.stub().locks()).toEqual([]);
    const told = await ada.get(`/projects/${other.world.name}`);
    expect(told.text).toContain(
      "Not locked: This takes the scope manage; your access rules have read.",
    );
  });

  it("may do more on a project with a rule of its own, and no more than before elsewhere", async () => {
    const other = await Edge.create();
    access = await Issuer.in(other.world, "access", [AUD[0]]);
    await rule({ email: undefined, email_domain: "example.com", scopes: ["read"] });
    await rule({ scopes: ["manage"], project: edge.world.name });
    const ada = await through();
    expect((await ada.get("/")).text).toContain(other.world.name);
    await ada.post(lockPath(edge), { reason: "mine" });
    await ada.post(lockPath(other), { reason: "mine" });
    expect(await edge.world.stub().locks()).toHaveLength(1);
    expect(await other.world.stub().locks()).toEqual([]);
    const before = await edge.trace();
    await ada.post("/tokens", { scope: "manage", name: "mine" });
    expect(await edge.trace()).toEqual(before);
  });

  it("without a rule is told who they are and what it takes", async () => {
    await rule({ scopes: ["manage"], email: "bob@example.com" });
    const ada = await through();
    for (const path of ["/", `/projects/${edge.world.name}`, "/projects/nobody-knows"]) {
      const got = await ada.get(path);
      expect([path, got.status]).toEqual([path, 403]);
      expect(got.text).toContain("email ada@example.com. Have somebody with manage make one");
      expect(got.text).toContain('href="/sign-in"');
      expect(got.text).toContain('href="/cdn-cgi/access/logout"');
      expect(got.text).not.toContain(edge.world.key);
    }
  });

  it("and signs in with a token is who holds that, until signing out", async () => {
    await rule({ scopes: ["manage"] });
    const ada = await through();
    await ada.signIn(await bootstrap(edge.config, "read"));
    const settings = await ada.get("/settings");
    expect(settings.text).not.toContain("access:ada@example.com");
    const before = await edge.trace();
    await ada.post(lockPath(edge), { reason: "stop" });
    expect(await edge.trace()).toEqual(before);
    expect((await ada.post("/sign-out")).status).toBe(303);
    expect((await ada.get("/settings")).text).toContain("access:ada@example.com");
  });
});

it.each([
  ["forged", async () => `${(await access.token()).slice(0, -8)}AAAAAAAA`],
  ["expired", () => access.token({ exp: Math.floor(Date.now() / 1_000) - 61 })],
  ["of another application", () => access.token({ aud: ["c".repeat(64)] })],
  ["no JWT at all", () => Promise.resolve("ada@example.com")],
])("a word of Access that is %s lets nobody in, and asks for a token", async (_, make) => {
  await rule({ scopes: ["manage"] });
  const eve = new Visit({ [HEADER]: await make() });
  const before = await edge.trace();
  expectSignIn(await eve.get("/"));
  expectSignIn(await eve.get(`/projects/${edge.world.name}`));
  expectSignIn(await eve.post(lockPath(edge), { reason: "x", csrf: "x" }));
  expect(await edge.trace()).toEqual(before);
  expect((await eve.signIn(edge.token)).status).toBe(303);
  expect((await eve.get("/")).status).toBe(200);
});

it("forms need the tag of who came through Access, and our own origin", async () => {
  await rule({ scopes: ["manage"] });
  await rule({ scopes: ["manage"], email: "bob@example.com" });
  const ada = await through();
  const bob = await through({ email: "bob@example.com" });
  const session = new Visit();
  await session.signIn(edge.token);
  const before = await edge.trace();
  const lock = { reason: "stop" };
  for (const csrf of ["", await bob.csrf(), await session.csrf()]) {
    expect((await ada.post(lockPath(edge), { ...lock, csrf })).status).toBe(400);
  }
  for (const foreign of [
    { origin: "https://evil.example", "sec-fetch-site": "cross-site" },
    { origin: "https://blog.signalbox.test", "sec-fetch-site": "same-site" },
    { origin: "null" },
    { origin: "", "sec-fetch-site": "" },
  ]) {
    expect((await ada.post(lockPath(edge), lock, foreign)).status).toBe(400);
  }
  expect(await edge.trace()).toEqual(before);
  const ours = { origin: ORIGIN, "sec-fetch-site": "same-origin" };
  expect((await ada.post(lockPath(edge), lock, ours)).status).toBe(303);
  expect(await edge.world.stub().locks()).toHaveLength(1);
});
