import * as fc from "fast-check";
import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";

import { verifyAccess } from "../../src/security/access.ts";
import { checkBadgeSegment, mintBadgeSegment } from "../../src/security/badge-url.ts";
import { mintBootstrapToken, readBootstrapToken } from "../../src/security/bootstrap.ts";
import { fromBase64url, toBase64url, utf8, type Bytes } from "../../src/security/encoding.ts";
import { issuerAt } from "../../src/security/issuers.ts";
import type { Keyring } from "../../src/security/keyring.ts";
import { isJwt, verifyOidc } from "../../src/security/oidc.ts";
import {
  formToken,
  isFormToken,
  newSession,
  openSession,
  sealSession,
} from "../../src/security/session.ts";
import { mintToken, readToken, type Scope } from "../../src/security/tokens.ts";
import { hostileText, spoiled } from "../support/fuzz/spoil.ts";
import { modelRuns } from "../support/runs.ts";
import { keyring } from "./security/keys.ts";

/** Whatever is shown in the place of what lets somebody in. */

/** Many more may be asked for. */
const LONG = { timeout: 600_000 };
const NOW = Date.UTC(2026, 10, 24, 12);
const SITE = "0".repeat(32) + "/site";
const OTHER = "0".repeat(32) + "/other";

let ring: Keyring;
let stranger: Keyring;
beforeAll(async () => {
  [ring, stranger] = [await keyring(), await keyring()];
});
afterEach(() => {
  vi.restoreAllMocks();
});

/** One thing done to a text that is made of parts, sometimes nothing. */
function damaged(text: string, others: readonly string[] = []): fc.Arbitrary<string> {
  const at = fc.nat(text.length - 1);
  const letters = "ABab01-_.=+/ \u0000\u00e9".split("");
  const parts = text.split(".");
  const elsewhere = others.map((other) => other.split("."));
  return fc.oneof(
    { weight: 2, arbitrary: fc.constant(text) },
    {
      weight: 4,
      arbitrary: fc
        .tuple(at, fc.constantFrom(...letters))
        .map(([n, c]) => text.slice(0, n) + c + text.slice(n + 1)),
    },
    {
      weight: 2,
      arbitrary: fc
        .tuple(at, fc.constantFrom(...letters))
        .map(([n, c]) => text.slice(0, n) + c + text.slice(n)),
    },
    { weight: 2, arbitrary: at.map((n) => text.slice(0, n)) },
    { weight: 1, arbitrary: at.map((n) => text.slice(0, n) + text.slice(n + 1)) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        text.toUpperCase(),
        text.toLowerCase(),
        ` ${text}`,
        `${text}\n`,
        `${text}.`,
        `${text}=`,
        text + text,
      ),
    },
    {
      weight: 3,
      arbitrary: fc
        .tuple(fc.constantFrom(parts, ...elsewhere), fc.nat(parts.length - 1))
        .map(([from, n]) => parts.map((part, m) => (m === n ? (from[m] ?? "") : part)).join(".")),
    },
    {
      weight: 1,
      arbitrary: fc.shuffledSubarray(parts, { minLength: 1 }).map((some) => some.join(".")),
    },
    { weight: 1, arbitrary: fc.constantFrom(text, ...others) },
    { weight: 1, arbitrary: hostileText },
  );
}

/** Reads a drawn text, and says whether it was taken; the texts that have to be are told beside. */
async function onlyTakes(
  name: string,
  drawn: fc.Arbitrary<string>,
  good: readonly string[],
  take: (text: string) => Promise<unknown>,
): Promise<void> {
  let taken = 0;
  const property = fc.asyncProperty(drawn, async (text) => {
    const is = await take(text);
    expect([text, is !== null && is !== false]).toEqual([text, good.includes(text)]);
    taken += Number(good.includes(text));
  });
  await fc.assert(property, modelRuns(name, 1_000));
  expect(taken).toBeGreaterThan(0);
}

describe("of texts that are nearly one of ours, only that itself is taken:", LONG, () => {
  it("a token, where it was made for", async () => {
    const [token, second, elsewhere, foreign] = await Promise.all([
      mintToken(ring, SITE),
      mintToken(ring, SITE),
      mintToken(ring, OTHER),
      mintToken(stranger, SITE),
    ]);
    const others = [second, elsewhere, foreign].map((each) => each.token);
    await onlyTakes(
      "tokens",
      damaged(token.token, others),
      [token.token, second.token],
      async (text) => {
        const read = await readToken(ring, text, [SITE]);
        const whose = text === second.token ? second : token;
        expect(read === null || (read.hash === whose.hash && read.id === whose.id)).toBe(true);
        return read;
      },
    );
  });

  it("a token that was made with the keys alone", async () => {
    const grant = { scopes: ["deploy" as const], expiresAt: NOW + 1_000 };
    const { token } = await mintBootstrapToken(ring, grant);
    const wider = await mintBootstrapToken(stranger, { ...grant, scopes: ["manage"] });
    const old = await mintBootstrapToken(ring, { ...grant, expiresAt: NOW - 1 });
    await onlyTakes(
      "bootstrap tokens",
      damaged(token, [wider.token, old.token]),
      [token],
      async (text) => {
        const read = await readBootstrapToken(ring, text, NOW);
        expect(read.ok ? read.value.scopes : ["deploy"]).toEqual(["deploy"]);
        return read.ok;
      },
    );
  });

  it("the address of a badge, of its project", async () => {
    const nonces = ["AAAAAAAAAAAA", "BBBBBBBBBBBB"] as const;
    const minted = await Promise.all([
      mintBadgeSegment(ring, SITE, nonces[0]),
      mintBadgeSegment(ring, SITE, nonces[1]),
      mintBadgeSegment(ring, OTHER, nonces[0]),
      mintBadgeSegment(stranger, SITE, nonces[0]),
    ]);
    const [segment = "", second = "", elsewhere = "", foreign = ""] = minted.map((s) => s ?? "");
    const drawn = damaged(segment, [second, elsewhere, foreign]);
    await onlyTakes("badges", drawn, [segment, second], async (text) => {
      const nonce = await checkBadgeSegment(ring, SITE, text);
      expect(nonce === null || text.startsWith(`${nonce}.`)).toBe(true);
      return nonce;
    });
  });

  it("a session, and the tag of its forms", async () => {
    const held = { kind: "stored", id: "tok_x", hash: "h", where: SITE } as const;
    const [mine, other] = [newSession(held, NOW), newSession(held, NOW)];
    const [sealed, second, old, foreign] = await Promise.all([
      sealSession(ring, mine),
      sealSession(ring, other),
      sealSession(ring, { ...mine, until: NOW }),
      sealSession(stranger, mine),
    ]);
    await onlyTakes(
      "sessions",
      damaged(sealed, [second, old, foreign]),
      [sealed, second],
      async (text) => {
        const session = await openSession(ring, text, NOW);
        expect([null, mine, other]).toContainEqual(session);
        return session;
      },
    );
    const [tag, others] = [await formToken(ring, mine.nonce), await formToken(ring, other.nonce)];
    await onlyTakes("form tags", damaged(tag, [others, sealed]), [tag], async (text) =>
      isFormToken(ring, mine.nonce, text),
    );
  });

  it("whatever is in a session, it is read as one that is good, or as none", async () => {
    const scopes: Scope[] = ["read"];
    const held = { kind: "bootstrap", id: "tok_x", scopes, expires_at: NOW } as const;
    const json = spoiled(newSession(held, NOW)).filter((text) => {
      try {
        return JSON.parse(text) !== undefined;
      } catch {
        return false;
      }
    });
    const property = fc.asyncProperty(json, async (text) => {
      const session = await openSession(ring, await ring.seal("session", text), NOW);
      if (session !== null) {
        const read = JSON.parse(text) as typeof session;
        expect([session.until, session.nonce, session.held.id]).toEqual([
          read.until,
          read.nonce,
          read.held.id,
        ]);
        expect(session.until).toBeGreaterThan(NOW);
      }
    });
    await fc.assert(property, modelRuns("sealed sessions", 500));
  });
});

const RSA = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" } as const;
const ISSUER = issuerAt("https://ci.fuzz.example/_services/token");
const TEAM = { url: "https://fuzz.cloudflareaccess.com", audience: ["a".repeat(64)] };
const S = NOW / 1_000;
const TIMES = { iat: S, nbf: S, exp: S + 300 };
const JOB = {
  ...TIMES,
  iss: ISSUER.url,
  aud: "signalbox",
  repository: "acme/site",
  repository_id: "4711",
  ref: "refs/heads/main",
  run_id: 123,
  workflow_ref: "acme/site/.github/workflows/x.yml@refs/heads/main",
  run_number: 7,
};
const PERSON = {
  ...TIMES,
  iss: TEAM.url,
  aud: TEAM.audience,
  type: "app",
  email: "Ada@example.com",
  sub: "x",
};

interface Claims {
  readonly iss?: unknown;
  readonly aud?: unknown;
  readonly exp?: unknown;
  readonly nbf?: unknown;
}

describe("a token that somebody else has signed", LONG, () => {
  let own: CryptoKeyPair;
  let other: CryptoKeyPair;
  let published: object;
  beforeAll(async () => {
    const algorithm = { ...RSA, modulusLength: 2_048, publicExponent: new Uint8Array([1, 0, 1]) };
    const make = async (): Promise<CryptoKeyPair> =>
      crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]) as Promise<CryptoKeyPair>;
    [own, other] = await Promise.all([make(), make()]);
    const jwk = (await crypto.subtle.exportKey("jwk", own.publicKey)) as object;
    published = { ...jwk, kid: "k1", alg: "RS256", use: "sig" };
  });

  const text64 = (text: string): string => toBase64url(utf8(text.toWellFormed()));
  const HEADER = { alg: "RS256", kid: "k1", typ: "JWT" };
  const headers = fc.oneof(
    { weight: 8, arbitrary: fc.constant(JSON.stringify(HEADER)) },
    { weight: 1, arbitrary: spoiled(HEADER) },
    {
      weight: 2,
      arbitrary: fc
        .constantFrom<object>(
          { alg: "none" },
          { alg: "HS256" },
          { alg: "RS512" },
          { crit: ["b64"], b64: false },
          { kid: "k2" },
          { jku: "https://evil.example" },
          { jwk: {} },
        )
        .map((more) => JSON.stringify({ ...HEADER, ...more })),
    },
  );
  const claims = (good: object): fc.Arbitrary<string> =>
    fc.oneof(
      { weight: 2, arbitrary: fc.constant(JSON.stringify(good)) },
      { weight: 5, arbitrary: spoiled(good) },
      {
        weight: 3,
        arbitrary: fc
          .record(
            {
              exp: fc.constantFrom<unknown>(S - 61, S - 59, S - 1, S + 1, "1", 1e300, null),
              nbf: fc.constantFrom<unknown>(S + 59, S + 61, "0", null),
              aud: fc.constantFrom<unknown>(
                [],
                ["signalbox", "x"],
                "Signalbox",
                [TEAM.audience[0]],
                null,
              ),
            },
            { requiredKeys: [] },
          )
          .map((more) => JSON.stringify({ ...good, ...more })),
      },
    );

  /** Signs what was drawn, by whom was drawn, and damages some of it. */
  const drawn = (good: object) =>
    fc.record({
      header: headers,
      body: claims(good),
      by: fc.constantFrom("own", "own", "own", "own", "other", "nobody"),
      cut: fc.option(fc.tuple(fc.nat(2_000), fc.constantFrom("", "A", ".", "=", "é")), { freq: 8 }),
    });
  type Drawn = ReturnType<typeof drawn> extends fc.Arbitrary<infer T> ? T : never;

  async function signed({ header, body, by, cut }: Drawn): Promise<string> {
    const said = `${text64(header)}.${text64(body)}`;
    const key = by === "own" ? own : other;
    const tag =
      by === "nobody"
        ? new ArrayBuffer()
        : await crypto.subtle.sign(RSA, key.privateKey, utf8(said));
    const text = `${said}.${toBase64url(new Uint8Array(tag))}`;
    if (cut === null) {
      return text;
    }
    const at = cut[0] % text.length;
    return text.slice(0, at) + cut[1] + text.slice(at + 1);
  }

  /** Another reader of the same text: what has to be so when it was taken. */
  async function mustHold(text: string, issuer: string, audience: string): Promise<void> {
    const [head = "", body = "", tag = "", ...rest] = text.split(".");
    const part = (encoded: string): unknown =>
      JSON.parse(new TextDecoder().decode(fromBase64url(encoded) ?? new Uint8Array()));
    expect(rest).toEqual([]);
    expect(part(head)).toMatchObject({ alg: "RS256", kid: "k1" });
    const signature = fromBase64url(tag) as Bytes;
    expect(await crypto.subtle.verify(RSA, own.publicKey, signature, utf8(`${head}.${body}`))).toBe(
      true,
    );
    const { iss, aud, exp, nbf = S } = part(body) as Claims;
    expect(iss).toBe(issuer);
    expect([aud].flat()).toContain(audience);
    expect(exp).toBeGreaterThan(S - 60);
    expect(nbf).toBeLessThanOrEqual(S + 60);
  }

  function answersKeys(): string[] {
    const asked: string[] = [];
    vi.spyOn(globalThis, "fetch").mockImplementation(async (url) => {
      asked.push(new Request(url).url);
      return Response.json({ keys: [published] });
    });
    vi.spyOn(console, "warn").mockImplementation(() => undefined);
    return asked;
  }

  it("by a provider of CI is taken if everything of it holds, and names a job in bounded words", async () => {
    const asked = answersKeys();
    let taken = 0;
    const property = fc.asyncProperty(drawn(JOB), async (one) => {
      const text = await signed(one);
      const read = await verifyOidc([ISSUER], ["https://signalbox.test", "signalbox"], text, NOW);
      if (read.ok && !read.value.expired) {
        taken++;
        expect(isJwt(text)).toBe(true);
        const [, body = ""] = text.split(".");
        const said = JSON.parse(
          new TextDecoder().decode(fromBase64url(body) ?? new Uint8Array()),
        ) as Claims;
        await mustHold(
          text,
          ISSUER.url,
          [said.aud].flat().includes("signalbox") ? "signalbox" : "https://signalbox.test",
        );
        const { repository_id: id, repository, counted, ref } = read.value.claims;
        expect(id).toMatch(/^\d{1,20}$/);
        expect(repository.length).toBeLessThanOrEqual(1_000);
        expect((ref ?? "").length).toBeLessThanOrEqual(1_000);
        expect(
          counted === null || (Number.isSafeInteger(counted.number) && counted.attempt >= 1),
        ).toBe(true);
      } else if (!read.ok) {
        expect(read.error.detail).toMatch(/\w/);
        expect(read.error.code).toBe("invalid_token");
      }
    });
    await fc.assert(property, modelRuns("tokens of CI jobs", 400));
    expect(taken).toBeGreaterThan(0);
    // Nothing in a token says where keys are.
    expect([...new Set(asked)]).toEqual([ISSUER.keysUrl]);
  });

  it("by Cloudflare Access is taken if everything of it holds, and names one who can't be mistaken", async () => {
    const asked = answersKeys();
    let taken = 0;
    const property = fc.asyncProperty(drawn(PERSON), async (one) => {
      const text = await signed(one);
      const read = await verifyAccess(TEAM, text, NOW);
      if (read.ok) {
        taken++;
        await mustHold(text, TEAM.url, TEAM.audience[0] ?? "");
        const who = "email" in read.value ? read.value.email : read.value.service_token;
        expect(who).toMatch("email" in read.value ? /^[\x21-\x7e]+@[\w.-]+$/ : /^[\w.-]+$/);
        expect(who).toBe("email" in read.value ? who.toLowerCase() : who);
      } else {
        expect(read.error.code).toMatch(/^(?:invalid|expired)_token$/);
      }
    });
    await fc.assert(property, modelRuns("tokens of Access", 400));
    expect(taken).toBeGreaterThan(0);
    expect([...new Set(asked)]).toEqual([`${TEAM.url}/cdn-cgi/access/certs`]);
  });
});
