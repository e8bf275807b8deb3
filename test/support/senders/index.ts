import { cmsSenders } from "./cms.ts";
import { gitSenders } from "./git.ts";
import { hmacSender, hmacVariants } from "./hmac.ts";
import { knowsUrl, sendsBasic, sendsHeader, type Sender } from "./sender.ts";
import { asymmetric, standardWebhooks, svix } from "./standard.ts";

export type { Outgoing, Sender, Sent } from "./sender.ts";

const registry = {
  ...gitSenders,
  "standard-webhooks": standardWebhooks,
  svix,
  hmac: hmacSender,
  header: sendsHeader({ source: "header", auth: { header: "X-Acme-Key" } }, "x-acme-key"),
  bearer: sendsHeader({ source: "bearer" }, "authorization", "Bearer "),
  basic: sendsBasic({ source: "basic", auth: { username: "zoë" } }, "zoë"),
  url: knowsUrl({ source: "url" }),
  ...cmsSenders,
  cloudflare: sendsHeader({ source: "cloudflare" }, "cf-webhook-auth"),
} as const satisfies Record<string, Sender>;

/** `<source>`, or `<source>/<mode>` where a source has more than one mode. */
export type SenderName = keyof typeof registry;

/** One sender for every mode of every source. */
export const senders: Readonly<Record<SenderName, Sender>> = registry;

/** More of those whose hooks can be made in many ways. */
export const variants: Readonly<Record<string, Sender>> = {
  "standard-webhooks v1a": asymmetric,
  ...hmacVariants,
};

/** All of them with their names, for tables of tests. */
export const everySender: readonly (readonly [name: string, sender: Sender])[] = Object.entries({
  ...senders,
  ...variants,
});
