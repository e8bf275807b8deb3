import { describe, expect, it } from "vitest";

import type { Delivery, Field } from "../../../../src/hooks/delivery.ts";
import { senders } from "../../../support/senders/index.ts";
import {
  accepted,
  check,
  deliveryOf,
  expectAll,
  getField,
  known,
  must,
  prefixOf,
  proofField,
  provers,
  refused,
  rows,
  signed,
  signers,
  withField,
  type Known,
} from "./support.ts";

/** What has gone wrong at receivers of webhooks before, tried on every sender. */

const BODY = '{"action":"published","n":1}';
const inHeaders = provers.filter(({ scheme }) => proofField(scheme) !== null);

describe.each(rows(inHeaders))("the proof of %s", (_name, from) => {
  const field = must(proofField(from.scheme));
  const whole: Field = { header: field.header };
  const malformed = refused("malformed_signature");

  it("is missing or empty", async () => {
    const delivery = await signed(from, BODY);
    for (const value of [null, ""]) {
      const missing = refused("missing_signature");
      expect(await check(from, withField(delivery, field, value))).toEqual(missing);
      expect(await check(from, withField(delivery, whole, value))).toEqual(missing);
    }
  });

  it("is there twice, as one header or two", async () => {
    const delivery = await signed(from, BODY);
    const value = must(delivery.headers.get(field.header));
    const twice = new Headers(delivery.headers);
    twice.append(field.header, value);
    expect(twice.get(field.header)).toBe(`${value}, ${value}`);
    // A secret sent as it is may look like anything, so two are a wrong one.
    const wrong = from.scheme.kind === "header" ? refused("bad_signature") : malformed;
    expect(await check(from, { ...delivery, headers: twice })).toEqual(wrong);
    const wrongFirst = withField(delivery, whole, `x, ${value}`);
    expect(await check(from, wrongFirst)).toMatchObject({ ok: "pair" in field });
  });

  it("is over-long", async () => {
    const delivery = await signed(from, BODY);
    const value = getField(delivery.headers, field);
    for (const long of [value.padEnd(2_049, "a"), value.repeat(200), "=".repeat(100_000)]) {
      expect(await check(from, withField(delivery, field, long))).toEqual(malformed);
    }
  });

  it("is said to be so without a word of it", async () => {
    const delivery = withField(await signed(from, BODY), field, "5ecre7-5ecre7");
    const text = JSON.stringify(await check(from, delivery));
    expect(text).not.toContain("5ecre7");
    expect(text).not.toContain(from.secret);
    expect(text.toLowerCase()).toContain(field.header.toLowerCase());
  });
});

const prefixed = inHeaders.filter(({ scheme }) => prefixOf(scheme) !== "");
describe.each(rows(prefixed))("the prefix of %s", (_name, from) => {
  const field = must(proofField(from.scheme));
  const prefix = prefixOf(from.scheme);
  const isWord = /^(bearer|basic|token) $/i.test(prefix);

  it("alone is no signature", async () => {
    const delivery = withField(await signed(from, BODY), field, prefix);
    // Standard Webhooks have a list: one that ends too early is malformed.
    const code = prefix === "v1," || prefix === "Basic " ? "malformed" : "missing";
    expect(await check(from, delivery)).toEqual(refused(`${code}_signature`));
  });

  it("is needed as it is", async () => {
    const delivery = await signed(from, BODY);
    const value = getField(delivery.headers, field).slice(versionOf(from, delivery).length);
    const others = {
      none: "",
      "another hash": "md5=",
      "a word before it": `x ${prefix}`,
      "not to its end": prefix.slice(0, -1),
    };
    const changed = Object.entries(others).map(([what, other]): [string, Delivery] => [
      what,
      withField(delivery, field, other + value),
    ]);
    await expectAll(from, "malformed_signature", Object.fromEntries(changed));
    for (const other of [prefix + prefix, `${prefix} `]) {
      const verdict = await check(from, withField(delivery, field, other + value));
      // What follows a word is the secret, whatever it is.
      const code = from.scheme.kind === "header" ? "bad_signature" : "malformed_signature";
      expect(verdict).toEqual(refused(code));
    }
  });

  it("has a letter case, unless it is a word such as Bearer (RFC 9110)", async () => {
    const delivery = await signed(from, BODY);
    const value = getField(delivery.headers, field);
    const version = versionOf(from, delivery);
    const changed = version.toUpperCase() + value.slice(version.length);
    const verdict = await check(from, withField(delivery, field, changed));
    expect(verdict).toEqual(isWord ? accepted() : refused("malformed_signature"));
  });
});

/** The prefix as it stands there: `v1a,` for a public key. */
function versionOf({ scheme }: Known, { headers }: { headers: Headers }): string {
  const prefix = prefixOf(scheme);
  const asymmetric = getField(headers, must(proofField(scheme))).startsWith("v1a,");
  return prefix === "v1," && asymmetric ? "v1a," : prefix;
}

describe.each(rows(signers))("the digest of %s", (_name, from) => {
  const { scheme } = from;
  const field = must(proofField(scheme));
  const hex = scheme.kind === "contentful" || (scheme.kind === "hmac" && scheme.encoding === "hex");

  it("is nothing but itself", async () => {
    const delivery = await signed(from, BODY);
    const prefix = versionOf(from, delivery);
    const digest = getField(delivery.headers, field).slice(prefix.length);
    const others = {
      "a digit short": digest.slice(0, -1),
      "two digits short": digest.slice(0, -2),
      "without its first digits": digest.slice(4),
      half: digest.slice(0, digest.length / 2),
      twice: digest + digest,
      "followed by zeros": `${digest}0000`,
      "with zeros before it": `0000${digest}`,
      "followed by junk": `${digest};`,
      "with junk before it": `!${digest}`,
      "with a space in it": `${digest.slice(0, 8)} ${digest.slice(8)}`,
      "in quotes": `"${digest}"`,
      "padded once more": `${digest}=`,
      "in another alphabet": `~.${digest.slice(2)}`,
    };
    const changed = Object.entries(others).map(([what, other]): [string, Delivery] => [
      what,
      withField(delivery, field, prefix + other),
    ]);
    await expectAll(from, "malformed_signature", Object.fromEntries(changed));
  });

  it("is all zeros, or of another length's hash", async () => {
    const delivery = await signed(from, BODY);
    const prefix = versionOf(from, delivery);
    const value = getField(delivery.headers, field).slice(prefix.length);
    const zeros = prefix + (hex ? "0".repeat(value.length) : value.replace(/[^=]/g, "A"));
    expect(await check(from, withField(delivery, field, zeros))).toEqual(refused("bad_signature"));
    for (const length of [0, 2, 16, 20, 32, 48, 64, 96].map((n) => (hex ? 2 * n : n))) {
      const other = withField(delivery, field, prefix + "0".repeat(length));
      expect(await check(from, other)).toMatchObject({ ok: false });
    }
  });

  it(hex ? "may be in upper case" : "has a letter case that counts", async () => {
    const delivery = await signed(from, BODY);
    const prefix = versionOf(from, delivery);
    const digest = getField(delivery.headers, field).slice(prefix.length);
    for (const other of [digest.toUpperCase(), digest.toLowerCase()].filter((d) => d !== digest)) {
      const verdict = await check(from, withField(delivery, field, prefix + other));
      if (hex) {
        expect(verdict).toEqual(accepted());
      } else {
        expect(verdict).toMatchObject({ ok: false });
      }
    }
  });
});

describe("GitLab's hook in signing mode", () => {
  const from = known("gitlab/signing_token", senders["gitlab/signing_token"]);
  const token = { "x-gitlab-token": from.secret };

  it("refuses what carries the token alone", async () => {
    const delivery = deliveryOf({ headers: token, body: BODY });
    expect(await check(from, delivery)).toEqual(refused("missing_signature"));
  });

  it("looks at the signature alone where there are both", async () => {
    const delivery = await signed(from, BODY);
    const field = { header: "x-gitlab-token" };
    for (const value of [from.secret, "another"]) {
      expect(await check(from, withField(delivery, field, value))).toEqual(accepted());
    }
    const forged = await signed(from, BODY, { secret: from.other });
    const verdict = await check(from, withField(forged, field, from.secret));
    expect(verdict).toEqual(refused("bad_signature"));
  });
});

describe.each(rows(provers))("without a secret, %s", (_name, from) => {
  it("proves nothing", async () => {
    const delivery = await signed(from, BODY);
    for (const secrets of [[], [""], ["", ""]]) {
      expect(await check(from, delivery, { secrets })).toEqual(refused("bad_signature"));
    }
    expect(await check(from, delivery, { secrets: ["", from.secret] })).toEqual(accepted(true));
  });
});

const takesAnyKey = provers.filter(({ sender, scheme }) => {
  const own = /node:crypto|nobody/.test(sender.by) && sender.newSecret === undefined;
  return own || scheme.kind === "header";
});
it.each(rows(takesAnyKey))("what %s makes of an empty secret proves nothing", async (_, from) => {
  const delivery = await signed(from, BODY, { secret: "" });
  for (const secrets of [[], [""], [from.secret]]) {
    const verdict = await check(from, delivery, { secrets });
    expect(verdict).toMatchObject({ ok: false });
    expect(["missing_signature", "bad_signature"]).toContain(
      "reason_code" in verdict && verdict.reason_code,
    );
  }
});
