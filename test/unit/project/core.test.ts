import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { apiUrl } from "../../../src/cloudflare/url.ts";
import { backoff } from "../../../src/project/backoff.ts";
import { retryDelay } from "../../../src/project/deliver.ts";
import { Slots } from "../../../src/project/slots.ts";
import { assertTransition, holdsLane, isEnd } from "../../../src/project/status.ts";
import { DeployStatus } from "../../../src/project/shapes.ts";
import { wants } from "../../../src/project/subscriber-settings.ts";

describe("statuses", () => {
  it("throw on an impossible transition and lead nowhere from an end", () => {
    expect(() => assertTransition("queued", "succeeded")).toThrow("no way from queued");
    for (const end of DeployStatus.options.filter(isEnd)) {
      for (const to of DeployStatus.options) {
        expect(() => assertTransition(end, to)).toThrow();
      }
    }
  });

  it("hold the lane from the claim to the end, while reconciling too", () => {
    expect(DeployStatus.options.filter(holdsLane)).toEqual([
      "submitting",
      "reconciling",
      "running",
      "verifying",
    ]);
  });
});

describe("retries", () => {
  it("come later each time, never early, within bounds, for any draw and any Retry-After", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 7 }),
        fc.option(fc.integer({ min: 0, max: 10_000_000 })),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (attempts, after, random) => {
          const base = retryDelay(attempts, null, 0) ?? 0;
          const delay = retryDelay(attempts, after, random) ?? 0;
          expect(delay).toBeGreaterThanOrEqual(base);
          expect(delay).toBeLessThanOrEqual(base * 2.2);
        },
      ),
    );
    expect(retryDelay(8, null)).toBeNull();
  });

  it("back off by doubling up to a cap", () => {
    expect([1, 2, 3, 10].map((n) => backoff(n, 1_000, 60_000, 0))).toEqual([
      1_000, 2_000, 4_000, 60_000,
    ]);
    expect(backoff(10_000, 1_000, 60_000, 1)).toBe(72_000);
  });
});

describe("slots", () => {
  const never = (): Promise<void> => new Promise(() => undefined);

  it("are five, three of them for others than Cloudflare", () => {
    const slots = new Slots(() => undefined);
    const started = ["a", "b", "c", "d"].map((k) => slots.start(k, "outbound", 0, 100, never));
    expect(started).toEqual([true, true, true, false]);
    expect(["e", "f", "g"].map((k) => slots.start(k, "upstream", 0, 100, never))).toEqual([
      true,
      true,
      false,
    ]);
    expect(slots.peak).toBe(5);
  });

  it("are one for all who are slow, who are not waited for by others", () => {
    const slots = new Slots(() => undefined);
    expect(slots.start("a", "slow", 0, 100, never)).toBe(true);
    expect(slots.start("b", "slow", 0, 100, never)).toBe(false);
    const started = ["c", "d", "e"].map((k) => slots.start(k, "outbound", 0, 100, never));
    expect(started).toEqual([true, true, false]);
  });

  it("start nothing twice, and free what was cut without a word when its lease ends", () => {
    const slots = new Slots(() => undefined);
    expect(slots.start("a", "upstream", 0, 100, never)).toBe(true);
    expect(slots.start("a", "upstream", 99, 100, never)).toBe(false);
    expect(slots.start("a", "upstream", 100, 100, never)).toBe(true);
  });

  it("tell when one is free again, an error in the effect included", async () => {
    let freed = 0;
    const slots = new Slots(() => {
      freed += 1;
    });
    slots.start("a", "upstream", 0, 100, () => Promise.resolve());
    await slots.settled();
    expect(freed).toBe(1);
    expect(slots.free("upstream")).toBe(true);
  });
});

describe("what a subscriber wants", () => {
  const event = (type: string, data = {}) => ({ type, data }) as Parameters<typeof wants>[1];
  const row = (events: string[], settings = {}) => ({
    id: "sub_1",
    events: JSON.stringify(events),
    settings: JSON.stringify(settings),
  });

  it.each([
    [["*"], event("deploy.queued"), true],
    [["deploy.*"], event("deploy.queued"), true],
    [["deploy.*"], event("deployed"), false],
    [["deploy.failed"], event("deploy.queued"), false],
    [[], event("deploy.queued"), false],
    [["*"], event("subscriber.failing", { subscriber_id: "sub_1" }), false],
    [["*"], event("subscriber.failing", { subscriber_id: "sub_2" }), true],
    [["deploy.failed"], event("test.ping", { subscriber_id: "sub_1" }), true],
    [["*"], event("test.ping", { subscriber_id: "sub_2" }), false],
  ])("%j, %j: %s", (patterns, happened, wanted) => {
    expect(wants(row(patterns), happened)).toBe(wanted);
  });

  const deploy = { branch: "feature/a", environment: "preview", status: "failed" };
  it.each([
    [{ branches: { include: ["main"], exclude: [] } }, false],
    [{ branches: { include: ["feature/*"], exclude: [] } }, true],
    [{ branches: { include: [], exclude: ["feature/**"] } }, false],
    [{ environments: ["production"] }, false],
    [{ environments: ["production", "preview"] }, true],
    [{ statuses: ["succeeded"] }, false],
    [{ statuses: ["failed"], environments: ["preview"] }, true],
    [{ statuses: ["failed"], environments: ["production"] }, false],
  ])("filters deploys by %j: %s", (settings, wanted) => {
    const filtered = row(["*"], settings);
    expect(wants(filtered, event("deploy.failed", { deploy }))).toBe(wanted);
    // What is about no deploy, and a test of its own, passes.
    expect(wants(filtered, event("project.locked", { lock: {} }))).toBe(true);
    expect(wants(filtered, event("test.ping", { subscriber_id: "sub_1" }))).toBe(true);
  });
});

describe("a URL of the Cloudflare API", () => {
  const base = "https://api.cloudflare.com/client/v4";

  it("is the base and the segments", () => {
    const url = apiUrl(base, ["accounts", "a", "pages", "projects", "p"], { page: 2 });
    expect(url.href).toBe(`${base}/accounts/a/pages/projects/p?page=2`);
  });

  it.each(["..", ".", "", "a/b", "a%2Fb", "..\\..", "a\0"])("refuses the segment %j", (segment) => {
    expect(() => apiUrl(base, ["accounts", segment])).toThrow("not a plain segment");
  });

  it("never leaves its path, whatever the segment", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (segment) => {
        let url: URL;
        try {
          url = apiUrl(base, ["accounts", segment]);
        } catch {
          return;
        }
        expect(url.origin).toBe("https://api.cloudflare.com");
        expect(url.pathname.split("/")).toHaveLength(5);
        expect(url.search).toBe("");
      }),
    );
  });
});
