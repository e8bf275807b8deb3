import { describe, expect, test } from "vitest";
import { assetHash } from "../../sandbox/assets.ts";
import { formOf, harness } from "./harness.ts";
import type { Deployment } from "../../sandbox/types.ts";

async function publish(
  it: ReturnType<typeof harness>,
  files: Record<string, string>,
  fields: Record<string, string | File> = {},
): Promise<Deployment> {
  const { result } = await it.call<{ jwt: string }>("GET", "/site/upload-token");
  const assets = Object.entries(files).map(([path, content]) => {
    const value = Buffer.from(content).toString("base64");
    const extension = path.split(".").at(-1) ?? "";
    const key = assetHash(Buffer.from(value), extension);
    const contentType = extension === "html" ? "text/html" : "text/css";
    return { path, key, file: { key, value, base64: true, metadata: { contentType } } };
  });
  await it.api("POST", "/pages/assets/upload", {
    body: JSON.stringify(assets.map(({ file }) => file)),
    headers: { authorization: `Bearer ${result.jwt}` },
  });
  const manifest = JSON.stringify(Object.fromEntries(assets.map(({ path, key }) => [path, key])));
  const made = await it.call("POST", "/site/deployments", {
    body: formOf({ manifest, ...fields }),
  });
  it.pass(1000);
  return made.result;
}

const text = async (it: ReturnType<typeof harness>, url: string): Promise<string> =>
  (await it.site(url)).text();

describe("a deployed site", () => {
  test("is served on its project's host, and a rollback shows at once", async () => {
    const it = harness();
    expect((await it.site("https://site.pages.dev/")).status).toBe(404);
    const first = await publish(it, { "/index.html": "one" });
    expect(await text(it, "https://site.pages.dev/")).toBe("one");
    const second = await publish(it, { "/index.html": "two" });
    expect(await text(it, "https://site.pages.dev/")).toBe("two");
    await it.call("POST", `/site/deployments/${first.id}/rollback`);
    const answer = await it.site("https://site.pages.dev/");
    expect(answer.headers.get("x-sandbox-deployment")).toBe(first.id);
    expect(await answer.text()).toBe("one");
    expect(await text(it, second.url)).toBe("two");
  });

  test("never shows there when its deployment failed or has not finished", async () => {
    const it = harness();
    await publish(it, { "/index.html": "good" });
    it.sandbox.fault({ call: "create", kind: "fail_build" });
    const failed = await publish(it, { "/index.html": "bad" });
    it.sandbox.speed({ upload: 5000 });
    const slow = await publish(it, { "/index.html": "slow" });
    expect(await text(it, "https://site.pages.dev/")).toBe("good");
    expect((await it.site(failed.url)).status).toBe(404);
    expect((await it.site(slow.url)).status).toBe(404);
    it.pass(4000);
    expect(await text(it, "https://site.pages.dev/")).toBe("slow");
  });

  test("has its preview on its own host and on the branch's alias", async () => {
    const it = harness();
    const preview = await publish(it, { "/index.html": "preview" }, { branch: "feature/x" });
    expect(await text(it, preview.url)).toBe("preview");
    expect(await text(it, "https://feature-x.site.pages.dev/")).toBe("preview");
    expect((await it.site("https://site.pages.dev/")).status).toBe(404);
  });

  test("finds files as Pages does, with their content type", async () => {
    const it = harness();
    await publish(it, {
      "/index.html": "root",
      "/about.html": "about",
      "/docs/index.html": "docs",
      "/docs/ö.css": "css",
      "/404.html": "lost",
    });
    const base = "https://site.pages.dev";
    expect(await text(it, `${base}/about`)).toBe("about");
    expect(await text(it, `${base}/docs`)).toBe("docs");
    expect(await text(it, `${base}/docs/`)).toBe("docs");
    const css = await it.site(`${base}/docs/%C3%B6.css?v=1`);
    expect(css.headers.get("content-type")).toBe("text/css; charset=utf-8");
    const lost = await it.site(`${base}/nowhere`);
    expect([lost.status, await lost.text()]).toEqual([404, "lost"]);
  });

  test("stays as it is when its assets expire for later deployments", async () => {
    const it = harness();
    await publish(it, { "/index.html": "root", "/a.css": "css" });
    it.sandbox.fault({ call: "create", kind: "expired_assets" });
    await publish(it, { "/a.css": "css" });
    const css = await it.site("https://site.pages.dev/a.css");
    expect(css.headers.get("content-type")).toBe("text/css; charset=utf-8");
    expect(await css.text()).toBe("css");
  });

  test("is one page for every path when it has no 404 page", async () => {
    const it = harness();
    await publish(it, { "/index.html": "app" });
    expect(await text(it, "https://site.pages.dev/some/route")).toBe("app");
  });

  test("applies simple _redirects and _headers", async () => {
    const it = harness();
    await publish(
      it,
      { "/index.html": "root", "/new.html": "new" },
      {
        _redirects: new File(
          [
            "# moved\n/old /new 301\n/bad /new 999\n/uml /ö\n/blog/* /posts/:splat\n/as /new 200\n/out https://example.com/\n",
          ],
          "_redirects",
        ),
        _headers: new File(
          [
            "/*\n  X-All: yes\n  Cache-Control: no-cache\n/new\n  ! X-All\n  X-New: 1\n  not a header\n  Bad Name: 1\n  ! Bad Name\n",
          ],
          "_headers",
        ),
      },
    );
    const go = (path: string) => it.site(`https://site.pages.dev${path}`);
    const target = async (path: string): Promise<unknown[]> => {
      const { status, headers } = await go(path);
      return [status, headers.get("location")];
    };
    expect(await target("/old")).toEqual([301, "/new"]);
    expect(await target("/blog/a/b")).toEqual([302, "/posts/a/b"]);
    expect(await target("/bad")).toEqual([200, null]);
    expect(await target("/uml")).toEqual([302, "/%C3%B6"]);
    expect(await target("/out")).toEqual([302, "https://example.com/"]);
    expect(await (await go("/as")).text()).toBe("new");
    expect((await go("/")).headers.get("x-all")).toBe("yes");
    const fresh = await go("/new");
    expect([fresh.headers.get("x-all"), fresh.headers.get("x-new")]).toEqual([null, "1"]);
    const below = await it.site("http://127.0.0.1:1/__sandbox/site/site.pages.dev/old");
    expect(below.headers.get("location")).toBe("/__sandbox/site/site.pages.dev/new");
  });

  test("is reached by path, and by a .localhost name", async () => {
    const it = harness();
    await publish(it, { "/index.html": "root", "/a.css": "css" });
    for (const url of [
      "http://127.0.0.1:1/__sandbox/site/site.pages.dev/a.css",
      "http://site.pages.dev.localhost:8788/a.css",
    ]) {
      expect(await text(it, url)).toBe("css");
    }
    const bare = await it.site("http://127.0.0.1:1/__sandbox/site/site.pages.dev");
    expect(bare.headers.get("location")).toBe("/__sandbox/site/site.pages.dev/");
    expect((await it.site("http://other.localhost:8788/")).status).toBe(404);
  });

  test("of a git build names its commit, safely", async () => {
    const it = harness();
    await it.build({ commit_hash: "abc123", commit_message: "<script>" });
    it.pass(4000);
    const page = await text(it, "https://blog.pages.dev/");
    expect(page).toContain("abc123");
    expect(page).toContain("main");
    expect(page).not.toContain("<script>");
  });
});
