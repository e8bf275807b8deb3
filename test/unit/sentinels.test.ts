import { describe, expect, it } from "vitest";

import { toBase64, toHex, utf8 } from "../../src/security/encoding.ts";
import { Sentinels } from "../support/sentinels.ts";

const SECRET = 'a-secret "with" marks+/%';
const KEY = "q83vASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4k";

const sentinels = new Sentinels();
sentinels.add("it", SECRET);
sentinels.addBase64("the key", KEY);

describe("a secret that was planted", () => {
  it.each([
    ["as it is", SECRET],
    ["in JSON", JSON.stringify({ a: SECRET })],
    ["in a URL", `https://x.example/?a=${encodeURIComponent(SECRET)}`],
    ["in base64", `Basic ${toBase64(utf8(SECRET))}`],
    ["in hex", toHex(utf8(SECRET))],
  ])("is found %s", (how, text) => {
    expect(sentinels.in(`<p>${text}</p>`)).toContain(`it ${how}`);
    expect(sentinels.inBytes(utf8(`\u0000${text}\u0000`))).toContain(`it ${how}`);
  });

  it("is found as the bytes that its text stands for", () => {
    const bytes = new Uint8Array([
      1,
      2,
      ...Uint8Array.from(atob(`${KEY}=`), (c) => c.charCodeAt(0)),
    ]);
    expect(sentinels.inBytes(bytes)).toEqual(["the key as bytes"]);
    expect(sentinels.inBytes(bytes.subarray(3))).toEqual([]);
  });

  it("is not found where it is not", () => {
    expect(sentinels.in(SECRET.slice(1))).toEqual([]);
  });

  it("is refused when it is so short that it is anywhere", () => {
    expect(() => sentinels.add("short", "sandbox-token")).toThrow("too short");
  });
});
