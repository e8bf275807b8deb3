import { afterEach, beforeEach, describe, expect, it } from "vitest";

import type { Issuer } from "../support/issuer.ts";
import { expectProblem, leave, type Edge, type Got } from "./edge.ts";
import { Jobs } from "./job.ts";

const MINUTE = 60_000;

const seconds = (): number => Math.floor(Date.now() / 1_000);

let jobs: Jobs;
let edge: Edge;
let github: Issuer;
beforeEach(async () => {
  jobs = await Jobs.create();
  ({ edge, github } = jobs);
});
afterEach(leave);

const trust: Jobs["trust"] = (more) => jobs.trust(more);
const deploy: Jobs["deploy"] = (token) => jobs.deploy(token);
const refused: Jobs["refused"] = (token, status, code) => jobs.refused(token, status, code);

describe("a token that has expired since its deploy", () => {
  async function late(): Promise<{ token: string; id: string }> {
    await trust();
    const token = await github.token();
    const { body } = await deploy(token);
    edge.world.pass(20 * MINUTE);
    return { token, id: body.deploy.id as string };
  }

  it("reads that deploy and its log until ten minutes after the end, and does nothing else", async () => {
    const { token, id } = await late();
    const read = (path: string): Promise<Got> => edge.on("GET", `/deploys/${id}${path}`, { token });
    expect((await read("")).status).toBe(200);
    await refused(token, 401, "expired_token");
    expect((await edge.world.ended(id)).status).toBe("succeeded");
    expect((await read("")).body.status).toBe("succeeded");
    expect((await read("/logs")).status).toBe(200);
    for (const [method, path] of [
      ["GET", "/deploys"],
      ["GET", "/events"],
      ["POST", `/deploys/${id}/retry`],
      ["POST", `/deploys/${id}/cancel`],
    ] as const) {
      expectProblem(await edge.on(method, path, { token }), 401, "expired_token");
    }
    edge.world.pass(10 * MINUTE);
    expectProblem(await read(""), 401, "expired_token");
    expectProblem(await read("/logs"), 401, "expired_token");
  });

  it("reads no other deploy, and another one of the same job reads nothing", async () => {
    const { token, id } = await late();
    const json = { branch: "feature" };
    const other = await edge.on("POST", "/deploys", { token: await github.token(), json });
    const path = `/deploys/${other.body.deploy.id}`;
    expectProblem(await edge.on("GET", path, { token }), 401, "expired_token");
    const second = await github.token({ jti: "2", exp: seconds() - 100 });
    expectProblem(await edge.on("GET", `/deploys/${id}`, { token: second }), 401, "expired_token");
  });

  it("reads nothing when the rule is gone", async () => {
    const { token, id } = await late();
    const { body } = await edge.on("GET", "/trust");
    await edge.on("DELETE", `/trust/${body.items[0].id}`);
    expectProblem(await edge.on("GET", `/deploys/${id}`, { token }), 403, "not_trusted");
  });

  it("reads what has taken its deploy's place", async () => {
    await trust();
    await deploy(await github.token());
    const token = await github.token({ jti: "2" });
    const first = (await deploy(token)).body.deploy.id as string;
    edge.world.pass(20 * MINUTE);
    const next = await edge.on("POST", "/deploys", { json: { branch: "main" } });
    expect((await edge.on("GET", `/deploys/${first}`)).body.status).toBe("superseded");
    const got = await edge.on("GET", `/deploys/${next.body.deploy.id}`, { token });
    expect(got.status).toBe(200);
  });

  it("reads the retry and the rollback that it asked for", async () => {
    await trust();
    const first = (await deploy(await github.token())).body.deploy.id as string;
    await edge.world.ended(first);
    const token = await github.token();
    const again = await edge.on("POST", `/deploys/${first}/retry`, { token });
    await edge.world.ended(again.body.deploy.id);
    const back = await edge.on("POST", `/deploys/${first}/rollback`, {
      token: await github.token(),
    });
    expect(back.status).toBe(202);
    edge.world.pass(7 * MINUTE);
    expect((await edge.on("GET", `/deploys/${again.body.deploy.id}`, { token })).status).toBe(200);
  });

  it("is forgotten a day later", async () => {
    const { id } = await late();
    await edge.world.ended(id);
    const readers = (): Promise<number> =>
      edge.world.inside(({ context }) => context.sql.all("SELECT * FROM readers").length);
    expect(await readers()).toBe(1);
    await edge.world.run(3 * 86_400_000);
    expect(await readers()).toBe(0);
  });
});

describe("the exchange", () => {
  const exchange = (token: string | null, project = edge.world.name): Promise<Got> =>
    edge.send("POST", "/v1/oidc/exchange", { token, json: { project } });

  it("gives a token of the project, for an hour, with the rule's scope", async () => {
    await trust();
    const { status, body } = await exchange(await github.token());
    expect(status).toBe(201);
    expect(body.expires_at).toBe(new Date(Date.now() + 60 * MINUTE).toISOString());
    const { items } = (await edge.on("GET", "/tokens")).body;
    expect(items).toMatchObject([
      { scopes: ["deploy"], description: "oidc:github:acme/site#123", expires_at: body.expires_at },
    ]);
    edge.world.pass(59 * MINUTE);
    expect((await deploy(body.token)).status).toBe(202);
    expectProblem(
      await edge.on("GET", "/tokens", { token: body.token }),
      403,
      "insufficient_scope",
    );
    edge.world.pass(MINUTE);
    await refused(body.token, 401, "expired_token");
  });

  it("leaves nothing of it for longer than a day", async () => {
    await trust();
    await exchange(await github.token());
    await edge.projectToken("read", { expires_at: new Date(Date.now() + 7_200_000).toISOString() });
    await edge.world.run(3 * 86_400_000);
    expect((await edge.on("GET", "/tokens")).body.items).toMatchObject([{ scopes: ["read"] }]);
    await edge.world.run(31 * 86_400_000);
    expect((await edge.on("GET", "/tokens")).body.items).toEqual([]);
  });

  it("gives none to others, and nothing comes of it", async () => {
    await trust({ ref: "refs/heads/main" });
    const good = await github.token();
    const before = await edge.trace();
    expectProblem(await exchange(null), 401, "token_missing");
    expectProblem(await exchange(edge.token), 401, "invalid_token");
    expectProblem(await exchange(`${good.slice(0, -8)}AAAAAAAA`), 401, "invalid_token");
    expectProblem(
      await exchange(await github.token({ exp: seconds() - 100 })),
      401,
      "expired_token",
    );
    expectProblem(await exchange(await github.token({ ref: "refs/heads/x" })), 403, "not_trusted");
    expectProblem(await exchange(good, "nobody-knows"), 403, "not_trusted");
    expectProblem(await exchange(good, "../up"), 422, "field_invalid");
    github.answer = () => new Response("no", { status: 500 });
    edge.world.pass(4 * MINUTE);
    expectProblem(await exchange(await github.token({}, "k1", "k2")), 503, "issuer_unavailable");
    expect(await edge.trace()).toEqual(before);
  });
});
