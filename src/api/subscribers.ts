import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";

import { newId } from "../ids.ts";
import { newWebhookSecret } from "../notify/webhook.ts";
import { agreed, existing, Problem } from "../problem.ts";
import { EventType } from "../project/shapes.ts";
import { subscriberSeal } from "../project/subscribers.ts";
import { checkSubscriberUrl } from "../security/subscriber-url.ts";
import {
  askProject,
  given,
  keyIn,
  referenceIn,
  originOf,
  type Api,
  type AppEnv,
} from "./context.ts";
import { onProject } from "./guard.ts";
import { jsonOf, takingJson } from "./json.ts";
import { numberAfter, page, pageOf, PageQuery } from "./pages.ts";
import { ProjectParams, SubscriberParams } from "./params.ts";
import { BODY, json, noContent, refusals } from "./responses.ts";
import { Delivery, Description, Subscriber } from "./schemas.ts";

const tags = ["Subscribers"];
const manage = onProject("manage");

const Url = z.string().max(2048).openapi({ description: "A public https URL on port 443." });
const Pattern = z
  .string()
  .max(64)
  .refine(
    matchesSomething,
    'must be "*", a type of event, or the beginning of one as in "deploy.*"',
  )
  .openapi({ examples: ["*", "deploy.*", "deploy.succeeded"] });
const Patterns = z.array(Pattern).min(1).max(50);

const create = createRoute({
  method: "post",
  path: "/v1/projects/{project}/subscribers",
  operationId: "createSubscriber",
  summary: "Have events sent to a URL",
  description:
    "Each event is a POST that is signed as Standard Webhooks says, with the secret of this answer.",
  tags,
  ...takingJson(manage),
  request: {
    params: ProjectParams,
    body: jsonOf(
      z.strictObject({
        url: Url,
        events: Patterns.default(["*"]),
        kind: z.literal("webhook").default("webhook"),
        description: Description.optional(),
      }),
    ),
  },
  responses: {
    201: json(
      Subscriber.extend({ secret: z.string().openapi({ description: "Shown this once." }) }),
      "The subscriber, with its signing secret.",
    ),
    ...refusals("project_not_found", "url_refused", "conflict", ...BODY),
  },
});

const list = createRoute({
  method: "get",
  path: "/v1/projects/{project}/subscribers",
  operationId: "listSubscribers",
  summary: "List subscribers",
  tags,
  ...onProject("read"),
  request: { params: ProjectParams },
  responses: {
    200: json(z.object({ items: z.array(Subscriber) }), "All subscribers of the project."),
    ...refusals("project_not_found"),
  },
});

const get = createRoute({
  method: "get",
  path: "/v1/projects/{project}/subscribers/{id}",
  operationId: "getSubscriber",
  summary: "Get a subscriber",
  tags,
  ...onProject("read"),
  request: { params: SubscriberParams },
  responses: {
    200: json(Subscriber, "The subscriber."),
    ...refusals("project_not_found", "subscriber_not_found"),
  },
});

const change = createRoute({
  method: "patch",
  path: "/v1/projects/{project}/subscribers/{id}",
  operationId: "changeSubscriber",
  summary: "Change, pause or resume a subscriber",
  description: "`active` also clears what was held against it, so that delivery starts at once.",
  tags,
  ...takingJson(manage),
  request: {
    params: SubscriberParams,
    body: jsonOf(
      z.strictObject({
        url: Url.optional(),
        events: Patterns.optional(),
        description: Description.nullable().optional(),
        state: z.enum(["active", "paused"]).optional(),
      }),
    ),
  },
  responses: {
    200: json(Subscriber, "The subscriber as it is now."),
    ...refusals("project_not_found", "subscriber_not_found", "url_refused", ...BODY),
  },
});

const remove = createRoute({
  method: "delete",
  path: "/v1/projects/{project}/subscribers/{id}",
  operationId: "removeSubscriber",
  summary: "Delete a subscriber",
  tags,
  ...manage,
  request: { params: SubscriberParams },
  responses: { 204: noContent, ...refusals("project_not_found", "subscriber_not_found") },
});

const test = createRoute({
  method: "post",
  path: "/v1/projects/{project}/subscribers/{id}/test",
  operationId: "testSubscriber",
  summary: "Send this subscriber a test event",
  tags,
  ...manage,
  request: { params: SubscriberParams },
  responses: {
    202: json(
      z.object({ type: z.literal("test.ping") }),
      "It is on its way; the deliveries tell what becomes of it.",
    ),
    ...refusals("project_not_found", "subscriber_not_found"),
  },
});

const deliveries = createRoute({
  method: "get",
  path: "/v1/projects/{project}/subscribers/{id}/deliveries",
  operationId: "listDeliveries",
  summary: "List what was sent to a subscriber, newest first",
  tags,
  ...onProject("read"),
  request: { params: SubscriberParams, query: PageQuery },
  responses: {
    200: json(pageOf(Delivery), "A page of deliveries."),
    ...refusals("project_not_found", "subscriber_not_found", "query_invalid", "cursor_invalid"),
  },
});

export function subscriberRoutes(api: Api): void {
  api.openapi(create, async (c) => {
    const { url, events, kind, description = null } = c.req.valid("json");
    const id = newId("sub");
    const secret = newWebhookSecret();
    const subscriber = {
      id,
      url: checkUrl(c, url),
      kind,
      events,
      description,
      secret: await c.var.config.keyring.seal(subscriberSeal(keyIn(c), id), secret),
    };
    const made = agreed(await askProject(c, (p) => p.addSubscriber(subscriber)));
    c.header("location", `/v1/projects/${referenceIn(c)}/subscribers/${id}`);
    return c.json({ ...made, secret }, 201);
  });

  api.openapi(list, async (c) =>
    c.json({ items: await askProject(c, (p) => p.subscribers()) }, 200),
  );

  api.openapi(get, async (c) => {
    const { id } = c.req.valid("param");
    return c.json(found(await askProject(c, (p) => p.subscriber(id))), 200);
  });

  api.openapi(change, async (c) => {
    const { id } = c.req.valid("param");
    const { url, ...rest } = given(c.req.valid("json"));
    const changes = { ...rest, ...(url !== undefined && { url: checkUrl(c, url) }) };
    return c.json(found(await askProject(c, (p) => p.changeSubscriber(id, changes))), 200);
  });

  api.openapi(remove, async (c) => {
    const { id } = c.req.valid("param");
    found((await askProject(c, (p) => p.removeSubscriber(id))) ? true : null);
    return c.body(null, 204);
  });

  api.openapi(test, async (c) => {
    const { id } = c.req.valid("param");
    found((await askProject(c, (p) => p.testSubscriber(id))) ? true : null);
    return c.json({ type: "test.ping" } as const, 202);
  });

  api.openapi(deliveries, async (c) => {
    const { id } = c.req.valid("param");
    const { limit, cursor } = c.req.valid("query");
    const before = numberAfter(cursor);
    found(await askProject(c, (p) => p.subscriber(id)));
    const rows = await askProject(c, (p) => p.deliveries(id, before, limit + 1));
    return c.json(
      page(rows, limit, (delivery) => delivery.sequence),
      200,
    );
  });
}

function checkUrl(c: Context<AppEnv>, url: string): string {
  const ownHosts = [originOf(c), c.req.url].map((own) => new URL(own).host);
  const checked = checkSubscriberUrl(url, { ownHosts, local: c.var.config.local });
  if (!checked.ok) {
    const { message: detail } = checked.error;
    throw new Problem("url_refused", detail, { errors: [{ field: "url", detail }] });
  }
  return checked.value.href;
}

/** A filter that no event can pass is a slip of the pen. */
function matchesSomething(pattern: string): boolean {
  return (
    pattern === "*" ||
    EventType.options.some(
      (type) =>
        type === pattern || (pattern.endsWith(".*") && type.startsWith(pattern.slice(0, -1))),
    )
  );
}

function found<T>(value: T | null): T {
  return existing(value, "subscriber_not_found", "There is no such subscriber in this project.");
}
