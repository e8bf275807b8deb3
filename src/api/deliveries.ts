import * as z from "zod";

import { agreed, existing, Problem } from "../problem.ts";
import { askProject, type Api } from "./context.ts";
import { onProject } from "./guard.ts";
import { jsonOf } from "./json.ts";
import { numberAfter, page, pageOf, PageQuery } from "./pages.ts";
import { DeliveryParams, SubscriberParams } from "./params.ts";
import { BODY, json, refusals } from "./responses.ts";
import { createRoute } from "./route.ts";
import { Delivery, DeliveryState, DeliveryWithLog } from "./schemas.ts";
import { found } from "./subscribers.ts";

const tags = ["Subscribers"];
const manage = onProject("manage");
const RECOVER_DAYS = 14;

const list = createRoute({
  method: "get",
  path: "/v1/projects/{project}/subscribers/{id}/deliveries",
  operationId: "listDeliveries",
  summary: "List what was sent to a subscriber, newest first",
  tags,
  ...onProject("read"),
  request: {
    params: SubscriberParams,
    query: PageQuery.extend({ state: DeliveryState.optional() }),
  },
  responses: {
    200: json(pageOf(Delivery), "A page of deliveries."),
    ...refusals("project_not_found", "subscriber_not_found", "query_invalid", "cursor_invalid"),
  },
});

const get = createRoute({
  method: "get",
  path: "/v1/projects/{project}/subscribers/{id}/deliveries/{delivery}",
  operationId: "getDelivery",
  summary: "Get a delivery, with its attempts",
  tags,
  ...onProject("read"),
  request: { params: DeliveryParams },
  responses: {
    200: json(DeliveryWithLog, "The delivery."),
    ...refusals("project_not_found", "delivery_not_found"),
  },
});

const redeliver = createRoute({
  method: "post",
  path: "/v1/projects/{project}/subscribers/{id}/deliveries/{delivery}/redeliver",
  operationId: "redeliver",
  summary: "Send an event to a subscriber again",
  description:
    "Whatever became of it: the same event, with the same `webhook-id`, now. If it fails, its retries begin anew; attempts are counted on.",
  tags,
  ...manage,
  request: { params: DeliveryParams },
  responses: {
    202: json(DeliveryWithLog, "It is on its way."),
    ...refusals("project_not_found", "delivery_not_found", "not_found", "conflict"),
  },
});

const recover = createRoute({
  method: "post",
  path: "/v1/projects/{project}/subscribers/{id}/recover",
  operationId: "recoverSubscriber",
  summary: "Send again whatever a subscriber failed to take",
  description:
    "Every delivery of an event since that time which was given up or waits for its next attempt, as if each were sent again by hand.",
  tags,
  ...manage,
  request: {
    params: SubscriberParams,
    body: jsonOf(
      z.strictObject({
        since: z.iso.datetime({ offset: true }).meta({
          description: `At most ${RECOVER_DAYS} days ago.`,
        }),
      }),
    ),
  },
  responses: {
    202: json(z.object({ recovered: z.int() }), "How many are on their way."),
    ...refusals("project_not_found", "subscriber_not_found", "not_found", "conflict", ...BODY),
  },
});

export function deliveryRoutes(api: Api): void {
  api.openapi(list, async (c) => {
    const { id } = c.req.valid("param");
    const { limit, cursor, state = null } = c.req.valid("query");
    const filter = { before: numberAfter(cursor), state, limit: limit + 1 };
    found(await askProject(c, (p) => p.subscriber(id)));
    const rows = await askProject(c, (p) => p.deliveries(id, filter));
    return c.json(
      page(rows, limit, (delivery) => delivery.sequence),
      200,
    );
  });

  api.openapi(get, async (c) => {
    const { id, delivery } = c.req.valid("param");
    return c.json(foundDelivery(await askProject(c, (p) => p.delivery(id, delivery))), 200);
  });

  api.openapi(redeliver, async (c) => {
    const { id, delivery } = c.req.valid("param");
    const sent = await askProject(c, (p) => p.redeliver(id, delivery));
    return c.json(agreed(foundDelivery(sent)), 202);
  });

  api.openapi(recover, async (c) => {
    const { id } = c.req.valid("param");
    const since = Date.parse(c.req.valid("json").since);
    if (since < Date.now() - RECOVER_DAYS * 86_400_000) {
      const detail = `since is more than ${RECOVER_DAYS} days ago. Give a later time.`;
      throw new Problem("field_invalid", detail, { errors: [{ field: "since", detail }] });
    }
    return c.json(agreed(found(await askProject(c, (p) => p.recoverSubscriber(id, since)))), 202);
  });
}

function foundDelivery<T>(value: T | null): T {
  return existing(value, "delivery_not_found", "This subscriber has no such delivery.");
}
