import * as fc from "fast-check";
import { Webhook } from "standardwebhooks";
import { describe, expect, it } from "vitest";
import { fromBase64, toBase64 } from "../../../src/security/encoding.ts";
import { newWebhookSecret, webhookRequest } from "../../../src/notify/webhook.ts";

const OLD = newWebhookSecret();
const NEW = newWebhookSecret();

function message(secrets: readonly string[], body = '{"type":"deploy.succeeded"}') {
  const timestampSeconds = Math.floor(Date.now() / 1000);
  return { id: "evt_01JABC", timestampSeconds, secrets, body, attempt: 1 };
}

describe("webhookRequest", () => {
  it("verifies with an independent implementation, whatever the body", async () => {
    await fc.assert(
      fc.asyncProperty(fc.json(), async (json) => {
        const { headers, body } = await webhookRequest(message([NEW], json));
        expect(body).toBe(json);
        expect(new Webhook(NEW).verify(body, headers)).toEqual(JSON.parse(json));
        expect(() => new Webhook(OLD).verify(body, headers)).toThrow(/signature/);
        expect(() => new Webhook(NEW).verify(`${body} `, headers)).toThrow(/signature/);
      }),
    );
  });

  it("verifies with the old and the new secret while they are rotated", async () => {
    const { headers, body } = await webhookRequest(message([NEW, OLD]));
    expect(headers["webhook-signature"]).toMatch(/^v1,[\w+/]{43}= v1,[\w+/]{43}=$/);
    for (const secret of [NEW, OLD]) {
      expect(new Webhook(secret).verify(body, headers)).toEqual({ type: "deploy.succeeded" });
    }
  });

  it("gives the specification's published signature", async () => {
    const { headers } = await webhookRequest({
      id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
      timestampSeconds: 1_614_265_330,
      secrets: ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
      body: '{"test": 2432232314}',
      attempt: 3,
    });
    expect(headers).toEqual({
      "content-type": "application/json",
      "user-agent": "Signalbox-Webhook/1",
      "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
      "webhook-timestamp": "1614265330",
      "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
      "signalbox-attempt": "3",
    });
  });

  it("signs nothing without a proper secret, and does not show an improper one", async () => {
    await expect(webhookRequest(message([]))).rejects.toThrow(/at least one/);
    const bytes = (length: number): string => toBase64(new Uint8Array(length).fill(65));
    for (const secret of ["", "whsec_", bytes(32), `whsec_${bytes(23)}`, `whsec_${bytes(65)}`]) {
      const failure = webhookRequest(message([NEW, secret]));
      await expect(failure).rejects.toThrow(/24 to 64/);
      await expect(failure).rejects.not.toThrow(/QUFB/);
    }
  });
});

it("makes secrets of 32 random bytes", () => {
  expect(fromBase64(NEW.slice("whsec_".length))).toHaveLength(32);
  expect(NEW.startsWith("whsec_")).toBe(true);
  expect(NEW).not.toBe(OLD);
});
