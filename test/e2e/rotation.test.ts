import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createSandbox } from "../../sandbox/app.ts";
import type { Sandbox } from "../../sandbox/types.ts";
import { DEFAULT_BRANCH, deliver, pushOf, REPOSITORY } from "../../scripts/demo/github.ts";
import { send } from "../../scripts/demo/http.ts";
import { Receiver } from "../../scripts/demo/receiver.ts";
import { Signalbox } from "../../scripts/demo/signalbox.ts";
import { until } from "../../scripts/demo/wait.ts";
import { freePort } from "../../scripts/lib/port.ts";
import { run } from "../../scripts/lib/run.ts";
import { startWorker } from "../../scripts/lib/workerd.ts";
import type { WorkerProcess } from "../../scripts/lib/workerd.ts";
import type { Accepted } from "../../src/project/shapes.ts";
import { mintBootstrapToken } from "../../src/security/bootstrap.ts";
import { parseKeyring } from "../../src/security/keyring.ts";
import { cloudflare } from "./support/cloudflare.ts";
import { ends, newCommit } from "./support/world.ts";
import type { Hook } from "./support/world.ts";

/** A key is rotated step by step as `npm run keys -- --rotate` says, and after each of them everything is used. */

const account = (letter: string): Sandbox =>
  createSandbox({
    accountId: letter.repeat(32),
    token: `token-of-${letter}`,
    speed: { factor: 0.1 },
  });
const [ours, theirs] = [account("a"), account("b")];
const SHOP = "/v1/projects/shop";
const OTHERS_SHOP = `/v1/projects/${theirs.accountId}:shop`;

let dir: string;
let api: Awaited<ReturnType<typeof cloudflare>>;
let port: number;
let worker: WorkerProcess;
let receiver: Receiver;
/** The receiver's id. */
let subscriber: string;
let signalbox: Signalbox;
/** As `npm run keys -- --rotate` printed them. */
let before: Key;
let after: Key;

interface Key {
  readonly secret: string;
  readonly id: string;
  readonly steps: string;
}

async function newKey(): Promise<Key> {
  const { code, output } = await run([process.execPath, "scripts/keys.ts", "--rotate"]);
  expect(code).toBe(0);
  return {
    secret: /^[\w-]{43}$/m.exec(output)?.[0] ?? "",
    id: /^Its id: (\w{6})$/m.exec(output)?.[1] ?? "",
    steps: output,
  };
}

/** Starts Signalbox with these keys, with what was stored before; whoever can set them has a token of the first. */
async function restart(keys: string): Promise<void> {
  await worker?.stop();
  worker = await startWorker({
    port,
    stateDir: join(dir, "signalbox"),
    vars: {
      SIGNALBOX_KEYS: keys,
      CLOUDFLARE_ACCOUNT_ID: ours.accountId,
      CLOUDFLARE_API_TOKEN: ours.token,
      CLOUDFLARE_API_BASE_URL: api.url,
      PUBLIC_URL: `http://127.0.0.1:${port}`,
      SIGNALBOX_LOCAL: "1",
    },
  });
  const keyring = await parseKeyring(keys);
  if (!keyring.ok) {
    throw new Error(keyring.error.message);
  }
  const grant = { scopes: ["manage"], expiresAt: Date.now() + 3_600_000 } as const;
  signalbox = new Signalbox(worker.url, (await mintBootstrapToken(keyring.value, grant)).token);
}

interface Counts {
  readonly hook_secrets: number;
  readonly subscriber_secrets: number;
  readonly credentials: number;
  readonly hook_urls: number;
  readonly badges: number;
  readonly tokens: number;
}

const NONE: Counts = {
  hook_secrets: 0,
  subscriber_secrets: 0,
  credentials: 0,
  hook_urls: 0,
  badges: 0,
  tokens: 0,
};

/** Whether somebody may be signed in by a key. */
const SOMEBODY = { sessions_until: expect.stringMatching(/Z$/) as string };
const NOBODY = { sessions_until: null };

/** What the keyring's report says of a key. */
async function report({ id }: Key): Promise<unknown> {
  const { keys, complete } = await signalbox.ask<{ keys: { id: string }[]; complete: boolean }>(
    "GET",
    "/v1/keyring",
  );
  expect(complete).toBe(true);
  return keys.find((key) => key.id === id);
}

const rests = (on: Key, counts: Counts, more: object): object => ({
  id: on.id,
  ...counts,
  ...more,
});

// — What rests on keys —

const newHook = (): Promise<Hook> =>
  signalbox.ask<Hook>("POST", `${SHOP}/hooks`, { source: "github" });

interface Token {
  readonly id: string;
  readonly token: string;
}

const newToken = (path: string): Promise<Token> =>
  signalbox.ask<Token>("POST", `${path}/tokens`, { scopes: ["read"] });

/** The status of a push by GitHub; one that is taken is told of at its end, signed. */
async function pushed(hook: Hook): Promise<number> {
  const body = pushOf(DEFAULT_BRANCH, newCommit(), "Change");
  const reply = await deliver(hook, body);
  if (reply.status === 202) {
    const [result] = (reply.json as { results: { deploy_id: string }[] }).results;
    await told(result?.deploy_id ?? "");
  }
  return reply.status;
}

async function told(id: string): Promise<void> {
  const end = await until("the end of a deploy to be told", () =>
    ends(receiver.events()).find((deploy) => deploy.id === id),
  );
  expect(end.status).toBe("succeeded");
}

/** How a deploy of the project in the other account ends. */
async function builtElsewhere(): Promise<unknown> {
  const { deploy } = await signalbox.ask<Accepted>("POST", `${OTHERS_SHOP}/deploys`, {});
  const { status, reason_code: code } = await signalbox.ended(
    `${theirs.accountId}:shop`,
    deploy?.id ?? "",
  );
  return status === "succeeded" ? status : code;
}

async function read(path: string, { token }: Token): Promise<number> {
  return (await send(worker.url + path, { headers: { authorization: `Bearer ${token}` } })).status;
}

const badge = async (): Promise<string> =>
  (await signalbox.ask<{ url: string }>("GET", `${SHOP}/badge`)).url;

const newBadge = async (): Promise<string> =>
  (await signalbox.ask<{ url: string }>("PATCH", `${SHOP}/badge`, { renew_url: true })).url;

const statusOf = async (url: string): Promise<number> => (await send(url)).status;

interface Answer {
  readonly headers: Headers;
}

const cookieOf = ({ headers }: Answer): string =>
  (headers.get("set-cookie") ?? "").split(";")[0] ?? "";

/** The cookie of somebody who has signed in. */
async function signedIn({ token }: Token): Promise<string> {
  const reply = await send(`${worker.url}/sign-in`, {
    method: "POST",
    headers: { origin: worker.url, "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams({ token }).toString(),
  });
  expect(reply.status).toBe(303);
  return cookieOf(reply);
}

const look = (cookie: string): ReturnType<typeof send> =>
  send(`${worker.url}/settings`, { headers: { cookie } });

const page = async (cookie: string): Promise<number> => (await look(cookie)).status;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "signalbox-rotation-"));
  api = await cloudflare([ours, theirs]);
  port = await freePort();
  receiver = await Receiver.start();
  [before, after] = [await newKey(), await newKey()];
  await restart(before.secret);
  const source = { name: "shop", source: REPOSITORY, production_branch: DEFAULT_BRANCH };
  [ours, theirs].forEach((each) => each.addProject(source));
  await signalbox.ask("PUT", `/v1/accounts/${theirs.accountId}`, { api_token: theirs.token });
  await signalbox.ask("PUT", SHOP, { native_builds: "off" });
  await signalbox.ask("PUT", OTHERS_SHOP, { native_builds: "off" });
  const told = { url: receiver.url, events: ["*"], kind: "webhook" };
  const { id, secret } = await signalbox.ask<Hook>("POST", `${SHOP}/subscribers`, told);
  subscriber = id;
  receiver.trust(secret);
  await signalbox.ask("POST", `${SHOP}/badge`);
});
afterAll(async () => {
  await worker?.stop();
  receiver?.close();
  api?.close();
  await rm(dir, { recursive: true, force: true, maxRetries: 3 });
});

test(
  "a key is rotated by its runbook, and removing it early breaks what the keyring said",
  { timeout: 180_000 },
  async () => {
    const [early, late] = [await newHook(), await newHook()];
    const [own, instances] = [await newToken(SHOP), await newToken("/v1")];
    const oldBadge = await badge();
    const [active, idle] = [await signedIn(instances), await signedIn(instances)];
    const everything = {
      ...NONE,
      hook_secrets: 2,
      subscriber_secrets: 1,
      credentials: 1,
      hook_urls: 2,
      badges: 1,
      tokens: 2,
    };
    const current = { current: true, ...SOMEBODY };
    expect(await report(before)).toMatchObject(rests(before, everything, current));
    expect(await pushed(early)).toBe(202);
    expect(await builtElsewhere()).toBe("succeeded");

    // Far too early: nothing has been done yet.
    await restart(after.secret);
    expect(await worker.cron()).toBe("ok");
    const gone = { in_keyring: false, safe_to_remove: false, ...NOBODY };
    expect(await report(before)).toMatchObject(rests(before, everything, gone));
    expect([await pushed(early), await pushed(late)]).toEqual([404, 404]);
    expect([await read(SHOP, own), await read("/v1/projects", instances)]).toEqual([401, 401]);
    expect(await builtElsewhere()).toBe("upstream_auth");
    expect([await statusOf(oldBadge), await page(active), await page(idle)]).toEqual([
      404, 401, 401,
    ]);
    // What rests on no key goes on; what can't be signed is not sent, and tried again.
    const heard = receiver.heard.length;
    const { deploy } = await signalbox.ask<Accepted>("POST", `${SHOP}/deploys`, {});
    expect((await signalbox.ended("shop", deploy?.id ?? "")).status).toBe("succeeded");
    expect(receiver.heard).toHaveLength(heard);

    // 1. Both keys, the new one first.
    expect(after.steps).toContain('1. Set SIGNALBOX_KEYS to "<new key>,<old key>".');
    await restart(`${after.secret},${before.secret}`);
    const back = { in_keyring: true, safe_to_remove: false, ...SOMEBODY };
    expect(await report(before)).toMatchObject(rests(before, everything, back));
    expect(await report(after)).toMatchObject(rests(after, NONE, NOBODY));
    // After so many failures it is tried only now and then, unless a person asks.
    const since = new Date(Date.now() - 3_600_000).toISOString();
    await signalbox.ask("POST", `${SHOP}/subscribers/${subscriber}/recover`, { since });
    await told(deploy?.id ?? "");
    expect([await pushed(early), await pushed(late)]).toEqual([202, 202]);
    expect([await read(SHOP, own), await read("/v1/projects", instances)]).toEqual([200, 200]);
    expect([await statusOf(oldBadge), await badge()]).toEqual([200, oldBadge]);
    // Who looks at a page has moved to the new key.
    const looked = await look(active);
    const moved = cookieOf(looked);
    expect([looked.status, await page(moved)]).toEqual([200, 200]);
    expect(await report(after)).toMatchObject(rests(after, NONE, SOMEBODY));

    // 2. What is sealed is sealed anew by itself.
    expect(after.steps).toContain("2. Stored secrets re-seal themselves.");
    expect(await worker.cron()).toBe("ok");
    const links = { ...NONE, hook_urls: 2, badges: 1, tokens: 2 };
    const seals = { ...NONE, hook_secrets: 2, subscriber_secrets: 1, credentials: 1 };
    expect(await report(before)).toMatchObject(rests(before, links, back));
    expect(await report(after)).toMatchObject(rests(after, seals, current));

    // 3. The old one opens nothing any more; old URLs and tokens go on working. Who has not looked at a page signs in again.
    expect(after.steps).toContain(
      '3. Nothing sealed left on the old key? Mark it "<old key>:tags-only"',
    );
    await restart(`${after.secret},${before.secret}:tags-only`);
    const closed = { ...back, ...NOBODY };
    expect(await report(before)).toMatchObject(rests(before, links, closed));
    expect([await pushed(early), await pushed(late)]).toEqual([202, 202]);
    expect([await read(SHOP, own), await read("/v1/projects", instances)]).toEqual([200, 200]);
    expect(await builtElsewhere()).toBe("succeeded");
    expect([await statusOf(oldBadge), await page(idle), await page(moved)]).toEqual([
      200, 401, 200,
    ]);

    // 4. New URLs and tokens; at first not all of them.
    expect(after.steps).toContain(
      "4. Issue the old hook URLs, addresses of badges and tokens again.",
    );
    const reissued = async (hook: Hook): Promise<Hook> => ({
      ...hook,
      ...(await signalbox.ask<Hook>("PATCH", `${SHOP}/hooks/${hook.id}`, { rotate_secret: true })),
    });
    const newEarly = await reissued(early);
    const newOwn = await newToken(SHOP);
    await signalbox.ask("DELETE", `${SHOP}/tokens/${own.id}`);
    const half = { ...NONE, hook_urls: 1, badges: 1, tokens: 1 };
    expect(await report(before)).toMatchObject(rests(before, half, closed));

    // Too early still: what is left of it breaks, and nothing else does.
    await restart(after.secret);
    expect(await report(before)).toMatchObject(rests(before, half, gone));
    expect([await pushed(newEarly), await pushed(late)]).toEqual([202, 404]);
    expect([await read(SHOP, newOwn), await read("/v1/projects", instances)]).toEqual([200, 401]);
    expect(await builtElsewhere()).toBe("succeeded");
    expect([await statusOf(oldBadge), await page(moved)]).toEqual([404, 200]);

    // It can be put back; then the rest, and it is safe to remove.
    await restart(`${after.secret},${before.secret}:tags-only`);
    expect([await pushed(late), await read("/v1/projects", instances)]).toEqual([202, 200]);
    expect(await statusOf(oldBadge)).toBe(200);
    const newLate = await reissued(late);
    const newInstances = await newToken("/v1");
    await signalbox.ask("DELETE", `/v1/tokens/${instances.id}`);
    const renewedBadge = await newBadge();
    expect([await statusOf(oldBadge), await statusOf(renewedBadge)]).toEqual([200, 200]);
    const free = { safe_to_remove: true, ...NOBODY };
    expect(await report(before)).toMatchObject(rests(before, NONE, free));
    await restart(after.secret);
    expect(await report(before)).toBeUndefined();
    expect([await pushed(newEarly), await pushed(newLate)]).toEqual([202, 202]);
    expect([await read(SHOP, newOwn), await read("/v1/projects", newInstances)]).toEqual([
      200, 200,
    ]);
    expect(await builtElsewhere()).toBe("succeeded");
    expect([await statusOf(renewedBadge), await page(await signedIn(newInstances))]).toEqual([
      200, 200,
    ]);
    expect(receiver.refused).toEqual([]);
  },
);
