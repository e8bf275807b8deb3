import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { hookSeal } from "../../../src/project/hooks.ts";
import { Edge, expectProblem, leave } from "./edge.ts";
import { deliver, fixture, makeHook, push, type MadeHook } from "./github.ts";

let edge: Edge;
let hook: MadeHook;
beforeEach(async () => {
  edge = await Edge.create();
  hook = await makeHook(edge);
});
afterEach(leave);

async function deployCount(): Promise<number> {
  return (await edge.on("GET", "/deploys")).body.items.length as number;
}

describe("a signed push", () => {
  it("becomes a deploy of its branch, and is answered at once", async () => {
    const payload = push("main");
    const got = await deliver(hook, payload, { delivery: "11111111-2222-3333-4444-555555555555" });
    expect(got.status).toBe(202);
    expect(got.body).toEqual({
      id: expect.stringMatching(/^trg_/),
      results: [
        {
          id: got.body.id,
          branch: "main",
          outcome: "queued",
          reason: null,
          reason_code: null,
          deploy_id: expect.stringMatching(/^dpl_/),
        },
      ],
      reason: null,
      reason_code: null,
    });
    const { body: deploy } = await edge.on("GET", `/deploys/${got.body.results[0].deploy_id}`);
    expect(deploy).toMatchObject({
      number: 1,
      kind: "build",
      branch: "main",
      commit_hash: payload["after"],
      trigger: {
        id: got.body.id,
        kind: "hook",
        source: "github",
        actor: "Codertocat",
        delivery_id: "11111111-2222-3333-4444-555555555555",
      },
    });
    const { body: shown } = await edge.on("GET", `/hooks/${hook.id}`);
    expect(shown.last_delivery_at).not.toBeNull();
  });

  it("delivered again is a duplicate: 200, the same deploy, and no second one", async () => {
    const first = await deliver(hook, push(), { delivery: "d-1" });
    const second = await deliver(hook, push(), { delivery: "d-1" });
    expect(second.status).toBe(200);
    expect(second.body.results[0]).toMatchObject({
      outcome: "duplicate",
      reason_code: "duplicate",
      deploy_id: first.body.results[0].deploy_id,
    });
    expect(await deployCount()).toBe(1);
  });

  it("of the same commit under another id joins the deploy that waits", async () => {
    await deliver(hook, push());
    const second = await deliver(hook, push());
    expect(second.status).toBe(202);
    expect(second.body.results[0].outcome).toBe("coalesced");
    expect(await deployCount()).toBe(1);
  });

  it("is one deploy, and answered, when the object is lost before it could answer", async () => {
    edge.world.crashAt("accept.committed");
    const got = await deliver(hook, push());
    expect(edge.world.crashes).toBe(1);
    expect(got.status).toBe(202);
    expect(await deployCount()).toBe(1);
  });

  it("with line ends and non-ASCII text is verified as bytes", async () => {
    const body = `{\r\n${JSON.stringify(push("größe")).slice(1)}\r\n`;
    expect((await deliver(hook, body)).body.results[0]).toMatchObject({
      branch: "größe",
      outcome: "queued",
    });
  });
});

describe("a delivery with nothing to deploy", () => {
  it.each([
    ["a ping", () => fixture("ping"), "ping", "ping"],
    ["a deleted branch's event", () => fixture("delete"), "delete", "not_a_push"],
    ["another event", () => fixture("issues"), "issues", "not_a_push"],
    ["a pushed tag", () => push("x", { ref: "refs/tags/v1" }), "push", "not_a_branch"],
    [
      "a push that deletes",
      () => push("x", { deleted: true, after: "0".repeat(40) }),
      "push",
      "branch_deleted",
    ],
  ] as const)("%s: 200 with the reason", async (_, payload, event, code) => {
    const got = await deliver(hook, payload(), { event });
    expect(got.status).toBe(200);
    expect(got.body).toEqual({
      id: expect.stringMatching(/^trg_/),
      results: [],
      reason: expect.stringMatching(/\.$/),
      reason_code: code,
    });
    expect(await deployCount()).toBe(0);
  });

  it("another branch than the hook's: filtered, and on record", async () => {
    hook = await makeHook(edge, { branch: "main" });
    const got = await deliver(hook, push("dev"));
    expect(got.status).toBe(200);
    expect(got.body.results[0]).toMatchObject({
      branch: "dev",
      outcome: "filtered",
      reason: "This hook deploys only main.",
      reason_code: "other_branch",
      deploy_id: null,
    });
    const recorded = await edge.world.inside((_, state) =>
      state.storage.sql.exec("SELECT outcome FROM triggers WHERE id = ?", got.body.id).one(),
    );
    expect(recorded).toEqual({ outcome: "filtered" });
  });

  it("a paused hook: filtered, until it is resumed", async () => {
    await edge.on("PATCH", `/hooks/${hook.id}`, { json: { paused: true } });
    const got = await deliver(hook, push());
    expect(got.status).toBe(200);
    expect(got.body.results[0]).toMatchObject({ outcome: "filtered", reason_code: "hook_paused" });
    await edge.on("PATCH", `/hooks/${hook.id}`, { json: { paused: false } });
    expect((await deliver(hook, push())).status).toBe(202);
  });
});

describe("what is known of a hook", () => {
  /** The project's object is changed behind the edge's back, as from another machine. */
  async function behindItsBack(change: object): Promise<void> {
    edge.world.pass(2_000);
    await edge.world.inside((project) => project.changeHook(hook.id, change));
  }

  it("is asked once for a burst", async () => {
    await deliver(hook, push());
    // From here on, a look-up would fail.
    await edge.world.inside((project) => {
      Object.assign(project, { hookSecrets: null });
    });
    for (let n = 0; n < 5; n++) {
      expect((await deliver(hook, push())).status).toBe(202);
    }
  });

  it("is asked again before a signature is refused on its word", async () => {
    await deliver(hook, push());
    const seal = hookSeal(edge.world.key, hook.id);
    const add_secret = await edge.config.keyring.seal(seal, "a-new-secret");
    await behindItsBack({ add_secret, retire_old_secret: true });
    expect((await deliver(hook, push("dev"), { secret: "a-new-secret" })).status).toBe(202);
    await behindItsBack({ retire_old_secret: true });
    edge.world.pass(2_000);
    expectProblem(await deliver(hook, push("dev")), 401, "bad_signature");
  });

  it("is asked again before a branch is filtered on its word", async () => {
    hook = await makeHook(edge, { branch: "main" });
    await deliver(hook, push());
    await behindItsBack({ branch: null });
    expect((await deliver(hook, push("dev"))).body.results[0].outcome).toBe("queued");
  });

  it("is looked at again when the project says that it has changed", async () => {
    await deliver(hook, push());
    await behindItsBack({ branch: "main" });
    expect((await deliver(hook, push("dev"))).body.results[0]).toMatchObject({
      outcome: "filtered",
    });
    await behindItsBack({ paused: true });
    expect((await deliver(hook, push("main"))).body.results[0].reason_code).toBe("hook_paused");
  });

  it("ends with the hook, though it was removed elsewhere", async () => {
    await deliver(hook, push());
    await edge.world.inside((project) => project.removeHook(hook.id));
    expectProblem(await deliver(hook, push("dev")), 404, "hook_not_found");
  });
});

describe("while a secret is rotated", () => {
  it("the old one and the new one are both good, the one before no more", async () => {
    const rotate = async (): Promise<string> =>
      (await edge.on("PATCH", `/hooks/${hook.id}`, { json: { rotate_secret: true } })).body.secret;
    const second = await rotate();
    expect((await deliver(hook, push("a"), { secret: second })).status).toBe(202);
    expect((await deliver(hook, push("b"))).status).toBe(202);
    const third = await rotate();
    expectProblem(await deliver(hook, push("c")), 401, "bad_signature");
    expect((await deliver(hook, push("d"), { secret: second })).status).toBe(202);
    expect((await deliver(hook, push("e"), { secret: third })).status).toBe(202);
  });
});
