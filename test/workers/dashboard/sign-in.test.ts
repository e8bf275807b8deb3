import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { app } from "../../../src/app.ts";
import { mintToken, INSTANCE } from "../../../src/security/tokens.ts";
import { bootstrap, Edge, leave, ORIGIN } from "../api/edge.ts";
import { Visit } from "./visit.ts";

let edge: Edge;
let visit: Visit;
beforeEach(async () => {
  edge = await Edge.create();
  visit = new Visit();
});
afterEach(leave);

const SESSION = "__Host-signalbox";

describe("signing in", () => {
  it("with a token of the instance gives a session, and leads where it was asked for", async () => {
    const got = await visit.signIn(edge.token, { next: `/projects/${edge.world.name}` });
    expect(got.status).toBe(303);
    expect(got.headers.get("location")).toBe(`/projects/${edge.world.name}`);
    const [cookie = ""] = got.headers.getSetCookie();
    expect(cookie).toMatch(new RegExp(`^${SESSION}=`));
    expect(cookie.split("; ").slice(1).sort()).toEqual([
      "HttpOnly",
      "Max-Age=43200",
      "Path=/",
      "SameSite=Lax",
      "Secure",
    ]);
    expect(cookie).not.toContain(edge.token);
    expect((await visit.get("/")).text).toContain(edge.world.name);
  });

  it("is asked for on every page, at the address that was asked for", async () => {
    for (const path of ["/", `/projects/${edge.world.name}`, "/tokens", "/projects/nothing-here"]) {
      const got = await visit.get(path);
      expect([path, got.status]).toEqual([path, 401]);
      expect(got.text).toContain(`name="next" value="${path}"`);
      expect(got.text).not.toContain(edge.world.key);
    }
  });

  it("is asked for by every page and every form that there is", async () => {
    const doors =
      /^\/(?:v1|hooks|client|assets|badges|docs|metrics|sign-in|healthz|version|openapi\.json|events\.schema\.json)/;
    const pages = app.routes.filter(
      ({ method, path }) => method !== "ALL" && !path.includes("*") && !doors.test(path),
    );
    expect(new Set(pages.map(({ path }) => path)).size).toBeGreaterThan(30);
    const before = await edge.trace();
    for (const { method, path } of pages) {
      const address = path.replace(":project", edge.world.name).replaceAll(/:\w+/g, "1");
      const got = await (method === "GET"
        ? visit.get(address)
        : visit.post(address, { csrf: "x" }));
      expect([method, path, got.status]).toEqual([method, path, 401]);
    }
    expect(await edge.trace()).toEqual(before);
  });

  it("with a forged token asks nobody, and leaves nothing", async () => {
    const before = await edge.trace();
    const good = await mintToken(edge.config.keyring, INSTANCE);
    for (const token of [
      `${good.token.slice(0, -1)}${good.token.endsWith("_") ? "-" : "_"}`,
      "sbxr.e30.000000.AAAAAAAAAAAAAAAAAAAAAAAA",
      "x",
    ]) {
      const got = await visit.signIn(token);
      expect([token, got.status]).toEqual([token, 401]);
      expect(got.text).toContain("This is not a token of this instance.");
      expect(got.headers.getSetCookie()).toEqual([]);
    }
    expect(await edge.trace()).toEqual(before);
  });

  it("never leads to another host", async () => {
    const got = await visit.signIn(edge.token, { next: "//evil.example" });
    expect(got.headers.get("location")).toBe("/");
  });

  it("takes no form of another site", async () => {
    const headers = { origin: "https://evil.example", "sec-fetch-site": "cross-site" };
    const got = await visit.post("/sign-in", { token: edge.token, csrf: "" }, headers);
    expect([got.status, got.headers.getSetCookie()]).toEqual([400, []]);
  });
});

describe("a session", () => {
  it("is dead as soon as its token is revoked", async () => {
    const { id, token } = await edge.instanceToken("read");
    await visit.signIn(token);
    expect((await visit.get("/")).status).toBe(200);
    await edge.send("DELETE", `/v1/tokens/${id}`);
    const got = await visit.get("/");
    expect(got.status).toBe(401);
    expect(got.text).toContain("This token was revoked.");
  });

  it("of npm run token's ends when that is revoked, too", async () => {
    const token = await bootstrap(edge.config, "read");
    await visit.signIn(token);
    const id = /tok_[0-9A-Z]{26}/.exec((await visit.get("/settings")).text)?.[0] ?? "";
    await edge.send("DELETE", `/v1/tokens/${id}`);
    expect((await visit.get("/")).status).toBe(401);
  });

  it("ends after 12 hours, and with its token", async () => {
    await visit.signIn(edge.token);
    edge.world.pass(12 * 3_600_000 - 1_000);
    expect((await visit.get("/settings")).status).toBe(200);
    edge.world.pass(1_000);
    expect((await visit.get("/settings")).status).toBe(401);
    const short = await bootstrap(edge.config, "read", Date.now() + 60_000);
    await visit.signIn(short);
    edge.world.pass(60_000);
    expect((await visit.get("/settings")).status).toBe(401);
  });

  it("ends by signing out", async () => {
    await visit.signIn(edge.token);
    expect((await visit.post("/sign-out")).status).toBe(303);
    expect((await visit.get("/")).status).toBe(401);
  });

  it("that was made up, or is another's cookie, is none", async () => {
    await visit.signIn(edge.token);
    const real = visit.cookies.get(SESSION) ?? "";
    const told = await edge.config.keyring.seal(
      "feedback",
      JSON.stringify({ ok: true, text: "x" }),
    );
    for (const cookie of ["", "x", `${real.slice(0, -2)}AA`, told]) {
      visit.cookies.set(SESSION, cookie);
      expect((await visit.get("/")).status).toBe(401);
    }
  });
});

describe("a project's token", () => {
  it("has that project and nothing else", async () => {
    const other = await Edge.create();
    const { token } = await edge.projectToken("manage");
    expect((await visit.signIn(token)).status).toBe(401);
    expect((await visit.signIn(token, { project: other.world.name })).status).toBe(401);
    expect((await visit.signIn(token, { project: edge.world.name })).status).toBe(303);
    const overview = await visit.get("/");
    expect(overview.text).toContain(edge.world.name);
    expect(overview.text).not.toContain(other.world.name);
    expect((await visit.get(`/projects/${edge.world.name}`)).status).toBe(200);
    expect((await visit.get(`/projects/${other.world.name}`)).status).toBe(404);
    for (const path of ["/tokens", "/audit", "/register"]) {
      expect([path, (await visit.get(path)).status]).toEqual([path, 403]);
    }
    const locked = await visit.post(`/projects/${other.world.name}/locks`, { reason: "mine" });
    expect(locked.status).toBe(404);
    const registered = await visit.post("/register", { project: other.world.name });
    expect(registered.headers.get("location")).toBe("/register");
  });
});

describe("forms", () => {
  it("need the tag of their own session and our own origin", async () => {
    await visit.signIn(edge.token);
    const other = new Visit();
    await other.signIn(edge.token);
    const path = `/projects/${edge.world.name}/locks`;
    const before = await edge.trace();
    const lock = { reason: "stop" };
    expect((await visit.post(path, { ...lock, csrf: "" })).status).toBe(400);
    expect((await visit.post(path, { ...lock, csrf: await other.csrf() })).status).toBe(400);
    const foreign = { origin: "https://evil.example", "sec-fetch-site": "same-site" };
    expect((await visit.post(path, lock, foreign)).status).toBe(400);
    const json = { "content-type": "application/json" };
    expect((await visit.post(path, lock, json)).status).toBe(415);
    expect((await new Visit().post(path, lock)).status).toBe(401);
    expect(await edge.trace()).toEqual(before);
    expect((await visit.post(path, lock)).status).toBe(303);
    expect(await edge.world.stub().locks()).toHaveLength(1);
  });

  it("do what the token may do and no more, and say so", async () => {
    const { token } = await edge.instanceToken("read");
    await visit.signIn(token);
    const page = await visit.get(`/projects/${edge.world.name}`);
    expect(page.text).toContain("This takes the scope deploy.");
    const before = await edge.trace();
    await visit.post(`/projects/${edge.world.name}/deploy`);
    await visit.post(`/projects/${edge.world.name}/locks`, { reason: "stop" });
    expect(await edge.trace()).toEqual(before);
    const told = await visit.get(`/projects/${edge.world.name}`);
    expect(told.text).toContain("Not locked: This takes the scope manage");
    expect((await visit.get(`/projects/${edge.world.name}`)).text).not.toContain("Not locked");
  });
});

describe("what browsers are told", () => {
  it("pages load nothing from elsewhere, and nothing inline", async () => {
    const { headers, text } = await visit.get("/sign-in");
    expect(headers.get("content-security-policy")).toBe(
      "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    );
    expect(headers.get("cache-control")).toBe("no-store");
    expect(text).not.toMatch(/ style=|<style|<script(?! src=)| on[a-z]+=/);
    const urls = [...text.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map(
      ([, url]) => url ?? "",
    );
    expect(urls).toHaveLength(3);
    for (const url of urls) {
      const got = await visit.get(url);
      expect([url, got.status]).toEqual([url, 200]);
      expect(got.headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
      expect((await visit.get(url.replace("/assets/", "/assets/x"))).status).toBe(404);
    }
  });

  it("an address that there is not is a page for them, and JSON for programs", async () => {
    const page = await visit.get("/nothing");
    expect([page.status, page.headers.get("content-type")]).toEqual([
      404,
      "text/html; charset=UTF-8",
    ]);
    for (const [path, accept] of [
      ["/nothing", "*/*"],
      ["/v1/nothing", "text/html"],
      ["/hooks/a/b", "text/html"],
      ["/", "application/json"],
    ] as const) {
      const got = await visit.get(path, { accept });
      expect([path, got.headers.get("content-type")]).toEqual([path, "application/problem+json"]);
    }
  });

  it("a form of this origin is one", async () => {
    await visit.signIn(edge.token);
    const csrf = await visit.csrf();
    const got = await visit.post("/settings", { theme: "dark", csrf }, { origin: ORIGIN });
    expect(got.status).toBe(303);
    expect((await visit.get("/settings")).text).toContain('data-theme="dark"');
  });
});
