import type { Browser, BrowserContextOptions, Locator, Page } from "playwright-core";
import type { World } from "../../e2e/support/world.ts";

/** Whatever a browser complained about: a blocked style, a failed script, a missing file. */
export type Complaints = string[];

/** Somebody who has signed in, with the instance's token unless another is given. */
export async function visitorOf(
  browser: Browser,
  { stack }: World,
  complaints: Complaints,
  { token = stack.info.token, ...options }: BrowserContextOptions & { token?: string } = {},
): Promise<Page> {
  const context = await browser.newContext({
    baseURL: stack.info.url,
    timezoneId: "Europe/Berlin",
    ...options,
  });
  context.setDefaultTimeout(15_000);
  const page = await context.newPage();
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error") {
      complaints.push(message.text());
    }
  });
  await page.goto("/sign-in");
  await page.getByLabel("Token").fill(token);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL((url) => url.pathname !== "/sign-in");
  return page;
}

/** What it leads to is loaded when this is done. */
export async function through(page: Page, click: () => Promise<void>): Promise<void> {
  const gone = page.waitForEvent("framenavigated");
  await click();
  await gone;
  await page.waitForLoadState();
}

export async function press(page: Page, name: string | RegExp): Promise<void> {
  await through(page, () => page.getByRole("button", { name }).click());
}

export async function follow(page: Page, name: string | RegExp): Promise<void> {
  await through(page, () => page.getByRole("link", { name }).first().click());
}

export const told = (page: Page): Promise<string> => page.getByRole("status").first().innerText();

/** The question that a control opens in place. */
export async function asked(page: Page, control: Locator, title: string): Promise<Locator> {
  await control.click();
  const question = page.getByRole("group", { name: title });
  await question.waitFor();
  return question;
}

/** Marks a page, so that it would be seen if it was loaded anew. Once it listens, whatever comes next reaches it. */
export async function mark(page: Page): Promise<void> {
  await page.locator(".fresh", { hasText: "Up to date, " }).waitFor();
  await page.evaluate(() => document.documentElement.setAttribute("data-marked", ""));
}

export function isMarked(page: Page): Promise<boolean> {
  return page.evaluate(() => document.documentElement.hasAttribute("data-marked"));
}
