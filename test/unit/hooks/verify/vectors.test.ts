import { describe, expect, it } from "vitest";

import { findSource } from "../../../../src/hooks/sources/index.ts";
import { chooseMode } from "../../../../src/hooks/sources/modes.ts";
import { verify } from "../../../../src/hooks/verify/verify.ts";
import vectors from "../../../fixtures/vectors.json" with { type: "json" };
import { accepted, deliveryOf, must, refused, withBody } from "./support.ts";

/** Signatures that vendors publish, and some that were computed elsewhere once: whatever changes here, these stay good. */

const PUBLISHED = ["github", "bitbucket", "standard-webhooks", "sanity"];

it("are published by whoever publishes some", () => {
  const published = vectors.filter((vector) => vector.published).map(({ source }) => source);
  expect(published).toEqual(PUBLISHED);
});

describe.each(vectors)(
  "$source: $about",
  ({ source, mode, secret, method, path, now, headers, body }) => {
    const sent = Object.entries(headers).filter(
      (entry): entry is [string, string] => entry[1] != null,
    );
    const delivery = {
      ...deliveryOf({ headers: Object.fromEntries(sent), body }),
      method,
      path,
    };
    const chosen = chooseMode(must(findSource(source)), mode === null ? {} : { mode });
    const scheme = chosen.ok ? chosen.value.scheme : null;

    it("is taken, and nothing near it", async () => {
      expect(await verify(must(scheme), [secret], delivery, now)).toEqual(accepted());
      const other = withBody(delivery, `${body}\n`);
      expect(await verify(must(scheme), [secret], other, now)).toEqual(refused("bad_signature"));
      const wrong = secret.replace(/[a-z](?=[^a-z]*$)/, (letter) => (letter === "b" ? "c" : "b"));
      expect(wrong).not.toBe(secret);
      const verdict = await verify(must(scheme), [wrong], delivery, now);
      expect(verdict).toEqual(refused("bad_signature"));
    });
  },
);
