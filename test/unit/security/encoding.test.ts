import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  fromBase64,
  fromBase64url,
  fromHex,
  toBase64,
  toBase64url,
  toHex,
} from "../../../src/security/encoding.ts";

const codecs = [
  ["hex", toHex, fromHex],
  ["base64", toBase64, fromBase64],
  ["base64url", toBase64url, fromBase64url],
] as const;

describe.each(codecs)("%s", (_name, encode, decode) => {
  it("gives back every value", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(decode(encode(new Uint8Array(bytes)))).toEqual(new Uint8Array(bytes));
      }),
    );
  });

  it("never throws, and reads a value from one text only", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.base64String()), (text) => {
        const bytes = decode(text);
        const canonical = encode === toHex ? text.toLowerCase() : text;
        expect(bytes === null || encode(bytes) === canonical).toBe(true);
      }),
    );
  });
});

it("encodes what is longer than one slice", () => {
  const bytes = new Uint8Array(20_000).fill(7);
  expect(fromBase64(toBase64(bytes))).toEqual(bytes);
});

it.each([
  ["hex", fromHex, ["a", "0g", " 00", "0x00", "00\n"]],
  ["base64", fromBase64, ["QQ", "QQ=", "QR==", "Q===", "Q Q=", "QQ==\n", "_w=="]],
  ["base64url", fromBase64url, ["QR", "Q", "QQ==", "+w", "QQ\n"]],
] as const)("%s refuses other spellings", (_name, decode, texts) => {
  expect(texts.filter((text) => decode(text) !== null)).toEqual([]);
});
