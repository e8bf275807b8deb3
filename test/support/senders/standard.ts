import { generateKeyPairSync, randomUUID, sign as signWithKey, type KeyObject } from "node:crypto";
import { Webhook } from "standardwebhooks";

import { textOf, type Outgoing, type Sender, type Sent } from "./sender.ts";

/** Standard Webhooks, and those who took it over. */

type Base = Pick<Sender, "source" | "auth" | "secretToGive">;

export function standard(hook: Base, prefix = "webhook-"): Sender {
  return {
    ...hook,
    by: "standardwebhooks",
    signsBytes: false,
    sign: async (request) =>
      withProof(request, prefix, (id, now) =>
        new Webhook(request.secret).sign(id, new Date(now), textOf(request.body)),
      ),
  };
}

function withProof(
  { headers, id: given, now, body }: Outgoing,
  prefix: string,
  signature: (id: string, now: number) => string,
): Sent {
  // GitLab's id is the key that it marks retries with.
  const id =
    given ??
    headers?.[`${prefix}id`] ??
    headers?.["idempotency-key"] ??
    `msg_${randomUUID().replaceAll("-", "")}`;
  return {
    headers: {
      ...headers,
      [`${prefix}id`]: id,
      [`${prefix}timestamp`]: String(Math.floor(now / 1_000)),
      [`${prefix}signature`]: signature(id, now),
    },
    body,
  };
}

/** The private halves of the public keys that were handed out. */
const privateKeys = new Map<string, KeyObject>();

/** A fresh Ed25519 key, as a sender shows its public half. */
export function newPublicKey(): string {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const { x = "" } = publicKey.export({ format: "jwk" });
  const shown = `whpk_${x.replaceAll("-", "+").replaceAll("_", "/")}=`;
  privateKeys.set(shown, privateKey);
  return shown;
}

/** The asymmetric kind (v1a), which the package does not sign. `secret` is the public key. */
export const asymmetric: Sender = {
  source: "standard-webhooks",
  by: "node:crypto",
  signsBytes: true,
  secretToGive: newPublicKey(),
  newSecret: newPublicKey,
  sign: async (request) =>
    withProof(request, "webhook-", (id, now) => {
      const key = privateKeys.get(request.secret);
      if (key === undefined) {
        throw new Error("this public key is not one of newPublicKey()");
      }
      const head = new TextEncoder().encode(`${id}.${Math.floor(now / 1_000)}.`);
      const body = new Uint8Array(
        typeof request.body === "string" ? new TextEncoder().encode(request.body) : request.body,
      );
      return `v1a,${signWithKey(null, new Uint8Array([...head, ...body]), key).toString("base64")}`;
    }),
};

export const gitlabSigning = standard({
  source: "gitlab",
  auth: { mode: "signing_token" },
  secretToGive: `whsec_${btoa("a GitLab signing token: 32 bytes")}`,
});

export const standardWebhooks = standard({ source: "standard-webhooks" });

export const svix = standard(
  { source: "svix", secretToGive: `whsec_${btoa("24 bytes as Svix makes it")}` },
  "svix-",
);
