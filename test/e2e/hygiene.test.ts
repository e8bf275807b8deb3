import { createHmac, randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DEFAULT_BRANCH, deliver, pushOf } from "../../scripts/demo/github.ts";
import { send } from "../../scripts/demo/http.ts";
import { freePort } from "../../scripts/lib/port.ts";
import { startWorker } from "../../scripts/lib/workerd.ts";
import { BASE, CANARY, LeakyWorld, PROJECT } from "./support/leaky.ts";
import type { Browser } from "./support/browser.ts";
import { rowsOf, storedBytes } from "./support/objects.ts";
import { PAGES, throughGateway, throughMistakes, throughPages } from "./support/rounds.ts";
import { newCommit } from "./support/world.ts";

/**
 * One run through everything, with both other sides doing their worst: Cloudflare and the receivers answer with the
 * secrets they know. Then everything that came out, and everything that was stored, is searched for them.
 */

let world: LeakyWorld;
let browser: Browser;
let mistakesMade: number;

beforeAll(async () => {
  world = await LeakyWorld.start();
  const hooks = await makeHooks();
  await world.subscribe(200);
  await world.subscribe(500);
  await makeTokens();
  for (const hook of hooks) {
    await deliveries(hook);
  }
  await world.told(1);
  await cloudflareGossips();
  await readAll();
  await world.subscribeOthers();
  await stream();
  browser = await throughPages(world);
  await mistakes();
  mistakesMade = await throughMistakes(world);
  await misconfigured();
  expect(await world.worker.cron()).toBe("ok");
});
afterAll(async () => {
  await world.stop();
});

interface Hook {
  readonly url: string;
  readonly secret: string;
}

/** One with a secret made here, one with a secret given and then rotated. */
async function makeHooks(): Promise<Hook[]> {
  const { sentinels } = world;
  const path = `${BASE}/hooks`;
  const chosen = `chosen-by-hand-${randomBytes(16).toString("hex")}`;
  const hooks: Hook[] = [];
  let last = "";
  for (const body of [{ source: "github" }, { source: "github", secret: chosen }]) {
    const made = await world.make("POST", path, body, ["url", "secret", "paste"]);
    const { id = "", url = "", secret = "" } = made;
    world.shown(`the secret of ${id}`, secret);
    sentinels.add(`the URL of ${id}`, url.slice(url.lastIndexOf(".") + 1));
    world.gossip += `${url}\n`;
    hooks.push({ url, secret });
    last = id;
  }
  const shown = ["url", "secret"];
  const rotated = await world.make("PATCH", `${path}/${last}`, { rotate_secret: true }, shown);
  world.shown("the rotated secret", rotated["secret"] ?? "");
  const given = `given-by-its-sender-${randomBytes(16).toString("hex")}`;
  sentinels.add("the given secret", given);
  await world.ask("PATCH", `${path}/${last}`, { secret: given });
  await world.ask("GET", `${path}/${last}`);
  await explainHook();
  return hooks;
}

/** A sample that has the secret itself, and a hook that was handed its secret by the sender. */
async function explainHook(): Promise<void> {
  const path = `${BASE}/hooks`;
  const shown = ["url", "secret", "paste"];
  const { id, secret = "" } = await world.make("POST", path, { source: "bearer" }, shown);
  world.shown("the bearer secret", secret);
  for (const authorization of [`Bearer ${secret}`, `Bearer ${secret}x`, `Basic ${secret}`]) {
    await world.ask("POST", `${path}/${id}/explain`, { headers: { authorization } });
  }
  const notion = await world.make("POST", path, { source: "notion" }, shown);
  const token = `handed-over-${randomBytes(16).toString("hex")}`;
  world.shown("the secret that was handed over", token);
  const body = JSON.stringify({ verification_token: token });
  const signature = `sha256=${createHmac("sha256", token).update(body).digest("hex")}`;
  const headers = { "content-type": "application/json", "x-notion-signature": signature };
  const greeted = await fetch(notion["url"] ?? "", { method: "POST", headers, body });
  expect(greeted.status).toBe(200);
  world.answers.push(await greeted.text());
  await world.ask("GET", `${path}/${notion["id"]}`);
  // Who made the hook may see it, once.
  await world.make("POST", `${path}/${notion["id"]}/secret`, {}, ["secret"]);
  expect((await world.ask("POST", `${path}/${notion["id"]}/secret`, {})).status).toBe(409);
}

/** One of the project, one of the instance, each also used wrongly. */
async function makeTokens(): Promise<void> {
  for (const path of [`${BASE}/tokens`, "/v1/tokens"]) {
    const { id, token = "" } = await world.make("POST", path, { scopes: ["manage"] }, ["token"]);
    world.shown(`the token ${id}`, token);
    world.gossip += `${token}\nAuthorization: Bearer ${token}\n`;
    const authorization = `Bearer ${token}`;
    await world.ask("GET", BASE, undefined, { authorization });
    await world.ask("GET", BASE, undefined, { authorization: `${authorization}x` });
    await world.ask("GET", `${BASE}?token=${token}`, undefined, { authorization: "" });
    await world.ask("GET", `/v1/${token}`, undefined, { authorization });
  }
}

async function deliveries(hook: Hook): Promise<void> {
  const push = pushOf(DEFAULT_BRANCH, newCommit(), `${CANARY} pushed`);
  world.note(await deliver(hook, push));
  world.note(await deliver({ ...hook, secret: "wrong" }, push));
  world.note(await deliver(hook, "not json"));
  world.note(await deliver(hook, "{}", { event: "ping" }));
  world.note(await send(hook.url));
  world.note(await send(`${hook.url}x`, { method: "POST", body: push }));
}

/** Cloudflare's error messages, error pages and logs hold our credential. */
async function cloudflareGossips(): Promise<void> {
  const { upstream, apiToken } = world;
  for (const refusal of [
    { status: 400, code: 8000009 },
    { status: 403, code: 10000 },
  ]) {
    upstream.instead = ({ method, url }) =>
      method === "POST" && url.endsWith("/deployments") ? refused(refusal) : null;
    const { json } = await world.ask("POST", `${BASE}/deploys?wait=30`, { branch: "refused" });
    expect(json).toMatchObject({ deploy: { status: "failed" } });
    expect(JSON.stringify(json)).toContain(CANARY);
  }
  upstream.instead = () => null;
  const made = await world.ask("POST", `${BASE}/deploys?wait=30`, { commit_message: CANARY });
  const { deploy } = made.json as { deploy: { id: string; deployment: { id: string } } };
  const line = `${CANARY}: CLOUDFLARE_API_TOKEN=${apiToken}`;
  const result = { total: 1, data: [{ ts: new Date().toISOString(), line }] };
  upstream.instead = () => Response.json({ success: true, errors: [], messages: [], result });
  const logs = await world.ask("GET", `${BASE}/deploys/${deploy.id}/logs`);
  expect(logs.text).toContain(CANARY);

  for (const answer of [
    () => new Response(`<h1>502</h1> ${world.gossip}`, { status: 502 }),
    () => refused({ status: 400, code: 8000009 }),
  ]) {
    upstream.instead = answer;
    await world.ask("GET", `${BASE}/deploys/${deploy.id}/logs`);
    await world.ask("PUT", BASE, {});
  }
  upstream.instead = () => null;
  await throughGateway(world, deploy.deployment.id);
}

function refused({ status, code }: { status: number; code: number }): Response {
  const message = `${CANARY}: "Authorization: Bearer ${world.apiToken}" is not welcome`;
  const body = { success: false, errors: [{ code, message }], messages: [], result: null };
  return Response.json(body, { status });
}

async function readAll(): Promise<void> {
  const instance = ["projects", "tokens", "keyring", "budget", "accounts", "builds", "access"];
  const project = ["", "/events?limit=500", "/schedules", "/tokens", "/numbers", "/policy"].map(
    (path) => BASE + path,
  );
  const open = [
    "/openapi.json",
    "/healthz",
    "/version",
    "/events.schema.json",
    "/docs",
    "/metrics",
  ];
  for (const path of [...instance.map((name) => `/v1/${name}`), ...project, ...open]) {
    expect((await world.ask("GET", path)).status).toBe(200);
  }
  for (const path of [`${BASE}/deploys`, `${BASE}/hooks`, `${BASE}/subscribers`]) {
    const { items } = (await world.ask("GET", path)).json as { items: { id: string }[] };
    expect(items).not.toEqual([]);
    for (const { id } of items) {
      await world.ask("GET", `${path}/${id}`);
      if (path.endsWith("/subscribers")) {
        await world.ask("POST", `${path}/${id}/test`);
        const { text } = await world.ask("GET", `${path}/${id}/deliveries?limit=100`);
        expect(text).toContain(CANARY);
      }
    }
  }
}

/** The events as a stream, and the badge, for whoever has its address. */
async function stream(): Promise<void> {
  const { items } = (await world.ask("GET", `${BASE}/deploys`)).json as { items: { id: string }[] };
  const path = `${BASE}/events?deploy=${items[0]?.id}`;
  const { text } = await world.ask("GET", path, undefined, { accept: "text/event-stream" });
  expect(text).toContain(CANARY);
  expect(text).toContain("event: end");
  const { url } = (await world.ask("POST", `${BASE}/badge`)).json as { url: string };
  expect(world.note(world.hear(await send(url))).status).toBe(200);
}

async function mistakes(): Promise<void> {
  const { apiToken } = world;
  await world.ask("POST", `${BASE}/hooks`, { source: "github", secret: ` ${apiToken}` });
  await world.ask("POST", `${BASE}/subscribers`, { url: `https://user:${apiToken}@example.com/` });
  await world.ask("GET", BASE, undefined, { authorization: `Basic ${btoa(`x:${apiToken}`)}` });
  await world.ask("PATCH", "/nowhere");
}

/** Settings that are wrong are named, and not shown. */
async function misconfigured(): Promise<void> {
  const secret = `pasted-wrongly-${randomBytes(16).toString("hex")}`;
  world.sentinels.add("the wrong setting", secret);
  const worker = await startWorker({
    port: await freePort(),
    stateDir: join(world.dir, "misconfigured"),
    vars: {
      SIGNALBOX_KEYS: `${secret}:${secret}`,
      CLOUDFLARE_API_TOKEN: world.apiToken,
      CLOUDFLARE_ACCOUNT_ID: `${secret} `,
      CLOUDFLARE_API_BASE_URL: secret,
    },
  });
  const reply = world.note(await send(`${worker.url}/v1/projects`));
  expect(reply).toMatchObject({ status: 503, json: { code: "not_configured" } });
  await worker.stop();
}

describe("no secret is", () => {
  test("in any answer", () => {
    expect(mistakesMade).toBeGreaterThan(300);
    expect(world.answers.length).toBeGreaterThan(500);
    const text = world.answers.join("\n");
    expect(text.includes(CANARY)).toBe(true);
    expect(world.sentinels.in(text)).toEqual([]);
  });

  test("in more answers than the one that is to show it", () => {
    const times = world.timesShown();
    expect(Object.keys(times).length).toBeGreaterThan(10);
    expect(Object.entries(times).filter(([, count]) => count !== 1)).toEqual([]);
  });

  test("on any page, and every page was read", () => {
    expect([...browser.kinds].toSorted()).toEqual(PAGES);
  });

  test("in what subscribers are told", () => {
    const heard = world.receivers.flatMap((receiver) => receiver.heard);
    const text = heard
      .map(({ headers: { "x-own": own, ...headers }, body }) => {
        expect(own).toMatch(/^Token own-header-/);
        return `${JSON.stringify(headers)}\n${body}`;
      })
      .join("\n");
    expect(text.includes(CANARY)).toBe(true);
    expect(world.sentinels.in(text)).toEqual([]);
  });

  test("in what is kept of their answers, though these are full of them", () => {
    const query = "SELECT excerpt FROM deliveries WHERE excerpt <> ''";
    const excerpts = rowsOf(world.dir, PROJECT, query).map(({ excerpt }) => String(excerpt));
    expect(excerpts.length).toBeGreaterThan(10);
    expect(excerpts.filter((text) => !text.includes("[redacted]"))).toEqual([]);
    expect(world.sentinels.in(excerpts.join("\n"))).toEqual([]);
  });

  test("sent to Cloudflare, but the credential where it belongs", () => {
    const text = world.upstream.seen.map(({ headers, method, url, body }) => {
      const { authorization = "", ...others } = headers;
      const isUpload = url.includes("/pages/assets/");
      const whose = isUpload ? world.uploadTokens : [world.apiToken, world.furtherToken];
      expect([url, whose.includes(authorization.replace("Bearer ", ""))]).toEqual([url, true]);
      return JSON.stringify([others, method, url, body]);
    });
    expect(text.join("\n").includes(CANARY)).toBe(true);
    expect(world.sentinels.in(text.join("\n"))).toEqual([]);
  });

  test("in a log", async () => {
    const [log = "", other = ""] = await Promise.all(
      ["signalbox", "misconfigured"].map((name) =>
        readFile(join(world.dir, name, "workerd.log"), "utf8"),
      ),
    );
    expect(log).toContain("the watchdog went round");
    expect(world.sentinels.in(log + other)).toEqual([]);
  });

  test("stored in the clear, not even in what was deleted", async () => {
    await world.worker.kill();
    const bytes = storedBytes(world.dir);
    expect(bytes.includes(CANARY)).toBe(true);
    expect(world.sentinels.inBytes(bytes)).toEqual([]);
  });
});
