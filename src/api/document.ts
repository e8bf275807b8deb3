import * as z from "zod";

import { CATALOGUE } from "../project/catalogue.ts";
import { exampleEvent } from "../project/examples.ts";
import type { EventType } from "../project/shapes.ts";
import { VERSION } from "../version.ts";
import { ACCESS_HEADER } from "./access.ts";
import type { Api } from "./context.ts";
import { Describer } from "./openapi.ts";
import { json } from "./responses.ts";
import { createRoute, type Operation } from "./route.ts";
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
  api.openapi(document, (c) => c.json(documentOf(api), 200));
  api.openapi(events, (c) => c.json(eventSchema(documentOf(api).components.schemas), 200));
}

const SECURITY = {
  token: {
    type: "http",
    scheme: "bearer",
    description:
      "A token of the project or of the instance. Scopes: read, deploy, manage, each including those before it.",
  },
  oidc: {
    type: "http",
    scheme: "bearer",
    bearerFormat: "JWT",
    description:
      "The OIDC token of a job of GitHub Actions or GitLab CI. Routes of a project take it as well, where a trust rule of the project fits, with the scope of that.",
  },
  access: {
    type: "apiKey",
    in: "header",
    name: ACCESS_HEADER,
    description:
      "Set by Cloudflare Access, where that stands in front of this address: log in with a browser, or send CF-Access-Client-Id and CF-Access-Client-Secret of a service token. The rules at /v1/access say who may do what. A token in `Authorization` comes before it.",
  },
};

const WebhookHeaders = z.object({
  "webhook-id": z.string().meta({ description: "The event's id, the same for every attempt." }),
  "webhook-timestamp": z.string().meta({ description: "Unix seconds." }),
  "webhook-signature": z.string().meta({ description: "As Standard Webhooks says." }),
  "signalbox-attempt": z.string().meta({ description: "1 for the first." }),
});

function webhookOf(type: EventType, schema: z.ZodType): Operation {
  return {
    method: "post",
    path: type,
    operationId: type,
    summary: `Sent to subscribers of ${type}`,
    description: CATALOGUE[type].description,
    tags: ["Events"],
    security: [],
    request: {
      headers: WebhookHeaders,
      body: {
        required: true,
        content: { "application/json": { schema, example: exampleEvent(type) } },
      },
    },
    responses: {
      "2XX": { description: "Taken. Anything else is tried again; 410 ends the subscription." },
    },
  };
}

interface Made {
  openapi: string;
  components: { schemas: Record<string, unknown>; securitySchemes: object };
  paths: Record<string, object>;
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
  const describer = new Describer();
  const webhooks = describer.paths(
    Object.entries(EVENTS).map(([type, schema]) => webhookOf(type as EventType, schema)),
  );
  const paths = describer.paths(api.operations.map(withExample));
  return {
    openapi: "3.1.0",
    info: {
      title: "Signalbox",
      version: VERSION,
      description: "A deploy orchestrator for Cloudflare Pages.",
      license: { name: "MIT" },
    },
    servers: [{ url: "/" }],
    components: { securitySchemes: SECURITY, schemas: describer.schemas },
    paths,
    webhooks,
  };
}

function withExample(operation: Operation): Operation {
  const { operationId, request } = operation;
  const json = request?.body?.content["application/json"];
  const example = EXAMPLES[operationId];
  if (json === undefined || example === undefined) {
    return operation;
  }
  const content = { ...request?.body?.content, "application/json": { ...json, example } };
  return { ...operation, request: { ...request, body: { ...request?.body, content } } };
}
