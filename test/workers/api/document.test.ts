import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { app } from "../../../src/app.ts";
import { Api } from "../../../src/api/route.ts";
import { dashboard } from "../../../src/dashboard/routes.tsx";
import { GATEWAY_ROUTES, PREFIX } from "../../../src/gateway/door.ts";
import { CODES } from "../../../src/problem.ts";
import { EventType } from "../../../src/project/shapes.ts";
import { Edge, leave } from "./edge.ts";

type Json = Record<string, unknown>;
interface OperationObject {
  operationId: string;
  summary: string;
  description?: string;
  tags: string[];
  security: { token?: string[] }[];
  parameters?: { name: string; in: string }[];
  requestBody?: { content: Record<string, { schema: Json }> };
  responses: Record<string, { description: string; content?: Record<string, { schema: Json }> }>;
}
interface Described {
  description: string;
  properties: { type: { enum: string[] } };
}
interface Document {
  openapi: string;
  paths: Record<string, Record<string, OperationObject>>;
  webhooks: Record<string, Record<string, OperationObject>>;
  components: Record<string, Record<string, Json>>;
}

/** Where what people see may be, which no program is to rely on; as long as it is the dashboard that has it. */
const PAGES =
  /^\/(?:$|(?:access|accounts|assets|audit|builds|live|docs|projects|register|settings|sign-in|sign-out|tokens)(?:\/|$))/;

let document: Document;
let all: [string, OperationObject][];
beforeAll(async () => {
  const edge = await Edge.create();
  const got = await edge.send("GET", "/openapi.json", { token: null });
  document = got.body as Document;
  all = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): [string, OperationObject] => [
      `${method.toUpperCase()} ${path}`,
      operation,
    ]),
  );
});
afterAll(leave);

describe("the OpenAPI document", () => {
  it("is OpenAPI 3.1", () => {
    expect(document.openapi).toMatch(/^3\.1\./);
  });

  it("has every route of the app, and no other", () => {
    const named = app.routes.filter(({ method, path }) => method !== "ALL" && !path.includes("*"));
    const routes = new Set(named.map(({ method, path }) => `${method} ${path}`));
    for (const { method, path } of GATEWAY_ROUTES) {
      // Cloudflare's own document describes these.
      expect(routes.delete(`${method} ${PREFIX}${path}`)).toBe(true);
    }
    const pages = new Api();
    dashboard(pages);
    for (const { method, path } of pages.routes.filter(({ path }) => PAGES.test(path))) {
      routes.delete(`${method} ${path}`);
    }
    const described = [...routes].map((route) => route.replaceAll(/:(\w+)/g, "{$1}"));
    expect(described.sort()).toEqual(all.map(([route]) => route).sort());
  });

  it("misses nothing that takes any method or any path: those are middleware", () => {
    const open = app.routes.filter(({ method, path }) => method === "ALL" || path.includes("*"));
    const paths = [...new Set(open.map(({ method, path }) => `${method} ${path}`))];
    expect(paths.sort()).toEqual(["ALL /*", "ALL /client/v4/*", "ALL /hooks/*", "ALL /v1/*"]);
  });

  it("refers to nothing that is not there", () => {
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)];
    expect(references.length).toBeGreaterThan(50);
    const dangling = references.filter(([, reference = ""]) => {
      const [, , section = "", name = ""] = reference.split("/");
      return document.components[section]?.[name] === undefined;
    });
    expect(dangling).toEqual([]);
  });

  it("names each operation once, says what it does, and declares its path's parameters", () => {
    const ids = all.map(([, { operationId }]) => operationId);
    expect(new Set(ids).size).toBe(ids.length);
    const poor = all.filter(([route, { summary, tags, parameters = [] }]) => {
      const declared = parameters.filter((p) => p.in === "path").map((p) => p.name);
      const named = [...route.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      return (
        !/^[A-Z].*[^.]$/.test(summary) || tags.length !== 1 || declared.join() !== named.join()
      );
    });
    expect(poor.map(([route]) => route)).toEqual([]);
  });

  it("describes what every guarded route can answer", () => {
    const poor = all.filter(([, { responses, security }]) => {
      const has = (status: number): boolean => responses[status] !== undefined;
      const guarded = security.length === 0 || [401, 403, 500, 503].every(has);
      return !guarded || !Object.keys(responses).some((status) => Number(status) < 300);
    });
    expect(poor.map(([route]) => route)).toEqual([]);
  });

  it("describes refusals as problems, by codes of the one list", () => {
    const described = all.flatMap(([route, { responses }]) =>
      Object.entries(responses).map(([status, answer]) => ({ route, status, ...answer })),
    );
    const refusals = described.filter(({ status }) => Number(status) >= 400);
    expect(refusals.length).toBeGreaterThan(100);
    const poor = refusals.filter(({ status, description, content = {} }) => {
      const codes = [...description.matchAll(/^`(\w+)`: /gm)].map(([, code = ""]) => code);
      const fits = (code: string): boolean =>
        code in CODES && CODES[code as keyof typeof CODES][0] === Number(status);
      const schema = content["application/problem+json"]?.schema;
      return (
        codes.length === 0 ||
        !codes.every(fits) ||
        schema?.["$ref"] !== "#/components/schemas/Problem"
      );
    });
    expect(poor).toEqual([]);
  });

  it("closes every JSON body to fields that there are not", () => {
    const bodies = all
      .filter(([route]) => route !== "POST /hooks/{project}/{segment}")
      .flatMap(([, { requestBody }]) => requestBody?.content["application/json"] ?? []);
    expect(bodies.length).toBe(25);
    for (const { schema } of bodies) {
      expect(schema).toMatchObject({ type: "object", additionalProperties: false });
    }
  });

  it("never has a hook answer 410, on which senders delete their webhook for good", () => {
    const [, door] = all.find(([route]) => route === "POST /hooks/{project}/{segment}") ?? [];
    expect(Object.keys(door?.responses ?? {})).toContain("404");
    expect(Object.keys(door?.responses ?? {})).not.toContain("410");
  });

  it("has a webhook for every type of event", () => {
    expect(Object.keys(document.webhooks).sort()).toEqual([...EventType.options].sort());
    for (const { post } of Object.values(document.webhooks)) {
      const { $ref } = post?.requestBody?.content["application/json"]?.schema ?? {};
      const name = String($ref).replace("#/components/schemas/", "");
      const schema = document.components["schemas"]?.[name] as unknown as Described;
      expect(schema.properties.type.enum).toEqual([post?.operationId]);
      expect(schema.description).toBe(post?.description);
    }
  });

  it("describes the token", () => {
    expect(document.components["securitySchemes"]?.["token"]).toMatchObject({
      type: "http",
      scheme: "bearer",
    });
  });
});
