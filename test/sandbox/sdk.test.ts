/** The real `cloudflare` package against the sandbox. */
import Cloudflare, { AuthenticationError, NotFoundError, toFile } from "cloudflare";
import { describe, expect, test } from "vitest";
import { harness } from "./harness.ts";

function client(options: object = {}) {
  const it = harness();
  const cloudflare = new Cloudflare({
    apiToken: it.sandbox.token,
    baseURL: "https://api.cloudflare.com/client/v4",
    maxRetries: 0,
    fetch: (url, init) => it.sandbox.fetch(new Request(url, init)),
    ...options,
  });
  return { ...it, cloudflare, account: { account_id: it.sandbox.accountId } };
}

describe("the SDK", () => {
  test("creates builds, reads them and their log, and pages through them to the end", async () => {
    const { cloudflare, account, pass } = client();
    const { deployments } = cloudflare.pages.projects;
    const made: string[] = [];
    for (let index = 0; index < 28; index += 1) {
      const { id } = await deployments.create("blog", { ...account, branch: "next" });
      made.unshift(id);
      pass(1);
    }
    const listed: string[] = [];
    for await (const deployment of deployments.list("blog", { ...account, env: "preview" })) {
      listed.push(deployment.id);
    }
    expect(listed).toEqual(made);
    pass(10_000);
    const [id = ""] = made;
    const got = await deployments.get(id, { ...account, project_name: "blog" });
    expect(got.latest_stage).toMatchObject({ name: "deploy", status: "success" });
    expect(got.stages).toHaveLength(5);
    expect(got.aliases).toEqual(["https://next.blog.pages.dev"]);
    const logs = await deployments.history.logs.get(id, { ...account, project_name: "blog" });
    expect(logs.total).toBe(logs.data?.length);
    expect(logs.data?.at(-1)?.line).toContain("Success");
  });

  test("sends an empty multipart body without fields, which builds the production branch", async () => {
    const { cloudflare, account } = client();
    const made = await cloudflare.pages.projects.deployments.create("blog", account);
    expect(made.environment).toBe("production");
  });

  test("sends the form of a direct upload, files included", async () => {
    const { cloudflare, account, sandbox } = client();
    const made = await cloudflare.pages.projects.deployments.create("site", {
      ...account,
      manifest: "{}",
      branch: "main",
      commit_dirty: "true",
      _headers: await toFile(Buffer.from("/*\n  A: b\n"), "_headers"),
    });
    expect(made.deployment_trigger.metadata.commit_dirty).toBe(true);
    expect(sandbox.form(made.id)?.parts.map(({ name, size }) => [name, size])).toContainEqual([
      "_headers",
      10,
    ]);
  });

  test("retries, rolls back and deletes", async () => {
    const { cloudflare, account, pass } = client();
    const { deployments } = cloudflare.pages.projects;
    const params = { ...account, project_name: "blog" };
    const first = await deployments.create("blog", account);
    pass(5000);
    const second = await deployments.retry(first.id, params);
    expect(second.deployment_trigger).toEqual(first.deployment_trigger);
    pass(5000);
    const live = async (): Promise<string | undefined> =>
      (await cloudflare.pages.projects.get("blog", account)).canonical_deployment?.id;
    expect(await live()).toBe(second.id);
    expect((await deployments.rollback(first.id, params)).id).toBe(first.id);
    expect(await live()).toBe(first.id);
    const refused = deployments.delete(second.id, params);
    await expect(refused).rejects.toMatchObject({ status: 400, errors: [{ code: 8000035 }] });
    expect(await deployments.delete(second.id, { ...params, force: true })).toBeNull();
    await expect(deployments.get(second.id, params)).rejects.toThrow(NotFoundError);
  });

  test("works with the older e-mail and key, and its errors carry the codes", async () => {
    const key = { apiToken: null, apiEmail: "sandbox@example.com", apiKey: "sandbox-key" };
    const { cloudflare, account } = client(key);
    const projects = [];
    for await (const project of cloudflare.pages.projects.list(account)) {
      projects.push(project.name);
    }
    expect(projects).toEqual(["blog", "site"]);
    const { cloudflare: stranger } = client({ apiToken: "wrong" });
    await expect(stranger.pages.projects.get("blog", account)).rejects.toThrow(AuthenticationError);
    await expect(cloudflare.pages.projects.get("nope", account)).rejects.toMatchObject({
      status: 404,
      errors: [{ code: 8000007 }],
    });
  });

  test("repeats a create it got no answer to: the duplicate is real", async () => {
    const { cloudflare, account, sandbox } = client({ maxRetries: 1 });
    sandbox.fault({ call: "create", kind: "lost" });
    await cloudflare.pages.projects.deployments.create("blog", account);
    const made = sandbox.journal().requests.map(({ deployment }) => deployment);
    expect(new Set(made).size).toBe(2);
  });
});
