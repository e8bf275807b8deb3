import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sha256, toHex, utf8 } from "../../../src/security/encoding.ts";
import { newKeySecret } from "../../../src/security/keyring.ts";
import type { Scope } from "../../../src/security/tokens.ts";
import { allows, INSTANCE, isScope, mintToken, readToken } from "../../../src/security/tokens.ts";
import { keyring, mutate } from "./keys.ts";

const SITE = "acc/site";

describe("tokens", () => {
  it("is read where it was minted for, with the hash of the whole text", async () => {
    const ring = await keyring();
    for (const where of [INSTANCE, SITE]) {
      const { id, token, hash } = await mintToken(ring, where);
      expect(await readToken(ring, token, [SITE, INSTANCE])).toEqual({ id, hash, where });
      expect(hash).toBe(toHex(await sha256(utf8(token))));
    }
  });

  it("is worth nothing elsewhere", async () => {
    const ring = await keyring();
    const { token } = await mintToken(ring, SITE);
    expect(await readToken(ring, token, ["acc/other", "other/site", INSTANCE])).toBeNull();
    expect(await readToken(ring, token, [])).toBeNull();
    expect(await readToken(await keyring(), token, [SITE])).toBeNull();
  });

  it("can be a bearer token and a part of a URL as it is, and is unlike any other", async () => {
    const ring = await keyring();
    const minted = await Promise.all(Array.from({ length: 50 }, () => mintToken(ring, SITE)));
    for (const { token } of minted) {
      expect(token).toMatch(/^sbx\.tok_[0-9A-Z]{26}\.[\w-]{24}\.[0-9a-f]{6}\.[\w-]{24}$/);
      expect(encodeURIComponent(token)).toBe(token);
    }
    expect(new Set(minted.map(({ token }) => token.split(".")[2])).size).toBe(50);
  });

  it("outlives a rotation, marked tags-only or not", async () => {
    const [old, fresh] = [newKeySecret(), newKeySecret()];
    const { token } = await mintToken(await keyring(old), SITE);
    for (const text of [`${fresh},${old}`, `${fresh},${old}:tags-only`]) {
      expect(await readToken(await keyring(text), token, [SITE])).not.toBeNull();
    }
    expect(await readToken(await keyring(fresh), token, [SITE])).toBeNull();
  });

  it("is refused when changed in any place, or made up", async () => {
    const ring = await keyring();
    const { token } = await mintToken(ring, SITE);
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.nat(), async (at, by) => {
        expect(await readToken(ring, mutate(token, at, by), [SITE])).toBeNull();
      }),
    );
    await fc.assert(
      fc.asyncProperty(fc.string(), async (text) => {
        expect(await readToken(ring, text, [SITE])).toBeNull();
        expect(await readToken(ring, `${token}${text || "x"}`, [SITE])).toBeNull();
      }),
    );
    expect(await readToken(ring, `Bearer ${token}`, [SITE])).toBeNull();
    expect(await readToken(ring, token.toUpperCase(), [SITE])).toBeNull();
  });

  it("is not made of a tag for anything else, over the very same parts", async () => {
    const ring = await keyring();
    const { id, token } = await mintToken(ring, SITE);
    const random = token.split(".")[2] ?? "";
    const start = `sbx.${id}.${random}.`;
    expect(await ring.tag("token", id, random, SITE)).toBe(token.slice(start.length));
    for (const purpose of ["hook-url", "bootstrap-token", ""]) {
      const forged = start + (await ring.tag(purpose, id, random, SITE));
      expect(await readToken(ring, forged, [SITE])).toBeNull();
    }
  });
});

describe("scopes", () => {
  it.each<[readonly Scope[], readonly Scope[]]>([
    [[], []],
    [["read"], ["read"]],
    [["deploy"], ["read", "deploy"]],
    [["manage"], ["read", "deploy", "manage"]],
    [
      ["read", "deploy"],
      ["read", "deploy"],
    ],
  ])("%j allows exactly %j", (held, allowed) => {
    for (const needed of ["read", "deploy", "manage"] as const) {
      expect(allows(held, needed)).toBe(allowed.includes(needed));
    }
  });

  it.each(["admin", "READ", "", "__proto__", null, 1, ["read"]])("%j is no scope", (value) => {
    expect(isScope(value)).toBe(false);
  });
});
