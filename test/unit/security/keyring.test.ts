import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toBase64, utf8 } from "../../../src/security/encoding.ts";
import { newKeySecret, parseKeyring } from "../../../src/security/keyring.ts";
import { keyring, mutate } from "./keys.ts";

const OLD = newKeySecret();
const NEW = newKeySecret();

describe("parsing SIGNALBOX_KEYS", () => {
  it.each(["", "  ", "\n"])("says how to make a key when there is none: %j", async (text) => {
    const parsed = await parseKeyring(text);
    expect(parsed).toMatchObject({ ok: false, error: { code: "keys_missing" } });
    expect(parsed.ok ? "" : parsed.error.message).toContain("npm run keys");
  });

  const SHORT = OLD.slice(0, 42);
  it.each([
    ["a short one", SHORT, "Key 1 "],
    ["not base64", `${OLD}!`, "Key 1 "],
    ["words", "correct horse battery staple correct horse battery staple", "Key 1 "],
    ["over-long", "A".repeat(400), "Key 1 "],
    ["blank at the end", `${OLD},`, "Key 2 "],
    ["blank at the start", `,${OLD}`, "Key 1 "],
    ["blank with a mark", `${OLD},:tags-only`, "Key 2 "],
    ["the same twice", `${NEW},${OLD},${NEW}`, "Key 3 "],
    ["the same marked", `${NEW},${NEW}:tags-only`, "Key 2 "],
    ["current marked", `${OLD}:tags-only`, "Key 1 "],
    ["unknown mark", `${NEW},${OLD}:tag-only`, "Key 2 "],
    ["marked twice", `${NEW},${OLD}:tags-only:tags-only`, "Key 2 "],
    ["too many", Array.from({ length: 9 }, newKeySecret).join(","), "SIGNALBOX_KEYS "],
  ])("refuses %s, names its place and keeps it to itself", async (_what, text, start) => {
    const parsed = await parseKeyring(text);
    expect(parsed).toMatchObject({ ok: false, error: { code: "keys_invalid" } });
    const message = parsed.ok ? "" : parsed.error.message;
    expect(message.slice(0, start.length)).toBe(start);
    for (const secret of [OLD, NEW, SHORT, "correct horse", "AAAA"]) {
      expect(message).not.toContain(secret);
    }
  });

  it("takes white space, padded base64, and the same secret in either alphabet as one", async () => {
    const bytes = new Uint8Array(33).fill(251);
    const standard = toBase64(bytes);
    const urlSafe = standard.replaceAll("+", "-").replaceAll("/", "_");
    expect(standard).not.toBe(urlSafe);
    expect((await keyring(` ${standard} `)).current).toBe((await keyring(urlSafe)).current);
    expect((await keyring(toBase64(new Uint8Array(32).fill(9)))).current).toMatch(/^[0-9a-f]{6}$/);
    expect((await keyring(` ${NEW} ,\n${OLD} : tags-only\n`)).ids()).toHaveLength(2);
  });

  it("lists the current key first, under ids that stay", async () => {
    const [first, second] = [await keyring(NEW), await keyring(OLD)];
    const both = await keyring(`${NEW},${OLD}`);
    expect(both.ids()).toEqual([first.current, second.current]);
    expect(both.current).toBe(first.current);
  });

  it("never throws", async () => {
    await fc.assert(
      fc.asyncProperty(fc.string(), async (text) => {
        expect((await parseKeyring(text)).ok).toBe(false);
      }),
    );
  });
});

describe("what is already out there", () => {
  // Computed with another implementation of HKDF, HMAC and AES-GCM. Should this fail, every hook URL and token issued
  // so far has become void and every stored secret unreadable.
  it("stays valid and readable", async () => {
    const ring = await keyring("AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA");
    expect(await ring.tag("p", "a", "é")).toBe("7e046c.rehUJKyfDEcWhNoopQIOQFAe");
    const sealed = "7e046c.BwcHBwcHBwcHBwcHkBlABekYfh3CGTQfCJzxHf0LZ8EJKw";
    expect(await ring.unseal("c", sealed)).toBe("héllo");
  });
});

describe("tags", () => {
  it("is key id and 144 bits", async () => {
    const ring = await keyring();
    expect(await ring.tag("p", "a")).toMatch(new RegExp(`^${ring.current}\\.[\\w-]{24}$`));
  });

  it("is made by the current key and accepted from every key", async () => {
    const oldTag = await (await keyring(OLD)).tag("p", "a");
    for (const text of [`${NEW},${OLD}`, `${NEW},${OLD}:tags-only`]) {
      const ring = await keyring(text);
      expect(await ring.checkTag("p", oldTag, "a")).toBe(true);
      const fresh = await ring.tag("p", "a");
      expect(ring.keyIdOf(fresh)).toBe(ring.current);
      expect(await ring.checkTag("p", fresh, "a")).toBe(true);
    }
    expect(await (await keyring(NEW)).checkTag("p", oldTag, "a")).toBe(false);
  });

  it("tells apart every other list of parts and every other purpose", async () => {
    const ring = await keyring();
    const parts = fc.array(fc.string({ maxLength: 3 }), { maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(parts, parts, async (made, shown) => {
        const tag = await ring.tag("purpose", ...made);
        const same = JSON.stringify(made) === JSON.stringify(shown);
        expect(await ring.checkTag("purpose", tag, ...shown)).toBe(same);
        expect(await ring.checkTag("purpos", tag, "e", ...made)).toBe(false);
      }),
    );
    const tag = await ring.tag("p", "ab", "c");
    expect(await ring.checkTag("p", tag, "a", "bc")).toBe(false);
    expect(await ring.checkTag("p", tag, "abc")).toBe(false);
    expect(await ring.checkTag("p", tag, "ab", "c", "")).toBe(false);
  });

  it("is refused when changed in any place, or made up", async () => {
    const ring = await keyring(`${NEW},${OLD}`);
    const tag = await ring.tag("p", "a");
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.nat(), async (at, by) => {
        expect(await ring.checkTag("p", mutate(tag, at, by), "a")).toBe(false);
      }),
    );
    for (const forged of ["", ".", tag.slice(0, -1), `${tag}A`, `${tag}\n`, ` ${tag}`, `${tag}.`]) {
      expect(await ring.checkTag("p", forged, "a")).toBe(false);
    }
    await fc.assert(
      fc.asyncProperty(fc.string(), async (text) => {
        expect(await ring.checkTag("p", text, "a")).toBe(false);
      }),
    );
  });
});

describe("sealed values", () => {
  const CONTEXT = "hook/acc/site/hok_1/secret";

  it("gives back every text, under a new nonce each time", async () => {
    const ring = await keyring();
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "grapheme" }), async (text) => {
        const sealed = await ring.seal(CONTEXT, text);
        expect(await ring.unseal(CONTEXT, sealed)).toBe(text);
        expect(await ring.seal(CONTEXT, text)).not.toBe(sealed);
      }),
    );
    expect(await ring.unseal(CONTEXT, await ring.seal(CONTEXT, "\uFEFFbom"))).toBe("\uFEFFbom");
  });

  it("opens only in its own row", async () => {
    const ring = await keyring();
    const sealed = await ring.seal(CONTEXT, "s3cret");
    expect(await ring.unseal("hook/acc/site/hok_2/secret", sealed)).toBeNull();
    expect(await ring.unseal("", sealed)).toBeNull();
  });

  it("does not open once changed, cut or made up", async () => {
    const ring = await keyring(`${NEW},${OLD}`);
    const sealed = await ring.seal(CONTEXT, "s3cret");
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.nat(), async (at, by) => {
        expect(await ring.unseal(CONTEXT, mutate(sealed, at, by))).toBeNull();
      }),
    );
    for (let length = 0; length < sealed.length; length += 1) {
      expect(await ring.unseal(CONTEXT, sealed.slice(0, length))).toBeNull();
    }
    expect(await ring.unseal(CONTEXT, `${ring.current}.${toBase64(utf8("x"))}`)).toBeNull();
  });

  it("rotates: an old key opens and asks for a new seal, a tags-only key does not open", async () => {
    const old = await keyring(OLD);
    const sealed = await old.seal(CONTEXT, "s3cret");
    expect(old.needsReseal(sealed)).toBe(false);

    const both = await keyring(`${NEW},${OLD}`);
    expect(await both.unseal(CONTEXT, sealed)).toBe("s3cret");
    expect(both.needsReseal(sealed)).toBe(true);
    const resealed = await both.seal(CONTEXT, "s3cret");
    expect(both.needsReseal(resealed)).toBe(false);
    expect(await (await keyring(NEW)).unseal(CONTEXT, resealed)).toBe("s3cret");

    expect(await (await keyring(`${NEW},${OLD}:tags-only`)).unseal(CONTEXT, sealed)).toBeNull();
    expect(await (await keyring(NEW)).unseal(CONTEXT, sealed)).toBeNull();
  });

  it("says which keys open what they sealed: those of the ring, but one for tags only", async () => {
    const [old, ring] = [await keyring(OLD), await keyring(NEW)];
    for (const [text, opens] of [
      [OLD, true],
      [`${NEW},${OLD}`, true],
      [`${NEW},${OLD}:tags-only`, false],
      [NEW, false],
    ] as const) {
      expect((await keyring(text)).opens(old.current)).toBe(opens);
    }
    expect(ring.opens(ring.current)).toBe(true);
  });

  it("names its key, also one that is gone", async () => {
    const [old, ring] = [await keyring(OLD), await keyring(NEW)];
    expect(ring.keyIdOf(await old.seal(CONTEXT, "s3cret"))).toBe(old.current);
    expect(ring.keyIdOf("plain text")).toBeNull();
    expect(ring.keyIdOf("")).toBeNull();
  });

  it("is no tag, and a tag is no sealed value", async () => {
    const ring = await keyring();
    expect(await ring.unseal(CONTEXT, await ring.tag("p", CONTEXT))).toBeNull();
    expect(await ring.checkTag("p", await ring.seal("p", ""), "")).toBe(false);
  });
});
