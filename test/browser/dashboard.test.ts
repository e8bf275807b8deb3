import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { until } from "../../scripts/demo/wait.ts";
import { newCommit, World, type GitProject } from "../e2e/support/world.ts";
import { launch } from "./support/browser.ts";
import {
  asked,
  follow,
  press,
  through,
  told,
  visitorOf,
  type Complaints,
} from "./support/visitor.ts";

/** People's way through Signalbox: a real browser, the bundle on workerd, the sandbox. */

let world: World;
let browser: Browser;
let shop: GitProject;
const complaints: Complaints = [];

beforeAll(async () => {
  [world, browser] = await Promise.all([World.start(), launch()]);
  await world.pages.speed({ factor: 0.2 });
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

function visitor(
  token: string = world.stack.info.token,
  options: BrowserContextOptions = {},
): Promise<Page> {
  return visitorOf(browser, world, complaints, { token, ...options });
}

/** Pages are as of when they were loaded, so this loads them again. */
async function shows(page: Page, path: string, text: RegExp): Promise<void> {
  await until(`${path} to show ${text}`, async () => {
    await page.goto(path);
    return text.test(await page.locator("main").innerText());
  });
}

/** A success of production, straight through the hook. */
async function deployed(project: GitProject): Promise<string> {
  const commit = newCommit();
  const { deploy_id: id } = await project.push(undefined, {
    commit,
    message: `Change ${commit.slice(0, 7)}`,
  });
  expect((await world.signalbox.ended(project.name, id ?? "")).status).toBe("succeeded");
  return commit;
}

/** What visitors of the site get, by the commit that it was built from. */
async function served(project: string): Promise<string> {
  return (await world.pages.page(`${project}.pages.dev`)).text;
}

/** Builds that do not end by themselves. */
async function slowly<T>(run: () => Promise<T>): Promise<T> {
  await world.pages.speed({ stages: { build: 600_000 } });
  try {
    return await run();
  } finally {
    await world.pages.speed({ factor: 0.2 });
  }
}

describe("somebody who is signed in", () => {
  test("sees all projects, and times in their own zone", async () => {
    const page = await visitor();
    expect(await page.getByRole("rowheader").allInnerTexts()).toEqual([
      expect.stringContaining("blog"),
      expect.stringContaining("shop"),
      expect.stringContaining("site"),
    ]);
    await page.goto("/settings");
    expect(await page.locator("main").innerText()).toContain("in Europe/Berlin");
  });

  test("deploys with one button, and finds it live", async () => {
    const page = await visitor();
    await page.goto("/projects/blog");
    await press(page, "Deploy now");
    expect(await told(page)).toContain("#1 is in line.");
    expect(await page.evaluate(() => document.activeElement?.className)).toBe("told");
    await shows(page, "/projects/blog", /#1\b[\s\S]*is live/);
    await follow(page, "#1");
    expect(await page.getByRole("heading", { level: 2 }).first().innerText()).toBe("Succeeded");
    expect(await page.getByRole("region", { name: "Build log" }).innerText()).toContain("deployed");
  });

  test("rolls back, and visitors of the site get the older version", async () => {
    const [first, second] = [await deployed(shop), await deployed(shop)];
    expect(await served("shop")).toContain(second);
    const page = await visitor();
    await page.goto("/projects/shop");
    const which = await asked(
      page,
      page.getByRole("link", { name: "Roll back…" }),
      "Roll back to what?",
    );
    const question = await asked(
      page,
      which.getByRole("link", { name: "Roll back to #1…" }),
      "Roll back production to #1?",
    );
    expect(await question.innerText()).toMatch(/Then\s+[\s\S]*shop\.pages\.dev/);
    await press(page, "Roll back and lock");
    expect(await told(page)).toBe("Production goes back to #1.");
    await until("the older version to be served", async () =>
      (await served("shop")).includes(first),
    );
    await shows(page, "/projects/shop", /Production is locked/);
  });

  test("unlocks and locks", async () => {
    const page = await visitor();
    await page.goto("/projects/shop/windows");
    await press(page, "Unlock");
    expect(await told(page)).toBe("Unlocked.");
    await asked(page, page.getByRole("link", { name: "Lock…" }), "Lock what?");
    await page.getByLabel("Reason, shown to").fill("Login loop on Safari");
    await page.getByLabel("Held by").fill("Ines Marwitz");
    await press(page, /^Lock$/);
    expect(await page.locator("main").innerText()).toContain("Production is locked");
    await page.goto("/");
    expect(await page.locator("main").innerText()).toContain("Locked by Ines Marwitz");
    await page.goto("/projects/shop/windows");
    await press(page, "Unlock");
  });

  test("cancels what runs, sees its time go on, and tries it again", async () => {
    const page = await visitor();
    const number = await slowly(async () => {
      const { deploy_id: id } = await shop.push();
      await until("it to build", async () => {
        const { stages } = await world.signalbox.deploy("shop", id ?? "");
        return stages.some(({ name, status }) => name === "build" && status === "active");
      });
      return (await world.signalbox.deploy("shop", id ?? "")).number;
    });
    await page.goto("/projects/shop");
    const elapsed = page.locator(".running [data-since]").first();
    const before = await elapsed.innerText();
    await page.waitForFunction(
      (text) => document.querySelector<HTMLElement>(".running [data-since]")?.innerText !== text,
      before,
    );
    const cancel = page.locator(".running").getByRole("link", { name: "Cancel…" });
    await asked(page, cancel, `Cancel #${number}?`);
    await press(page, `Cancel #${number}`);
    expect(await told(page)).toBe(`#${number} is being canceled.`);
    await shows(page, `/projects/shop/deploys/${number}`, /Canceled by/);
    await press(page, "Retry");
    expect(await told(page)).toBe(`This is the retry of #${number}.`);
    expect(new URL(page.url()).pathname).toBe(`/projects/shop/deploys/${number + 1}`);
    await shows(page, `/projects/shop/deploys/${number + 1}`, /Succeeded/);
  });

  test("approves what waits for it", async () => {
    const careful = await world.gitProject("careful", {
      approval: { environments: ["production"], expires_hours: 72 },
    });
    await careful.push();
    const page = await visitor();
    await shows(page, "/projects/careful", /waits for approval/);
    await asked(page, page.getByRole("link", { name: "Approve" }), "Approve #1?");
    await press(page, "Approve #1");
    expect(await told(page)).toBe("#1 is approved.");
    await shows(page, "/projects/careful", /is live/);
  });
});

describe("without script", () => {
  test("the same pages do the same: sign in, deploy, cancel, lock, unlock", async () => {
    const page = await visitor(undefined, { javaScriptEnabled: false });
    await slowly(async () => {
      await page.goto("/projects/blog");
      await press(page, "Deploy now");
      await shows(page, "/projects/blog", /is building|goes live/);
    });
    expect(await page.locator("footer").innerText()).toContain("Times in UTC");
    await through(page, () =>
      page.locator(".running").getByRole("link", { name: "Cancel…" }).click(),
    );
    await press(page, /^Cancel #\d+$/);
    expect(await told(page)).toContain("is being canceled.");
    await page.goto("/projects/blog/lock");
    await page.getByLabel("Reason, shown to").fill("no script");
    await press(page, /^Lock$/);
    expect(await told(page)).toContain("Locked.");
    await page.goto("/projects/blog/windows");
    await press(page, "Unlock");
    expect(await told(page)).toBe("Unlocked.");
  });

  test("a deploy is approved and rolled back, and visitors of the site get the older version", async () => {
    const plain = await world.gitProject("plain", {
      approval: { environments: ["production"], expires_hours: 72 },
    });
    const page = await visitor(undefined, { javaScriptEnabled: false });
    const commits = [newCommit(), newCommit()];
    for (const [n, commit] of commits.entries()) {
      const { deploy_id: id } = await plain.push(undefined, { commit });
      await shows(page, "/projects/plain", /waits for approval/);
      await follow(page, "Approve");
      await press(page, `Approve #${n + 1}`);
      expect(await told(page)).toBe(`#${n + 1} is approved.`);
      expect((await world.signalbox.ended("plain", id ?? "")).status).toBe("succeeded");
    }
    expect(await served("plain")).toContain(commits[1]);
    await page.goto("/projects/plain");
    await follow(page, "Roll back…");
    await follow(page, "Roll back to #1…");
    expect(await page.locator("main").innerText()).toMatch(/Then\s+[\s\S]*plain\.pages\.dev/);
    await press(page, "Roll back and lock");
    expect(await told(page)).toBe("Production goes back to #1.");
    await until("the older version to be served", async () =>
      (await served("plain")).includes(commits[0] ?? "none"),
    );
  });
});

describe("a token", () => {
  test("of one project, for reading, shows that project; revoked, its pages are dead", async () => {
    const path = "/v1/projects/shop/tokens";
    const { id, token } = await world.signalbox.ask<{ id: string; token: string }>("POST", path, {
      scopes: ["read"],
    });
    const context = await browser.newContext({ baseURL: world.stack.info.url });
    const page = await context.newPage();
    await page.goto("/projects/shop");
    await page.getByLabel("Token").fill(token);
    await page.getByLabel("Project", { exact: true }).fill("shop");
    await press(page, "Sign in");
    expect(await page.getByRole("heading", { level: 1 }).innerText()).toBe("shop");
    expect(await page.getByRole("button", { name: "Deploy now" }).isDisabled()).toBe(true);
    await world.signalbox.ask("DELETE", `${path}/${id}`);
    await page.reload();
    expect(await page.getByRole("heading", { level: 1 }).innerText()).toBe("Sign in");
    expect(await page.getByRole("alert").innerText()).toBe(
      "This token was revoked. Make a new one.",
    );
    await context.close();
  });
});

describe("pages", () => {
  test("fit a screen of 320 pixels, in the dark too", async () => {
    const page = await visitor(undefined, {
      viewport: { width: 320, height: 700 },
      colorScheme: "dark",
    });
    const wide: string[] = [];
    for (const path of [
      "/",
      "/projects/shop",
      "/projects/shop/deploys/1",
      "/projects/shop/hooks",
      "/projects/shop/windows",
      "/projects/shop/policy",
      "/tokens",
      "/audit",
      "/register",
      "/settings",
    ]) {
      await page.goto(path);
      const width = await page.evaluate(() => document.documentElement.scrollWidth);
      wide.push(...(width > 320 ? [`${path}: ${width}`] : []));
    }
    expect(wide).toEqual([]);
    expect(await page.evaluate(() => getComputedStyle(document.body).backgroundColor)).toBe(
      "rgb(15, 20, 18)",
    );
  });

  test("give a browser nothing to complain about", () => {
    expect(complaints).toEqual([]);
  });
});
