import { expect, test } from "vitest";
import { harness } from "./harness.ts";

const HASH = "89abcdef89abcdef89abcdef89abcdef89abcdef";
const push = { project: "blog", branch: "main", commit_hash: HASH, commit_message: "Fix typo" };

test("a push builds by itself", async () => {
  const it = harness();
  const { deployment, reason } = it.sandbox.push(push);
  expect(reason).toBeNull();
  expect(deployment?.deployment_trigger).toEqual({
    type: "github:push",
    metadata: {
      branch: "main",
      commit_hash: HASH,
      commit_message: "Fix typo",
      commit_dirty: false,
    },
  });
  it.pass(4000);
  expect((await it.get(deployment?.id ?? "")).latest_stage.status).toBe("success");
});

test("but not while the project's automatic builds are off", async () => {
  const it = harness();
  const patch = (config: object) =>
    it.call("PATCH", "/blog", { body: JSON.stringify({ source: { config } }) });
  await patch({ production_deployments_enabled: false });
  expect(it.sandbox.push(push)).toEqual({
    deployment: null,
    reason: "production_deployments_disabled",
  });
  expect(it.sandbox.push({ ...push, branch: "next" }).deployment).not.toBeNull();
  await patch({ preview_deployment_setting: "none" });
  expect(it.sandbox.push({ ...push, branch: "next" }).reason).toBe("preview_deployments_disabled");
  await patch({ production_deployments_enabled: true });
  expect(it.sandbox.push(push).deployment).not.toBeNull();
  expect(it.sandbox.push({ ...push, project: "site" }).reason).toBe("not_connected_to_git");
});

test("a build by API takes the branch's head, or the commit it is told", async () => {
  const it = harness();
  it.sandbox.push(push);
  const metadata = async (fields: Record<string, string>): Promise<object> =>
    (await it.build(fields)).deployment_trigger.metadata;
  expect(await metadata({})).toMatchObject({ commit_hash: HASH, commit_message: "Fix typo" });
  expect(await metadata({ commit_hash: "abc" })).toMatchObject({
    commit_hash: "abc",
    commit_message: "",
  });
  expect(await metadata({ branch: "next" })).toMatchObject({
    commit_hash: expect.stringMatching(/^[0-9a-f]{40}$/),
  });
});

test("a commit that asks to be skipped is skipped, visibly", async () => {
  const it = harness();
  const { deployment } = it.sandbox.push({ ...push, commit_message: "[Skip CI] docs" });
  expect(deployment).toMatchObject({ is_skipped: true, skip_reason: "commit_message" });
  expect((await it.get(deployment?.id ?? "")).latest_stage.status).toBe("skipped");
  it.pass(10_000);
  expect(it.sandbox.journal().live).toEqual([]);
});

test("the admin route does the same, and wants all it needs", async () => {
  const it = harness();
  const post = (body: object) =>
    it.sandbox.fetch(
      new Request("http://sandbox/__sandbox/push", { method: "POST", body: JSON.stringify(body) }),
    );
  const made = await post(push);
  expect(made.status).toBe(201);
  expect(await made.json()).toMatchObject({ deployment: { environment: "production" } });
  expect((await post({ project: "blog" })).status).toBe(400);
  expect((await post({ ...push, project: "nope" })).status).toBe(404);
});
