import { createRequire } from "node:module";
import { readFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import type { AxeResults, RunOptions } from "axe-core";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { World } from "../e2e/support/world.ts";
import { launch } from "./support/browser.ts";
import { everyPage } from "./support/pages.ts";
import { seed, type Seeded } from "./support/seed.ts";
import { show, signedIn } from "./support/visitor.ts";

/** All pages, with something of everything on them. */

const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const WEIGHT_KB = 60;

let world: World;
let browser: Browser;
let seeded: Seeded;
let somebody: BrowserContext;

beforeAll(async () => {
  [world, browser] = await Promise.all([World.start(), launch()]);
  seeded = await seed(world);
  somebody = await signedIn(browser, world);
}, 120_000);
afterAll(async () => {
  await browser.close();
  await world.stop();
});

/** What keeps people from using it, by rule and place. */
async function violations(page: Page, options: RunOptions): Promise<string[]> {
  const { violations: found } = await page.evaluate(
    (how) =>
      (globalThis as unknown as { axe: { run(options: object): Promise<AxeResults> } }).axe.run(
        how,
      ),
    {
      resultTypes: ["violations"],
      preload: false,
      selectors: false,
      ...options,
    } satisfies RunOptions as object,
  );
  return found
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 160)}`));
}

describe("every page", () => {
  test("has nothing in it that axe calls serious or critical, in both themes", async () => {
    const axe = await readFile(AXE, "utf8");
    const nobody = await browser.newContext({ baseURL: world.stack.info.url });
    const wrong: string[] = [];
    const left = everyPage(seeded);
    const look = async (): Promise<void> => {
      const own = await somebody.newPage();
      for (let each = left.pop(); each !== undefined; each = left.pop()) {
        const page = each.signedOut ? await nobody.newPage() : own;
        const { name } = each;
        await page.emulateMedia({ colorScheme: "light" });
        await show(page, each);
        // Evaluated by the browser's own tools, which no policy of the page concerns.
        await page.evaluate(axe);
        wrong.push(...(await violations(page, {})).map((text) => `${name}, light: ${text}`));
        // Nothing but colours differs.
        await page.emulateMedia({ colorScheme: "dark" });
        const colours = await violations(page, { runOnly: ["color-contrast"] });
        wrong.push(...colours.map((text) => `${name}, dark: ${text}`));
      }
      await own.close();
    };
    await Promise.all([look(), look()]);
    expect(wrong).toEqual([]);
  }, 240_000);

  test("is looked at by an examiner that finds what is planted", async () => {
    const page = await somebody.newPage();
    await page.emulateMedia({ colorScheme: "dark" });
    await page.goto("/settings");
    await page.evaluate(await readFile(AXE, "utf8"));
    await page.evaluate(() => {
      const heading = document.querySelector("h1");
      if (heading !== null) {
        heading.style.color = "#333";
        heading.append(document.createElement("button"));
      }
    });
    const found = await violations(page, {});
    await page.close();
    expect(found.map((text) => text.split(":")[0]).sort()).toEqual([
      "button-name",
      "color-contrast",
    ]);
  });
});

test.each(["overview", "project-archive", "deploy-failed"])(
  `the first view of %s weighs less than ${WEIGHT_KB} KB compressed`,
  async (name) => {
    const found = everyPage(seeded).find((each) => each.name === name);
    const page = await somebody.newPage();
    const loaded: Promise<Buffer>[] = [];
    page.on("response", (response) => {
      if (["document", "stylesheet", "script"].includes(response.request().resourceType())) {
        loaded.push(response.body());
      }
    });
    await page.goto(found?.path ?? "");
    const bodies = await Promise.all(loaded);
    await page.close();
    expect(bodies.length).toBeGreaterThanOrEqual(3);
    const weight = bodies.reduce((sum, body) => sum + gzipSync(body).length, 0) / 1000;
    console.log(`${name}: ${weight.toFixed(1)} KB in ${bodies.length} files`);
    expect(weight).toBeLessThan(WEIGHT_KB);
  },
);
