/** The real `wrangler pages deploy` against the sandbox. Each test waits mostly, so they run side by side. */
import { describe, expect, test } from "vitest";
import { startSandbox } from "../../sandbox/node.ts";
import { OUTPUT, workspace } from "./wrangler.ts";
import type { TestContext } from "vitest";
import type { RunningSandbox } from "../../sandbox/node.ts";

const SITE = { "dist/index.html": "<h1>hi</h1>\n", "dist/css/a.css": "body{}\n" };
const deploy = (project = "site", ...more: string[]): string[] => [
  "pages",
  "deploy",
  "dist",
  "--project-name",
  project,
  ...more,
];

async function setup({ onTestFinished }: TestContext, files: Record<string, string>) {
  const running = await startSandbox();
  const space = workspace(files);
  onTestFinished(async () => {
    space.remove();
    await running.close();
  });
  return {
    ...running,
    ...space,
    run: (args: string[]) => space.wrangler({ url: running.url, ...running.sandbox }, args),
  };
}

const serve = (running: RunningSandbox, host: string, path: string): Promise<Response> =>
  fetch(`${running.url}/__sandbox/site/${host}${path}`, { redirect: "manual" });

const parts = (running: RunningSandbox): string[] => {
  const made = running.sandbox
    .journal()
    .requests.findLast(({ path, method }) => method === "POST" && path.endsWith("/deployments"));
  return (running.sandbox.form(made?.deployment ?? "")?.parts ?? []).map(({ name }) => name);
};

describe.concurrent("wrangler pages deploy", { timeout: 120_000 }, () => {
  test("publishes a static site with _redirects and _headers; a second time it uploads nothing", async (context) => {
    const it = await setup(context, {
      ...SITE,
      "dist/_redirects": "/old /css/a.css 301\n",
      "dist/_headers": "/*\n  X-Greeting: hello\n",
    });
    const first = await it.run(deploy("site", "--branch", "main", "--commit-hash", "abc"));
    expect(first.output).toContain("Uploaded 2 files");
    expect(first.output).toContain("Deployment complete!");
    expect(first.code).toBe(0);
    expect(parts(it)).toEqual(["manifest", "branch", "commit_hash", "_headers", "_redirects"]);
    const page = await serve(it, "site.pages.dev", "/");
    expect(await page.text()).toBe("<h1>hi</h1>\n");
    expect(page.headers.get("x-greeting")).toBe("hello");
    expect((await serve(it, "site.pages.dev", "/old")).status).toBe(301);

    const second = await it.run(deploy("site", "--branch", "main"));
    expect(second.output).toContain("Uploaded 0 files (2 already uploaded)");
    expect(second.code).toBe(0);
    const uploads = it.sandbox.journal().requests.filter(({ path }) => path.endsWith("/upload"));
    expect(uploads.length).toBeLessThanOrEqual(2);
  });

  test("publishes a preview with Functions, and reports alias and branch to machines", async (context) => {
    const it = await setup(context, {
      ...SITE,
      "functions/api/hello.js": "export const onRequest = () => new Response('hello');",
    });
    const { code, output } = await it.run(deploy("site", "--branch", "feature/x"));
    expect(output).toContain("Uploading Functions bundle");
    expect(output).toContain("Deployment alias URL: https://feature-x.site.pages.dev");
    expect(code).toBe(0);
    expect(parts(it)).toEqual(
      expect.arrayContaining([
        "functions-filepath-routing-config.json",
        "_worker.bundle",
        "_routes.json",
      ]),
    );
    expect((await serve(it, "feature-x.site.pages.dev", "/")).status).toBe(200);
    expect((await serve(it, "site.pages.dev", "/")).status).toBe(404);
    const written = it
      .read(OUTPUT)
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(written.find(({ type }) => type === "pages-deploy-detailed")).toMatchObject({
      pages_project: "site",
      environment: "preview",
      production_branch: "main",
      alias: "https://feature-x.site.pages.dev",
    });
  });

  test("publishes a _worker.js, and tries again after error 8000000", async (context) => {
    const it = await setup(context, {
      ...SITE,
      "dist/_worker.js": "export default { fetch: () => new Response('worker') };",
    });
    it.sandbox.fault({ call: "create", kind: "unknown_error" });
    const { code, output } = await it.run(deploy("site", "--branch", "main"));
    expect(output).toContain("Deployment complete!");
    expect(code).toBe(0);
    expect(parts(it)).toContain("_worker.bundle");
    const creates = it.sandbox
      .journal()
      .requests.filter(({ method, path }) => method === "POST" && path.endsWith("/deployments"));
    expect(creates.map(({ status }) => status)).toEqual([500, 200]);
  });

  test("fails with the last line of the log when the deployment fails", async (context) => {
    const it = await setup(context, SITE);
    it.sandbox.fault({ call: "create", kind: "expired_assets" });
    const { code, output } = await it.run(deploy("site", "--branch", "main"));
    expect(output).toContain("Deployment failed!");
    expect(output).toContain("2 of the files in the manifest are not in the asset store.");
    expect(code).toBe(1);
    expect((await serve(it, "site.pages.dev", "/")).status).toBe(404);
  });

  test("tells that a project doesn't exist; makes it when asked to", async (context) => {
    // With a function in it the deploy is never handed over to Workers, whatever the environment.
    const it = await setup(context, {
      ...SITE,
      "functions/a.js": "export const onRequest = () => {};",
    });
    const { code, output } = await it.run(deploy("fresh", "--branch", "main"));
    expect(output).toContain('The Pages project "fresh" does not exist.');
    expect(code).toBe(1);
    const made = await it.run([
      "pages",
      "project",
      "create",
      "fresh",
      "--production-branch",
      "trunk",
    ]);
    expect(made.output).toContain("https://fresh.pages.dev");
    expect(made.code).toBe(0);
  });
});
