import { sign } from "@octokit/webhooks-methods";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { github } from "../../../src/hooks/sources/github.ts";
import type { HmacScheme, Verdict } from "../../../src/hooks/verify.ts";
import { checkHookSecret, newHookSecret, verifyHmac } from "../../../src/hooks/verify.ts";
import { utf8 } from "../../../src/security/encoding.ts";

const SECRET = "It's a Secret to Everybody";
const BODY = "Hello, World!";
const HEX = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
const GITHUB = github.scheme;

async function verify(
  signature: string | undefined,
  body: string | Uint8Array<ArrayBuffer> = BODY,
  secrets: readonly string[] = [SECRET],
  scheme: HmacScheme = GITHUB,
): Promise<Verdict> {
  const headers = new Headers(signature === undefined ? {} : { [scheme.header]: signature });
  return verifyHmac(scheme, secrets, headers, typeof body === "string" ? utf8(body) : body);
}

const refused = (reason_code: string) => expect.objectContaining({ ok: false, reason_code });

describe("GitHub's scheme", () => {
  it("takes the published example, in either letter case", async () => {
    expect(await verify(`sha256=${HEX}`)).toEqual({ ok: true });
    expect(await verify(`sha256=${HEX.toUpperCase()}`)).toEqual({ ok: true });
  });

  it("takes whatever GitHub's own library signs", async () => {
    const text = fc.string({ minLength: 1, unit: "grapheme" });
    await fc.assert(
      fc.asyncProperty(text, text, text, async (secret, body, other) => {
        fc.pre(secret !== other);
        const signature = await sign(secret, body);
        expect(await verify(signature, body, [secret])).toEqual({ ok: true });
        expect(await verify(signature, body, [other])).toEqual(refused("bad_signature"));
        expect(await verify(signature, `${body}\n`, [secret])).toEqual(refused("bad_signature"));
      }),
    );
  });

  it.each([
    ["missing_signature", undefined],
    ["missing_signature", ""],
    ["missing_signature", "sha256="],
    ["malformed_signature", HEX],
    ["malformed_signature", `sha1=${HEX.slice(0, 40)}`],
    ["malformed_signature", `sha1=${HEX}`],
    ["malformed_signature", `SHA256=${HEX}`],
    ["malformed_signature", `sha256=sha256=${HEX}`],
    ["malformed_signature", `sha256= ${HEX}`],
    ["malformed_signature", `sha256=${HEX.slice(0, -1)}`],
    ["malformed_signature", `sha256=${HEX.slice(0, -2)}`],
    ["malformed_signature", `sha256=${HEX}00`],
    ["malformed_signature", `sha256=${HEX};`],
    ["malformed_signature", `sha256=0x${HEX.slice(2)}`],
    ["malformed_signature", `sha256=zz${HEX.slice(2)}`],
    ["malformed_signature", `sha256=${HEX.repeat(1000)}`],
    ["bad_signature", `sha256=${"0".repeat(64)}`],
  ])("%s: %j", async (code, signature) => {
    expect(await verify(signature)).toEqual(refused(code));
  });

  it("refuses a header that was sent twice, even with the same right value", async () => {
    const headers = new Headers();
    headers.append("x-hub-signature-256", `sha256=${HEX}`);
    headers.append("x-hub-signature-256", `sha256=${HEX}`);
    const verdict = await verifyHmac(GITHUB, [SECRET], headers, utf8(BODY));
    expect(verdict).toEqual(refused("malformed_signature"));
  });

  it("never throws, and accepts nothing that is not the signature", async () => {
    const value = fc.oneof(
      fc.string({ unit: fc.integer({ min: 32, max: 255 }).map((n) => String.fromCharCode(n)) }),
      fc.string({ unit: fc.nat(15).map((n) => n.toString(16)), minLength: 64, maxLength: 64 }),
    );
    await fc.assert(
      fc.asyncProperty(value, async (text) => {
        expect((await verify(text)).ok).toBe(false);
        expect((await verify(`sha256=${text}`)).ok).toBe(false);
      }),
    );
    await fc.assert(
      fc.asyncProperty(fc.nat(63), fc.integer({ min: 1, max: 15 }), async (at, by) => {
        const digit = (Number.parseInt(HEX.charAt(at), 16) ^ by).toString(16);
        const forged = HEX.slice(0, at) + digit + HEX.slice(at + 1);
        expect(await verify(`sha256=${forged}`)).toEqual(refused("bad_signature"));
      }),
    );
  });

  it("says what to do, without saying what it got", async () => {
    const verdict = await verify(`sha256=${"5ecre7".padEnd(64, "0")}`);
    expect(verdict).toEqual(refused("malformed_signature"));
    expect(JSON.stringify(verdict)).not.toContain("5ecre7");
    expect(JSON.stringify(verdict)).toContain("X-Hub-Signature-256");
  });
});

describe("bodies", () => {
  const cases: [string, Uint8Array<ArrayBuffer>][] = [
    ["a byte order mark", new Uint8Array([0xef, 0xbb, 0xbf, 0x7b, 0x7d])],
    ["invalid UTF-8", new Uint8Array([0x22, 0xff, 0xfe, 0x22])],
    ["CRLF and a newline at the end", utf8("{\r\n}\r\n")],
    ["nothing at all", new Uint8Array()],
  ];
  it.each(cases)("are verified as bytes: %s", async (_what, body) => {
    const algorithm = { name: "HMAC", hash: "SHA-256" };
    const key = await crypto.subtle.importKey("raw", utf8(SECRET), algorithm, false, ["sign"]);
    const mac = new Uint8Array(await crypto.subtle.sign("HMAC", key, body));
    const hex = Array.from(mac, (byte) => byte.toString(16).padStart(2, "0")).join("");
    expect(await verify(`sha256=${hex}`, body)).toEqual({ ok: true });

    const asText = utf8(new TextDecoder().decode(body).replaceAll("\r", "").trimEnd() || " ");
    expect(await verify(`sha256=${hex}`, asText)).toEqual(refused("bad_signature"));
  });
});

describe("secrets", () => {
  it("takes any of several while they are rotated", async () => {
    expect(await verify(`sha256=${HEX}`, BODY, ["new", SECRET])).toEqual({ ok: true });
    expect(await verify(`sha256=${HEX}`, BODY, [SECRET, "old"])).toEqual({ ok: true });
  });

  it("verifies nothing without one, blank ones included", async () => {
    for (const secrets of [[], [""], ["", ""]]) {
      expect(await verify(`sha256=${HEX}`, BODY, secrets)).toEqual(refused("bad_signature"));
    }
  });

  it.each(["", " ", "\n", " s3cret", "s3cret\n", "x".repeat(513)])("can't be %j", (secret) => {
    const checked = checkHookSecret(secret);
    expect(checked.ok).toBe(false);
    expect(JSON.stringify(checked)).not.toContain("s3cret");
  });

  it("can be what people use, and what we make", () => {
    for (const secret of [SECRET, "x", newHookSecret()]) {
      expect(checkHookSecret(secret)).toEqual({ ok: true, value: secret });
    }
    expect(newHookSecret()).toMatch(/^[\w-]{43}$/);
    expect(newHookSecret()).not.toBe(newHookSecret());
  });
});

describe("other senders are rows", () => {
  it.each<[string, HmacScheme, string, string, string]>([
    [
      "prefixed hex, SHA-256",
      { header: "X-Hub-Signature", prefix: "sha256=", hash: "SHA-256", encoding: "hex" },
      SECRET,
      "Hello World!",
      "sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9",
    ],
    [
      "bare hex, SHA-256",
      { header: "X-Gitea-Signature", prefix: "", hash: "SHA-256", encoding: "hex" },
      "s3cret",
      '{"ref":"refs/heads/main"}',
      "232a5e067b6a5aa567ed5a1d21a0dffaf6ef0eeecb6bd9bcf43b3d5ef3fc4f43",
    ],
    [
      "prefixed hex, SHA-1",
      { header: "X-Hub-Signature", prefix: "sha1=", hash: "SHA-1", encoding: "hex" },
      "s3cret",
      '{"ref":"refs/heads/main"}',
      "sha1=9e9224e1fe730b87754d941cabe9da2f2724b16c",
    ],
    [
      "base64, SHA-256",
      { header: "X-Shopify-Hmac-SHA256", prefix: "", hash: "SHA-256", encoding: "base64" },
      "hush",
      '{"id":1}',
      "VnKUjZsLuN5iZWjn5EntcBVCF9kMN43LglzCE1/GSeY=",
    ],
    [
      "base64url, SHA-256",
      { header: "X-Signature", prefix: "v1=", hash: "SHA-256", encoding: "base64url" },
      "hush",
      '{"id":1}',
      "v1=VnKUjZsLuN5iZWjn5EntcBVCF9kMN43LglzCE1_GSeY",
    ],
  ])("%s", async (_what, scheme, secret, body, signature) => {
    expect(await verify(signature, body, [secret], scheme)).toEqual({ ok: true });
    expect(await verify(signature, `${body} `, [secret], scheme)).toEqual(refused("bad_signature"));
    const cut = signature.slice(0, -1);
    expect(await verify(cut, body, [secret], scheme)).toEqual(refused("malformed_signature"));
    const twice = `${signature}, ${signature}`;
    expect(await verify(twice, body, [secret], scheme)).toEqual(refused("malformed_signature"));
  });
});
