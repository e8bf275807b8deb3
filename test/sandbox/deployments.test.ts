import { describe, expect, test } from "vitest";
import { formOf, harness } from "./harness.ts";
import type { Deployment, Project } from "../../sandbox/types.ts";

const DONE = 4000;

describe("create", () => {
  test("keeps every form field, and puts the commit into the trigger", async () => {
    const { call, sandbox } = harness();
    const bundle = new Uint8Array(70_000).map((_, index) => (index * 31) % 256);
    const { result } = await call("POST", "/site/deployments", {
      body: formOf({
        manifest: "{}",
        branch: "feature/a",
        commit_hash: "0123456789012345678901234567890123456789",
        commit_message: "Grüße",
        commit_dirty: "true",
        pages_build_output_dir: "dist",
        wrangler_config_hash: "ab",
        something_new: "kept",
        _headers: new File(["/*\n  A: b\n"], "_headers"),
        _redirects: new File(["/a /b\n"], "_redirects"),
        "_routes.json": new File(["{}"], "_routes.json"),
        "functions-filepath-routing-config.json": new File(["{}"], "functions.json"),
        "_worker.bundle": new File([bundle], "_worker.bundle", {
          type: "application/octet-stream",
        }),
      }),
    });
    expect(result.environment).toBe("preview");
    expect(result.deployment_trigger).toEqual({
      type: "ad_hoc",
      metadata: {
        branch: "feature/a",
        commit_hash: "0123456789012345678901234567890123456789",
        commit_message: "Grüße",
        commit_dirty: true,
      },
    });
    expect(result.uses_functions).toBe(true);
    expect(result.url).toBe(`https://${result.id.slice(0, 8)}.site.pages.dev`);
    const form = sandbox.form(result.id);
    expect(form?.parts.map(({ name }) => name)).toEqual([
      "manifest",
      "branch",
      "commit_hash",
      "commit_message",
      "commit_dirty",
      "pages_build_output_dir",
      "wrangler_config_hash",
      "something_new",
      "_headers",
      "_redirects",
      "_routes.json",
      "functions-filepath-routing-config.json",
      "_worker.bundle",
    ]);
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bundle));
    expect(form?.parts.at(-1)).toEqual({
      name: "_worker.bundle",
      filename: "_worker.bundle",
      content_type: "application/octet-stream",
      size: 70_000,
      sha256: Buffer.from(digest).toString("hex"),
      text: null,
    });
    expect(form?.parts[3]).toMatchObject({ text: "Grüße", size: 7, filename: null });
  });

  test("builds a git project from a JSON content type without a body, or nothing at all", async () => {
    const { call } = harness();
    for (const headers of [{ "content-type": "application/json" }, {}]) {
      const { status, result } = await call("POST", "/blog/deployments", { headers });
      expect(status).toBe(200);
      expect(result.environment).toBe("production");
      expect(result.deployment_trigger.metadata.branch).toBe("main");
      expect(result.source?.config.repo_name).toBe("blog");
    }
  });

  test("refuses what Cloudflare refuses, with its codes", async () => {
    const { call, api, sandbox } = harness();
    const code = async (path: string, init = {}): Promise<string> => {
      const { status, code: number } = await call("POST", path, init);
      return `${status} ${number}`;
    };
    expect(await code("/site/deployments")).toBe("400 8000096");
    expect(await code("/nope/deployments")).toBe("404 8000007");
    const wrong = { headers: { authorization: "Bearer wrong" } };
    expect(await code("/blog/deployments", wrong)).toBe("401 10000");
    const other = await api("GET", `/accounts/${"f".repeat(32)}/pages/projects`);
    expect([other.status, other.code]).toEqual([403, 10000]);
    const both = {
      manifest: "{}",
      "_worker.js": new File([""], "w"),
      "_worker.bundle": new File([""], "b"),
    };
    for (const body of [
      formOf({ manifest: "[]" }),
      formOf({ manifest: "{" }),
      formOf({ manifest: '{"/a":1}' }),
      formOf(both),
    ]) {
      expect((await call("POST", "/site/deployments", { body })).status).toBe(400);
    }
    const broken = {
      body: "--x\r\nnot a part",
      headers: { "content-type": "multipart/form-data; boundary=x" },
    };
    expect((await call("POST", "/site/deployments", broken)).status).toBe(400);
    expect(sandbox.journal().requests.every(({ deployment }) => deployment === null)).toBe(true);
    expect((await call<Deployment[]>("GET", "/site/deployments")).result).toEqual([]);
  });

  test("takes both styles of credential", async () => {
    const { call } = harness({ email: "a@example.com", apiKey: "k" });
    const key = { "x-auth-email": "a@example.com", "x-auth-key": "k" };
    expect((await call("GET", "/site", { headers: key })).status).toBe(200);
    const wrong = await call("GET", "/site", { headers: { ...key, "x-auth-key": "l" } });
    expect(wrong.status).toBe(401);
    expect(JSON.parse(wrong.text)).toEqual({
      success: false,
      errors: [{ code: 10000, message: "Authentication error" }],
    });
  });
});

describe("list", () => {
  test("is newest first, filtered by environment, in pages, empty past the end", async () => {
    const { call, build, pass } = harness();
    const made: Deployment[] = [];
    for (let index = 0; index < 30; index += 1) {
      made.unshift(await build({ branch: index % 3 === 0 ? "main" : "next" }));
      pass(10);
    }
    const ids = (deployments: Deployment[]): string[] => deployments.map(({ id }) => id);
    const list = (query: string) => call<Deployment[]>("GET", `/blog/deployments${query}`);
    const first = await list("?");
    expect(ids(first.result)).toEqual(ids(made.slice(0, 25)));
    expect(first.info).toEqual({
      page: 1,
      per_page: 25,
      count: 25,
      total_count: 30,
      total_pages: 2,
    });
    expect(ids((await list("?page=2")).result)).toEqual(ids(made.slice(25)));
    expect((await list("?page=3")).result).toEqual([]);
    const production = made.filter(({ environment }) => environment === "production");
    expect(ids((await list("?env=production&per_page=4&page=2")).result)).toEqual(
      ids(production.slice(4, 8)),
    );
    for (const query of ["?per_page=26", "?page=0", "?per_page=x"]) {
      const { status, code } = await list(query);
      expect([status, code]).toEqual([400, 8000024]);
    }
  });
});

describe("what is live", () => {
  const canonical = async ({ call }: ReturnType<typeof harness>): Promise<string | undefined> =>
    (await call<Project>("GET", "/blog")).result.canonical_deployment?.id;

  test("is the production deployment that finished last, also when it was asked for first", async () => {
    const it = harness();
    it.sandbox.speed({ stages: { build: 20_000 } });
    const slow = await it.build();
    it.sandbox.speed({});
    const fast = await it.build();
    expect(await canonical(it)).toBeUndefined();
    it.pass(DONE);
    expect(await canonical(it)).toBe(fast.id);
    it.pass(20_000);
    expect(await canonical(it)).toBe(slow.id);
    expect(it.sandbox.journal().live.map(({ deployment, cause }) => [deployment, cause])).toEqual([
      [fast.id, "deployed"],
      [slow.id, "deployed"],
    ]);
  });

  test("is changed by rollback, at once, and only to a successful production deployment", async () => {
    const it = harness();
    const old = await it.build();
    it.pass(DONE);
    const preview = await it.build({ branch: "next" });
    const failed = await it.build({ commit_message: "[fail]" });
    const recent = await it.build();
    it.pass(DONE);
    const running = await it.build();
    const to = (id: string) => it.call("POST", `/blog/deployments/${id}/rollback`);
    for (const { id } of [preview, failed, running]) {
      expect((await to(id)).status).toBe(400);
    }
    expect(await canonical(it)).toBe(recent.id);
    const { result } = await to(old.id);
    expect(result.id).toBe(old.id);
    expect(await canonical(it)).toBe(old.id);
    await to(recent.id);
    expect(await canonical(it)).toBe(recent.id);
    expect((await to(crypto.randomUUID())).status).toBe(404);
  });
});

describe("a preview's alias", () => {
  const alias = async (
    it: ReturnType<typeof harness>,
    branch: string,
  ): Promise<string[] | null> => {
    const { id } = await it.build({ branch });
    it.pass(DONE);
    return (await it.get(id)).aliases;
  };

  test("is the branch in 28 characters of lower case, digits and dashes, with a suffix where two collide", async () => {
    const it = harness();
    expect(await alias(it, "Feature/A_b")).toEqual(["https://feature-a-b.blog.pages.dev"]);
    expect(await alias(it, "download-api-add-filter-information")).toEqual([
      "https://download-api-add-filter-info.blog.pages.dev",
    ]);
    const [second] = (await alias(it, "download-api-add-filter-informed")) ?? [];
    expect(second).toMatch(/^https:\/\/download-api-add-filter-info-[a-z]{4}\.blog\.pages\.dev$/);
    expect(await alias(it, "main")).toBeNull();
  });

  test("moves to the newest, and back when that is deleted", async () => {
    const it = harness();
    const url = ["https://next.blog.pages.dev"];
    const first = await it.build({ branch: "next" });
    it.pass(DONE);
    const second = await it.build({ branch: "next" });
    it.pass(DONE);
    expect((await it.get(first.id)).aliases).toBeNull();
    expect((await it.get(second.id)).aliases).toEqual(url);
    await it.call("DELETE", `/blog/deployments/${second.id}?force=true`);
    expect((await it.get(first.id)).aliases).toEqual(url);
  });

  test("in production is the custom domains, of the live deployment only", async () => {
    const it = harness();
    it.sandbox.addProject({ name: "shop", source: "acme/shop", domains: ["shop.example"] });
    const first = await it.build({}, "shop");
    it.pass(DONE);
    expect((await it.get(first.id, "shop")).aliases).toEqual(["https://shop.example"]);
    await it.build({}, "shop");
    it.pass(DONE);
    expect((await it.get(first.id, "shop")).aliases).toBeNull();
  });
});

describe("delete", () => {
  test("wants force for the latest of a branch, and refuses what is live in production", async () => {
    const it = harness();
    const remove = async (id: string, query = ""): Promise<unknown[]> => {
      const { status, code } = await it.call("DELETE", `/blog/deployments/${id}${query}`);
      return [status, code];
    };
    const first = await it.build({ branch: "next" });
    const second = await it.build({ branch: "next" });
    const live = await it.build();
    it.pass(DONE);
    expect(await remove(second.id)).toEqual([400, 8000035]);
    expect(await remove(second.id, "?force=false")).toEqual([400, 8000035]);
    expect(await remove(first.id)).toEqual([200, undefined]);
    expect(await remove(first.id)).toEqual([404, 8000009]);
    expect(await remove(second.id, "?force=true")).toEqual([200, undefined]);
    expect((await remove(live.id, "?force=true"))[0]).toBe(400);
    const { result } = await it.call<Deployment[]>("GET", "/blog/deployments");
    expect(result.map(({ id }) => id)).toEqual([live.id]);
  });

  test("cancels a deployment that is under way: it never goes live", async () => {
    const it = harness();
    const { id } = await it.build();
    it.pass(2000);
    const answer = await it.call("DELETE", `/blog/deployments/${id}?force=true`);
    expect(answer.status).toBe(200);
    expect(answer.result).toBeNull();
    it.pass(DONE);
    const { transitions, live } = it.sandbox.journal();
    expect(transitions.at(-1)).toMatchObject({
      at: "2026-11-24T09:00:02.000000Z",
      stage: "build",
      stage_status: "canceled",
    });
    expect(live).toEqual([]);
    expect((await it.call("GET", `/blog/deployments/${id}`)).status).toBe(404);
  });
});

test("retry deploys the same commit and form again, under a new id", async () => {
  const it = harness();
  const old = await it.build({ branch: "next", commit_hash: "abc", commit_message: "m" });
  it.pass(DONE);
  const { result } = await it.call("POST", `/blog/deployments/${old.id}/retry`);
  expect(result.id).not.toBe(old.id);
  expect(result.deployment_trigger).toEqual(old.deployment_trigger);
  expect(result.latest_stage.status).toBe("idle");
  expect(it.sandbox.form(result.id)).toEqual(it.sandbox.form(old.id));
  it.pass(DONE);
  expect((await it.get(result.id)).latest_stage.status).toBe("success");
});

describe("projects", () => {
  test("can be made, with JSON under any content type, listed, and deleted", async () => {
    const it = harness();
    const body = JSON.stringify({ name: "fresh", production_branch: "trunk" });
    const headers = { "content-type": "text/plain;charset=UTF-8" };
    const made = await it.call<Project>("POST", "", { body, headers });
    expect(made.result).toMatchObject({
      name: "fresh",
      production_branch: "trunk",
      subdomain: "fresh.pages.dev",
      canonical_deployment: null,
      latest_deployment: null,
    });
    expect(made.result.deployment_configs.production).toHaveProperty("compatibility_date");
    expect(made.result).not.toHaveProperty("source");
    const again = await it.call("POST", "", { body });
    expect([again.status, again.code]).toEqual([409, 8000002]);
    const list = await it.call<Project[]>("GET", "");
    expect(list.result.map(({ name }) => name)).toEqual(["blog", "fresh", "site"]);
    expect((await it.call("GET", "?per_page=11")).code).toBe(8000024);
    await it.call("DELETE", "/fresh");
    expect((await it.call("GET", "/fresh")).code).toBe(8000007);
    const second = await it.call<Project>("POST", "", { body });
    expect(second.result.id).not.toBe(made.result.id);
  });

  test("are merged by PATCH; null deletes an environment variable", async () => {
    const it = harness();
    const variable = (value: string): object => ({ type: "plain_text", value });
    const patch = async (change: object): Promise<Project> =>
      (await it.call<Project>("PATCH", "/blog", { body: JSON.stringify(change) })).result;
    await patch({
      deployment_configs: { production: { env_vars: { A: variable("1"), B: variable("2") } } },
    });
    const after = await patch({
      deployment_configs: { production: { env_vars: { A: null } } },
      source: { config: { production_deployments_enabled: false } },
    });
    expect(after.deployment_configs.production["env_vars"]).toEqual({ B: variable("2") });
    expect(after.deployment_configs.production["fail_open"]).toBe(true);
    expect(after.source?.config).toMatchObject({
      repo_name: "blog",
      production_deployments_enabled: false,
      preview_deployment_setting: "all",
    });
  });

  test("answer the small calls around them", async () => {
    const it = harness();
    it.sandbox.addProject({ name: "shop", domains: ["shop.example"] });
    expect((await it.call("POST", "/blog/purge_build_cache")).status).toBe(200);
    expect((await it.call("GET", "/shop/domains")).result).toMatchObject([
      { name: "shop.example" },
    ]);
    expect((await it.call("GET", "/blog/nothing")).code).toBe(7003);
    expect((await it.api("GET", "/user/tokens/verify")).result).toMatchObject({ status: "active" });
  });
});
