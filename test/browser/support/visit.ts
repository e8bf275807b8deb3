import type { Browser, BrowserContext, BrowserContextOptions, Page } from "playwright-core";
import type { World } from "../../e2e/support/world.ts";
import type { Shown } from "./pages.ts";

/** A browser of somebody who is signed in. */
export async function signedIn(
  browser: Browser,
  { stack }: World,
  options: BrowserContextOptions = {},
): Promise<BrowserContext> {
  const context = await browser.newContext({
    baseURL: stack.info.url,
    timezoneId: "Europe/Berlin",
    ...options,
  });
  context.setDefaultTimeout(20_000);
  const page = await context.newPage();
  await page.goto("/sign-in");
  await page.getByLabel("Token").fill(stack.info.token);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL((url) => url.pathname !== "/sign-in");
  await page.close();
  return context;
}

/** Leads a page to what is to be shown. */
export async function show(page: Page, { path, press }: Shown): Promise<void> {
  await page.goto(path);
  if (press !== undefined) {
    const gone = page.waitForEvent("framenavigated");
    await page.getByRole("button", { name: press }).click();
    await gone;
    await page.waitForLoadState();
  }
}
