import type { Context } from "hono";

import type { SubscriberKind } from "../notify/kinds.ts";
import { Problem } from "../problem.ts";
import { headersSeal, subscriberSeal, type SealedHeaders } from "../project/subscribers.ts";
import { checkSubscriberUrl } from "../security/subscriber-url.ts";
import { keyIn, originOf, type AppEnv } from "./context.ts";

/** Where a subscriber is told and with what secrets: checked and sealed before the project hears of it. */

export function checkUrl(c: Context<AppEnv>, field: string, url: string): string {
  const ownHosts = [originOf(c), c.req.url].map((own) => new URL(own).host);
  const checked = checkSubscriberUrl(url, { ownHosts, local: c.var.config.local });
  if (!checked.ok) {
    const { message: detail } = checked.error;
    throw new Problem("url_refused", detail, { errors: [{ field, detail }] });
  }
  return checked.value.href;
}

export function refuseHeaders(kind: SubscriberKind, headers: object): void {
  if (kind !== "webhook" && Object.keys(headers).length > 0) {
    const detail = `A ${kind} subscriber takes no headers of its own. Leave them out.`;
    throw new Problem("field_invalid", detail, { errors: [{ field: "headers", detail }] });
  }
}

export async function seal(c: Context<AppEnv>, id: string, secret: string): Promise<string> {
  return c.var.config.keyring.seal(subscriberSeal(keyIn(c), id), secret);
}

export async function sealHeaders(
  c: Context<AppEnv>,
  id: string,
  headers: Record<string, string>,
): Promise<SealedHeaders> {
  const names = Object.keys(headers);
  const text = JSON.stringify(headers);
  const sealed =
    names.length === 0 ? null : await c.var.config.keyring.seal(headersSeal(keyIn(c), id), text);
  return { names, sealed };
}
