import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { BrowserContext } from "playwright-core";
import { World } from "../test/e2e/support/world.ts";
import { launch } from "../test/browser/support/browser.ts";
import { everyPage, inOtherStates, type Shown } from "../test/browser/support/pages.ts";
import { seed } from "../test/browser/support/seed.ts";
import { show, signedIn } from "../test/browser/support/visitor.ts";
import { ROOT } from "./lib/repo.ts";

/**
 * Pictures of every page at two widths in both themes, in out/shots. Ends with 1 when a page scrolls sideways. With words,
 * of those pages whose names have one of them.
 */

const FOLDER = join(ROOT, "out/shots");
const WIDTHS = [1440, 390];
/** Looked at for its width alone. */
const NARROWEST = 320;

const { positionals: words } = parseArgs({ allowPositionals: true });
const wide: string[] = [];
await rm(FOLDER, { recursive: true, force: true });
await mkdir(FOLDER, { recursive: true });
const world = await World.start();
const browser = await launch();
try {
  console.log("Filling the projects");
  const seeded = await seed(world);
  const pages = [...everyPage(seeded), ...inOtherStates(seeded)].filter(
    ({ name }) => words.length === 0 || words.some((word) => name.includes(word)),
  );
  const nobody = await browser.newContext({ baseURL: world.stack.info.url });
  const somebody = await signedIn(browser, world);
  for (const each of pages) {
    console.log(each.name);
    await shoot(each.signedOut ? nobody : somebody, each);
  }
  console.log(`${pages.length} pages are in ${FOLDER}`);
} finally {
  await browser.close();
  await world.stop();
}
if (wide.length > 0) {
  console.error(`Scrolls sideways:\n${wide.join("\n")}`);
  process.exitCode = 1;
}

async function shoot(context: BrowserContext, each: Shown): Promise<void> {
  const page = await context.newPage();
  await show(page, each);
  for (const width of [...WIDTHS, NARROWEST]) {
    await page.setViewportSize({ width, height: width > 900 ? 900 : 844 });
    const content = await page.evaluate(() => document.scrollingElement?.scrollWidth ?? 0);
    if (content > width) {
      wide.push(`${each.name} at ${width}: ${content}`);
    }
    for (const colorScheme of width === NARROWEST ? [] : (["light", "dark"] as const)) {
      await page.emulateMedia({ colorScheme });
      const path = join(FOLDER, `${each.name}-${width}-${colorScheme}.png`);
      await page.screenshot({ path, fullPage: each.name !== "docs" });
    }
  }
  await page.close();
}
