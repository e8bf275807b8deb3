import { createHmac, createSecretKey } from "node:crypto";

import type { SourceName } from "../../../src/hooks/sources/index.ts";
import type { HookAuth } from "../../../src/project/hook-settings.ts";

/** One request as its sender has it before it proves that it is the sender. */
export interface Outgoing {
  /** What the hook was made with, or was given. */
  readonly secret: string;
  /** The hook's URL, as the sender was told it. */
  readonly url: string;
  readonly body: Uint8Array | string;
  /** Milliseconds since 1970: the sender's clock. */
  readonly now: number;
  /** What else it sends, by lower-case names; Contentful signs some of it. */
  readonly headers?: Readonly<Record<string, string>>;
  /** The delivery's id, for those who sign one. Otherwise that in `headers`, or a fresh one. */
  readonly id?: string;
}

/** The request to send: `headers` has those that were given, too. */
export interface Sent {
  readonly headers: Record<string, string>;
  readonly body: Uint8Array | string;
}

/** How one kind of sender proves itself, written without a look at how that is checked. */
export interface Sender {
  readonly source: SourceName;
  /** What to give as `auth` when the hook is made. */
  readonly auth?: HookAuth;
  /** Whose code signs. */
  readonly by: string;
  /** Whether any bytes can be signed. Some packages take text alone, and one sender can only put its secret into JSON. */
  readonly signsBytes: boolean;
  /** For senders that make the secret themselves: one such as they make. Otherwise it is the one that making the hook answers. */
  readonly secretToGive?: string;
  /** One more such secret, where it has to be of a form that Signalbox itself never makes. */
  readonly newSecret?: () => string;
  sign(request: Outgoing): Promise<Sent>;
  /** The first request of a sender that hands its secret over itself. */
  greet?(request: Omit<Outgoing, "body">): Promise<Sent>;
}

/** A body as the text that packages ask for. Throws when it is not UTF-8: then its sender could not send it. */
export function textOf(body: Uint8Array | string): string {
  return typeof body === "string"
    ? body
    : new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body);
}

export type Encoding = "hex" | "base64" | "base64url";
type Hash = "sha1" | "sha256" | "sha512";

/** An HMAC by node:crypto over pieces of text and bytes. */
export function macOf(
  pieces: readonly (Uint8Array | string)[],
  secret: string,
  { hash = "sha256", encoding = "hex", key }: { hash?: Hash; encoding?: Encoding; key?: Encoding },
): string {
  const mac = createHmac(hash, key === undefined ? secret : createSecretKey(secret, key));
  for (const piece of pieces) {
    mac.update(piece);
  }
  return mac.digest(encoding);
}

/** Base64 of a text's UTF-8, as HTTP Basic has it. */
export function base64(text: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}

type Static = Pick<Sender, "source" | "auth">;

/** Sends the secret itself in a header. */
export function sendsHeader(hook: Static, header: string, prefix = ""): Sender {
  return {
    ...hook,
    by: "nobody: the secret is sent",
    signsBytes: true,
    sign: async ({ secret, headers, body }) => ({
      headers: { ...headers, [header]: prefix + secret },
      body,
    }),
  };
}

/** Sends user and secret as HTTP Basic. */
export function sendsBasic(hook: Static, username = "signalbox"): Sender {
  return {
    ...hook,
    by: "nobody: the secret is sent",
    signsBytes: true,
    sign: async ({ secret, headers, body }) => ({
      headers: { ...headers, authorization: `Basic ${base64(`${username}:${secret}`)}` },
      body,
    }),
  };
}

/** Only knows the URL. */
export function knowsUrl(hook: Static): Sender {
  return {
    ...hook,
    by: "nobody: the URL is the secret",
    signsBytes: true,
    sign: async ({ headers, body }) => ({ headers: { ...headers }, body }),
  };
}
