import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { checkSecret, newSecret } from "../../../../src/hooks/verify/new-secret.ts";
import { hmac, type Scheme } from "../../../../src/hooks/verify/scheme.ts";
import { accepted, check, everyone, provers, rows, signed } from "./support.ts";

describe("a secret made here", () => {
  const makable = everyone.filter(({ sender, scheme }) => {
    return scheme.kind !== "url" && sender.newSecret === undefined;
  });
  it.each(rows(makable))("is good for %s", async (_name, from) => {
    const made = Array.from({ length: 20 }, () => newSecret(from.scheme));
    expect(new Set(made).size).toBe(made.length);
    for (const secret of made) {
      expect(checkSecret(from.scheme, secret)).toBe(null);
      const delivery = await signed(from, '{"a":1}', { secret });
      expect(await check(from, delivery, { secrets: [secret] })).toEqual(accepted());
    }
  });

  it("has 32 random bytes", () => {
    expect(newSecret(hmac("x"))).toMatch(/^[\w-]{43}$/);
    expect(newSecret(hmac("x", { key: "hex" }))).toMatch(/^[0-9a-f]{64}$/);
    expect(newSecret({ kind: "contentful" })).toMatch(/^[0-9a-f]{64}$/);
    const standard = newSecret({ kind: "standard", prefixes: ["webhook-"] });
    expect(standard).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
  });
});

describe("a secret that somebody gave", () => {
  const STANDARD: Scheme = { kind: "standard", prefixes: ["webhook-"] };
  const CONTENTFUL: Scheme = { kind: "contentful" };
  const HEADER: Scheme = { kind: "header", header: "x", prefix: "" };
  const BASIC: Scheme = { kind: "basic", username: "u" };
  const BODY: Scheme = { kind: "body", pointer: "/secret" };
  const HMAC = hmac("x");
  const bytes = (length: number): string => btoa("k".repeat(length));
  const keyed = (key: "hex" | "base64" | "base64url"): Scheme => hmac("x", { key });

  it.each<[string, Scheme, string[]]>([
    ["HMAC", HMAC, ["x", "It's a Secret to Everybody", "ключ", "x".repeat(512)]],
    ["HMAC, hex", keyed("hex"), ["00ff".repeat(8), "00FF".repeat(8)]],
    ["HMAC, base64", keyed("base64"), ["aGk+".repeat(6), "+/+/".repeat(6)]],
    ["HMAC, base64url", keyed("base64url"), ["aGk-".repeat(6), "-_-_".repeat(6)]],
    ["Standard Webhooks", STANDARD, [24, 32, 64].map((length) => `whsec_${bytes(length)}`)],
    ["Standard Webhooks, public", STANDARD, [`whpk_${bytes(32)}`]],
    ["Contentful", CONTENTFUL, ["a".repeat(64), "+/=_-9zZ".repeat(8)]],
    ["header", HEADER, ["sixteen-letters!", "x".repeat(512)]],
    ["Basic", BASIC, ["correct horse battery", "пароль-из-букв-ы", "with:colons:in:it"]],
    ["body", BODY, ['"sixteen\\letters']],
  ])("is fine for %s", (_what, scheme, secrets) => {
    expect(secrets.filter((secret) => checkSecret(scheme, secret) !== null)).toEqual([]);
  });

  it.each<[string, Scheme, string[]]>([
    ["HMAC, hex", keyed("hex"), ["00", "00ff", "s3c", "s3cret", "0xff", "ff "]],
    ["HMAC, base64", keyed("base64"), ["aGk=", "aGk", "aGl=", "a-_b", "s3cr=t=="]],
    ["HMAC, base64url", keyed("base64url"), ["aGk", "aGk=", "a+/b", "a"]],
    [
      "Standard Webhooks",
      STANDARD,
      [
        ...[0, 1, 23, 65].map((length) => `whsec_${bytes(length)}`),
        bytes(32),
        `WHSEC_${bytes(32)}`,
        `whsec_${bytes(32).slice(0, -1)}`,
        `whsk_${bytes(32)}`,
        `whpk_${bytes(31)}`,
        `whpk_${bytes(33)}`,
        "whsec_",
        "s3cret",
      ],
    ],
    ["Contentful", CONTENTFUL, ["a".repeat(63), "a".repeat(65), `${"a".repeat(63)}!`, "s3cret"]],
    ["header", HEADER, ["fifteen-letters", "a space in between", "s3cret", "sixteen-lettersé"]],
    ["Basic", BASIC, ["fifteen-letters", "a tab\tin between it", "s3cret"]],
    ["body", BODY, ["fifteen-letters", "ключ-из-многих-букв"]],
    ["a URL", { kind: "url" }, ["a secret for a URL"]],
  ])("is refused for %s", (_what, scheme, secrets) => {
    for (const secret of secrets) {
      const why = checkSecret(scheme, secret);
      expect(why).toMatch(/^[A-Z].*/);
      // Bases of examples aside, nothing of it is said.
      expect(why).not.toContain("s3cret");
    }
  });

  const KINDS = [HMAC, keyed("hex"), STANDARD, CONTENTFUL, HEADER, BASIC, BODY];
  it.each([
    "",
    " ",
    "\n",
    "\u3000",
    " s3cret-of-16-letters",
    "s3cret-of-16-letters\n",
    "x".repeat(513),
  ])("is refused for everything: %j", (secret) => {
    for (const scheme of KINDS) {
      const why = checkSecret(scheme, secret);
      expect(why).toMatch(/[.?]$/);
      expect(why).not.toContain("s3cret");
    }
  });

  it("proves its sender, whenever it is not refused", async () => {
    const asIs = provers.filter(({ sender }) => /node:crypto|nobody/.test(sender.by));
    const which = fc.constantFrom(...asIs.filter(({ sender }) => sender.newSecret === undefined));
    const hex = fc.string({
      unit: fc.constantFrom(...Array.from("0123456789abcdefABCDEF")),
      maxLength: 40,
    });
    const visible = fc.string({ minLength: 1, maxLength: 64 });
    const wide = fc.string({ unit: "grapheme", minLength: 1, maxLength: 64 });
    const base64 = fc.uint8Array({ maxLength: 40 }).map((b) => btoa(String.fromCharCode(...b)));
    let taken = 0;
    const text = fc.oneof(visible, wide, hex, base64);
    const property = fc.asyncProperty(which, text, async (from, secret) => {
      if (checkSecret(from.scheme, secret) === null) {
        taken++;
        const delivery = await signed(from, "{}", { secret });
        expect(await check(from, delivery, { secrets: [secret] })).toEqual(accepted());
      }
    });
    await fc.assert(property, { numRuns: 2_000 });
    expect(taken).toBeGreaterThan(200);
  });

  it("comes in such forms as senders make", () => {
    for (const from of everyone) {
      const given = from.sender.secretToGive;
      expect(given === undefined ? null : checkSecret(from.scheme, given)).toBe(null);
    }
  });
});
