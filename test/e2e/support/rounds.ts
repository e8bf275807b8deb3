import { expect } from "vitest";
import { Browser } from "./browser.ts";
import { BASE, CANARY, PROJECT, type LeakyWorld } from "./leaky.ts";

/** Once through each of the doors, with a Cloudflare behind them that tells what it knows. */

/** What addresses of pages look like; links lead to all of them. */
export const PAGES = [
  "/",
  "/access",
  "/access/*/remove",
  "/accounts",
  "/accounts/*",
  "/accounts/*/remove",
  "/audit",
  "/docs",
  "/openapi.json",
  ...[
    "",
    "/badge",
    "/badge/remove",
    "/badge/renew",
    "/deploys/*",
    "/deploys/*/cancel",
    "/deploys/*/log",
    "/deploys/*/rollback",
    "/events",
    "/hooks",
    "/hooks/*",
    "/hooks/*/remove",
    "/hooks/new",
    "/lock",
    "/numbers",
    "/policy",
    "/rollback",
    "/schedules",
    "/schedules/*/remove",
    "/subscribers",
    "/subscribers/*",
    "/subscribers/*/remove",
    "/subscribers/new",
    "/tokens",
    "/tokens/*/revoke",
    "/windows",
  ].map((path) => `/projects/${PROJECT}${path}`),
  "/register",
  "/settings",
  "/tokens",
  "/tokens/*/revoke",
];

interface Ids {
  readonly items: readonly { readonly id: string }[];
}

/** What else there are pages of. */
async function oneOfEach(world: LeakyWorld): Promise<void> {
  world.upstream.instead = () => Response.json({ success: true, errors: [], result: [] });
  for (const [method, path, body] of [
    ["PUT", `/v1/accounts/${"f".repeat(32)}`, { api_token: world.furtherToken }],
    ["POST", "/v1/access", { email: "ada@example.com", scopes: ["read"] }],
    ["POST", `${BASE}/schedules`, { cron: "0 6 1 1 *" }],
    ["POST", `${BASE}/locks`, { reason: CANARY }],
    ["POST", `${BASE}/deploys`, { branch: "waits" }],
  ] as const) {
    const { status } = await world.ask(method, path, body);
    expect([path, status < 300]).toEqual([path, true]);
  }
  world.upstream.instead = () => null;
}

/** Every page, as whoever manages the instance reads them, and the forms that show a secret once. */
export async function throughPages(world: LeakyWorld): Promise<Browser> {
  await oneOfEach(world);
  const browser = new Browser(world);
  await browser.signIn(world.owner);
  const at = `/projects/${PROJECT}`;
  const given = async (
    path: string,
    fields: Record<string, string>,
    label: string,
    beside: readonly string[] = [],
  ): Promise<void> => {
    const shown = await browser.send(path, fields, [...beside, label]);
    world.shown(`what ${path} shows`, shown[label] ?? "");
  };
  await given("/tokens", { scope: "manage", days: "1" }, "Token");
  await given(`${at}/tokens`, { scope: "read" }, "Token");
  await given(`${at}/hooks`, { source: "github" }, "Secret", ["Payload URL"]);
  const webhook = { kind: "webhook", url: "https://receiver.example/", events: "deploy.approved" };
  await given(`${at}/subscribers`, webhook, "Signing secret");
  for (const [path, fields] of [
    [`${at}/subscribers`, { kind: "slack", url: `http://127.0.0.1/${world.apiToken}` }],
    [`${at}/subscribers`, { kind: "teams", url: `https://x:${world.apiToken}@teams.example/` }],
    [`${at}/subscribers`, { kind: "gitea", repository: "a/b", token: world.owner }],
    ["/accounts", { account: "0".repeat(32), api_token: world.furtherToken }],
  ] as const) {
    await browser.send(path, fields);
  }
  await browser.readAll("/");
  await browser.begin(`${at}/live?deliveries`);
  await browser.begin("/live");
  const [hook] = ((await world.ask("GET", `${BASE}/hooks`)).json as Ids).items;
  // No link leads to them once it is done, or here.
  for (const path of [`${at}/hooks/${hook?.id}/set-up`, `${at}/upload`, "/sign-in"]) {
    expect((await browser.look(path)).status).toBe(200);
  }
  for (const wrong of ["deploys/x", "hooks/x", `hooks/${world.apiToken}`, "nothing"]) {
    expect((await browser.look(`${at}/${wrong}`)).status).toBe(404);
  }
  return browser;
}

/** What makes Cloudflare say more than it should, to whoever asks through the gateway; `gateway/hygiene.test.ts` has every call. */
export async function throughGateway(world: LeakyWorld, deployment: string): Promise<void> {
  const { upstream } = world;
  const project = `/client/v4/accounts/${upstream.sandbox.accountId}/pages/projects/${PROJECT}`;
  const one = `${project}/deployments/${deployment}`;
  const tells = async (method: string, path: string, body?: object): Promise<void> => {
    expect((await world.ask(method, path, body)).text).toContain(CANARY);
  };
  upstream.instead = answerLog(world);
  await tells("GET", `${one}/history/logs`);
  await throughAssets(world, `${project}/upload-token`);
  const errors = [{ code: 8_000_009, message: `${CANARY}: ${world.gossip}` }];
  upstream.instead = ({ method }) =>
    method === "POST" ? Response.json({ success: false, errors }, { status: 400 }) : null;
  // Makes a deploy of it, which fails with what Cloudflare says.
  await tells("POST", `${project}/deployments`, { branch: "told" });
  await tells("POST", `${one}/retry`);
  await tells("POST", `${project}/purge_build_cache`);
  upstream.instead = () => null;
}

/** A build that prints what it should not have been given. */
function answerLog({ gossip }: LeakyWorld): () => Response {
  const data = gossip
    .split("\n")
    .map((line) => ({ ts: new Date().toISOString(), line: `${CANARY} ${line}` }));
  return () =>
    Response.json({
      success: true,
      errors: [],
      messages: [],
      result: { total: data.length, data },
    });
}

/** Cloudflare's upload token is sealed in ours; here it says that it has got it. */
async function throughAssets(world: LeakyWorld, path: string): Promise<void> {
  const { upstream } = world;
  upstream.instead = () => null;
  const { json } = await world.send("GET", path);
  const { jwt } = (json as { result: { jwt: string } }).result;
  world.shown("our upload token", jwt);
  const authorization = `Bearer ${jwt}`;
  for (const [call, status] of [
    ["check-missing", 200],
    ["upload", 403],
    ["upsert-hashes", 500],
  ] as const) {
    upstream.instead = ({ headers }) => {
      const said = `${CANARY} ${headers["authorization"] ?? ""}`;
      const errors = status === 200 ? [] : [{ code: 8_000_013, message: said }];
      return Response.json({ success: status === 200, errors, result: [said] }, { status });
    };
    const at = `/client/v4/pages/assets/${call}`;
    const { text } = await world.ask("POST", at, { hashes: [] }, { authorization });
    expect(text).toContain(CANARY);
  }
  upstream.instead = () => null;
  const theirs = upstream.seen.findLast(({ url }) => url.endsWith("/upsert-hashes"));
  const [, token = ""] = (theirs?.headers["authorization"] ?? "").split(" ");
  world.uploadTokens.push(token);
  world.sentinels.add("Cloudflare's upload token", token);
}

interface Operation {
  readonly parameters?: readonly { readonly name: string; readonly in: string }[];
  readonly requestBody?: object;
}

/** Every operation there is, asked by the owner, by nobody and by a forger, with secrets where something else belongs. */
export async function throughMistakes(world: LeakyWorld): Promise<number> {
  const { json } = await world.ask("GET", "/openapi.json");
  const { paths } = json as { paths: Record<string, Record<string, Operation>> };
  const secret = world.apiToken;
  let asked = 0;
  for (const [path, operations] of Object.entries(paths)) {
    for (const [method, { parameters = [], requestBody }] of Object.entries(operations)) {
      const at = path
        .replace("{project}", PROJECT)
        .replace("{account}", "f".repeat(32))
        .replaceAll(/\{\w+\}/g, secret);
      const wrong = parameters
        .filter((parameter) => parameter.in === "query" && parameter.name !== "wait")
        .map(({ name }) => `${name}=${secret}`);
      const body =
        requestBody === undefined ? undefined : { a: secret, secret, token: secret, url: secret };
      // What would be done is not: the project is to stay.
      const paths = path === BASE.replace(PROJECT, "{project}") ? [] : [at];
      for (const target of [...paths, `${at}?${wrong.join("&")}`].slice(0, 2)) {
        const as = [world.owner, `${world.owner}x`, secret].map((token) => `Bearer ${token}`);
        for (const authorization of method === "delete" ? as.slice(1) : as) {
          await world.ask(method.toUpperCase(), target, body, { authorization });
          asked += 1;
        }
      }
    }
  }
  return asked;
}
