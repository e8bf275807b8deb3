import { describe, expect, it } from "vitest";

import type { Delivery } from "../../../../src/hooks/delivery.ts";
import { hmac } from "../../../../src/hooks/verify/scheme.ts";
import { verify } from "../../../../src/hooks/verify/verify.ts";
import { macOf } from "../../../support/senders/sender.ts";
import {
  accepted,
  check,
  deliveryOf,
  expectAll,
  must,
  NOW,
  refused,
  rows,
  signed,
  signers,
  timeField,
  withField,
} from "./support.ts";

/** Signed time stamps: of these five minutes, and written as one. */

const BODY = '{"action":"published","n":1}';

const timed = signers.filter(({ scheme }) => timeField(scheme) !== null);
describe.each(rows(timed))("the time stamp of %s", (_name, from) => {
  const { field, unit } = must(timeField(from.scheme));
  const step = unit === "s" ? 1_000 : 1;
  const late = refused("timestamp_out_of_range");

  it("counts for 300 seconds, both ways, to the very end", async () => {
    const delivery = await signed(from, BODY);
    for (const off of [0, 300_000, -300_000]) {
      expect(await check(from, delivery, { now: NOW + off })).toEqual(accepted());
    }
    for (const off of [300_000 + step, 301_000, 86_400_000, 300 * 365 * 86_400_000]) {
      expect(await check(from, delivery, { now: NOW + off })).toEqual(late);
      expect(await check(from, delivery, { now: NOW - off })).toEqual(late);
    }
  });

  it("is looked at after the signature, which says nothing when it is wrong", async () => {
    const delivery = await signed(from, BODY, { secret: from.other });
    const verdict = await check(from, delivery, { now: NOW + 301_000 });
    expect(verdict).toEqual(refused("bad_signature"));
  });

  it("says which way it is off, and by how much", async () => {
    const delivery = await signed(from, BODY);
    const reason = async (now: number): Promise<string> =>
      JSON.stringify(await check(from, delivery, { now }));
    expect(await reason(NOW + 3_600_000)).toContain("3600 s old");
    expect(await reason(NOW - 3_600_000)).toContain("3600 s ahead");
  });

  it("is a whole number of its unit and nothing else", async () => {
    const own = String(NOW / step);
    const others = {
      "in the other unit": unit === "s" ? String(NOW) : String(NOW / 1_000),
      "followed by letters": `${own}abc`,
      "not whole": `${own}.5`,
      "not whole, but as much": `${own}.0`,
      "with a minus": `-${own}`,
      "with a plus": `+${own}`,
      "with a zero before it": `0${own}`,
      "a power": "1e9",
      hexadecimal: `0x${(NOW / step).toString(16)}`,
      "with a space in it": `${own.slice(0, 3)} ${own.slice(3)}`,
      "with a separator": `${own.slice(0, 3)}_${own.slice(3)}`,
      "an ISO date": new Date(NOW).toISOString(),
      "no number": "NaN",
      "without end": "Infinity",
      "more than a number holds": "9".repeat(400),
      zero: "0",
      empty: "",
      missing: null,
      twice: "pair" in field ? `${own}, ${field.pair}=${own}` : `${own}, ${own}`,
    };
    const delivery = await signed(from, BODY);
    const changed = Object.entries(others).map(([what, other]): [string, Delivery] => [
      what,
      withField(delivery, field, other),
    ]);
    await expectAll(from, "malformed_signature", Object.fromEntries(changed));
  });
});

describe("a time stamp that is signed and is none", () => {
  it.each(["1700000000abc", "1700000000.5", "-1700000000", "1e9", "0x6553f100", " ", "١٧"])(
    "is no time: %j",
    async (text) => {
      const scheme = hmac("x-signature", {
        content: "{timestamp}.{body}",
        signature: { header: "x-proof", pair: "v1" },
        fields: { timestamp: { header: "x-proof", pair: "t" } },
        clock: "s",
      });
      const latin = String.fromCharCode(...new TextEncoder().encode(text));
      const headers = { "x-proof": `t=${latin},v1=${macOf([`${latin}.`, BODY], "s3cret", {})}` };
      const delivery = deliveryOf({ headers, body: BODY });
      for (const now of [1_700_000_000_000, 17_000, 0]) {
        const verdict = await verify(scheme, ["s3cret"], delivery, now);
        expect(verdict).toEqual(refused("malformed_signature"));
      }
    },
  );
});
