import type { Browser, Locator, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { until } from "../../scripts/demo/wait.ts";
import { World, type GitProject } from "../e2e/support/world.ts";
import { launch } from "./support/browser.ts";
import { asked, isMarked, mark } from "./support/visitor.ts";

/** Pages that nobody loads again: a real browser, the bundle on workerd, the sandbox. */

let world: World;
let browser: Browser;
let shop: GitProject;

beforeAll(async () => {
  [world, browser] = await Promise.all([World.start(), launch()]);
  await quick();
  shop = await world.gitProject("shop");
});
// Pages that stay open go on listening, and would complain of a restart.
afterEach(async () => {
  await Promise.all(browser.contexts().map((context) => context.close()));
});
afterAll(async () => {
  await browser.close();
  await world.stop();
});

/** The project's page, marked so that it would be seen if it was loaded anew. */
const watching = async (project: string, token: string = world.stack.info.token): Promise<Page> => {
  const context = await browser.newContext({ baseURL: world.stack.info.url });
  context.setDefaultTimeout(20_000);
  const page = await context.newPage();
  await page.goto(`/projects/${project}`);
  await page.getByLabel("Token").fill(token);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.locator("h1", { hasText: project }).waitFor();
  await mark(page);
  return page;
};
const shows = async (page: Page, where: string, text: string | RegExp): Promise<void> => {
  await page.locator(where, { hasText: text }).first().waitFor();
};
/** Once the title has this in it; a title is not rendered, so that no locator finds text in it. */
const titled = (page: Page, text: string): Promise<void> =>
  page.evaluate(
    (wanted) =>
      new Promise<void>((resolve) => {
        const look = (): void => {
          if (document.title.includes(wanted)) {
            resolve();
          }
        };
        new MutationObserver(look).observe(document.head, { subtree: true, childList: true });
        look();
      }),
    text,
  );
/** Builds that do not end by themselves, from now on. */
const slow = (): Promise<void> => world.pages.speed({ stages: { build: 600_000 } });
const quick = (): Promise<void> => world.pages.speed({ factor: 0.2 });
/** A push, once it has come so far. */
const underWay = async (project: GitProject, stages: string): Promise<number> => {
  const { deploy_id: id } = await project.push();
  const { signalbox } = world;
  await until(`it to be at ${stages}`, async () => {
    const deploy = await signalbox.deploy(project.name, id ?? "");
    return deploy.stages.some(({ name, status }) => name === stages && status === "active");
  });
  return (await signalbox.deploy(project.name, id ?? "")).number;
};

/** What a push is called in sentences. */
const pushed = async (project: GitProject): Promise<string> => {
  const { deploy_id: id } = await project.push();
  const { commit_hash: hash } = await world.signalbox.deploy(project.name, id ?? "");
  return (hash ?? "").slice(0, 7);
};

const idOf = async (project: string): Promise<string> =>
  (await world.signalbox.deploys(project))[0]?.id ?? "";
const isFocused = (element: Locator): Promise<boolean> =>
  element.evaluate((node) => node === document.activeElement);

describe("open pages", () => {
  test("two viewers see a deploy start, build and go live, and lose nothing they were at", async () => {
    const { deploy_id: earlier } = await shop.push();
    await world.signalbox.ended("shop", earlier ?? "");
    const pages = [await watching("shop"), await watching("shop")];
    const [first, second] = pages;
    await second?.locator("table.history a").first().focus();
    await first?.getByLabel("Commit, message, author").fill("half a wo");
    await world.pages.speed({ factor: 0.2, stages: { build: 20_000 } });
    // Awaited side by side, from before the push: it takes seconds, and what one page shows is over while another is looked at.
    const running = Promise.all([
      ...pages.map((page) =>
        shows(page, "#now", /goes live at|is starting|is building|going live/),
      ),
      first === undefined ? null : titled(first, "▸"),
    ]);
    const commit = await pushed(shop);
    await running;
    await quick();
    for (const page of pages) {
      await shows(page, "#now", `${commit} is live`);
    }
    await second?.locator(".ended", { hasText: "1 ended." }).waitFor();
    expect(await second?.locator("table.history").innerText()).not.toContain(commit);
    await second?.getByRole("button", { name: "Show" }).click();
    for (const page of pages) {
      await shows(page, "table.history", commit);
    }
    expect(await Promise.all(pages.map(isMarked))).toEqual([true, true]);
    expect(await first?.title()).toBe("shop");
    expect(await first?.locator(":focus").inputValue()).toBe("half a wo");
  });

  test("a burst of pushes is there with the reasons of the API", async () => {
    const busy = await world.gitProject("busy");
    await slow();
    const page = await watching("busy");
    await busy.push();
    await until(
      "it to run",
      async () => (await world.signalbox.deploys("busy"))[0]?.status === "running",
    );
    await busy.push();
    await busy.push();
    const [waits, superseded] = await world.signalbox.deploys("busy");
    await quick();
    expect([waits?.status, superseded?.status]).toEqual(["queued", "superseded"]);
    await shows(page, "table.history", superseded?.reason ?? "no reason");
    await shows(page, ".waiting", "Waits for its turn behind #1");
    expect(waits?.reason).toContain("Waits for its turn behind #1");
    expect(await isMarked(page)).toBe(true);
  });

  test("the overview shows a deploy run and go live", async () => {
    const page = await watching("shop");
    await page.goto("/");
    await mark(page);
    const row = page.locator("tr", { has: page.getByRole("rowheader", { name: "shop" }) });
    await slow();
    const number = await underWay(shop, "build");
    await row.getByText(/build/).first().waitFor();
    await row.getByRole("img", { name: new RegExp(`#${number}`) }).waitFor();
    await quick();
    await world.signalbox.ask("POST", `/v1/projects/shop/deploys/${await idOf("shop")}/cancel`);
    const commit = await pushed(shop);
    await row.locator(".c-live", { hasText: commit }).waitFor();
    expect(await isMarked(page)).toBe(true);
  });

  test("a log grows by itself, and stays where its reader is", async () => {
    const page = await watching("shop");
    await world.pages.speed({ stages: { build: 4_000 } });
    const number = await underWay(shop, "build");
    await quick();
    await page.setViewportSize({ width: 900, height: 200 });
    await page.goto(`/projects/shop/deploys/${number}/log`);
    await mark(page);
    await shows(page, ".log", "Executing user command");
    await page.evaluate(() => scrollTo(0, 60));
    await shows(page, ".log", "Success: Your site was deployed!");
    expect([await isMarked(page), await page.evaluate(() => scrollY)]).toEqual([true, 60]);
  });

  test("a log is looked at from time to time while nothing else happens", async () => {
    const page = await watching("shop");
    await slow();
    const number = await underWay(shop, "build");
    await page.clock.install();
    await page.goto(`/projects/shop/deploys/${number}/log`);
    await mark(page);
    // The first may still be due to what happened before.
    for (let n = 0; n < 2; n++) {
      const read = page.waitForResponse(/\/log$/);
      await page.clock.fastForward(11_000);
      await read;
    }
    await quick();
    await world.signalbox.ask("POST", `/v1/projects/shop/deploys/${await idOf("shop")}/cancel`);
  });

  test("a question stays open while its page goes on, says what is so now, and goes with its cause", async () => {
    const asking = await world.gitProject("asking");
    await slow();
    const page = await watching("asking");
    await underWay(asking, "build");
    const running = page.locator(".running").getByRole("link", { name: "Cancel…" });
    const first = await asked(page, running, "Cancel #1?");
    await shows(page, ".question", "Nothing.");
    await asking.push();
    await shows(page, ".question", "1 deploy waits; the next one may start.");
    expect(await isFocused(first)).toBe(true);
    await page.keyboard.press("Escape");
    expect([await first.count(), await isFocused(running)]).toEqual([0, true]);
    // Its control is another one as soon as it runs.
    const waiting = page.locator(".waiting").getByRole("link", { name: "Cancel…" });
    const second = await asked(page, waiting, "Cancel #2?");
    await second.getByRole("button", { name: "Cancel #2" }).focus();
    const [next, current] = await world.signalbox.deploys("asking");
    await world.signalbox.ask("POST", `/v1/projects/asking/deploys/${current?.id}/cancel`);
    await page.locator(".running").getByRole("group", { name: "Cancel #2?" }).waitFor();
    await shows(page, ".question", "It ends here at once.");
    expect(await isFocused(second.getByRole("button", { name: "Cancel #2" }))).toBe(true);
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    expect([await second.count(), await isFocused(running)]).toEqual([0, true]);
    await asked(page, running, "Cancel #2?");
    await world.signalbox.ask("POST", `/v1/projects/asking/deploys/${next?.id}/cancel`);
    await page.locator(".question").waitFor({ state: "detached" });
    await quick();
    expect(await isMarked(page)).toBe(true);
  });

  test("of a token that is revoked can do nothing any more, and leads to signing in", async () => {
    const path = "/v1/projects/shop/tokens";
    const { id, token } = await world.signalbox.ask<{ id: string; token: string }>("POST", path, {
      scopes: ["deploy"],
    });
    const page = await watching("shop", token);
    const deploy = page.getByRole("button", { name: "Deploy now" });
    expect(await deploy.isDisabled()).toBe(false);
    await world.signalbox.ask("DELETE", `${path}/${id}`);
    await shows(page, ".fresh", "You are signed out.");
    expect(await deploy.isDisabled()).toBe(true);
    await page.getByRole("link", { name: "Sign in" }).click();
    await shows(page, "[role=alert]", "This token was revoked.");
  });

  test("go on by themselves when Signalbox was killed and is back", async () => {
    const page = await watching("shop");
    await world.stack.kill();
    await shows(page, ".fresh", /Not updating since [\d:]+, connecting again/);
    await world.stack.restart();
    await shows(page, ".fresh", "Up to date, ");
    const commit = await pushed(shop);
    await shows(page, "#now", `${commit} is live`);
    expect(await isMarked(page)).toBe(true);
  });
});
