import { Webhook } from "svix";
import { expect, test } from "vitest";
import { newWebhookSecret, webhookRequest } from "../../src/notify/webhook.ts";

/** Its types are Node's, so that it can't stand with the other tests of webhooks. */
test("receivers that use the svix package verify what is sent, with either secret of a rotation", async () => {
  const [newest, old, other] = [newWebhookSecret(), newWebhookSecret(), newWebhookSecret()];
  const { headers, body } = await webhookRequest({
    id: "evt_01JABC",
    timestampSeconds: Math.floor(Date.now() / 1000),
    secrets: [newest, old],
    body: '{"type":"deploy.succeeded"}',
    attempt: 1,
  });
  for (const secret of [newest, old]) {
    expect(new Webhook(secret).verify(body, headers)).toEqual({ type: "deploy.succeeded" });
  }
  expect(() => new Webhook(other).verify(body, headers)).toThrow(/signature/);
});
