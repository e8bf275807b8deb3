import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { retryAfter as retryAfterOfCloudflare } from "../../src/cloudflare/client.ts";
import { waitOf } from "../../src/notify/git/answer.ts";
import { retryAfter } from "../../src/notify/kind.ts";
import { retryDelay } from "../../src/project/deliver.ts";
import { network } from "../../src/security/throttle.ts";
import { hostileText } from "../support/fuzz/spoil.ts";
import { modelRuns } from "../support/runs.ts";

/** What others write into headers of how long to wait, and who they say they are. */

const LONG = { timeout: 600_000 };
const NOW = Date.UTC(2026, 10, 24, 12);

const canBeHeader = (text: string): boolean => /^[\t\u0020-\u007e\u0080-\u00ff]*$/.test(text);
const seconds = fc.oneof(
  fc.integer({ min: -10, max: 2_000_000 }).map(String),
  fc.double({ min: -10, max: 1e6, noNaN: true }).map(String),
  fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }).map(String),
);
const dates = fc.oneof(
  fc
    .date({ noInvalidDate: true, min: new Date(0), max: new Date(253_402_300_799_000) })
    .map((at) => at.toUTCString()),
  fc.date({ noInvalidDate: true }).map((at) => at.toISOString()),
  fc.constantFrom(
    "Wed, 99 Nov 2026 12:00:00 GMT",
    "GMT",
    " GMT",
    "Wednesday, 25-Nov-26 12:00:00 GMT",
    "1 GMT",
  ),
);
const header = fc
  .oneof({ weight: 4, arbitrary: seconds }, { weight: 3, arbitrary: dates }, hostileText)
  .filter(canBeHeader);
const limit = fc.oneof(
  fc.tuple(header, header).map(([r, t]) => `"default";r=${r};t=${t}`),
  fc.tuple(header, header).map(([r, t]) => `"default"; t=${t} ;r=${r}, "other";t=5`),
  header,
);
const headersOf = (pairs: readonly (readonly [string, string | null])[]): Headers =>
  new Headers(pairs.filter((pair): pair is [string, string] => pair[1] !== null));
const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null> =>
  fc.option(arbitrary, { freq: 3 });

/** Another reader of a whole number of seconds, or of a date as HTTP writes it. */
const wholeSeconds = (text: string): number | null =>
  /^[0-9]{1,6}$/.test(text) ? Number(text) * 1_000 : null;

describe("a Retry-After", LONG, () => {
  it("of a receiver is a time that is not past, or nothing, and puts no repetition off by more than is planned, twice", () => {
    const property = fc.property(
      header,
      fc.integer({ min: 1, max: 9 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (text, attempts, random) => {
        const headers = headersOf([["retry-after", text]]);
        const said = headers.get("retry-after") ?? "";
        const wait = retryAfter({ headers }, NOW);
        expect(wait === null || (Number.isFinite(wait) && wait >= 0)).toBe(true);
        const whole = wholeSeconds(said);
        const at = Date.parse(said);
        if (whole !== null) {
          expect(wait).toBe(whole);
        } else if (!Number.isNaN(at) && new Date(at).toUTCString() === said) {
          expect(wait).toBe(Math.max(0, at - NOW));
        }
        const [planned, delay] = [
          retryDelay(attempts, null, 0),
          retryDelay(attempts, wait, random),
        ];
        if (planned === null || delay === null) {
          expect([planned, delay]).toEqual([null, null]);
        } else {
          expect(delay).toBeGreaterThanOrEqual(planned);
          expect(delay).toBeLessThanOrEqual(2.2 * planned);
        }
      },
    );
    fc.assert(property, modelRuns("Retry-After of receivers", 2_000));
  });

  it("or a Ratelimit of Cloudflare's is seconds that are bounded, or nothing", () => {
    const property = fc.property(maybe(header), maybe(limit), (after, ratelimit) => {
      const headers = headersOf([
        ["retry-after", after],
        ["ratelimit", ratelimit],
      ]);
      const wait = retryAfterOfCloudflare(headers);
      expect(wait === null || (Number.isInteger(wait) && wait >= 0 && wait <= 999_999_000)).toBe(
        true,
      );
      const said = wholeSeconds(headers.get("retry-after") ?? "");
      const [, t = ""] = /;\s*t=([0-9]+)/.exec(headers.get("ratelimit") ?? "") ?? [];
      // What can't be read is as if it were not there.
      expect(wait).toBe(said ?? wholeSeconds(t));
    });
    fc.assert(property, modelRuns("waits of Cloudflare", 2_000));
  });

  it("or the limit of a git host is a time that is not past, or nothing", () => {
    const names = [
      "retry-after",
      "x-ratelimit-remaining",
      "x-ratelimit-reset",
      "ratelimit-remaining",
      "ratelimit-reset",
    ];
    const pairs = fc.tuple(
      ...names.map((name) =>
        maybe(fc.oneof(header, fc.constant("0"))).map((value) => [name, value] as const),
      ),
    );
    const property = fc.property(pairs, (drawn) => {
      const headers = headersOf(drawn);
      const wait = waitOf({ status: 429, headers, text: "" }, NOW);
      expect(wait === null || (Number.isFinite(wait) && wait >= 0)).toBe(true);
      const spent = ["x-ratelimit", "ratelimit"].some(
        (name) => headers.get(`${name}-remaining`) === "0",
      );
      if (!spent) {
        expect(wait).toBe(retryAfter({ headers }, NOW));
      }
    });
    fc.assert(property, modelRuns("limits of git hosts", 2_000));
  });
});

it("an address of a network is counted with all others of it, whatever its spelling", LONG, () => {
  const group = fc.integer({ min: 0, max: 0xff_ff }).map((n) => n.toString(16));
  const eight = fc.tuple(...Array.from({ length: 8 }, () => group));
  const property = fc.property(eight, fc.nat(4), (groups, at) => {
    const whole = groups.join(":");
    const mine = network(whole);
    expect(mine).toBe(groups.slice(0, 4).join(":"));
    expect(network(groups.map((each) => each.padStart(4, "0").toUpperCase()).join(":"))).toBe(mine);
    // Zeros that are left out.
    const zeros = groups.map((each, n) => (n === at || n === at + 1 ? "0" : each));
    const short = `${groups.slice(0, at).join(":")}::${groups.slice(at + 2).join(":")}`;
    expect(network(short)).toBe(network(zeros.join(":")));
  });
  fc.assert(property, modelRuns("networks", 1_000));
});
