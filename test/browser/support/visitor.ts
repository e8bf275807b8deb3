import type {
  Browser,
  BrowserContext,
  BrowserContextOptions,
  Locator,
  Page,
} from "playwright-core";
import type { World } from "../../e2e/support/world.ts";
import type { Shown } from "./pages.ts";

/** Whatever a browser complained about: a blocked style, a failed script, a missing file. */
export type Complaints = string[];

/** A browser in which nobody has signed in yet. */
async function contextOf(
  browser: Browser,
  { stack }: World,
  options: BrowserContextOptions,
): Promise<BrowserContext> {
  const context = await browser.newContext({
    baseURL: stack.info.url,
    timezoneId: "Europe/Berlin",
    ...options,
  });
  context.setDefaultTimeout(15_000);
  return context;
}

async function signIn(page: Page, token: string): Promise<void> {
  await page.goto("/sign-in");
  await page.getByLabel("Token").fill(token);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL((url) => url.pathname !== "/sign-in");
}

/** Somebody who has signed in, with the instance's token unless another is given. */
export async function visitorOf(
  browser: Browser,
  world: World,
  complaints: Complaints,
  { token = world.stack.info.token, ...options }: BrowserContextOptions & { token?: string } = {},
): Promise<Page> {
  const page = await (await contextOf(browser, world, options)).newPage();
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error") {
      complaints.push(message.text());
    }
  });
  await signIn(page, token);
  return page;
}

/** The browser of somebody who has signed in, with no page open. */
export async function signedIn(
  browser: Browser,
  world: World,
  options: BrowserContextOptions = {},
): Promise<BrowserContext> {
  const context = await contextOf(browser, world, options);
  const page = await context.newPage();
  await signIn(page, world.stack.info.token);
  await page.close();
  return context;
}

/** Leads a page to what is to be shown. */
export async function show(page: Page, { path, press: name }: Shown): Promise<void> {
  await page.goto(path);
  if (name !== undefined) {
    await press(page, name);
  }
}

/** What it leads to is loaded when this is done. */
export async function through(page: Page, click: () => Promise<void>): Promise<void> {
  await Promise.all([page.waitForEvent("framenavigated"), click()]);
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
