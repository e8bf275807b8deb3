import type { Event } from "../project/shapes.ts";
import { fromBase64, randomBytes, toBase64, utf8 } from "../security/encoding.ts";
import { byStatus, type Kind } from "./kind.ts";

/** One event as a Standard Webhooks request. Pure: same input, same bytes. */

const PREFIX = "whsec_";
/** A larger body is sent without its bulk. */
const MAX_BODY_BYTES = 256 * 1024;
const MAX_TEXT = 1000;

export const webhook: Kind = {
  proof: "signature",
  tells: () => true,
  async next({ event, attempt, at, url, secrets, headers }, [answer]) {
    if (answer !== undefined) {
      return byStatus(answer.status, answer.status === 410 ? "It answered 410 Gone." : null);
    }
    const request = await webhookRequest({
      id: event.id,
      timestampSeconds: Math.floor(at / 1000),
      secrets,
      body: eventBody(event),
      attempt,
    });
    return { url, headers: { ...headers, ...request.headers }, body: request.body };
  },
};

/** The event as JSON; where that is too large, with the essentials of its data and `truncated`. */
export function eventBody(event: Event): string {
  const body = JSON.stringify(event);
  if (utf8(body).byteLength <= MAX_BODY_BYTES) {
    return body;
  }
  const data = Object.entries(event.data).map(([name, value]) => [
    name,
    typeof value === "object" && value !== null ? plainFields(value) : cut(value),
  ]);
  return JSON.stringify({
    ...event,
    data: { ...(Object.fromEntries(data) as Event["data"]), truncated: true },
  });
}

function plainFields(value: object): unknown {
  if (Array.isArray(value)) {
    return [];
  }
  const plain = Object.entries(value).filter(([, v]) => typeof v !== "object" || v === null);
  return Object.fromEntries(plain.slice(0, 100).map(([name, v]) => [name, cut(v)]));
}

function cut(value: unknown): unknown {
  return typeof value === "string" ? value.slice(0, MAX_TEXT).toWellFormed() : value;
}

export interface WebhookMessage {
  /** The event's id: the same for every attempt, so that receivers can tell a repeat. Has no full stop. */
  readonly id: string;
  /** When this attempt is made. */
  readonly timestampSeconds: number;
  /** `whsec_…`; while a secret is rotated, both, newest first. */
  readonly secrets: readonly string[];
  readonly body: string;
  /** 1 for the first. */
  readonly attempt: number;
}

export interface WebhookRequest {
  readonly headers: Record<string, string>;
  readonly body: string;
}

/** Signs for each secret, so that a receiver which knows any one of them can check. Throws on a secret we did not make. */
export async function webhookRequest(message: WebhookMessage): Promise<WebhookRequest> {
  const { id, timestampSeconds, secrets, body, attempt } = message;
  if (secrets.length === 0) {
    throw new Error("A webhook needs at least one signing secret.");
  }
  const signed = utf8(`${id}.${timestampSeconds}.${body}`);
  const signatures = await Promise.all(secrets.map(async (secret) => sign(secret, signed)));
  return {
    headers: {
      "content-type": "application/json",
      "user-agent": "Signalbox-Webhook/1",
      "webhook-id": id,
      "webhook-timestamp": String(timestampSeconds),
      "webhook-signature": signatures.join(" "),
      "signalbox-attempt": String(attempt),
    },
    body,
  };
}

export function newWebhookSecret(): string {
  return PREFIX + toBase64(randomBytes(32));
}

async function sign(secret: string, signed: Uint8Array<ArrayBuffer>): Promise<string> {
  const key = secret.startsWith(PREFIX) ? fromBase64(secret.slice(PREFIX.length)) : null;
  // The specification's bounds.
  if (key === null || key.length < 24 || key.length > 64) {
    throw new Error("A signing secret is not whsec_ with 24 to 64 bytes of base64.");
  }
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const hmac = await crypto.subtle.importKey("raw", key, algorithm, false, ["sign"]);
  return `v1,${toBase64(new Uint8Array(await crypto.subtle.sign("HMAC", hmac, signed)))}`;
}
