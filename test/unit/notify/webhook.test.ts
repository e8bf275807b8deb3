import * as fc from "fast-check";
import { Webhook } from "standardwebhooks";
import { NOTHING } from "../../../src/notify/git/status.ts";
import { describe, expect, it } from "vitest";
import { exampleEvent } from "../../../src/project/examples.ts";
import type { Event } from "../../../src/project/shapes.ts";
import { fromBase64, toBase64 } from "../../../src/security/encoding.ts";
import {
  eventBody,
  newWebhookSecret,
  webhook,
  webhookRequest,
} from "../../../src/notify/webhook.ts";
import { retryAfter } from "../../../src/notify/kind.ts";

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

describe("an event's body", () => {
  const event = (data: Record<string, unknown>) =>
    ({ ...exampleEvent("deploy.failed"), data }) as Event;
  const deploy = { id: "dpl_1", number: 10, status: "failed", commit_message: "é".repeat(5_000) };

  it("is the event as it is", () => {
    const small = event({ deploy, more: [1, { a: 2 }] });
    expect(JSON.parse(eventBody(small))).toEqual(small);
  });

  it("keeps the essentials of one that is too large, and says so", () => {
    const large = event({
      deploy: { ...deploy, stages: [], aliases: Array(10_000).fill("https://blog.pages.dev") },
      by: "tok_1",
      list: Array(10_000).fill("é".repeat(20)),
    });
    const body = eventBody(large);
    expect(new TextEncoder().encode(body).byteLength).toBeLessThan(2_500);
    expect(JSON.parse(body)).toEqual({
      ...large,
      data: {
        deploy: { ...deploy, commit_message: "é".repeat(1_000) },
        by: "tok_1",
        list: [],
        truncated: true,
      },
    });
  });

  it("counts bytes, not characters, and is never larger than 256 KiB", () => {
    const fitting = event({ by: "é".repeat(130_900) });
    expect(JSON.parse(eventBody(fitting))).toEqual(fitting);
    expect(eventBody(event({ by: "é".repeat(131_200) })).length).toBeLessThan(2_000);
    const many = Object.fromEntries(
      Array.from({ length: 5_000 }, (_, n) => [`f${n}`, "x".repeat(900)]),
    );
    expect(eventBody(event({ deploy: many })).length).toBeLessThan(256 * 1024);
  });
});

it.each([
  ["8", 8_000],
  ["0.5", 500],
  ["Thu, 01 Jan 1970 00:01:00 GMT", 50_000],
  ["Thu, 01 Jan 1970 00:00:01 GMT", 0],
  ["soon", null],
  ["-1", null],
  ["1970-01-01", null],
  ["", null],
])("Retry-After: %s asks to wait %s ms", (text, ms) => {
  expect(retryAfter({ headers: new Headers({ "retry-after": text }) }, 10_000)).toBe(ms);
});

describe("a webhook's answer", () => {
  it.each([
    [200, { delivered: true, error: null, gone: null }],
    [204, { delivered: true, error: null, gone: null }],
    [199, { delivered: false, error: "It answered 199.", gone: null }],
    [302, { delivered: false, error: "It answered 302.", gone: null }],
    [410, { delivered: false, error: "It answered 410.", gone: "It answered 410 Gone." }],
    [500, { delivered: false, error: "It answered 500.", gone: null }],
  ])("%i", async (status, verdict) => {
    const message = {
      event: { ...exampleEvent("test.ping"), id: "evt_1" },
      attempt: 1,
      at: 0,
      url: "https://a.example/",
      secrets: [NEW],
      headers: { "webhook-id": "forged", "X-Own": "a" },
      host: {},
      kept: NOTHING,
    } as const;
    expect(await webhook.next(message, [{ status, headers: new Headers(), text: "" }])).toEqual(
      verdict,
    );
    const request = await webhook.next(message, []);
    // Whatever the subscriber's own headers are, those of a delivery win.
    expect(request).toMatchObject({ headers: { "webhook-id": "evt_1", "X-Own": "a" } });
  });
});
