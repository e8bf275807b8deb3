import { createRoute, z } from "@hono/zod-openapi";

import { CATALOGUE } from "../project/catalogue.ts";
import { exampleEvent } from "../project/examples.ts";
import type { EventType } from "../project/shapes.ts";
import { VERSION } from "../version.ts";
import { ACCESS_HEADER } from "./access.ts";
import type { Api } from "./context.ts";
import { json } from "./responses.ts";
import { eventSchema } from "./event-schema.ts";
import { EXAMPLES } from "./examples.ts";
import { EVENTS } from "./schemas.ts";

const document = createRoute({
  method: "get",
  path: "/openapi.json",
  operationId: "getOpenApi",
  summary: "This document",
  tags: ["Instance"],
  security: [],
  responses: { 200: json(z.looseObject({ openapi: z.string() }), "OpenAPI 3.1.") },
});

const events = createRoute({
  method: "get",
  path: "/events.schema.json",
  operationId: "getEventSchema",
  summary: "The JSON Schema of an event, of whatever type",
  tags: ["Events"],
  security: [],
  responses: {
    200: json(z.looseObject({ $schema: z.string() }), "JSON Schema, draft 2020-12."),
  },
});

/** After all routes: the document is made of those that are there when it is first asked for. */
export function documentRoute(api: Api): void {
  api.openAPIRegistry.registerComponent("securitySchemes", "token", {
    type: "http",
    scheme: "bearer",
    description:
      "A token of the project or of the instance. Scopes: read, deploy, manage, each including those before it.",
  });
  api.openAPIRegistry.registerComponent("securitySchemes", "oidc", {
    type: "http",
    scheme: "bearer",
    bearerFormat: "JWT",
    description:
      "The OIDC token of a job of GitHub Actions or GitLab CI. Routes of a project take it as well, where a trust rule of the project fits, with the scope of that.",
  });
  api.openAPIRegistry.registerComponent("securitySchemes", "access", {
    type: "apiKey",
    in: "header",
    name: ACCESS_HEADER,
    description:
      "Set by Cloudflare Access, where that stands in front of this address: log in with a browser, or send CF-Access-Client-Id and CF-Access-Client-Secret of a service token. The rules at /v1/access say who may do what. A token in `Authorization` comes before it.",
  });
  for (const [type, schema] of Object.entries(EVENTS)) {
    api.openAPIRegistry.registerWebhook({
      method: "post",
      path: type,
      operationId: type,
      summary: `Sent to subscribers of ${type}`,
      description: CATALOGUE[type as EventType].description,
      tags: ["Events"],
      security: [],
      request: {
        headers: z.object({
          "webhook-id": z
            .string()
            .openapi({ description: "The event's id, the same for every attempt." }),
          "webhook-timestamp": z.string().openapi({ description: "Unix seconds." }),
          "webhook-signature": z.string().openapi({ description: "As Standard Webhooks says." }),
          "signalbox-attempt": z.string().openapi({ description: "1 for the first." }),
        }),
        body: {
          required: true,
          content: { "application/json": { schema, example: exampleEvent(type as EventType) } },
        },
      },
      responses: {
        "2XX": { description: "Taken. Anything else is tried again; 410 ends the subscription." },
      },
    });
  }
  api.openapi(document, (c) => c.json(documentOf(api), 200));
  api.openapi(events, (c) => {
    const { components } = documentOf(api);
    return c.json(eventSchema({ ...components?.schemas }), 200);
  });
}

interface Made {
  openapi: string;
  components?: { schemas?: object };
  paths?: Record<string, object>;
  [key: string]: unknown;
}

const documents = new WeakMap<Api, Made>();

/** Made when it is first asked for: by then, all routes are there. */
export function documentOf(api: Api): Made {
  const made = documents.get(api) ?? make(api);
  documents.set(api, made);
  return made;
}

function make(api: Api): Made {
  const document = api.getOpenAPI31Document({
    openapi: "3.1.0",
    info: {
      title: "Signalbox",
      version: VERSION,
      description: "A deploy orchestrator for Cloudflare Pages.",
      license: { name: "MIT" },
    },
    servers: [{ url: "/" }],
  });
  for (const operation of Object.values(document.paths ?? {}).flatMap(Object.values)) {
    const { operationId, requestBody } = operation as {
      operationId: string;
      requestBody?: { content: Record<string, { example?: object }> };
    };
    const body = requestBody?.content["application/json"];
    const example = EXAMPLES[operationId];
    if (body !== undefined && example !== undefined) {
      body.example = example;
    }
  }
  return { ...document };
}
