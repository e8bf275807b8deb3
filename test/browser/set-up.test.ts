import { sign } from "@octokit/webhooks-methods";
import type { Browser, Page } from "playwright-core";
import { Webhook } from "standardwebhooks";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { deliver, pushOf, REPOSITORY } from "../../scripts/demo/github.ts";
import { send } from "../../scripts/demo/http.ts";
import type { Receiver } from "../../scripts/demo/receiver.ts";
import { DEFAULT_BRANCH, newCommit, World } from "../e2e/support/world.ts";
import { bodyOf } from "../support/fixture.ts";
import { fixtures } from "../support/fixtures.ts";
import { senders } from "../support/senders/index.ts";
import { launch } from "./support/browser.ts";
import {
  asked,
  follow,
  isMarked,
  mark,
  press,
  told,
  visitorOf,
  type Complaints,
} from "./support/visitor.ts";

/** What people set up in the dashboard, and the senders and receivers at its other end. */

let world: World;
let browser: Browser;
const complaints: Complaints = [];

beforeAll(async () => {
  [world, browser] = await Promise.all([World.start(), launch()]);
  await world.pages.speed({ factor: 0.2 });
  await world.gitProject("shop");
});
afterEach(async () => {
  await Promise.all(browser.contexts().map((context) => context.close()));
});
afterAll(async () => {
  await browser.close();
  await world.stop();
});

const visitor = (): Promise<Page> => visitorOf(browser, world, complaints);

/** What is to be pasted at the sender. */
const pasted = (page: Page, label: string): Promise<string> =>
  page.getByLabel(label, { exact: true }).innerText();

/** As far as the page that shows what to paste. */
async function makeHook(page: Page, title: string, repository?: string): Promise<void> {
  await page.goto("/projects/shop/hooks");
  await follow(page, "Add a hook");
  await follow(page, title);
  if (repository !== undefined) {
    await page.getByLabel("Repository, as owner/name").fill(repository);
  }
  await press(page, "Make the hook");
  await mark(page);
}

const arrived = (page: Page, text: string | RegExp): Promise<void> =>
  page.locator("table.hook-deliveries tbody tr", { hasText: text }).first().waitFor();

const focused = (page: Page): Promise<string | undefined> =>
  page.evaluate(() => document.activeElement?.textContent);

describe("a hook", () => {
  test("for GitHub is made in the wizard, and pings and pushes appear by themselves", async () => {
    const page = await visitor();
    await makeHook(page, "GitHub", REPOSITORY);
    const hook = {
      url: await pasted(page, "Payload URL"),
      secret: await pasted(page, "Secret"),
    };
    expect(
      (await deliver(hook, JSON.stringify({ zen: "Keep it." }), { event: "ping" })).status,
    ).toBe(200);
    await page.locator(".steps", { hasText: /Arrived at [\d:]+\. The hook works\./ }).waitFor();
    await arrived(page, "ignored");
    const commit = newCommit();
    const body = pushOf(DEFAULT_BRANCH, commit, "From the wizard's hook");
    const { status } = await send(hook.url, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "x-github-event": "push",
        "x-github-delivery": crypto.randomUUID(),
        "x-hub-signature-256": await sign(hook.secret, body),
      },
      body,
    });
    expect(status).toBe(202);
    await page.getByRole("link", { name: "Its deploy" }).waitFor();
    expect(await pasted(page, "Secret")).toBe(hook.secret);
    expect(await isMarked(page)).toBe(true);
    await follow(page, "Its deploy");
    await page.locator("main", { hasText: commit.slice(0, 7) }).waitFor();
    await page.locator("h2", { hasText: "Succeeded" }).waitFor();
    expect((await world.pages.page("shop.pages.dev")).text).toContain(commit);
  });

  test("for Sanity is fired by Sanity's own signer; read again, its page has no secret", async () => {
    const page = await visitor();
    await makeHook(page, "Sanity");
    const [url, secret] = [await pasted(page, "URL"), await pasted(page, "Secret")];
    const { fixture } =
      fixtures.find(({ folder, name }) => folder === "sanity" && name === "published") ?? {};
    const fire = async (): Promise<number> => {
      const { headers = {} } = fixture ?? {};
      const id = crypto.randomUUID();
      const request = await senders.sanity.sign({
        secret,
        url,
        body: fixture === undefined ? "" : bodyOf(fixture),
        now: Date.now(),
        headers: { ...headers, "idempotency-key": id },
      });
      return (await send(url, { method: "POST", ...request, body: String(request.body) })).status;
    };
    expect(await fire()).toBe(202);
    await page.getByRole("link", { name: "Its deploy" }).waitFor();
    expect(await pasted(page, "Secret")).toBe(secret);
    const own = `/projects/shop/hooks/${/hok_\w+/.exec(url)?.[0]}`;
    for (const address of [`${own}/set-up`, own]) {
      await page.goto(address);
      const later = await page.locator("main").innerText();
      expect(later).not.toContain(secret);
      await mark(page);
      await fire();
      await page
        .getByRole("link", { name: "Its deploy" })
        .nth(address === own ? 2 : 1)
        .waitFor();
      expect(await isMarked(page)).toBe(true);
    }
  });

  test("is deleted after a question, which can be left", async () => {
    const page = await visitor();
    await makeHook(page, "Deploy hook");
    await page.goto(`/projects/shop/hooks/${/hok_\w+/.exec(await pasted(page, "URL"))?.[0]}`);
    const remove = page.getByRole("link", { name: "Delete hook…" });
    const question = await asked(page, remove, "Delete the hook for Deploy hook?");
    await question.getByRole("link", { name: "Keep the hook" }).click();
    expect([await question.count(), await focused(page)]).toEqual([0, "Delete hook…"]);
    await asked(page, remove, "Delete the hook for Deploy hook?");
    await press(page, "Delete hook");
    expect(await told(page)).toBe("The hook is deleted.");
  });
});

describe("a subscriber", () => {
  /** One that hears of its tests alone, and its page. */
  const subscribed = async (page: Page): Promise<{ receiver: Receiver; secret: string }> => {
    const receiver = await world.receiver();
    const made = await world.signalbox.ask<{ id: string; secret: string }>(
      "POST",
      "/v1/projects/shop/subscribers",
      { url: receiver.url, events: ["test.ping"], kind: "webhook" },
    );
    receiver.trust(made.secret);
    await page.goto(`/projects/shop/subscribers/${made.id}`);
    return { receiver, secret: made.secret };
  };
  const row = (page: Page, text: string | RegExp): Promise<void> =>
    page.locator("table.deliveries tbody tr", { hasText: text }).first().waitFor();

  test("gets a new secret, shown once; until the old one is over, both sign", async () => {
    const page = await visitor();
    const { receiver, secret: old } = await subscribed(page);
    const own = page.url();
    await press(page, "Rotate the secret");
    const secret = await pasted(page, "Signing secret");
    expect(secret).not.toBe(old);
    await mark(page);
    await world.signalbox.ask("POST", `/v1${new URL(own).pathname}/test`, { type: "test.ping" });
    await row(page, /delivered\s*test\.ping/);
    expect([await isMarked(page), await pasted(page, "Signing secret")]).toEqual([true, secret]);
    const [heard] = receiver.heard;
    for (const each of [old, secret]) {
      expect(new Webhook(each).verify(heard?.body ?? "", { ...heard?.headers })).toMatchObject({
        type: "test.ping",
      });
    }
    expect(heard?.headers["webhook-signature"]?.split(" ")).toHaveLength(2);
    await page.goto(own);
    expect(await page.locator("main").innerText()).not.toContain(secret);
  });

  test("that fails shows each attempt; what is redelivered arrives, without a reload", async () => {
    const page = await visitor();
    const { receiver } = await subscribed(page);
    receiver.answer = () => ({ status: 503, body: "closed for lunch" });
    await press(page, "Send it");
    await mark(page);
    // The second comes by itself; the third would in five minutes.
    await row(page, /trying again\s*test\.ping\s*2\D*503/);
    await row(page, /closed for lunch/);
    receiver.answer = () => ({ status: 204 });
    await press(page, "Redeliver");
    expect(await told(page)).toBe("It is on its way again.");
    await mark(page);
    await row(page, /delivered\s*test\.ping\s*3\D*204/);
    expect(await isMarked(page)).toBe(true);
    expect(receiver.heard.map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
    expect(new Set(receiver.heard.map(({ event }) => event.id)).size).toBe(1);
  });
});

describe("all of it", () => {
  test("gives a browser nothing to complain about", () => {
    expect(complaints).toEqual([]);
  });
});
