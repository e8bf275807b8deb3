import { describe, expect, it } from "vitest";
import { accepted, multipart, read, readForm, type TestPart } from "./support.ts";

const PARTS: [TestPart, TestPart, TestPart] = [
  { name: "branch", value: "main" },
  { name: "a", value: "abc", filename: "a.txt", type: "text/plain" },
  { name: "b", value: "" },
];

async function hashOf(parts: readonly TestPart[], boundary = "Bnd"): Promise<string> {
  const type = `multipart/form-data; boundary=${boundary}`;
  return accepted((await read([multipart(parts, boundary)], { type })).result).content_hash;
}

describe("the content hash", () => {
  it("is equal for equal content", async () => {
    const hash = await hashOf(PARTS);
    expect(hash).toMatch(/^[\da-f]{64}$/);
    expect(await hashOf(PARTS, "other-boundary")).toBe(hash);
    expect(await hashOf(PARTS.toReversed())).toBe(hash);
  });

  it("is equal for one FormData sent twice, whose boundaries differ", async () => {
    const data = new FormData();
    data.append("manifest", "{}");
    data.append("_headers", new File(["/*"], "_headers"));
    const send = async () => {
      const response = new Response(data);
      const type = response.headers.get("content-type");
      return accepted((await read([await response.bytes()], { type })).result);
    };
    const [one, two] = [await send(), await send()];
    expect(one.boundary).not.toBe(two.boundary);
    expect(one.content_hash).toBe(two.content_hash);
  });

  const [branch, a, b] = PARTS;
  const without = (...keys: (keyof TestPart)[]): TestPart => {
    const left = Object.entries(a).filter(([key]) => !keys.some((gone) => gone === key));
    return { name: a.name, value: a.value, ...Object.fromEntries(left) };
  };
  const changes: [string, TestPart[]][] = [
    ["a byte", [branch, { ...a, value: "abd" }, b]],
    ["a name", [branch, { ...a, name: "c" }, b]],
    ["a filename", [branch, { ...a, filename: "b.txt" }, b]],
    ["a type", [branch, { ...a, type: "text/html" }, b]],
    ["no filename", [branch, without("filename"), b]],
    ["no type", [branch, without("type"), b]],
    ["an empty filename", [branch, { ...a, filename: "" }, b]],
    ["contents exchanged", [branch, { ...a, value: b.value }, { ...b, value: a.value }]],
    ["a part more", [...PARTS, b]],
    ["a part less", [branch, a]],
    ["nothing at all", []],
  ];
  it.each(changes)("differs for %s", async (_, parts) => {
    expect(accepted(await readForm(parts)).content_hash).not.toBe(await hashOf(PARTS));
  });
});
