import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { newId } from "../../../src/ids.ts";
import { mintBootstrapToken } from "../../../src/security/bootstrap.ts";
import { toBase64, utf8 } from "../../../src/security/encoding.ts";
import { mintHookSegment } from "../../../src/security/hook-url.ts";
import { EXCERPT_MARGIN, excerpt, redact } from "../../../src/security/redact.ts";
import { mintToken } from "../../../src/security/tokens.ts";
import { newWebhookSecret } from "../../../src/notify/webhook.ts";
import { keyring } from "./keys.ts";

describe("redact", () => {
  it("removes known secrets wherever and however they are written", () => {
    const secret = 'p&ss "word"/é';
    for (const form of [
      secret,
      JSON.stringify(secret),
      encodeURIComponent(secret),
      toBase64(utf8(secret)),
    ]) {
      const clean = redact(`before ${form} after ${form}`, [secret]);
      expect(clean).not.toContain("ss");
      expect(clean).toMatch(/^before "?\[redacted\]"? after "?\[redacted\]"?$/);
    }
  });

  it("takes secrets literally, the longest first, blanks not at all", () => {
    expect(redact("a.c abc", ["a.c"])).toBe("[redacted] abc");
    expect(redact("key-1-long key-1", ["key-1", "key-1-long"])).toBe("[redacted] [redacted]");
    expect(redact("red", ["red", "r", "act"])).toBe("[redacted]");
    expect(redact("a b", ["", " "])).toBe("a b");
    expect(redact("$& $1", ["$&"])).toBe("[redacted] $1");
  });

  it("leaves no known secret behind, whatever surrounds it", () => {
    const secret = "5entinel-value";
    fc.assert(
      fc.property(fc.string(), fc.string(), (before, after) => {
        expect(redact(before + secret + after, [secret])).not.toContain(secret);
      }),
    );
  });

  it("removes our own tokens and secrets without being told them", async () => {
    const ring = await keyring();
    const { id, token } = await mintToken(ring, "acc/site");
    const { token: bootstrap } = await mintBootstrapToken(ring, {
      scopes: ["manage"],
      expiresAt: 2e12,
    });
    const whsec = newWebhookSecret();
    for (const text of [token, bootstrap, whsec]) {
      expect(redact(`<${text}>`, [])).toBe("<[redacted]>");
    }
    const hook = newId("hok");
    const segment = await mintHookSegment(ring, "acc/site", hook);
    expect(redact(`POST /hooks/site/${segment} 401`, [])).toBe(
      `POST /hooks/site/${hook}.[redacted] 401`,
    );
    expect(redact(`${id} ${hook} evt_1`, [])).toBe(`${id} ${hook} evt_1`);
  });

  it("removes what stands after Bearer or Basic, and JWTs", () => {
    expect(redact("Authorization: Bearer v1.0-abc_DEF~", [])).toBe(
      "Authorization: Bearer [redacted]",
    );
    expect(redact('{"authorization":"basic dXNlcjpwYXNz=="}', [])).toBe(
      '{"authorization":"basic [redacted]"}',
    );
    expect(redact("jwt=eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjF9.c2ln;", [])).toBe("jwt=[redacted];");
    expect(redact("Basic authentication is required. A Bearer token is missing", [])).toBe(
      "Basic authentication is required. A Bearer token is missing",
    );
  });
});

describe("excerpt", () => {
  const SECRET = "5entinel-value-that-is-long";

  it("is the text when that is short", () => {
    expect(excerpt(utf8(`ok ${SECRET}`), [SECRET])).toBe("ok [redacted]");
    expect(excerpt(new Uint8Array(), [])).toBe("");
    expect(excerpt(utf8("a".repeat(5120)), [])).toBe("a".repeat(4096));
  });

  it("shows no part of a secret that was cut where reading stopped", () => {
    const limit = 100;
    // Short placeholders for long secrets: they pull what was read beyond the limit back inside it.
    const whole = utf8(`${SECRET} `.repeat(100));
    fc.assert(
      fc.property(
        fc.integer({ min: limit + SECRET.length, max: limit + EXCERPT_MARGIN }),
        (read) => {
          const clean = excerpt(whole.slice(0, read), [SECRET], limit);
          expect(clean.length).toBeLessThanOrEqual(limit);
          expect(clean).not.toContain("5");
        },
      ),
    );
  });

  it("takes any bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const clean = excerpt(bytes, [SECRET], 64);
        expect(clean.length).toBeLessThanOrEqual(64);
        expect(clean.isWellFormed()).toBe(true);
      }),
    );
  });
});
