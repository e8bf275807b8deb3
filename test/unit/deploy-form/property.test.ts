import { createHash } from "node:crypto";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { accepted, cut, multipart, read, type TestPart, TYPE } from "./support.ts";

const RUNS = { numRuns: 300 };

/** Bytes that like to look like delimiters, between ones that don't. */
const content = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc
        .constantFrom("\r\n--Bn", "\r\n--", "\r", "\n", "--Bnd--", "-", "\r\n\r\n")
        .map((text) => new TextEncoder().encode(text)),
    ),
    { maxLength: 8 },
  )
  .map((pieces) => Uint8Array.from(pieces.flatMap((piece) => [...piece])))
  .filter((bytes) => !/(?:^|\r\n)--Bnd/.test(new TextDecoder("latin1").decode(bytes)));

const label = fc
  .string({ unit: "grapheme", maxLength: 12 })
  .filter((s) => !/[\p{Cc}"\\%]/u.test(s));

/** Parts whose names Create deployment doesn't know, so that no rule about their content applies. */
const part: fc.Arbitrary<TestPart> = fc.record(
  {
    name: label.map((name) => `x${name}`),
    value: content,
    filename: label,
    type: fc.constantFrom("text/plain", "application/octet-stream", 'a/b; c="d"'),
  },
  { requiredKeys: ["name", "value"] },
);

const cuts = fc.array(fc.nat(4000), { maxLength: 12 });

function within(bytes: Uint8Array, offsets: readonly number[]): Uint8Array[] {
  return cut(
    bytes,
    offsets.map((offset) => offset % (bytes.length + 1)),
  );
}

describe("any form in any chunks", () => {
  it("passes unchanged, with the right parts, sizes and hashes", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(part, { maxLength: 6 }), cuts, async (parts, offsets) => {
        const body = multipart(parts);
        const { result, passed } = await read(within(body, offsets));
        expect(passed).toEqual(body);
        const form = accepted(result);
        expect(form.bytes).toBe(body.length);
        const seen = form.parts.map(({ at, ...rest }) => ({
          ...rest,
          content: body.slice(at, at + rest.size),
        }));
        expect(seen).toEqual(
          parts.map(({ name, value, filename, type }) => ({
            name,
            filename: filename ?? null,
            content_type: type ?? null,
            size: value.length,
            content: Uint8Array.from(Buffer.from(value)),
            sha256: createHash("sha256").update(value).digest("hex"),
          })),
        );
      }),
      RUNS,
    );
  });
});

describe("any garbage", () => {
  it("ends with a refusal whose stream failed, never with a throw or a hang", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), cuts, async (bytes, offsets) => {
        const { result, failure } = await read(within(bytes, offsets));
        expect(result.ok).toBe(false);
        expect(failure).toMatchObject({ name: "FormRefused" });
      }),
      RUNS,
    );
  });

  /** What the platform's own reader finds in the same bytes, or null when it refuses them. */
  async function platform(body: Uint8Array): Promise<unknown[] | null> {
    try {
      const data = await new Response(body, { headers: { "content-type": TYPE } }).formData();
      return await Promise.all(
        [...data].map(async ([name, value]) =>
          typeof value === "string"
            ? [name, null, new TextEncoder().encode(value).length]
            : [name, value.name, value.size],
        ),
      );
    } catch {
      return null;
    }
  }

  it("is never taken for a form with other parts than the platform sees in it", async () => {
    const damage = fc.record({
      at: fc.nat(4000),
      drop: fc.nat(4),
      put: fc.constantFrom(
        "",
        "\r\n",
        "\n",
        "--",
        "--Bnd",
        "\r\n--Bnd",
        ";",
        '"',
        " ",
        ":",
        "\0",
        "x",
      ),
    });
    const simple = fc.record(
      {
        name: fc.constantFrom("xa", "xb"),
        value: fc.constantFrom("", "v", "\r\nv"),
        filename: fc.constant("f"),
      },
      { requiredKeys: ["name", "value"] },
    );
    let taken = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(simple, { maxLength: 3 }),
        damage,
        cuts,
        async (parts, hurt, offsets) => {
          const text = new TextDecoder().decode(multipart(parts));
          const at = hurt.at % (text.length + 1);
          const bytes = new TextEncoder().encode(
            text.slice(0, at) + hurt.put + text.slice(at + hurt.drop),
          );
          const { result } = await read(within(bytes, offsets));
          expect((await read([bytes])).result).toEqual(result);
          const ours = result.ok && result.value.parts.map((p) => [p.name, p.filename, p.size]);
          const theirs = ours && (await platform(bytes));
          taken += theirs ? 1 : 0;
          expect(theirs || ours).toEqual(ours);
        },
      ),
      { numRuns: 1500 },
    );
    expect(taken).toBeGreaterThan(100);
  });
});
