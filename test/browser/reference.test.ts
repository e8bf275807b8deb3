import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { World } from "../e2e/support/world.ts";
import { launch } from "./support/browser.ts";

let world: World;
let browser: Browser;
const complaints: string[] = [];

beforeAll(async () => {
  [world, browser] = await Promise.all([World.start(), launch()]);
});
afterAll(async () => {
  await browser.close();
  await world.stop();
});

async function reference(hash = "", options: BrowserContextOptions = {}): Promise<Page> {
  const context = await browser.newContext({ baseURL: world.stack.info.url, ...options });
  context.setDefaultTimeout(10_000);
  const page = await context.newPage();
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => complaints.push(message.text()));
  await page.goto(`/docs${hash}`);
  return page;
}

describe("the reference of the API", () => {
  test("lists projects with a token that is kept nowhere", async () => {
    const page = await reference("#listProjects");
    await page.getByLabel("Token for trying").fill(world.stack.info.token);
    const call = page.locator("#listProjects");
    await call.getByRole("button", { name: "Try it" }).click();
    await call.getByRole("button", { name: "Send GET" }).click();
    await call.getByLabel("Body of the answer").getByText('"items"').waitFor();
    expect(await call.getByRole("status").innerText()).toContain("200");
    expect(await call.getByLabel("Headers of the answer").innerText()).toContain(
      "content-type: application/json",
    );
    expect(await call.getByLabel("Body of the answer").innerText()).toContain('"site"');
    const kept = await page.evaluate(() =>
      JSON.stringify([localStorage, sessionStorage, document.cookie]),
    );
    expect(kept).not.toContain(world.stack.info.token);
  });

  test("sends an example's body, and shows a stream until it is stopped", async () => {
    const page = await reference("#createLock");
    await page.getByLabel("Token for trying").fill(world.stack.info.token);
    const stream = page.locator("#listEvents");
    await page.locator("details", { has: stream }).locator("summary").click();
    await stream.getByRole("button", { name: "Try it" }).click();
    await stream.getByLabel("project, in the path").fill("site");
    await stream.getByLabel("Answer as").selectOption("text/event-stream");
    await stream.getByRole("button", { name: "Send GET" }).click();
    await stream.getByLabel("Body of the answer").getByText("retry:").waitFor();
    const lock = page.locator("#createLock");
    await lock.getByRole("button", { name: "Try it" }).click();
    await lock.getByLabel("project, in the path").fill("site");
    await lock.getByRole("button", { name: "Send POST" }).click();
    await lock.getByRole("status").getByText("201").waitFor();
    await stream.getByLabel("Body of the answer").getByText("event: project.locked").waitFor();
    await stream.getByRole("button", { name: "Stop" }).click();
    await stream.getByText("Stopped.").waitFor();
  });

  test("finds by words, and opens what a link leads to", async () => {
    const page = await reference();
    await page.getByLabel("Filter").fill("delete lock");
    expect(await page.locator(".calls .call:visible").count()).toBe(1);
    await page.locator(".contents").getByRole("link", { name: /lock/i }).last().click();
    await page.locator("#removeLock").waitFor({ state: "visible" });
  });

  test("fits a phone in the dark, with everything unfolded", async () => {
    const page = await reference("", {
      viewport: { width: 390, height: 844 },
      colorScheme: "dark",
    });
    const width = await page.evaluate(() => {
      document.querySelectorAll("details.call").forEach((each) => each.setAttribute("open", ""));
      return document.documentElement.scrollWidth;
    });
    expect(width).toBe(390);
    const color = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    expect(color).toBe("rgb(15, 20, 18)");
  });

  test("gives a browser nothing to complain about", () => {
    expect(complaints).toEqual([]);
  });
});
