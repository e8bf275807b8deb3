import * as z from "zod";

import { newId } from "../ids.ts";
import { SubscriberKind } from "../notify/kinds.ts";
import { newWebhookSecret } from "../notify/webhook.ts";
import { agreed, existing } from "../problem.ts";
import { GlobRule } from "../project/hook-settings.ts";
import { EventType } from "../project/shapes.ts";
import { SubscriberSettings } from "../project/subscriber-settings.ts";
import { wrongHeaders } from "../security/own-headers.ts";
import { askProject, given, referenceIn, type Api } from "./context.ts";
import { onProject } from "./guard.ts";
import { jsonOf } from "./json.ts";
import { ProjectParams, SubscriberParams } from "./params.ts";
import { BODY, json, noContent, refusals } from "./responses.ts";
import { createRoute } from "./route.ts";
import { Description, Subscriber } from "./schemas.ts";
import { placeIn, readPlace, requireAnew, requirePlace, Place } from "./subscriber-place.ts";
import { refuseHeaders, seal, sealHeaders } from "./subscriber-secrets.ts";

const tags = ["Subscribers"];
const manage = onProject("manage");

const Pattern = z
  .string()
  .max(64)
  .refine(
    matchesSomething,
    'must be "*", a type of event, or the beginning of one as in "deploy.*"',
  )
  .meta({ examples: ["*", "deploy.*", "deploy.succeeded"] });
const Patterns = z.array(Pattern).min(1).max(50);
const Headers = z.record(z.string(), z.string()).superRefine((headers, check) => {
  const wrong = wrongHeaders(headers);
  if (wrong !== null) {
    check.addIssue({ code: "custom", message: wrong });
  }
});
const DAY_S = 86_400;

/** What it hears and how, all of which can be changed later. */
const settings = {
  branches: GlobRule.optional().meta({
    description: "Of which branches' deploys it hears. Events about no deploy pass all filters.",
  }),
  environments: SubscriberSettings.shape.environments.unwrap().optional(),
  statuses: SubscriberSettings.shape.statuses.unwrap().optional().meta({
    description: "Of deploys in which statuses it hears. None: in all.",
  }),
  ordered: z.boolean().optional().meta({
    description:
      "No event is tried before the one before it is delivered or given up. One that fails then holds up all that follow, for a day and more.",
  }),
  headers: Headers.optional().meta({
    description:
      "Sent with each delivery of a webhook: at most 10. Values are stored sealed and not shown.",
  }),
};

const create = createRoute({
  method: "post",
  path: "/v1/projects/{project}/subscribers",
  operationId: "createSubscriber",
  summary: "Have events sent to a URL",
  description:
    "Each event is a POST. A `webhook` is signed as Standard Webhooks says, with the secret of this answer. `slack`, `discord` and `teams` take the URL of an incoming webhook and are sent messages; that URL is the secret then, and only its host is shown again. `github`, `gitlab`, `bitbucket` and `gitea` take a `repository` and a `token`, and set the status of each deploy's commit.",
  tags,
  ...manage,
  request: {
    params: ProjectParams,
    body: jsonOf(
      z.strictObject({
        ...Place,
        events: Patterns.default(["*"]),
        kind: SubscriberKind.default("webhook"),
        ...settings,
        description: Description.optional(),
      }),
    ),
  },
  responses: {
    201: json(
      Subscriber.and(
        z.object({
          secret: z.string().nullable().meta({
            description: "Shown this once. null where nothing is signed.",
          }),
        }),
      ),
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
  ...manage,
  request: {
    params: SubscriberParams,
    body: jsonOf(
      z.strictObject({
        ...Place,
        events: Patterns.optional(),
        ...settings,
        description: Description.nullable().optional(),
        state: z.enum(["active", "paused"]).optional(),
      }),
    ),
  },
  responses: {
    200: json(Subscriber, "The subscriber as it is now."),
    ...refusals("project_not_found", "subscriber_not_found", "url_refused", "conflict", ...BODY),
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

const rotate = createRoute({
  method: "post",
  path: "/v1/projects/{project}/subscribers/{id}/rotate",
  operationId: "rotateSubscriberSecret",
  summary: "Give a subscriber a new signing secret",
  description:
    "The secret before it signs too until the overlap is over, so that receivers can change in their own time. One from before that stops at once.",
  tags,
  ...manage,
  request: {
    params: SubscriberParams,
    body: jsonOf(
      z.strictObject({
        overlap_seconds: z
          .int()
          .min(0)
          .max(7 * DAY_S)
          .default(DAY_S),
      }),
    ),
  },
  responses: {
    200: json(
      Subscriber.and(z.object({ secret: z.string().meta({ description: "Shown this once." }) })),
      "The subscriber, with its new secret.",
    ),
    ...refusals("project_not_found", "subscriber_not_found", "not_found", "conflict", ...BODY),
  },
});

const test = createRoute({
  method: "post",
  path: "/v1/projects/{project}/subscribers/{id}/test",
  operationId: "testSubscriber",
  summary: "Send this subscriber a test event",
  description:
    "Of any type, with an example's data and `data.test`. It passes the subscriber's filters, and nobody else hears it.",
  tags,
  ...manage,
  request: {
    params: SubscriberParams,
    body: jsonOf(z.strictObject({ type: EventType.default("test.ping") })),
  },
  responses: {
    202: json(
      z.object({ type: EventType }),
      "It is on its way; the deliveries tell what becomes of it.",
    ),
    ...refusals("project_not_found", "subscriber_not_found", "not_found", "conflict", ...BODY),
  },
});

export function subscriberRoutes(api: Api): void {
  api.openapi(create, async (c) => {
    const body = c.req.valid("json");
    const { kind, events, description = null, ordered = false, headers = {} } = body;
    const id = newId("sub");
    requirePlace(kind, placeIn(body));
    const { url = "", secret: theirs, host = {} } = readPlace(c, kind, placeIn(body));
    refuseHeaders(kind, headers);
    const secret = theirs === undefined ? newWebhookSecret() : null;
    const subscriber = {
      id,
      url,
      host,
      kind,
      events,
      description,
      ordered,
      settings: SubscriberSettings.parse(body),
      headers: await sealHeaders(c, id, headers),
      secret: await seal(c, id, theirs ?? secret ?? ""),
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
    const body = c.req.valid("json");
    const { headers, events, description, state, ordered } = body;
    const { branches, environments, statuses } = body;
    const before = found(await askProject(c, (p) => p.subscriber(id)));
    const { kind, host } = before;
    refuseHeaders(kind, headers ?? {});
    const placed = readPlace(c, kind, placeIn(body), host ?? {});
    requireAnew(before, placed, headers);
    const { secret, ...place } = placed;
    const changes = {
      ...given({ events, description, state, ordered }),
      ...place,
      ...(secret !== undefined && { secret: await seal(c, id, secret) }),
      settings: given({ branches, environments, statuses }),
      ...(headers !== undefined && { headers: await sealHeaders(c, id, headers) }),
    };
    return c.json(agreed(found(await askProject(c, (p) => p.changeSubscriber(id, changes)))), 200);
  });

  api.openapi(remove, async (c) => {
    const { id } = c.req.valid("param");
    found((await askProject(c, (p) => p.removeSubscriber(id))) ? true : null);
    return c.body(null, 204);
  });

  api.openapi(rotate, async (c) => {
    const { id } = c.req.valid("param");
    const { overlap_seconds } = c.req.valid("json");
    const secret = newWebhookSecret();
    const sealed = await seal(c, id, secret);
    const overlapMs = overlap_seconds * 1000;
    const rotated = await askProject(c, (p) => p.rotateSubscriber(id, sealed, overlapMs));
    return c.json({ ...agreed(found(rotated)), secret }, 200);
  });

  api.openapi(test, async (c) => {
    const { id } = c.req.valid("param");
    const { type } = c.req.valid("json");
    return c.json(agreed(found(await askProject(c, (p) => p.testSubscriber(id, type)))), 202);
  });
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

export function found<T>(value: T | null): T {
  return existing(value, "subscriber_not_found", "There is no such subscriber in this project.");
}
