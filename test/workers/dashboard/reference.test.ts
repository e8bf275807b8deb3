import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { CODES } from "../../../src/problem.ts";
import { Edge, leave } from "../api/edge.ts";
import { Visit, type Page } from "./visit.ts";

interface Operation {
  operationId: string;
}

let edge: Edge;
let page: Page;
beforeEach(async () => {
  edge = await Edge.create();
  page = await new Visit().get("/docs");
});
afterEach(leave);

describe("the reference of the API", () => {
  it("is there for everybody, and loads only what is our own", async () => {
    expect(page.status).toBe(200);
    expect(page.headers.get("content-security-policy")).toContain("connect-src 'self'");
    expect(page.text).not.toMatch(/ style=|<style|<script(?! src=)| on[a-z]+=/);
    const urls = [...page.text.matchAll(/<(?:script|link)[^>]+(?:src|href)="([^"]+)"/g)];
    expect(urls).toHaveLength(5);
    for (const [, url = ""] of urls) {
      expect((await new Visit().get(url)).status).toBe(200);
    }
  });

  it("has every operation, webhook, schema and code, and no link that leads nowhere", async () => {
    const { body } = await edge.send("GET", "/openapi.json", { token: null });
    const { paths, webhooks, components } = body as {
      paths: Record<string, Record<string, Operation>>;
      webhooks: Record<string, unknown>;
      components: { schemas: Record<string, unknown> };
    };
    const operations = Object.values(paths).flatMap((methods) => Object.values(methods));
    const wanted = [
      ...operations.map(({ operationId }) => operationId),
      ...Object.keys(webhooks).map((type) => `webhook-${type}`),
      ...Object.keys(components.schemas).map((name) => `schema-${name}`),
      ...Object.keys(CODES).map((code) => `code-${code}`),
    ];
    const ids = new Set([...page.text.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id));
    expect(wanted.filter((id) => !ids.has(id))).toEqual([]);
    const links = [...page.text.matchAll(/href="#([^"]+)"/g)].map(([, id]) => id);
    expect(links.length).toBeGreaterThan(500);
    expect(links.filter((id) => !ids.has(id))).toEqual([]);
  });

  it("shows text as text", () => {
    expect(page.text).toContain("&lt;account id&gt;:&lt;name&gt;");
    expect(page.text).not.toContain("<account id>");
  });
});
