import * as fc from "fast-check";
import { expect, it } from "vitest";
import {
  isBootstrapToken,
  mintBootstrapToken,
  readBootstrapToken,
} from "../../../src/security/bootstrap.ts";
import { toBase64url, utf8 } from "../../../src/security/encoding.ts";
import { INSTANCE, mintToken, readToken } from "../../../src/security/tokens.ts";
import { keyring, mutate } from "./keys.ts";

const NOW = 1_780_000_000_000;
const GRANT = { scopes: ["deploy"], expiresAt: NOW + 1000 } as const;
const FORGED = { ok: false, error: "forged" };

it("carries what it may do and until when, with no row to look up", async () => {
  const ring = await keyring();
  const { id, token } = await mintBootstrapToken(ring, GRANT);
  expect(isBootstrapToken(token)).toBe(true);
  expect(encodeURIComponent(token)).toBe(token);
  expect(await readBootstrapToken(ring, token, NOW)).toEqual({
    ok: true,
    value: { id, scopes: ["deploy"], expires_at: NOW + 1000 },
  });
});

it("ends when it says", async () => {
  const ring = await keyring();
  const { token } = await mintBootstrapToken(ring, GRANT);
  expect((await readBootstrapToken(ring, token, NOW + 999)).ok).toBe(true);
  const expired = { ok: false, error: "expired" };
  expect(await readBootstrapToken(ring, token, NOW + 1000)).toEqual(expired);
});

it("can't be widened", async () => {
  const ring = await keyring();
  const { id, token } = await mintBootstrapToken(ring, GRANT);
  const claims = { id, scopes: ["manage"], expires_at: NOW + 1e9 };
  const [prefix, , kid, mac] = token.split(".");
  const widened = [prefix, toBase64url(utf8(JSON.stringify(claims))), kid, mac].join(".");
  expect(await readBootstrapToken(ring, widened, NOW)).toEqual(FORGED);
});

it("is refused when changed in any place, made up, or made by another instance", async () => {
  const ring = await keyring();
  const { token } = await mintBootstrapToken(ring, GRANT);
  await fc.assert(
    fc.asyncProperty(fc.nat(), fc.nat(), fc.string(), async (at, by, text) => {
      expect(await readBootstrapToken(ring, mutate(token, at, by), NOW)).toEqual(FORGED);
      expect(await readBootstrapToken(ring, text, NOW)).toEqual(FORGED);
      expect(await readBootstrapToken(ring, `sbxr.${text}`, NOW)).toEqual(FORGED);
    }),
  );
  expect(await readBootstrapToken(await keyring(), token, NOW)).toEqual(FORGED);
});

it("is refused when its claims are not ones, though the tag is right", async () => {
  const ring = await keyring();
  for (const text of ["null", "[]", "{", '{"id":"tok_1","scopes":["manage"],"expires_at":9e15}']) {
    const payload = toBase64url(utf8(text));
    const token = `sbxr.${payload}.${await ring.tag("bootstrap-token", payload)}`;
    expect(await readBootstrapToken(ring, token, NOW)).toEqual(FORGED);
  }
});

it("is no stored token, nor the other way round", async () => {
  const ring = await keyring();
  const bootstrap = await mintBootstrapToken(ring, GRANT);
  expect(await readToken(ring, bootstrap.token, [INSTANCE])).toBeNull();
  const stored = await mintToken(ring, INSTANCE);
  expect(isBootstrapToken(stored.token)).toBe(false);
  expect(await readBootstrapToken(ring, stored.token, NOW)).toEqual(FORGED);
});

it("is not minted without a scope or an end", async () => {
  const ring = await keyring();
  await expect(mintBootstrapToken(ring, { scopes: [], expiresAt: NOW })).rejects.toThrow(/scopes/);
  await expect(
    mintBootstrapToken(ring, { scopes: ["read"], expiresAt: Number.POSITIVE_INFINITY }),
  ).rejects.toThrow(/expires_at/);
});
