import { describe, expect, it } from "vitest";
import { formBoundary } from "../../../src/deploy-form/boundary.ts";
import { accepted, cut, join, multipart, read, refused, utf8 } from "./support.ts";

const A = 'Content-Disposition: form-data; name="a"\r\n\r\n';

const BODY = multipart([
  { name: "branch", value: "feature/x" },
  { name: "x", value: "hel\r\nlo\r\n--Bn\r\r\n-", filename: "日本.txt", type: "text/plain" },
  { name: "empty", value: "" },
  { name: "manifest", value: '{"/a.css":"aa42bba514e8ddfea838ec1a715ca332"}' },
]);

describe("cutting the body", () => {
  it("gives the same form and the same bytes whichever two chunks it comes in", async () => {
    const whole = accepted((await read([BODY])).result);
    expect(whole.parts.map((part) => [part.name, part.size])).toEqual([
      ["branch", 9],
      ["x", 17],
      ["empty", 0],
      ["manifest", 45],
    ]);
    for (let at = 0; at <= BODY.length; at++) {
      const { result, passed } = await read(cut(BODY, [at]));
      expect(accepted(result), `cut at ${at}`).toEqual(whole);
      expect(passed).toEqual(BODY);
    }
  });

  it("gives the same form byte by byte", async () => {
    const whole = accepted((await read([BODY])).result);
    const { result, passed } = await read([...BODY].map((byte) => Uint8Array.of(byte)));
    expect(accepted(result)).toEqual(whole);
    expect(passed).toEqual(BODY);
  });

  it("refuses every truncation, whole or byte by byte", async () => {
    const end = BODY.length - 2; // what comes after the closing boundary may be missing
    for (let size = 0; size < end; size++) {
      const short = BODY.slice(0, size);
      for (const chunks of [[short], [...short].map((byte) => Uint8Array.of(byte))]) {
        const { result, failure } = await read(chunks);
        expect(refused(result), `${size} bytes`).toMatchObject({
          status: 400,
          code: "multipart_truncated",
        });
        expect(failure).toMatchObject({ problem: refused(result) });
      }
    }
  });
});

describe("a form is taken", () => {
  const cases: [string, string | Uint8Array, number][] = [
    ["with no parts, as the SDK asks for a build", "--Bnd--\r\n", 0],
    ["without a line end after the last boundary", `--Bnd\r\n${A}x\r\n--Bnd--`, 1],
    ["with blank lines after the last boundary", `--Bnd\r\n${A}x\r\n--Bnd-- \r\n\t\r\n`, 1],
    [
      "with headers in other cases and spacing",
      `--Bnd\r\ncontent-disposition:form-data;name=a \r\nX-More: 1\r\n\r\nx\r\n--Bnd--`,
      1,
    ],
    ["with a boundary's begin inside a part", `--Bnd\r\n${A}\r\n--Bn\r\n-\r\r\n\r\n--Bnd--`, 1],
    [
      "with percent and backslash escapes in a name",
      `--Bnd\r\nContent-Disposition: form-data; name="a%22\\"b"\r\n\r\nx\r\n--Bnd--`,
      1,
    ],
    [
      "with an extended filename",
      `--Bnd\r\nContent-Disposition: form-data; name="a"; filename*=UTF-8''%zz\r\n\r\nx\r\n--Bnd--`,
      1,
    ],
  ];
  it.each(cases)("%s", async (_, body, parts) => {
    expect(accepted((await read([join(body)])).result).parts).toHaveLength(parts);
  });
});

describe("broken multipart is refused", () => {
  const cases: [string, string | Uint8Array, string][] = [
    ["nothing at all", "", "multipart_truncated"],
    ["something else", "hello there", "multipart_malformed"],
    ["a line before the first boundary", `hi\r\n--Bnd--\r\n`, "multipart_malformed"],
    ["another boundary", "--Other--\r\n", "multipart_malformed"],
    ["bytes after the end", "--Bnd--\r\nmore", "multipart_malformed"],
    [
      "a second form after the end",
      `--Bnd--\r\n--Bnd\r\n${A}x\r\n--Bnd--\r\n`,
      "multipart_malformed",
    ],
    ["endless blanks after the end", `--Bnd--${" ".repeat(2000)}`, "multipart_malformed"],
    [
      "a boundary right after a head",
      `--Bnd\r\n${A}--Bnd\r\n${A}x\r\n--Bnd--`,
      "multipart_malformed",
    ],
    [
      "a longer boundary inside a part",
      `--Bnd\r\n${A}x\r\n--Bndy\r\n--Bnd--`,
      "multipart_malformed",
    ],
    ["padding after a boundary", `--Bnd \r\n${A}x\r\n--Bnd--`, "multipart_malformed"],
    ["bare line feeds", `--Bnd\n${A}x\n--Bnd--`, "multipart_malformed"],
    ["a part without headers", `--Bnd\r\n\r\nx\r\n\r\n--Bnd--`, "multipart_malformed"],
    ["a part without anything", "--Bnd\r\n--Bnd--\r\n", "multipart_truncated"],
    [
      "a part without a disposition",
      `--Bnd\r\nContent-Type: text/plain\r\n\r\nx\r\n--Bnd--`,
      "multipart_malformed",
    ],
    [
      "a disposition of another kind",
      `--Bnd\r\nContent-Disposition: attachment; name="a"\r\n\r\nx\r\n--Bnd--`,
      "multipart_malformed",
    ],
    [
      "a part without a name",
      `--Bnd\r\nContent-Disposition: form-data; filename="a"\r\n\r\nx\r\n--Bnd--`,
      "multipart_malformed",
    ],
    [
      "two names",
      `--Bnd\r\nContent-Disposition: form-data; name="a"; name="b"\r\n\r\nx\r\n--Bnd--`,
      "multipart_malformed",
    ],
    [
      "an open quote",
      `--Bnd\r\nContent-Disposition: form-data; name="a\r\n\r\nx\r\n--Bnd--`,
      "multipart_malformed",
    ],
    [
      "words after a name",
      `--Bnd\r\nContent-Disposition: form-data; name="a" b\r\n\r\nx\r\n--Bnd--`,
      "multipart_malformed",
    ],
    ["a disposition twice", `--Bnd\r\n${A.trim()}\r\n${A}x\r\n--Bnd--`, "multipart_malformed"],
    [
      "a folded header",
      `--Bnd\r\nContent-Disposition: form-data;\r\n name="a"\r\n\r\nx\r\n--Bnd--`,
      "multipart_malformed",
    ],
    [
      "a line feed inside a header",
      `--Bnd\r\nX: a\nContent-Type: b\r\n${A}x\r\n--Bnd--`,
      "multipart_malformed",
    ],
    ["a NUL inside a header", `--Bnd\r\nX: a\0\r\n${A}x\r\n--Bnd--`, "multipart_malformed"],
    [
      "headers that are not UTF-8",
      join("--Bnd\r\nX: ", Uint8Array.of(0xff), `\r\n${A}x\r\n--Bnd--`),
      "multipart_malformed",
    ],
    ["headers without an end", `--Bnd\r\nX: ${"x".repeat(5000)}`, "multipart_malformed"],
    [
      "headers over the limit",
      `--Bnd\r\nX: ${"x".repeat(5000)}\r\n${A}x\r\n--Bnd--`,
      "multipart_malformed",
    ],
    [
      "content in base64",
      `--Bnd\r\nContent-Transfer-Encoding: base64\r\n${A}eA==\r\n--Bnd--`,
      "multipart_malformed",
    ],
  ];
  it.each(cases)("%s", async (_, body, code) => {
    const bytes = join(body);
    for (const chunks of [[bytes], [...bytes].map((byte) => Uint8Array.of(byte))]) {
      const { result, failure } = await read(chunks);
      expect(refused(result)).toMatchObject({ status: 400, code });
      expect(failure).toMatchObject({ name: "FormRefused", problem: refused(result) });
    }
  });
});

describe("the boundary in the content type", () => {
  const good: [string, string][] = [
    ["multipart/form-data; boundary=abc", "abc"],
    ["Multipart/Form-Data;boundary=abc", "abc"],
    ['multipart/form-data; charset=utf-8; Boundary="a b:c=?"', "a b:c=?"],
    [
      "multipart/form-data; boundary=----formdata-undici-012345678901 ",
      "----formdata-undici-012345678901",
    ],
    [`multipart/form-data; boundary=${"x".repeat(70)}`, "x".repeat(70)],
  ];
  it.each(good)("%s", (type, boundary) => {
    expect(formBoundary(type)).toEqual({ ok: true, value: boundary });
  });

  const bad: [string | null, 400 | 415, string][] = [
    [null, 415, "content_type_unsupported"],
    ["", 415, "content_type_unsupported"],
    ["application/json", 415, "content_type_unsupported"],
    ["multipart/mixed; boundary=abc", 415, "content_type_unsupported"],
    ["multipart/form-data-x; boundary=abc", 415, "content_type_unsupported"],
    ["multipart/form-data", 400, "boundary_invalid"],
    ["multipart/form-data; boundary=", 400, "boundary_invalid"],
    ['multipart/form-data; boundary=""', 400, "boundary_invalid"],
    ['multipart/form-data; boundary="abc ', 400, "boundary_invalid"],
    ['multipart/form-data; boundary="abc "', 400, "boundary_invalid"],
    ["multipart/form-data; boundary=a; boundary=b", 400, "boundary_invalid"],
    ["multipart/form-data, boundary=abc", 415, "content_type_unsupported"],
    ["multipart/form-data; boundary=a;", 400, "boundary_invalid"],
    [`multipart/form-data; boundary=${"x".repeat(71)}`, 400, "boundary_invalid"],
    ["multipart/form-data; boundary=bönd", 400, "boundary_invalid"],
    ['multipart/form-data; boundary="a\\"b"', 400, "boundary_invalid"],
  ];
  it.each(bad)("%s is refused", async (type, status, code) => {
    expect(formBoundary(type)).toMatchObject({ ok: false, error: { status, code } });
    const { result, failure, passed } = await read([utf8("--abc--\r\n")], { type });
    expect(refused(result)).toMatchObject({ status, code });
    expect(failure).toMatchObject({ problem: refused(result) });
    expect(passed).toHaveLength(0);
  });
});
