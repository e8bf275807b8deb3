import { setMetaSchemaOutputFormat, validate } from "@hyperjump/json-schema/openapi-3-1";
import { beforeAll, expect, it } from "vitest";

import { Api } from "../../../src/api/route.ts";
import { routes } from "../../../src/api/routes.ts";

/** With the dialect of OpenAPI, by which the schemas inside are looked at as well. */
const OPENAPI = "https://spec.openapis.org/oas/3.1/schema-base";

let text: string;
beforeAll(async () => {
  setMetaSchemaOutputFormat("BASIC");
  const app = new Api();
  routes.forEach((register) => register(app));
  text = await (await app.request("/openapi.json")).text();
});

it("the OpenAPI document is one by OpenAPI's own schema, and so is each schema inside it", async () => {
  const faults = await validate(OPENAPI);
  expect(faults(JSON.parse(text), "BASIC")).toEqual({ valid: true });
  const broken = text.replace('"type":"string"', '"type":"strings"');
  expect(faults(JSON.parse(broken), "FLAG").valid).toBe(false);
});

it("the document's patterns are regular expressions as JSON Schema has them, without flags", () => {
  const patterns = [...text.matchAll(/"pattern":("(?:[^"\\]|\\.)*")/g)].map(
    ([, pattern = ""]) => JSON.parse(pattern) as string,
  );
  expect(patterns.length).toBeGreaterThan(10);
  // What makes the document writes the flags of a regular expression behind a slash: /^a$/i becomes "^a$/i".
  expect(patterns.filter((pattern) => /(?<!\\)\/[a-z]+$/.test(pattern))).toEqual([]);
  // Readers take them with the flag u or without it; \p{…} means something with it alone.
  expect(patterns.filter((pattern) => /\\p\{/i.test(pattern))).toEqual([]);
  for (const pattern of patterns) {
    expect(() => [new RegExp(pattern), new RegExp(pattern, "u")]).not.toThrow();
  }
});
