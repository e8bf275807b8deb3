import { describe, expect, it } from "vitest";

import type { Delivery } from "../../../../src/hooks/delivery.ts";
import { verify } from "../../../../src/hooks/verify/verify.ts";
import { utf8 } from "../../../../src/security/encoding.ts";
import { senders } from "../../../support/senders/index.ts";
import {
  accepted,
  check,
  expectAll,
  getField,
  HOOK_URL,
  known,
  must,
  NOW,
  proofField,
  refused,
  rows,
  signed,
  signers,
  withBody,
  withField,
} from "./support.ts";

/** What a scheme takes as its proof beside the body, and what it does not. */

const JSON_BODY = '{"action":"published","n":1}';

describe("what else is signed", () => {
  const standard = signers.filter(({ scheme }) => scheme.kind === "standard");
  it.each(rows(standard))("%s: the id", async (_name, from) => {
    const delivery = await signed(from, JSON_BODY);
    const prefix = from.name === "svix" ? "svix-" : "webhook-";
    const other = withField(delivery, { header: `${prefix}id` }, "msg_2");
    expect(await check(from, other)).toEqual(refused("bad_signature"));
    for (const id of [null, "", "msg_1.", "msg_1,msg_1", "msg 1", "m".repeat(256)]) {
      const odd = withField(delivery, { header: `${prefix}id` }, id);
      expect(await check(from, odd)).toEqual(refused("malformed_signature"));
    }
  });

  it.each(rows(standard))("%s: the id can't take the time stamp in", async (_name, from) => {
    const seconds = String(NOW / 1_000);
    const delivery = await signed(from, `${seconds}.{}`);
    const prefix = from.name === "svix" ? "svix-" : "webhook-";
    const shifted = withField(delivery, { header: `${prefix}id` }, `msg_1.${seconds}`);
    expect(await check(from, withBody(shifted, "{}"))).toEqual(refused("malformed_signature"));
  });

  it.each(rows(standard))("%s: one good signature of several is enough", async (_name, from) => {
    const delivery = await signed(from, JSON_BODY);
    const field = must(proofField(from.scheme));
    const own = getField(delivery.headers, field);
    const wrong = getField((await signed(from, JSON_BODY, { secret: from.other })).headers, field);
    const list = (...all: string[]): Delivery => withField(delivery, field, all.join(" "));
    // A version that nobody knows yet is passed over, and one that is for another kind of key says nothing.
    const v1 = `v1,${btoa("1".repeat(32))}`;
    const v1a = `v1a,${btoa("1".repeat(64))}`;
    await expectAll(from, "accepted", {
      "after a wrong one": list(wrong, own),
      "before a wrong one": list(own, wrong),
      "among other versions": list("v2,whatever", v1, v1a, own),
      "the last of many": list(...Array.from({ length: 15 }, () => wrong), own),
    });
    await expectAll(from, "bad_signature", {
      "a wrong one": list(wrong),
      "other versions": list("v2,whatever", v1, v1a),
    });
    await expectAll(from, "malformed_signature", {
      "more than anybody sends": list(...Array.from({ length: 16 }, () => wrong), own),
      "beside junk": list(own, "junk"),
      "with two spaces": list(own, "", own),
    });
  });

  it("Svix also under the standard's own names, but not half and half", async () => {
    const from = known("svix", senders.svix);
    const delivery = await signed(from, JSON_BODY);
    const renamed = new Headers();
    for (const [name, value] of delivery.headers) {
      renamed.set(name.replace("svix-", "webhook-"), value);
    }
    expect(await check(from, { ...delivery, headers: renamed })).toEqual(accepted());
    renamed.set("svix-signature", renamed.get("webhook-signature") ?? "");
    const half = await check(from, { ...delivery, headers: renamed });
    expect(half).toEqual(refused("malformed_signature"));
  });

  it("Hygraph: the environment", async () => {
    const from = known("hygraph", senders.hygraph);
    const delivery = await signed(from, JSON_BODY);
    const field = { header: "gcms-signature", pair: "env" };
    const other = withField(delivery, field, "staging");
    expect(await check(from, other)).toEqual(refused("bad_signature"));
    const none = withField(delivery, field, null);
    expect(await check(from, none)).toEqual(refused("malformed_signature"));
  });

  it("Hygraph: a body that is not UTF-8 was not signed by it", async () => {
    const from = known("hygraph", senders.hygraph);
    const delivery = withBody(await signed(from, "\ufffd"), new Uint8Array([0xff]));
    expect(await check(from, delivery)).toEqual(refused("malformed_signature"));
  });

  const contentful = known("contentful", senders.contentful);
  it.each(["content-type", "x-contentful-topic", "x-contentful-webhook-name"])(
    "Contentful: the header %s",
    async (header) => {
      const delivery = await signed(contentful, JSON_BODY);
      for (const value of [null, "", "other"]) {
        const changed = withField(delivery, { header }, value);
        expect(await check(contentful, changed)).toEqual(refused("bad_signature"));
      }
    },
  );

  it("Contentful: method, path and query", async () => {
    const delivery = await signed(contentful, JSON_BODY);
    for (const change of [
      { method: "PUT" },
      { path: `${delivery.path}/` },
      { path: delivery.path.toUpperCase() },
      { search: "?a=1" },
    ]) {
      const verdict = await check(contentful, { ...delivery, ...change });
      expect(verdict).toEqual(refused("bad_signature"));
    }
  });

  it.each(["?site=blog", "?a=1&b=2", "?q=a%20b&r=%C3%AB", "?empty=&flag"])(
    "Contentful: a URL with the query %s",
    async (query) => {
      const url = HOOK_URL + query;
      const delivery = await signed(contentful, JSON_BODY, { url });
      expect(await check(contentful, delivery)).toEqual(accepted());
      const other = { ...delivery, search: "?a=2" };
      expect(await check(contentful, other)).toEqual(refused("bad_signature"));
    },
  );

  it.each([
    ["without the time stamp", (list: string) => list.replace(",x-contentful-timestamp", "")],
    ["without itself", (list: string) => list.replace("x-contentful-signed-headers,", "")],
    ["with a name twice", (list: string) => `${list},content-type`],
    ["with what is no name", (list: string) => `${list},a b`],
    ["with an empty name", (list: string) => `${list},`],
    ["that is empty", () => ""],
  ])("Contentful: a list of headers %s is none", async (_what, change) => {
    const delivery = await signed(contentful, JSON_BODY);
    const field = { header: "x-contentful-signed-headers" };
    const list = getField(delivery.headers, field);
    const changed = withField(delivery, field, change(list));
    expect(change(list)).not.toBe(list);
    expect(await check(contentful, changed)).toEqual(refused("malformed_signature"));
  });

  it("Contentful: a header that is not listed is not", async () => {
    const delivery = withField(await signed(contentful, JSON_BODY), { header: "x-other" }, "1");
    expect(await check(contentful, delivery)).toEqual(accepted());
  });

  it("pairs may stand in any order, with or without a space between", async () => {
    for (const from of signers) {
      const field = proofField(from.scheme);
      if (field !== null && "pair" in field) {
        const delivery = await signed(from, JSON_BODY);
        const pairs = (delivery.headers.get(field.header) ?? "").split(/, ?/).toReversed();
        for (const joint of [",", ", "]) {
          const turned = withField(delivery, { header: field.header }, pairs.join(joint));
          expect(await check(from, turned)).toEqual(accepted());
        }
      }
    }
  });
});

describe("a secret in the body", () => {
  const from = known("prismic", senders.prismic);
  const secret = JSON.stringify(from.secret);
  it.each([
    ["with a byte order mark", `\ufeff{"secret":${secret}}`],
    ["with CRLF", `{\r\n"secret":\r\n${secret}}\r\n`],
    ["written with escapes", `{"s\\u0065cret":${secret}}`],
  ])("is found %s", async (_what, body) => {
    expect(await check(from, withBody(await signed(from, "{}"), body))).toEqual(accepted());
  });

  it("is none that every object inherits", async () => {
    const scheme = { kind: "body", pointer: "/constructor/name" } as const;
    const delivery = withBody(await signed(from, "{}"), "{}");
    expect(await verify(scheme, ["Object"], delivery, NOW)).toEqual(refused("missing_signature"));
  });

  it.each<[string, string, Uint8Array<ArrayBuffer>]>([
    ["missing_signature", "no object", utf8(`[${secret}]`)],
    ["missing_signature", "null", utf8("null")],
    ["missing_signature", "the secret alone", utf8(secret)],
    ["missing_signature", "nothing", utf8("")],
    ["missing_signature", "another letter case", utf8(`{"Secret":${secret}}`)],
    ["missing_signature", "another depth", utf8(`{"data":{"secret":${secret}}}`)],
    ["missing_signature", "an inherited key", utf8(`{"__proto__":{"secret":${secret}}}`)],
    ["missing_signature", "an empty one", utf8('{"secret":""}')],
    ["malformed_signature", "null as the secret", utf8('{"secret":null}')],
    ["malformed_signature", "a list", utf8(`{"secret":[${secret}]}`)],
    ["bad_signature", "the last of two", utf8(`{"secret":${secret},"secret":"x"}`)],
    [
      "missing_signature",
      "invalid UTF-8",
      new Uint8Array([...utf8(`{"secret":${secret},"a":"`), 0xff, ...utf8('"}')]),
    ],
  ])("%s: %s", async (code, _what, body) => {
    expect(await check(from, withBody(await signed(from, "{}"), body))).toEqual(refused(code));
  });
});
