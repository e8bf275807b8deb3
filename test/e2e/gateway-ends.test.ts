import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { liveOn, madeFor } from "../../scripts/demo/journal.ts";
import type { Accepted } from "../../src/project/shapes.ts";
import { gated, lastLine, waitsFor } from "./support/gateway.ts";
import { closedNow } from "./support/ruled.ts";
import { World } from "./support/world.ts";

/** What the real wrangler makes of each way in which a deploy can end: its exit code, and the last it says. */

let world: World;
beforeAll(async () => {
  world = await World.start();
  await world.pages.speed({ factor: 0.1 });
  await world.calls(16);
});
afterAll(async () => {
  await world.stop();
});

const GATEWAY = { superseded: "adopt", max_wait_minutes: 30 } as const;

/** Somebody else's upload to the same branch; its deploy's id. */
async function uploadOf(name: string, text: string): Promise<string> {
  const form = await world.siteForm(name, { "/index.html": `${text} of ${name}` });
  const path = `/v1/projects/${name}/deploys`;
  const { deploy } = await world.signalbox.ask<Accepted>("POST", path, form);
  return deploy?.id ?? "";
}

const page = async (name: string): Promise<string> =>
  (await world.pages.page(`${name}.pages.dev`)).text;

describe.concurrent("wrangler, when its deploy", { timeout: 150_000 }, () => {
  test("waits longer than the policy lets it, is told by whom, why and until when, and nothing goes live", async (context) => {
    const it = await gated(world, context, "long", {
      gateway: { ...GATEWAY, max_wait_minutes: 1 },
    });
    const until = new Date(Date.now() + 3_600_000).toISOString();
    const unlock = await it.lock({ holder: "Ada", until });
    const { code, output } = await it.deploy("--branch", "main");
    expect(code).toBe(1);
    expect(lastLine(output)).toBe(
      `Deploy #1 was given up after 1 min. Waits for the lock by Ada, until ${until.slice(11, 19)} UTC: “moving”. [code: 8900006]`,
    );
    const [deploy] = await world.signalbox.deploys("long");
    expect(deploy).toMatchObject({ status: "canceled", reason_code: "canceled" });
    await unlock();
    expect(madeFor(await world.pages.journal(), "long")).toEqual([]);
  });

  test("was superseded by one that waits too long, fails and leaves that one alone", async (context) => {
    const it = await gated(world, context, "others", {
      gateway: { ...GATEWAY, max_wait_minutes: 1 },
    });
    const unlock = await it.lock();
    const running = it.deploy("--branch", "main");
    await it.newest("wait", waitsFor("lock"));
    const id = await uploadOf("others", "newer");
    const { code, output } = await running;
    expect(code).toBe(1);
    expect(lastLine(output)).toContain("Deploy #2, which somebody else asked for too, still waits");
    await unlock();
    expect((await world.signalbox.ended("others", id)).status).toBe("succeeded");
  });

  test("fails, fails with the reason", async (context) => {
    const it = await gated(world, context, "failing");
    await world.pages.fault({ call: "create", kind: "expired_assets", project: "failing" });
    const { code, output } = await it.deploy("--branch", "main");
    expect(code).toBe(1);
    expect(lastLine(output)).toBe("Deploy #1 ended failed. Failed in deploy. [code: 8900001]");
  });

  test("is refused by Cloudflare, says how", async (context) => {
    const it = await gated(world, context, "refused");
    await world.pages.fault({ call: "create", kind: "unauthorized", project: "refused" });
    const { code, output } = await it.deploy("--branch", "main");
    expect(code).toBe(1);
    expect(lastLine(output)).toMatch(
      /^Deploy #1 ended failed\. Cloudflare did not accept the stored credential: .* \[code: 8900001\]$/,
    );
  });

  test("waits for a lock, goes on when it is taken away", async (context) => {
    const it = await gated(world, context, "locked");
    const unlock = await it.lock();
    const running = it.deploy("--branch", "main");
    await it.newest("wait", waitsFor("lock"));
    await unlock();
    expect((await running).code).toBe(0);
  });

  test("waits for a window, goes on when that opens", async (context) => {
    const { window } = closedNow();
    const it = await gated(world, context, "closed", {
      windows: [{ ...window, duration_minutes: 120 }],
    });
    const running = it.deploy("--branch", "main");
    await it.newest("wait", waitsFor("window"));
    await world.signalbox.ask("PATCH", `${it.base}/policy`, { windows: [] });
    expect((await running).code).toBe(0);
  });

  test("is canceled while it waits, says by whom", async (context) => {
    const it = await gated(world, context, "canceled");
    await it.lock();
    const running = it.deploy("--branch", "main");
    const { id } = await it.newest("wait", waitsFor("lock"));
    await world.signalbox.ask("POST", `${it.base}/deploys/${id}/cancel`);
    const { code, output } = await running;
    expect(code).toBe(1);
    expect(lastLine(output)).toMatch(
      /^Deploy #1 ended canceled\. Canceled by .* while it waited\. \[code: 8900003\]$/,
    );
  });

  test("is canceled while it runs, says so, and it is not live", async (context) => {
    const it = await gated(world, context, "stopped");
    await world.pages.fault({ call: "create", kind: "stuck", project: "stopped" });
    const running = it.deploy("--branch", "main");
    const { id } = await it.newest("run", ({ status }) => status === "running");
    await world.signalbox.ask("POST", `${it.base}/deploys/${id}/cancel`);
    const { code, output } = await running;
    expect(code).toBe(1);
    expect(lastLine(output)).toMatch(
      /^Deploy #1 ended canceled\. Canceled by .* while it ran\. \[code: 8900003\]$/,
    );
    expect(liveOn(await world.pages.journal(), "stopped", "main")).toBeNull();
  });

  test("takes too long at Cloudflare, says for how long", async (context) => {
    const it = await gated(world, context, "slow", { stage_deadlines_seconds: { queued: 10 } });
    await world.pages.fault({ call: "create", kind: "stuck", project: "slow" });
    const { code, output } = await it.deploy("--branch", "main");
    expect(code).toBe(1);
    expect(lastLine(output)).toBe(
      "Deploy #1 ended timed out. Timed out in the queue at Cloudflare: it ran 10 s, its deadline. [code: 8900002]",
    );
  });

  test("is rejected, says by whom and why", async (context) => {
    const it = await gated(world, context, "rejected", {
      approval: { environments: ["production"], expires_hours: 72 },
    });
    const running = it.deploy("--branch", "main");
    const { id } = await it.newest("wait", waitsFor("approval"));
    await world.signalbox.ask("POST", `${it.base}/deploys/${id}/reject`, { reason: "not today" });
    const { code, output } = await running;
    expect(code).toBe(1);
    expect(lastLine(output)).toMatch(/^Deploy #1 ended \w+\. Rejected by .*: not today/);
  });

  test("is superseded, ends as the newer one does where that succeeds", async (context) => {
    const it = await gated(world, context, "adopted");
    const unlock = await it.lock();
    const running = it.deploy("--branch", "main");
    await it.newest("wait", waitsFor("lock"));
    const id = await uploadOf("adopted", "newer");
    await unlock();
    const { code, output } = await running;
    expect(output).toContain("Deployment complete!");
    expect(code).toBe(0);
    const { deployment } = await world.signalbox.deploy("adopted", id);
    expect(output).toContain(deployment?.url);
    expect(await page("adopted")).toBe("newer of adopted");
  });

  test("is superseded, ends as the newer one does where that fails", async (context) => {
    const it = await gated(world, context, "sunk");
    const unlock = await it.lock();
    const running = it.deploy("--branch", "main");
    await it.newest("wait", waitsFor("lock"));
    await uploadOf("sunk", "newer");
    await world.pages.fault({ call: "create", kind: "expired_assets", project: "sunk" });
    await unlock();
    const { code, output } = await running;
    expect(code).toBe(1);
    expect(lastLine(output)).toBe(
      "Deploy #2, which took its place, ended failed. Failed in deploy. [code: 8900001]",
    );
  });

  test("is superseded, fails where the policy wants that", async (context) => {
    const it = await gated(world, context, "strict", {
      gateway: { ...GATEWAY, superseded: "fail" },
    });
    const unlock = await it.lock();
    const older = it.deploy("--branch", "main");
    await it.newest("wait", waitsFor("lock"));
    const newer = it.inFolder({ "dist/index.html": "newer" }).deploy("--branch", "main");
    const superseded = await older;
    expect(superseded.code).toBe(1);
    expect(lastLine(superseded.output)).toMatch(
      /^Deploy #1 ended superseded\. Superseded by #2: .* \[code: 8900004\]$/,
    );
    await unlock();
    expect((await newer).code).toBe(0);
  });

  test("is live and found unhealthy, says by which check", async (context) => {
    const it = await gated(world, context, "unhealthy", {
      health: {
        checks: [{ url: "/", status: 200, contains: "Welcome", header: null, commit: false }],
        attempts: 1,
        interval_seconds: 1,
        on_failure: "tell",
      },
    });
    const { code, output } = await it.deploy("--branch", "main");
    expect(code).toBe(1);
    expect(lastLine(output)).toMatch(
      /^Deploy #1 ended failed\. Failed its health check: .* \[code: 8900001\]$/,
    );
  });
});

/** A lost answer's deployment is told by its commit, which wrangler takes from git. */
describe.concurrent("wrangler does not notice", { timeout: 150_000 }, () => {
  test.for([
    ["code 8000000, twice", "unknown", { call: "list", kind: "unknown_error", times: 2 }, 1],
    ["a 429", "limited", { call: "create", kind: "rate_limited", retry_after: 2 }, 2],
    ["an answer that is lost", "lost", { call: "create", kind: "lost" }, 1],
  ] as const)("%s", async ([, name, fault, asked], context) => {
    const it = await gated(world, context, name);
    await world.pages.fault({ ...fault, project: name });
    const { code, output } = await it.deploy("--branch", "main", "--commit-hash", "abc");
    expect(output).toContain("Deployment complete!");
    expect(code).toBe(0);
    const journal = await world.pages.journal();
    expect(madeFor(journal, name)).toHaveLength(1);
    const creates = journal.requests.filter(
      ({ method, project, path }) =>
        method === "POST" && project === name && path.endsWith("/deployments"),
    );
    expect(creates).toHaveLength(asked);
    expect(await page(name)).toBe(name);
  });
});
