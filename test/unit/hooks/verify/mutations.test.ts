import * as fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";

import { newSecret } from "../../../../src/hooks/verify/new-secret.ts";
import type { Scheme } from "../../../../src/hooks/verify/scheme.ts";
import { verify } from "../../../../src/hooks/verify/verify.ts";
import { edits } from "./mutate.ts";
import { mutationsOf, type Attempt } from "./mutations.ts";
import { accepted, check, must, NOW, provers, signed, type Known } from "./support.ts";

/** What is not quite what a sender sent is refused, whatever it is, and never with an exception. */

const PER_KIND = 10_000;
/** Far more than it takes, on a machine that does other things too. */
const SLOW_MS = 60_000;
const BODIES = [
  '{"event":"entry.publish","id":1}',
  '{"at":1795253405,\r\n"title":"Zoë’s kite"}',
  "1795253405000.{}1795253405",
];
const CODES = [
  "missing_signature",
  "malformed_signature",
  "bad_signature",
  "timestamp_out_of_range",
] as const;

const KINDS: Exclude<Scheme["kind"], "url">[] = [
  "hmac",
  "standard",
  "contentful",
  "header",
  "basic",
  "body",
];

/** An HMAC's key may end in any number of zero bytes and stay the same, so the secrets that are edited end in none. */
function withFirmSecret(from: Known): Known {
  let { secret } = from;
  while (from.sender.secretToGive === undefined && /[0A]=*$/.test(secret)) {
    secret = newSecret(from.scheme);
  }
  return { ...from, secret };
}

describe.each(KINDS)("a scheme of the kind %s", (kind) => {
  const all = provers.filter(({ scheme }) => scheme.kind === kind).map(withFirmSecret);
  const runs = Math.ceil(PER_KIND / all.length);
  const codes = new Map<string, number>();
  let tried = 0;

  it.each(all.map((from): [string, Known] => [from.name, from]))(
    `takes nothing that is not what %s sent (${runs} mutations)`,
    async (_name, from) => {
      const mutations = mutationsOf(from.scheme);
      const texts = kind === "body" ? BODIES.slice(0, 2) : BODIES;
      const originals = await Promise.all(texts.map((body) => signed(from, body)));
      for (const delivery of originals) {
        expect(await check(from, delivery)).toEqual(accepted());
      }
      const which = fc.nat({ max: originals.length - 1 });
      const how = fc.nat({ max: mutations.length - 1 });
      const property = fc.asyncProperty(which, how, edits, async (n, m, edit) => {
        const delivery = must(originals[n]);
        const attempt: Attempt = { scheme: from.scheme, secret: from.secret, delivery };
        const mutated = must(mutations[m])(attempt, edit);
        const verdict = await verify(mutated.scheme, [mutated.secret], mutated.delivery, NOW);
        const code = verdict.ok ? "accepted" : verdict.reason_code;
        expect(CODES).toContain(code);
        codes.set(code, 1 + (codes.get(code) ?? 0));
        tried++;
      });
      await fc.assert(property, { numRuns: runs });
    },
    SLOW_MS,
  );

  afterAll(() => {
    expect(tried).toBeGreaterThanOrEqual(PER_KIND);
    // The mutations are not all of one sort that is easily told.
    expect(codes.get("bad_signature")).toBeGreaterThan(PER_KIND / 20);
  });
});
