import { describe, expect, it } from "vitest";
import type { FormLimits } from "../../../src/deploy-form/form.ts";
import { accepted, multipart, read, readForm, refused, type TestPart, utf8 } from "./support.ts";

const HASH = "1a98fb08af91aca4a7df1764a2c4ddb0";

function text(name: string, value: string): TestPart {
  return { name, value };
}

function file(name: string, value: string | Uint8Array): TestPart {
  return { name, value, filename: name, type: "application/octet-stream" };
}

const SMALL = multipart([text("a", "b")]);

describe("limits", () => {
  const MIB = 1_048_576;
  const entries = (count: number) =>
    text(
      "manifest",
      JSON.stringify(Object.fromEntries(Array.from({ length: count }, (_, i) => [`/${i}`, HASH]))),
    );

  it.each([
    ["_worker.bundle", "part_too_large"],
    ["_worker.js", "part_too_large"],
    ["_headers", "part_too_large"],
    ["anything", "part_too_large"],
  ])("%s may have 25 MiB and no byte more", async (name, code) => {
    const bundle = new Uint8Array(25 * MIB + 1);
    const fits = accepted(await readForm([file(name, bundle.subarray(1))]));
    expect(fits.parts[0]?.size).toBe(25 * MIB);
    const problem = refused(await readForm([file(name, bundle)]));
    expect(problem).toMatchObject({ status: 413, code, field: name });
    expect(problem.detail).toContain("25 MiB");
  });

  it("a manifest may have 20,000 entries by default, and as many as told", async () => {
    expect(accepted(await readForm([entries(20_000)])).manifest?.entries).toBe(20_000);
    const problem = refused(await readForm([entries(20_001)]));
    expect(problem).toMatchObject({ status: 422, code: "manifest_too_many_entries" });
    const more = await readForm([entries(20_001)], { manifest_entries: 100_000 });
    expect(accepted(more).manifest?.entries).toBe(20_001);
  });

  const bounds: [Partial<FormLimits>, TestPart[], TestPart[], string][] = [
    [
      { parts: 2 },
      [file("a", ""), file("b", "")],
      [file("a", ""), file("b", ""), file("c", "")],
      "too_many_parts",
    ],
    [{ part_bytes: 3 }, [file("a", "abc")], [file("a", "abcd")], "part_too_large"],
    [{ manifest_bytes: 2 }, [text("manifest", "{}")], [text("manifest", "{ }")], "part_too_large"],
    [
      { json_bytes: 2 },
      [text("_routes.json", "{}")],
      [text("_routes.json", "{ }")],
      "part_too_large",
    ],
    [{ bytes: SMALL.length }, [text("a", "b")], [text("a", "bc")], "form_too_large"],
  ];
  it.each(bounds)("%j", async (limits, fits, exceeds, code) => {
    accepted(await readForm(fits, limits));
    expect(refused(await readForm(exceeds, limits))).toMatchObject({ status: 413, code });
  });

  it("the whole body may have 100 MiB by default", async () => {
    const part = multipart(
      Array.from({ length: 5 }, (_, i) => file(`f${i}`, new Uint8Array(20 * MIB))),
    );
    expect(refused((await read([part])).result)).toMatchObject({
      status: 413,
      code: "form_too_large",
    });
  });

  it("ends a part without end as soon as it is too large", async () => {
    const head = utf8('--Bnd\r\nContent-Disposition: form-data; name="branch"\r\n\r\n');
    const chunk = utf8("a".repeat(200));
    const { result, passed } = await read([head, chunk, chunk, chunk, chunk]);
    expect(refused(result)).toMatchObject({ status: 422, code: "field_too_long", field: "branch" });
    expect(passed).toHaveLength(head.length + chunk.length);
  });
});
