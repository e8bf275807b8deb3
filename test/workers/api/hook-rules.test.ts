import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { Edge, expectProblem, leave, ORIGIN, type Got } from "./edge.ts";
import { deliver, makeHook, push, type MadeHook } from "./github.ts";

let edge: Edge;
beforeEach(async () => {
  edge = await Edge.create();
});
afterEach(leave);

/** A sender that has nothing but a token. */
async function post(hook: MadeHook, body: unknown, query = ""): Promise<Got> {
  return edge.send("POST", `${hook.url.slice(ORIGIN.length)}${query}`, {
    token: null,
    body: typeof body === "string" ? body : JSON.stringify(body),
    headers: { authorization: `Bearer ${hook.secret}`, "content-type": "application/json" },
  });
}

const outcome = ({ body }: Got): unknown => {
  const [result] = body.results;
  return { outcome: result.outcome, code: result.reason_code, branch: result.branch };
};

describe("the rules of a hook", () => {
  it("leave branches out by globs, and take them in again when they are changed", async () => {
    const hook = await makeHook(edge, {
      branches: { include: ["main", "feature/**"], exclude: ["feature/wip-*"] },
    });
    const of = async (branch: string): Promise<unknown> =>
      outcome(await deliver(hook, push(branch)));
    expect(await of("main")).toMatchObject({ outcome: "queued" });
    expect(await of("feature/a/b")).toMatchObject({ outcome: "queued" });
    expect(await of("feature/wip-1")).toEqual({
      outcome: "filtered",
      code: "branch_filtered",
      branch: "feature/wip-1",
    });
    expect(await of("docs")).toMatchObject({ code: "branch_filtered" });
    await edge.on("PATCH", `/hooks/${hook.id}`, { json: { branches: {} } });
    expect(await of("docs")).toMatchObject({ outcome: "queued" });
  });

  it("pass over commits that ask for no build, unless told to build them", async () => {
    const skipping = push("main", { head_commit: { message: "Typo [skip ci]" } });
    const hook = await makeHook(edge);
    expect(outcome(await deliver(hook, skipping))).toMatchObject({ code: "skip_ci" });
    await edge.on("PATCH", `/hooks/${hook.id}`, { json: { skip_ci: false } });
    expect(outcome(await deliver(hook, skipping))).toMatchObject({ outcome: "queued" });
  });

  it("look at changed files where the sender lists them all", async () => {
    const hook = await makeHook(edge, { paths: { include: ["site/**"], exclude: ["**/*.md"] } });
    const touching = async (...modified: string[]): Promise<unknown> => {
      const commits = [{ id: "a".repeat(40), added: [], removed: [], modified }];
      return outcome(await deliver(hook, push("main", { commits })));
    };
    expect(await touching("site/index.html", "api/x.ts")).toMatchObject({ outcome: "queued" });
    expect(await touching("api/x.ts", "site/README.md")).toMatchObject({ code: "paths_filtered" });
    const unknown = push("main", { commits: [], after: "d".repeat(40) });
    expect(outcome(await deliver(hook, unknown))).toMatchObject({ outcome: "queued" });
  });

  it("choose events, and fields say where a generic sender names them", async () => {
    const hook = await makeHook(edge, {
      source: "bearer",
      events: ["release.*"],
      fields: { event: "/type", branch: "/data/ref", actor: "/by", delivery_id: "/id" },
    });
    const sent = {
      type: "release.published",
      id: "1",
      by: "Ada",
      data: { ref: "refs/heads/next" },
    };
    const first = await post(hook, sent);
    expect(outcome(first)).toMatchObject({ outcome: "queued", branch: "next" });
    const { body: deploy } = await edge.on("GET", `/deploys/${first.body.results[0].deploy_id}`);
    expect(deploy.trigger).toMatchObject({ source: "bearer", actor: "Ada", delivery_id: "1" });
    expect(outcome(await post(hook, sent))).toMatchObject({ outcome: "duplicate" });
    expect(outcome(await post(hook, { ...sent, id: "2", type: "draft" }))).toMatchObject({
      outcome: "filtered",
      code: "event_filtered",
    });
    expectProblem(await post(hook, { type: "release.published" }), 422, "payload_invalid");
    expectProblem(await post(hook, "not json"), 422, "payload_invalid");
  });

  it("are refused where they can't be meant", async () => {
    for (const [json, field] of [
      [{ source: "github", events: ["pull_request"] }, "events"],
      [{ source: "sanity", fields: { branch: "/x" } }, "fields"],
      [{ source: "sanity", repository: "acme/blog" }, "repository"],
      [{ source: "github", auth: { mode: "bearer" } }, "auth.mode"],
      [{ source: "bearer", auth: { header: "X-Token" } }, "auth.header"],
      [{ source: "hmac", auth: { content: "no place for the body" } }, "auth.content"],
      [{ source: "hmac", auth: { timestamp_unit: "s" } }, "auth.timestamp_unit"],
      [
        { source: "hmac", auth: { header: "X-A", timestamp_header: "x-a" } },
        "auth.timestamp_header",
      ],
      [{ source: "hmac", auth: { prefix: " x" } }, "auth.prefix"],
      [{ source: "hmac", auth: { key: "hex" }, secret: "00" }, "secret"],
      [{ source: "bearer", fields: { branch: "data.ref" } }, "fields.branch"],
    ] as const) {
      const got = await edge.on("POST", "/hooks", { json });
      expectProblem(got, 422, "field_invalid");
      expect(got.body.errors[0].field).toBe(field);
    }
  });
});

describe("a CMS", () => {
  it("deploys the hook's branch; a second publish while the first is built is deployed too", async () => {
    const hook = await makeHook(edge, { source: "header", branch: "content" });
    const publish = (): Promise<Got> =>
      edge.send("POST", hook.url.slice(ORIGIN.length), {
        token: null,
        body: '{"event":"publish"}',
        headers: { "x-signalbox-secret": hook.secret },
      });
    const first = await publish();
    expect(outcome(first)).toMatchObject({ outcome: "queued", branch: "content" });
    const status = async (got: Got): Promise<string> =>
      (await edge.on("GET", `/deploys/${got.body.results[0].deploy_id}`)).body.status;
    await edge.world.run(600_000, async () => (await status(first)) === "running");
    const second = await publish();
    expect(outcome(second)).toMatchObject({ outcome: "queued" });
    expect(second.body.results[0].deploy_id).not.toBe(first.body.results[0].deploy_id);
    await edge.world.run(600_000, async () => (await status(second)) === "succeeded");
    expect(await status(first)).toBe("succeeded");
  });

  it("can be no more than a URL", async () => {
    const hook = await makeHook(edge, { source: "url" });
    expect(hook.secret).toBeNull();
    const path = hook.url.slice(ORIGIN.length);
    const got = await edge.send("POST", `${path}?branch=next&title=New%20prices`, { token: null });
    expect(outcome(got)).toMatchObject({ outcome: "queued", branch: "next" });
    const { body: deploy } = await edge.on("GET", `/deploys/${got.body.results[0].deploy_id}`);
    expect(deploy.commit_message).toBe(`New prices [${deploy.id}]`);
    expectProblem(await edge.send("GET", path, { token: null }), 405, "method_not_allowed");
    const bad = await edge.send("POST", `${path}?branch=a..b`, { token: null });
    expectProblem(bad, 422, "payload_invalid");
  });
});

describe("a delivery of several branches", () => {
  const change = (name: string, hash: string | null): object => ({
    new: hash === null ? null : { type: "branch", name, target: { hash, message: `To ${name}` } },
    old: { type: "branch", name },
  });

  async function bitbucket(hook: MadeHook, changes: object[], delivery: string): Promise<Got> {
    const payload = {
      actor: { nickname: "ada" },
      repository: { full_name: "acme/blog" },
      push: { changes },
    };
    return deliver(hook, payload, {
      headers: { "x-event-key": "repo:push", "x-request-uuid": delivery },
      signatureHeader: "x-hub-signature",
    });
  }

  it("is a deploy for each, and says of each what became of it", async () => {
    const hook = await makeHook(edge, { source: "bitbucket", branches: { exclude: ["wip/**"] } });
    const changes = [
      change("main", "a".repeat(40)),
      change("next", "b".repeat(40)),
      change("wip/x", "c".repeat(40)),
      change("old", null),
    ];
    const got = await bitbucket(hook, changes, "d-1");
    expect(got.status).toBe(202);
    const told = got.body.results.map((r: Record<string, unknown>) => [
      r["branch"],
      r["outcome"],
      r["reason_code"],
    ]);
    expect(told).toEqual([
      ["main", "queued", null],
      ["next", "queued", "turn"],
      ["wip/x", "filtered", "branch_filtered"],
      ["old", "ignored", "branch_deleted"],
    ]);
    const again = await bitbucket(hook, changes, "d-1");
    expect(again.status).toBe(200);
    expect(again.body.results.map((r: { outcome: string }) => r.outcome)).toEqual([
      "duplicate",
      "duplicate",
      "filtered",
      "ignored",
    ]);
    expect((await edge.on("GET", "/deploys")).body.items).toHaveLength(2);
  });

  it("is accepted whole, though the object is lost before it could answer", async () => {
    const hook = await makeHook(edge, { source: "bitbucket" });
    edge.world.crashAt("accept.committed");
    const changes = ["a", "b", "c"].map((name) => change(name, name.repeat(40)));
    const got = await bitbucket(hook, changes, "d-1");
    expect(edge.world.crashes).toBe(1);
    expect(got.body.results.map((r: { outcome: string }) => r.outcome)).toEqual([
      "queued",
      "queued",
      "queued",
    ]);
    expect((await edge.on("GET", "/deploys")).body.items).toHaveLength(3);
  });
});

describe("what came to a hook", () => {
  it("is listed, newest first, with refusals as a number", async () => {
    const hook = await makeHook(edge, { branches: { include: ["main"] } });
    await deliver(hook, { zen: "Keep it logically awesome." }, { event: "ping", delivery: "d-1" });
    const queued = await deliver(hook, push("main"), { delivery: "d-2" });
    await deliver(hook, push("dev"), { delivery: "d-3" });
    await deliver(hook, push("main"), { secret: "wrong" });
    await deliver(hook, push("main"), { secret: "wrong" });
    const { body } = await edge.on("GET", `/hooks/${hook.id}/deliveries`);
    expect(body).toMatchObject({
      items: [
        { delivery_id: "d-3", branch: "dev", outcome: "filtered", reason_code: "branch_filtered" },
        {
          delivery_id: "d-2",
          branch: "main",
          outcome: "queued",
          deploy_id: queued.body.results[0].deploy_id,
        },
        { delivery_id: "d-1", branch: null, outcome: "ignored", reason_code: "ping" },
      ],
      refusals: 1,
      last_refused_at: expect.any(String),
    });
    const missing = await edge.on("GET", "/hooks/hok_01JZZZZZZZZZZZZZZZZZZZZZZZ/deliveries");
    expectProblem(missing, 404, "hook_not_found");
  });

  it("is explained beforehand, step by step, and nothing comes of it", async () => {
    const hook = await makeHook(edge, { repository: "acme/blog", branch: "main" });
    const before = await edge.trace();
    const payload = push("dev", { repository: { full_name: "acme/shop" } });
    const { status, body } = await edge.on("POST", `/hooks/${hook.id}/explain`, {
      json: { headers: { "X-GitHub-Event": "push" }, body: payload },
    });
    expect(status).toBe(200);
    expect(body.verified).toBe(false);
    expect(body.results).toEqual([
      {
        branch: "dev",
        outcome: "filtered",
        reason: "This hook deploys only main.",
        reason_code: "other_branch",
      },
    ]);
    const failed = body.steps.filter((s: { ok: boolean | null }) => s.ok === false);
    expect(failed.map((s: { step: string }) => s.step)).toEqual([
      "signature",
      "repository",
      "branch",
    ]);
    expect(await edge.trace()).toEqual(before);
  });
});

describe("Cloudflare's own notification", () => {
  it("has what runs looked at now, and starts nothing", async () => {
    const hook = await makeHook(edge, { source: "cloudflare" });
    const notify = (body: object): Promise<Got> =>
      edge.send("POST", hook.url.slice(ORIGIN.length), {
        token: null,
        body: JSON.stringify(body),
        headers: { "cf-webhook-auth": hook.secret, "content-type": "application/json" },
      });
    expect((await notify({ text: "Hello World!" })).body.reason_code).toBe("test");
    const started = await edge.on("POST", "/deploys", { json: { branch: "main" } });
    const id = started.body.deploy.id as string;
    await edge.world.run(
      600_000,
      async () => (await edge.on("GET", `/deploys/${id}`)).body.status === "running",
    );
    const dueAt = (): Promise<number> =>
      edge.world.inside(
        (_, state) =>
          state.storage.sql.exec("SELECT due_at FROM deploys WHERE id = ?", id).one()[
            "due_at"
          ] as number,
      );
    expect(await dueAt()).toBeGreaterThan(Date.now());
    const got = await notify({ alert_type: "pages_event_alert", data: {} });
    expect(got.body).toMatchObject({ results: [], reason_code: "looking" });
    expect(await dueAt()).toBeLessThanOrEqual(Date.now());
    expect((await edge.on("GET", "/deploys")).body.items).toHaveLength(1);
  });
});

describe("GET /v1/sources", () => {
  it("tells anybody what there is and how it is set up", async () => {
    const { status, body } = await edge.send("GET", "/v1/sources", { token: null });
    expect(status).toBe(200);
    const github = body.items.find((s: { source: string }) => s.source === "github");
    expect(github).toMatchObject({ title: "GitHub", kind: "git", modes: [{ secret: "made" }] });
    for (const { modes } of body.items) {
      for (const { paste, setup } of modes) {
        expect(paste.some(({ value }: { value: string }) => value === "{url}")).toBe(true);
        expect(setup.every((step: string) => step.endsWith("."))).toBe(true);
      }
    }
  });
});
