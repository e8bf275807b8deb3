/// <reference types="vite/types/importMeta.d.ts" />
import * as fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";

import { numberAfter, textAfter } from "../../src/api/pages.ts";
import { CloudflareClient } from "../../src/cloudflare/client.ts";
import { UpstreamDeployment } from "../../src/cloudflare/schemas.ts";
import { apiUrl } from "../../src/cloudflare/url.ts";
import { isBranch } from "../../src/deploy-form/text.ts";
import { findSource } from "../../src/hooks/sources/index.ts";
import { Problem } from "../../src/problem.ts";
import { checkCron, nextOccurrences } from "../../src/project/cron.ts";
import { toBase64url, utf8 } from "../../src/security/encoding.ts";
import { Fixture } from "../support/fixture.ts";
import { hostileText, spoiled } from "../support/fuzz/spoil.ts";
import { modelRuns } from "../support/runs.ts";

/** Whatever comes from outside is read, or refused in words, and in bounded time. */

/** Many more may be asked for. */
const LONG = { timeout: 600_000 };

afterEach(() => {
  vi.restoreAllMocks();
});

const SECRET = "cf-token-that-nobody-may-see";
const BASE = "https://api.cloudflare.test/client/v4";
const client = new CloudflareClient({
  baseUrl: BASE,
  accountId: "0".repeat(32),
  credential: { kind: "token", token: SECRET },
});
const DEPLOYMENT = {
  id: "9594fc3a-1f3c-4f0e-8e1f-0c9a6c1d2e3f",
  url: "https://x.pages.dev",
  environment: "production",
  created_on: "2026-11-24T12:00:00Z",
  aliases: ["https://a.example"],
  latest_stage: { name: "deploy", status: "success", started_on: null, ended_on: null },
  stages: [{ name: "queued", status: "success" }],
  deployment_trigger: { type: "ad_hoc", metadata: { branch: "main", commit_dirty: false } },
};

describe("an answer of Cloudflare", LONG, () => {
  const whole = {
    success: true,
    errors: [{ code: 8_000_000, message: SECRET }],
    result: DEPLOYMENT,
  };
  const bodies = fc.oneof(
    { weight: 6, arbitrary: spoiled(whole) },
    { weight: 2, arbitrary: spoiled({ ...whole, success: false }) },
    fc.constantFrom("<html>502 Bad Gateway</html>", "", "null", "[".repeat(50_000)),
    hostileText,
  );
  const statuses = fc.constantFrom(200, 201, 202, 302, 400, 404, 409, 429, 500, 502, 521);
  const headers = fc.constantFrom(
    {},
    { "retry-after": "5" },
    { "retry-after": "-1" },
    { "retry-after": "Wed, 21 Oct 2026 07:28:00 GMT" },
    { ratelimit: '"default";r=0;t=99999999999' },
  );

  it("is read as its schema says, or is an error that repeats no secret", async () => {
    const property = fc.asyncProperty(bodies, statuses, headers, async (body, status, more) => {
      vi.spyOn(globalThis, "fetch").mockResolvedValue(
        new Response(body, { status, headers: more }),
      );
      const answer = await client.deployment("site", "x");
      if (answer.ok) {
        // A second reader agrees that it says so.
        const { result, success } = JSON.parse(body) as {
          result: { id: string };
          success: unknown;
        };
        expect([success, answer.value.id]).toEqual([true, result.id]);
        expect(UpstreamDeployment.parse(answer.value)).toEqual(answer.value);
        expect(status).toBeLessThan(300);
        return;
      }
      const { kind, message, retryAfterMs } = answer.error;
      expect(message).not.toContain(SECRET);
      expect(message.length).toBeLessThanOrEqual(500);
      // That it was not done is believed only of an enveloped 4xx.
      if (kind === "refused") {
        expect(status).toBeGreaterThanOrEqual(400);
        expect(status).toBeLessThan(500);
        expect(typeof (JSON.parse(body) as { success: unknown }).success).toBe("boolean");
      }
      expect(retryAfterMs === null || retryAfterMs >= 0).toBe(true);
    });
    await fc.assert(property, modelRuns("answers of Cloudflare", 2_000));
  });
});

describe("a path of Cloudflare's API", LONG, () => {
  it("stays below the base, each part one segment, or is refused", () => {
    const segments = fc.array(
      fc.oneof(hostileText, fc.constantFrom("..", ".", "a/b", "%2e%2e", "a?b", "a#b", "\\")),
      {
        minLength: 1,
        maxLength: 4,
      },
    );
    const property = fc.property(segments, (parts) => {
      let url: URL;
      try {
        url = apiUrl(BASE, parts);
      } catch {
        return;
      }
      expect(url.href.startsWith(`${BASE}/`)).toBe(true);
      const [, ...rest] = url.pathname.slice(new URL(BASE).pathname.length).split("/");
      expect(rest.map(decodeURIComponent)).toEqual(parts);
      expect([url.search, url.hash]).toEqual(["", ""]);
    });
    fc.assert(property, modelRuns("paths", 2_000));
  });
});

describe("a cursor", LONG, () => {
  it("is a place, or refused", () => {
    const cursors = fc.oneof(
      hostileText,
      fc.base64String(),
      fc.json().map((text) => toBase64url(utf8(text))),
    );
    const property = fc.property(cursors, (cursor) => {
      for (const [read, fits] of [
        [numberAfter, Number.isSafeInteger],
        [textAfter, (place: unknown) => typeof place === "string"],
      ] as const) {
        try {
          const place = read(cursor);
          expect(place === null || fits(place)).toBe(true);
        } catch (error) {
          expect(error instanceof Problem && error.code).toBe("cursor_invalid");
        }
      }
    });
    fc.assert(property, modelRuns("cursors", 3_000));
  });
});

describe("a cron expression", LONG, () => {
  it("is refused in words, or gives times that rise, and soon", () => {
    const number = fc.integer({ min: -1, max: 61 }).map(String);
    const field = fc.oneof(
      fc.constantFrom(
        "*",
        "?",
        "L",
        "W",
        "1#2",
        "5L",
        "15W",
        "MON",
        "JAN-DEC",
        "*/1",
        "*/0",
        "1-",
        ",",
        "31",
      ),
      number,
      fc.tuple(number, number).map(([a, b]) => `${a}-${b}`),
      fc.tuple(number, number).map(([a, b]) => `${a}/${b}`),
      fc.array(number, { minLength: 2, maxLength: 30 }).map((all) => all.join(",")),
    );
    const crons = fc.oneof(
      {
        weight: 5,
        arbitrary: fc.tuple(field, field, field, field, field).map((all) => all.join(" ")),
      },
      hostileText.map((text) => text.slice(0, 200)),
    );
    const zones = fc.constantFrom("UTC", "Europe/Berlin", "Australia/Lord_Howe", "Mars/Here", "");
    const now = Date.UTC(2026, 10, 24);
    const property = fc.property(crons, zones, (cron, zone) => {
      const started = performance.now();
      const checked = checkCron(cron, zone, now);
      if (checked.ok) {
        const times = nextOccurrences(cron, zone, now, 3);
        expect(times.length).toBeGreaterThan(0);
        expect([now, ...times].toSorted((a, b) => a - b)).toEqual([now, ...times]);
        expect(new Set([now, ...times]).size).toBe(times.length + 1);
      } else {
        expect(checked.error).toMatch(/\w/);
      }
      expect(performance.now() - started).toBeLessThan(5_000);
    });
    fc.assert(property, modelRuns("crons", 300));
  });
});

const FILES: Record<string, string> = import.meta.glob("../fixtures/sources/*/*.json", {
  query: "?raw",
  import: "default",
  eager: true,
});

describe("a payload", LONG, () => {
  const fixtures = Object.entries(FILES).flatMap(([path, text]) => {
    const [folder = ""] = path.split("/").slice(-2);
    const fixture = Fixture.parse(JSON.parse(text));
    return typeof fixture.body === "string" ? [] : [{ folder, fixture }];
  });

  it("of any source, with something else in it, is read the same way twice, into what git would take", () => {
    const drawn = fc
      .constantFrom(...fixtures)
      .chain(({ folder, fixture }) =>
        spoiled(fixture.body).map((body) => ({ folder, fixture, body })),
      );
    const property = fc.property(drawn, ({ folder, fixture, body }) => {
      const source = findSource(folder);
      const search = `?${new URLSearchParams(fixture.query).toString()}`;
      const headers = new Headers(fixture.headers);
      const delivery = { method: "POST", path: "/hooks/x", search, headers, body: utf8(body) };
      const reading = source?.read(delivery, fixture.fields);
      expect(source?.read(delivery, fixture.fields)).toEqual(reading);
      if (reading?.kind === "triggers") {
        expect(reading.triggers.every(({ branch }) => branch === null || isBranch(branch))).toBe(
          true,
        );
        expect(JSON.stringify(reading).isWellFormed()).toBe(true);
      }
      // Nothing that a payload names becomes everything's.
      expect(Object.keys(Object.prototype)).toEqual([]);
      expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
    });
    fc.assert(property, modelRuns("payloads", 3_000));
  });
});
