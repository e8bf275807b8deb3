import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { instanceOf } from "../../../src/objects.ts";
import { Edge, leave } from "../api/edge.ts";
import { World } from "../support/world.ts";
import { Visit, words, type Page } from "./visit.ts";

/** The configured account, and another one with a project in it. */
let edge: Edge;
let other: World;
let visit: Visit;
let accounts = 0;
beforeEach(async () => {
  edge = await Edge.create();
  accounts += 1;
  other = new World(`other-${accounts}`, {
    accountId: `00face${String(accounts).padStart(26, "0")}`,
    token: `their-token-${accounts}`,
  });
  other.accounts.set(edge.world.sandbox.accountId, edge.world.sandbox);
  await other.addPagesProject("git");
  visit = new Visit();
  await visit.signIn(edge.token);
  await edge.send("PATCH", "/v1/builds", { json: { max_builds: null } });
});
/** The instance is the same in all tests, those of other files too. */
afterEach(async () => {
  await edge.send("DELETE", `/v1/projects/${id()}:${other.name}`);
  await edge.send("DELETE", `/v1/accounts/${id()}`);
  await edge.send("PATCH", "/v1/builds", { json: { max_builds: null } });
  leave();
});

const id = (): string => other.sandbox.accountId;
const add = (fields: Record<string, string> = {}): Promise<Page> =>
  visit.post("/accounts", { account: id(), api_token: other.sandbox.token, ...fields });
const said = async (path = "/accounts"): Promise<string> => words((await visit.get(path)).text);

describe("accounts", () => {
  it("are added by form, with whose they are and what is theirs", async () => {
    expect(await said()).toContain("One instance looks after any number of accounts");
    const made = await add({ owner: "agency", description: "The agency" });
    expect([made.status, made.headers.get("location")]).toEqual([303, "/accounts"]);
    const page = await said();
    expect(page).toContain(`The account ${id()} is added.`);
    expect(page).toMatch(/The agency\s*API token of agency since .+?, no projects registered/);
    expect(page).toContain(`${edge.config.accountId} Configured, API token`);
    expect(page).toContain("The configured user");
    expect(page).toMatch(/agency\s*Room for \d+ of 20 calls at once\./);
  });

  it("that Cloudflare does not let in are refused in place, and secrets are to be written again", async () => {
    const fields = { owner: "agency", description: "<i>Ours", email: "a@example.com" };
    const secrets = { api_token: "", api_key: "not-theirs-at-all" };
    const refused = await add({ ...fields, ...secrets });
    expect(refused.status).toBe(422);
    expect(words(refused.text)).toContain("Cloudflare did not let this credential list");
    for (const value of [id(), "agency", "&lt;i&gt;Ours", "a@example.com"]) {
      expect(refused.text).toContain(`value="${value}"`);
    }
    expect(refused.text).toContain('<details class="more-form" open="">');
    const neither = await add({ api_token: "" });
    expect([neither.status, neither.text.includes("Give either api_token")]).toEqual([422, true]);
    const strange = await add({ account: "no account/../x", api_token: "their-secret" });
    expect(words(strange.text)).toMatch(/This is not what an account.+?s id looks like\./);
    const own = await add({ account: edge.config.accountId, api_token: "their-secret" });
    expect(words(own.text)).toContain("This is the configured account.");
    expect(refused.text + strange.text + own.text).not.toMatch(/not-theirs-at-all|their-secret/);
    expect((await edge.send("GET", "/v1/accounts")).body.items).toHaveLength(1);
  });

  it("get another credential, and keep the one before where that is refused", async () => {
    await add({ description: "The agency" });
    const path = `/accounts/${id()}`;
    expect((await visit.get(path)).text).toContain('value="The agency"');
    const wrong = await visit.post(path, { api_token: "no-good-one", description: "Renamed" });
    expect([wrong.status, wrong.text.includes('value="Renamed"')]).toEqual([422, true]);
    expect(wrong.text).not.toContain("no-good-one");
    edge.world.pass(1_000);
    const done = await visit.post(path, { api_token: other.sandbox.token });
    expect(done.headers.get("location")).toBe("/accounts");
    expect(await said()).toContain(`The credential of ${id()} is replaced.`);
    for (const none of ["/accounts/nobodys", `/accounts/${edge.config.accountId}`]) {
      expect((await visit.get(none)).status).toBe(404);
    }
  });

  it("have their projects registered, and are forgotten after those", async () => {
    await add();
    const register = await visit.get(`/register?account=${id()}`);
    expect(register.text).toContain(`name="account" value="${id()}"`);
    expect(register.text).toMatch(new RegExp(`account=${id()}" aria-current="true"`));
    expect(words(register.text)).toContain("The configured one");
    const project = `${id()}:${other.name}`;
    const got = await visit.post("/register", { account: id(), project: other.name });
    expect(got.headers.get("location")).toBe(`/projects/${project}`);
    expect(await said(`/projects/${project}`)).toContain(`${project} is registered.`);
    expect(await said()).toContain("1 project registered");
    const remove = `/accounts/${id()}/remove`;
    expect(await said(remove)).toContain("1 is registered. As long as one is, the account stays.");
    await visit.post(remove);
    expect(await said()).toContain("Not forgotten: 1 of its projects is registered.");
    await edge.send("DELETE", `/v1/projects/${project}`);
    expect(await said(remove)).toContain("there it is good until you revoke it");
    await visit.post(remove);
    expect(await said()).toContain("The account and its credential are forgotten.");
    expect((await edge.send("GET", "/v1/accounts")).body.items).toHaveLength(1);
    const back = await visit.post("/register", { account: id(), project: other.name });
    expect(back.headers.get("location")).toBe(`/register?account=${id()}`);
    expect(await said(`/register?account=${id()}`)).toMatch(/They can.+?t be listed: /);
  });
});

describe("Cloudflare's limit", () => {
  it("is there for every owner, and says until when nobody calls", async () => {
    await add({ owner: "blocked" });
    other.sandbox.fault({ call: "projects", kind: "rate_limited", retry_after: 300 });
    await visit.get(`/register?account=${id()}`);
    const page = await visit.get("/accounts");
    expect(words(page.text)).toMatch(/blocked\s*No calls until .+?: Cloudflare answered 429\./);
    expect(page.text).toContain('width="0.00%"');
    edge.world.pass(600_000);
    expect(await said()).toMatch(/blocked\s*Room for 20 of 20 calls at once\./);
    const left = { calls: 7, until: edge.world.now() + 60_000 };
    await instanceOf(env).announced(id(), left);
    expect(await said()).toMatch(/at once\. Cloudflare leaves 7 to everybody until \d/);
  });

  it("of builds is set by form, is counted, and is refused in place", async () => {
    expect(await said()).toContain("As many as Cloudflare lets.");
    await visit.post("/builds", { max_builds: "2" });
    await edge.world.push();
    await edge.world.run(30_000, async () => edge.world.created().length === 1);
    const page = await said();
    expect(page).toContain("At most 2 builds run at once in an account.");
    expect(page).toContain("At most 2 in each account. 1 has a place, 0 wait for one.");
    expect(page).toMatch(new RegExp(`${edge.world.name}\\s*has a place since`));
    for (const max of ["0", "many"]) {
      const wrong = await visit.post("/builds", { max_builds: max });
      expect([max, wrong.status]).toEqual([max, 422]);
      expect(wrong.text).toContain(`value="${max}"`);
    }
    expect((await edge.send("GET", "/v1/builds")).body.max_builds).toBe(2);
    await visit.post("/builds", { max_builds: "" });
    expect((await edge.send("GET", "/v1/builds")).body.max_builds).toBeNull();
  });
});

it("who only reads sees accounts and limits, and has no forms there", async () => {
  await add();
  const reader = new Visit();
  await reader.signIn((await edge.instanceToken("read")).token);
  const page = await reader.get("/accounts");
  expect([page.status, page.text.includes("<form"), page.text.includes(id())]).toEqual([
    200,
    false,
    true,
  ]);
  await reader.post("/builds", { max_builds: "1" });
  await reader.post(`/accounts/${id()}/remove`);
  expect((await edge.send("GET", "/v1/builds")).body.max_builds).toBeNull();
  expect((await edge.send("GET", `/v1/accounts/${id()}`)).status).toBe(200);
});
