import { describe, expect, it } from "vitest";

import { judge, probeUrl } from "../../../src/project/probe.ts";

const DOMAINS = ["blog.pages.dev", "blog.example"];

describe("the address of a check", () => {
  it.each([
    ["/", "https://blog.pages.dev/"],
    ["/cart?x=1", "https://blog.pages.dev/cart?x=1"],
    ["https://blog.example/health", "https://blog.example/health"],
    ["HTTPS://Blog.Example/health", "https://blog.example/health"],
    ["https://blog.example:443/", "https://blog.example/"],
  ])("%s is %s", (url, expected) => {
    expect(probeUrl(url, DOMAINS)?.href).toBe(expected);
  });

  it.each([
    "https://other.example/",
    "https://blog.example.evil.example/",
    "https://x.blog.pages.dev/",
    "https://blog.example:8443/",
    "https://ada:secret@blog.example/",
    "http://blog.example/",
    "//other.example/",
    "/\\other.example/",
    "https://127.0.0.1/",
    "https:///",
    "javascript:alert(1)",
  ])("%s is none of the project's own", (url) => {
    expect(probeUrl(url, DOMAINS)).toBeNull();
  });
});

describe("an answer", () => {
  const commit = "0123456789abcdef0123456789abcdef01234567";
  const check = { status: 200, contains: null, header: null, commit: false };
  const answer = (status: number, body = "", headers = {}) => ({
    status,
    body,
    headers: new Headers(headers),
  });

  it.each([
    [check, answer(200), null],
    [check, answer(500), "answered 500 instead of 200"],
    [{ ...check, status: 308 }, answer(308), null],
    [{ ...check, contains: "Welcome" }, answer(200, "<h1>Welcome</h1>"), null],
    [{ ...check, contains: "Welcome" }, answer(200, "oops"), "does not hold the text “Welcome”"],
    [{ ...check, commit: true }, answer(200, `built from ${commit}`), null],
    [{ ...check, commit: true }, answer(200, "v0123456"), null],
    [{ ...check, commit: true }, answer(200, "fedcba9"), "does not name the commit 0123456"],
    [check, { failure: "could not be reached" }, "could not be reached"],
  ])("to %j, %j: %s", (wanted, answered, expected) => {
    expect(judge(wanted, answered, commit)).toBe(expected);
  });

  it("is judged by a header too", () => {
    const wanted = { ...check, header: { name: "X-Release", value: "7" } };
    expect(judge(wanted, answer(200, "", { "x-release": "7" }), null)).toBeNull();
    expect(judge(wanted, answer(200, "", { "x-release": "6" }), null)).toBe(
      "answered with another X-Release",
    );
    expect(judge(wanted, answer(200), null)).toBe("answered without the header X-Release");
  });

  it("need not name a commit that nobody knows", () => {
    expect(judge({ ...check, commit: true }, answer(200), null)).toBeNull();
  });
});
