import { exports } from "cloudflare:workers";
import * as fc from "fast-check";
import { afterEach, beforeEach, expect, it } from "vitest";

import { fromBase64url, toBase64url, utf8 } from "../../../src/security/encoding.ts";
import { hostileText, spoiled } from "../../support/fuzz/spoil.ts";
import { modelRuns } from "../../support/runs.ts";
import { Edge, leave, ORIGIN } from "../api/edge.ts";

let edge: Edge;
beforeEach(async () => {
  edge = await Edge.create();
});
afterEach(leave);

async function uploadToken(of: Edge): Promise<string> {
  const path = `/client/v4/accounts/${of.config.accountId}/pages/projects/${of.world.name}`;
  const { body } = await of.send("GET", `${path}/upload-token`);
  return (body as { result: { jwt: string } }).result.jwt;
}

const partOf = (token: string, n: number): string => token.split(".")[n] ?? "";
const decoded = (part: string): unknown =>
  JSON.parse(new TextDecoder().decode(fromBase64url(part) ?? new Uint8Array()));
const canBeHeader = (text: string): boolean => /^[\u0021-\u007e]*$/.test(text);

it("of texts that are nearly an upload token of ours, only that itself has anybody asked", async () => {
  const token = await uploadToken(edge);
  const other = await uploadToken(await Edge.create({ beside: edge.world }));
  const [head, claims, tag] = [0, 1, 2].map((n) => partOf(token, n)) as [string, string, string];
  // Claims of one beside the seal or the tag of another, and anything else in the place of each part.
  const parts = (n: number): fc.Arbitrary<string> =>
    fc.oneof(
      { weight: 5, arbitrary: fc.constant(partOf(token, n)) },
      { weight: 2, arbitrary: fc.constant(partOf(other, n)) },
      { weight: 1, arbitrary: hostileText.filter(canBeHeader) },
    );
  const tampered = spoiled(decoded(claims)).map(
    (text) => `${head}.${toBase64url(utf8(text.toWellFormed()))}.${tag}`,
  );
  const texts = fc.oneof(
    { weight: 3, arbitrary: fc.tuple(parts(0), parts(1), parts(2)).map((all) => all.join(".")) },
    { weight: 3, arbitrary: tampered },
    {
      weight: 2,
      arbitrary: fc.nat(token.length - 1).map((at) => token.slice(0, at) + token.slice(at + 1)),
    },
    {
      weight: 1,
      arbitrary: fc.constantFrom(token, other, edge.token, `${token}.`, `${token}.${tag}`),
    },
    {
      weight: 1,
      arbitrary: hostileText.filter((text) => canBeHeader(text) && text.length < 8_000),
    },
  );
  const calls = fc.constantFrom("check-missing", "upload", "upsert-hashes");
  const bodies = fc.oneof(fc.constant('{"hashes":[]}'), spoiled({ hashes: ["0".repeat(32)] }));
  const ranges = fc.constantFrom(
    {},
    { range: "bytes=0-0" },
    { range: "bytes=9-1,," },
    { "content-type": "x" },
  );
  const asked = (): number => edge.world.sandbox.journal().requests.length;
  const isGood = (text: string): boolean => {
    const { exp } = decoded(partOf(text === other ? other : token, 1)) as { exp: number };
    return (text === token || text === other) && edge.world.now() < exp * 1_000;
  };
  let taken = 0;
  const property = fc.asyncProperty(
    texts,
    calls,
    bodies,
    ranges,
    async (text, call, body, more) => {
      // Time for the budget to fill.
      edge.world.pass(250);
      const before = asked();
      const headers = { ...more, authorization: `Bearer ${text}` };
      const request = new Request(`${ORIGIN}/client/v4/pages/assets/${call}`, {
        method: "POST",
        headers,
        body,
      });
      const response = await exports.default.fetch(request);
      const answer = await response.json<{ success: boolean; errors: { code: number }[] }>();
      const good = isGood(text);
      expect(asked() - before).toBe(Number(good));
      expect(response.status).toBeLessThan(500);
      if (!good) {
        expect([401, 403]).toContain(response.status);
        expect(answer.success).toBe(false);
      }
      taken += Number(good);
    },
  );
  await fc.assert(property, modelRuns("upload tokens", 500));
  expect(taken).toBeGreaterThan(0);
});
