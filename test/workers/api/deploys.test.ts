import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { Edge, expectProblem, leave } from "./edge.ts";

let edge: Edge;
beforeEach(async () => {
  edge = await Edge.create();
});
afterEach(leave);

const SHA = "c0ffee".padEnd(40, "0");

describe("asking for a build", () => {
  it.each([
    ["without a body", {}],
    ["with an empty body that is called JSON", { headers: { "content-type": "application/json" } }],
    ["with {}", { json: {} }],
  ])("%s deploys the production branch", async (_, sent) => {
    const got = await edge.on("POST", "/deploys", sent);
    expect(got.status).toBe(202);
    expect(got.body).toMatchObject({
      id: expect.stringMatching(/^trg_/),
      outcome: "queued",
      deploy: {
        id: expect.stringMatching(/^dpl_/),
        number: 1,
        kind: "build",
        branch: "main",
        environment: "production",
        trigger: { kind: "api", source: "api", actor: expect.stringMatching(/^tok_/) },
      },
    });
    expect(got.body.deploy.trigger.id).toBe(got.body.id);
    expect(got.body).not.toHaveProperty("replayed");
    expect(got.headers.get("location")).toBe(`${edge.base}/deploys/${got.body.deploy.id}`);
    expect(got.headers.get("cache-control")).toBe("no-store");
  });

  it("takes branch, commit and message, and comes to its end at Cloudflare", async () => {
    const json = {
      branch: "feature/ü",
      commit_hash: SHA,
      commit_message: "Two\nlines",
      commit_dirty: false,
    };
    const { body } = await edge.on("POST", "/deploys", { json });
    expect(body.deploy).toMatchObject({ ...json, environment: "preview" });
    const deploy = await edge.world.ended(body.deploy.id);
    expect(deploy.status).toBe("succeeded");
    expect(edge.world.created()).toEqual([deploy.deployment?.id]);
  });

  it("joins a waiting deploy of the same commit, and says so", async () => {
    const json = { branch: "main", commit_hash: SHA };
    const first = await edge.on("POST", "/deploys", { json });
    const second = await edge.on("POST", "/deploys", { json });
    expect(second.status).toBe(202);
    expect(second.body).toMatchObject({
      outcome: "coalesced",
      reason_code: "coalesced",
      deploy: { id: first.body.deploy.id },
    });
    expect(second.headers.get("location")).toBe(first.headers.get("location"));
  });

  it("is refused for a direct-upload project", async () => {
    const direct = await Edge.create({ source: "direct_upload" });
    const before = await direct.trace();
    expectProblem(await direct.on("POST", "/deploys"), 409, "not_git_connected");
    expect(await direct.trace()).toEqual(before);
  });
});

describe("an Idempotency-Key", () => {
  const key = { "idempotency-key": "build-7" };

  it("answers a repetition with what came of the first, and deploys once", async () => {
    const sent = { json: { branch: "main", commit_message: "x" }, headers: key };
    const first = await edge.on("POST", "/deploys", sent);
    const reordered = { json: { commit_message: "x", branch: "main" }, headers: key };
    const second = await edge.on("POST", "/deploys", reordered);
    expect(first.headers.get("idempotency-replayed")).toBeNull();
    expect(second.headers.get("idempotency-replayed")).toBe("true");
    expect(second.body).toEqual(first.body);
    expect(second.headers.get("location")).toBe(first.headers.get("location"));
    expect((await edge.on("GET", "/deploys")).body.items).toHaveLength(1);
  });

  it("is refused for another content", async () => {
    await edge.on("POST", "/deploys", { json: { branch: "main" }, headers: key });
    const before = await edge.trace();
    const got = await edge.on("POST", "/deploys", { json: { branch: "dev" }, headers: key });
    expectProblem(got, 422, "idempotency_mismatch");
    expect(await edge.trace()).toEqual(before);
  });

  it.each(["a b", "x".repeat(256), "schlüssel"])("must be short and visible: %s", async (value) => {
    const before = await edge.trace();
    const got = await edge.on("POST", "/deploys", {
      json: {},
      headers: { "idempotency-key": value },
    });
    expectProblem(got, 400, "header_invalid");
    expect(await edge.trace()).toEqual(before);
  });
});

describe("the list", () => {
  it("goes page by page, newest first, and can be filtered", async () => {
    await edge.send("PUT", edge.base, { json: { policy: { mode: "all" } } });
    for (const branch of ["main", "dev", "main", "dev", "main"]) {
      await edge.on("POST", "/deploys", { json: { branch } });
    }
    const numbers: number[] = [];
    let cursor = "";
    let pages = 0;
    do {
      const { body } = await edge.on("GET", `/deploys?limit=2${cursor}`);
      numbers.push(...body.items.map((d: { number: number }) => d.number));
      cursor = body.next_cursor === null ? "" : `&cursor=${body.next_cursor}`;
      pages += 1;
    } while (cursor !== "");
    expect(numbers).toEqual([5, 4, 3, 2, 1]);
    expect(pages).toBe(3);

    const count = async (query: string): Promise<number> =>
      (await edge.on("GET", `/deploys?${query}`)).body.items.length as number;
    expect(await count("branch=dev")).toBe(2);
    expect(await count("environment=production")).toBe(3);
    expect(await count("status=queued")).toBe(5);
    expect(await count("status=failed")).toBe(0);
    expect(await count("branch=dev&environment=production")).toBe(0);
  });
});

describe("one deploy", () => {
  it("is shown, and waited for until it has ended", async () => {
    const { body } = await edge.on("POST", "/deploys", { json: {} });
    const path = `/deploys/${body.deploy.id}`;
    expect((await edge.on("GET", path)).body).toMatchObject({ status: "queued" });

    const waiting = edge.on("GET", `${path}?wait=60`);
    await edge.world.ended(body.deploy.id);
    expect((await waiting).body).toMatchObject({ status: "succeeded" });
  });

  it("is answered as it is when the time is up", async () => {
    const got = await edge.on("POST", "/deploys?wait=1", { json: {} });
    expect(got.status).toBe(202);
    expect(got.body.deploy.status).toBe("queued");
  });

  it("is canceled while it waits, and only once", async () => {
    const { body } = await edge.on("POST", "/deploys", { json: {} });
    const path = `/deploys/${body.deploy.id}/cancel`;
    const got = await edge.on("POST", path);
    expect(got.status).toBe(200);
    expect(got.body).toMatchObject({ status: "canceled", reason: expect.stringMatching(/tok_/) });
    expectProblem(await edge.on("POST", path), 409, "conflict");
    expect(edge.world.created()).toEqual([]);
  });

  it("is retried under a new number once it has ended", async () => {
    const { body } = await edge.on("POST", "/deploys", { json: { branch: "dev" } });
    const path = `/deploys/${body.deploy.id}/retry`;
    expectProblem(await edge.on("POST", path), 409, "conflict");
    await edge.on("POST", `/deploys/${body.deploy.id}/cancel`);
    const got = await edge.on("POST", path);
    expect(got.status).toBe(202);
    expect(got.body.deploy).toMatchObject({
      number: 2,
      branch: "dev",
      retry_of: body.deploy.id,
      trigger: { kind: "retry" },
    });
    expect(got.headers.get("location")).toBe(`${edge.base}/deploys/${got.body.deploy.id}`);
  });

  it("has a log as soon as it has a deployment, without the credential", async () => {
    const { token } = edge.world.sandbox;
    const json = { commit_hash: SHA, commit_message: `Oops: ${token}` };
    const { body } = await edge.on("POST", "/deploys", { json });
    const path = `/deploys/${body.deploy.id}/logs`;
    expectProblem(await edge.on("GET", path), 409, "no_deployment_yet");
    await edge.world.ended(body.deploy.id);
    const got = await edge.on("GET", path);
    expect(got.status).toBe(200);
    expect(got.body.items.length).toBe(got.body.total);
    expect(got.body.items[0]).toEqual({
      timestamp: expect.any(String),
      line: expect.any(String),
    });
    expect(got.text).toContain("Oops: [redacted]");
    expect(got.text).not.toContain(token);
  });
});
