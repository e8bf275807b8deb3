import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { afterAll, beforeAll, expect, test } from "vitest";
import { workspace } from "../sandbox/wrangler.ts";
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

/** A job of that repository, with wrangler and nothing but what its provider gives it. */
async function job(ref: string, ...args: string[]) {
  const now = Math.floor(Date.now() / 1_000);
  const { url, account_id } = world.stack.info;
  const claims = { repository: "acme/site", repository_id: "4711", ref, run_id: "123" };
  const token = await new SignJWT({ ...claims, iss: issuer, aud: url, nbf: now, exp: now + 300 })
    .setProtectedHeader({ alg: "RS256", kid: "k1" })
    .sign(privateKey);
  const space = workspace({ "dist/index.html": "<h1>hi</h1>\n" });
  const target = { url, token, accountId: account_id };
  const ran = await space.wrangler(target, ["pages", ...args]);
  space.remove();
  return ran;
}

test("wrangler deploys with the token that CI gives a job", { timeout: 120_000 }, async () => {
  await world.signalbox.ask("POST", "/v1/projects/site/trust", {
    issuer,
    repository_id: "4711",
    ref: "refs/heads/main",
    scope: "deploy",
  });
  const deploy = ["deploy", "dist", "--project-name", "site", "--branch", "main"];
  const other = await job("refs/heads/feature", ...deploy);
  expect(other.output).toContain("No trust rule of this project fits this job");
  expect(other.output).toContain("ref refs/heads/feature");
  expect(other.code).toBe(1);
  expect(await world.signalbox.deploys("site")).toEqual([]);

  const { code, output } = await job("refs/heads/main", ...deploy);
  expect(output).toContain("Deployment complete!");
  expect(code).toBe(0);
  const [made] = await world.signalbox.deploys("site");
  expect(made).toMatchObject({
    status: "succeeded",
    trigger: { kind: "gateway", actor: `oidc:${issuer.slice("http://".length)}:acme/site#123` },
  });
  expect((await world.pages.page("site.pages.dev")).text).toBe("<h1>hi</h1>\n");
});
