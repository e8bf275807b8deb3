import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { TestContext } from "vitest";
import { send } from "../../scripts/demo/http.ts";
import { madeFor } from "../../scripts/demo/journal.ts";
import { until } from "../../scripts/demo/wait.ts";
import { workspace } from "../sandbox/wrangler.ts";
import { gated, lastLine, waitsFor } from "./support/gateway.ts";
import { World } from "./support/world.ts";

const { privateKey, publicKey } = await generateKeyPair("RS256");
const jwk = { ...(await exportJWK(publicKey)), kid: "k1", alg: "RS256", use: "sig" };

/** Where GitHub Enterprise would have its keys. */
const server = createServer((request, response) => {
  response.statusCode = request.url === "/_services/token/.well-known/jwks" ? 200 : 404;
  response.end(JSON.stringify({ keys: [jwk] }));
});
let issuer: string;
let world: World;
beforeAll(async () => {
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}/_services/token`;
  world = await World.start({ issuer });
  await world.pages.speed({ factor: 0.1 });
  await world.calls(8);
});
afterAll(async () => {
  await world.stop();
  server.close();
});

/** For how many seconds after its end a token is still taken. */
const TOLERANCE_S = 60;
/** Long enough for a busy machine to come as far as the wait, or the upload. */
const SHORT_S = 25;

async function tokenOf(ref: string, lifeSeconds = 300): Promise<string> {
  const now = Math.floor(Date.now() / 1_000);
  const claims = { repository: "acme/site", repository_id: "4711", ref, run_id: "123" };
  const times = { iss: issuer, aud: world.stack.info.url, nbf: now - 600, exp: now + lifeSeconds };
  return new SignJWT({ ...claims, ...times })
    .setProtectedHeader({ alg: "RS256", kid: "k1" })
    .sign(privateKey);
}

/** A token that ends as the test goes on; `ended` resolves when it is refused. */
async function shortToken(project: string) {
  const token = await tokenOf("refs/heads/main", SHORT_S - TOLERANCE_S);
  const headers = { authorization: `Bearer ${token}` };
  const ask = async (path: string) => send(`${world.stack.info.url}${path}`, { headers });
  const ended = async () =>
    until(
      "the token to have expired",
      async () => (await ask(`/v1/projects/${project}`)).status === 401,
    );
  return { token, ask, ended };
}

/** A job of that repository, with wrangler and nothing but what its provider gives it. */
async function job(token: string, project: string, url = world.stack.info.url) {
  const space = workspace({ "dist/index.html": `<h1>${project}</h1>\n` });
  const target = { url, token, accountId: world.stack.info.account_id };
  const args = ["pages", "deploy", "dist", "--project-name", project, "--branch", "main"];
  const ran = await space.wrangler(target, args);
  space.remove();
  return ran;
}

async function trust(project: string): Promise<void> {
  await world.signalbox.ask("POST", `/v1/projects/${project}/trust`, {
    issuer,
    repository_id: "4711",
    ref: "refs/heads/main",
    scope: "deploy",
  });
}

/** A line to Signalbox on which the create request takes until `arrives`. */
async function slowLine({ onTestFinished }: TestContext, arrives: () => Promise<unknown>) {
  const line = createServer((incoming, outgoing) => {
    const { method, url = "", headers } = incoming;
    const isCreate = method === "POST" && url.endsWith("/deployments");
    void (async () => {
      await (isCreate ? arrives() : null);
      const onward = request(`${world.stack.info.url}${url}`, { method, headers }, (answer) => {
        outgoing.writeHead(answer.statusCode ?? 0, answer.headers);
        answer.pipe(outgoing);
      });
      incoming.pipe(onward);
    })();
  });
  onTestFinished(() => {
    line.closeAllConnections();
    line.close();
  });
  await new Promise<void>((resolve) => {
    line.listen(0, "127.0.0.1", resolve);
  });
  return `http://127.0.0.1:${(line.address() as AddressInfo).port}`;
}

describe.concurrent("wrangler, with the token that CI gives a job", { timeout: 120_000 }, () => {
  test("deploys", async () => {
    await trust("site");
    const other = await job(await tokenOf("refs/heads/feature"), "site");
    expect(other.output).toContain("No trust rule of this project fits this job");
    expect(other.output).toContain("ref refs/heads/feature");
    expect(other.code).toBe(1);
    expect(await world.signalbox.deploys("site")).toEqual([]);

    const { code, output } = await job(await tokenOf("refs/heads/main"), "site");
    expect(output).toContain("Deployment complete!");
    expect(code).toBe(0);
    const [made] = await world.signalbox.deploys("site");
    expect(made).toMatchObject({
      status: "succeeded",
      trigger: { kind: "gateway", actor: `oidc:${issuer.slice("http://".length)}:acme/site#123` },
    });
    expect((await world.pages.page("site.pages.dev")).text).toBe("<h1>site</h1>\n");
  });

  test("is held past the end of that, and reads how its deploy ended", async (context) => {
    const it = await gated(world, context, "held");
    await trust("held");
    const unlock = await it.lock();
    const { token, ask, ended } = await shortToken("held");
    const running = job(token, "held");
    await it.newest("wait", waitsFor("lock"));
    await ended();
    await unlock();
    const { code, output } = await running;
    const [deploy] = await world.signalbox.deploys("held");
    // What it can't read after its create request it passes over, and says so in another last line.
    expect(lastLine(output)).toBe(
      `✨ Deployment complete! Take a peek over at ${deploy?.deployment?.url}`,
    );
    expect(code).toBe(0);
    const project = `/client/v4/accounts/${world.stack.info.account_id}/pages/projects/held`;
    const logs = await ask(`${project}/deployments/${deploy?.deployment?.id}/history/logs`);
    expect(logs.status).toBe(200);
    expect((await ask(`${project}/upload-token`)).status).toBe(401);
  });

  test("fails when that has ended before its files were up, says so, and nothing is deployed", async (context) => {
    await gated(world, context, "late");
    await trust("late");
    const { token, ended } = await shortToken("late");
    const { code, output } = await job(token, "late", await slowLine(context, ended));
    expect(output).toContain("Success! Uploaded 1 files");
    expect(lastLine(output)).toBe("This token has expired. Make a new one. [code: 9109]");
    expect(code).toBe(1);
    expect(await world.signalbox.deploys("late")).toEqual([]);
    expect(madeFor(await world.pages.journal(), "late")).toEqual([]);
  });
});
