import "@shopify/shopify-api/adapters/web-api";

import { ApiVersion, shopifyApi } from "@shopify/shopify-api";
import { describe, expect, it } from "vitest";
import { WebflowClient } from "webflow-api";

import type { Delivery } from "../../../../src/hooks/delivery.ts";
import { SOURCE_NAMES, sources } from "../../../../src/hooks/sources/index.ts";
import type { Source } from "../../../../src/hooks/sources/source.ts";
import { verify } from "../../../../src/hooks/verify/verify.ts";
import { senders, type SenderName } from "../../../support/senders/index.ts";
import {
  accepted,
  check,
  everyone,
  expectAll,
  getField,
  HOOK_URL,
  known,
  must,
  NOW,
  provers,
  refused,
  rows,
  signed,
  signers,
  timeField,
  withBody,
  withField,
} from "./support.ts";

/** Each sender proves itself by its vendor's own code where there is some; here that is what the verifier takes. */

const JSON_BODY = '{"action":"published","n":1}';
const BODIES: [string, Uint8Array | string][] = [
  ["JSON", JSON_BODY],
  ["a byte order mark", `\ufeff${JSON_BODY}`],
  ["CRLF", '{\r\n  "action": "published"\r\n}\r\n'],
  ["a newline at the end", `${JSON_BODY}\n`],
  ["more than ASCII", '{"title":"Zoë’s 🪁 \u0000"}'],
  ["nothing at all", ""],
  ["invalid UTF-8", new Uint8Array([0x22, 0xff, 0xfe, 0xc3, 0x22])],
];

describe("the senders", () => {
  it("are one for every mode of every source", () => {
    const modes = SOURCE_NAMES.flatMap((name) => {
      const source: Source = sources[name];
      const all = Object.keys(source.modes);
      return all.length === 1 ? [name] : all.map((mode) => `${name}/${mode}`);
    });
    expect(Object.keys(senders).sort()).toEqual(modes.sort());
  });

  it.each(Object.keys(senders) as SenderName[])("%s is for what its name says", (name) => {
    const { source, auth } = senders[name];
    const [named, mode] = name.split("/");
    expect(source).toBe(named);
    expect(auth?.mode).toBe(mode);
  });

  it("have secrets where theirs come from the sender, and else take what is made here", () => {
    const given = everyone.filter(({ mode: { secret } }) => /given|handshake/.test(secret));
    expect(given.filter(({ sender }) => sender.secretToGive === undefined)).toEqual([]);
    expect(given.length).toBeGreaterThan(4);
  });
});

describe.each(rows(everyone))("%s", (_name, from) => {
  const { scheme, sender } = from;

  it("signs whatever it sends, byte for byte", async () => {
    const bodies = BODIES.filter(([, body]) => typeof body === "string" || sender.signsBytes);
    const deliveries: Record<string, Delivery> = {};
    // A secret in the body needs a body to be in.
    for (const [what, body] of scheme.kind === "body" ? bodies.slice(0, 1) : bodies) {
      deliveries[what] = await signed(from, body);
    }
    await expectAll(from, "accepted", deliveries);
  });

  it("is told apart from a sender that has the secret before the current one", async () => {
    const delivery = await signed(from, JSON_BODY);
    const { secret, other } = from;
    expect(await check(from, delivery, { secrets: [secret, other] })).toEqual(accepted());
    const old = await check(from, delivery, { secrets: [other, secret] });
    expect(old).toEqual(accepted(scheme.kind !== "url"));
  });
});

describe.each(rows(provers))("%s", (_name, from) => {
  it("is refused with another secret", async () => {
    const delivery = await signed(from, JSON_BODY, { secret: from.other });
    expect(await check(from, delivery)).toEqual(refused("bad_signature"));
    expect(await check(from, delivery, { secrets: [from.other] })).toEqual(accepted());
  });
});

it.each(rows(signers))("%s is refused with a changed body", async (_name, from) => {
  const delivery = await signed(from, JSON_BODY);
  await expectAll(from, "bad_signature", {
    "a byte more": withBody(delivery, `${JSON_BODY}\n`),
    "a byte less": withBody(delivery, JSON_BODY.slice(0, -1)),
    "a byte order mark": withBody(delivery, `\ufeff${JSON_BODY}`),
    "another value": withBody(delivery, JSON_BODY.replace("1", "2")),
    "the same JSON written otherwise": withBody(delivery, JSON_BODY.replace(":", ": ")),
    nothing: withBody(delivery, ""),
  });
});

const timed = signers.filter(({ scheme }) => timeField(scheme) !== null);
it.each(rows(timed))("%s is refused with another time stamp", async (_name, from) => {
  const { field } = must(timeField(from.scheme));
  const delivery = await signed(from, JSON_BODY);
  const stamp = String(Number(getField(delivery.headers, field)) + 1);
  expect(await check(from, withField(delivery, field, stamp))).toEqual(refused("bad_signature"));
});

describe("vendors' own verifiers", () => {
  const texts = BODIES.flatMap(([, body]) =>
    typeof body === "string" && body !== "" ? [body] : [],
  );

  it("Shopify's takes what this Shopify signs, and nothing else", async () => {
    const from = known("shopify", senders.shopify);
    const shopify = shopifyApi({
      apiKey: "key",
      apiSecretKey: from.secret,
      apiVersion: ApiVersion.July25,
      hostName: "signalbox.example",
      isEmbeddedApp: false,
      logger: { log: () => {} },
    });
    for (const rawBody of texts) {
      const headers = {
        "X-Shopify-Topic": "products/update",
        "X-Shopify-Shop-Domain": "acme.myshopify.com",
        "X-Shopify-API-Version": "2025-07",
        "X-Shopify-Webhook-Id": "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043",
        ...(await from.sender.sign({ ...from, url: HOOK_URL, body: rawBody, now: NOW })).headers,
      };
      const rawRequest = new Request(HOOK_URL, { method: "POST", headers });
      const theirs = await shopify.webhooks.validate({ rawBody, rawRequest });
      expect(theirs).toMatchObject({ valid: true, topic: "PRODUCTS_UPDATE" });
      const other = await shopify.webhooks.validate({ rawBody: `${rawBody} `, rawRequest });
      expect(other).toMatchObject({ valid: false, reason: "invalid_hmac" });
    }
  });

  it("Webflow's takes what this Webflow signs, and nothing else", async () => {
    const from = known("webflow/signature", senders["webflow/signature"]);
    const { webhooks } = new WebflowClient({ accessToken: "none" });
    for (const body of texts) {
      const { headers } = await from.sender.sign({ ...from, url: HOOK_URL, body, now: NOW });
      const { secret } = from;
      expect(await webhooks.verifySignature({ headers, body, secret })).toBe(true);
      expect(await webhooks.verifySignature({ headers, body: `${body} `, secret })).toBe(false);
    }
  });
});

describe("a hook with nothing but its URL", () => {
  it("takes everything, and says that nothing was checked", async () => {
    for (const from of everyone.filter(({ scheme }) => scheme.kind === "url")) {
      const verdict = await verify(from.scheme, [], await signed(from, JSON_BODY), NOW);
      expect(verdict).toEqual({
        ok: true,
        how: expect.stringContaining("nothing else is checked"),
        old_secret: false,
      });
    }
  });
});
