import type { Field } from "../delivery.ts";

/**
 * How a sender proves itself. All of them are data, so that a new sender needs no code where one of these fits: the
 * schemes with secrets of their own kind are HMACs, Standard Webhooks and Contentful's; the rest send a secret as it is.
 */
export type Scheme = HmacScheme | StandardScheme | ContentfulScheme | SecretScheme;

export interface HmacScheme {
  readonly kind: "hmac";
  readonly signature: Field;
  /** What stands before the signature, exactly: `sha256=`, or nothing. */
  readonly prefix: string;
  readonly hash: "SHA-1" | "SHA-256" | "SHA-512";
  readonly encoding: "hex" | "base64" | "base64url";
  /** How the secret's text becomes the key. */
  readonly key: "utf8" | "hex" | "base64" | "base64url";
  /**
   * What is signed: text in which `{body}` stands for the body's bytes, `{body:json}` for the body as a JSON string and
   * `{name}` for the value of a field.
   */
  readonly content: string;
  /** Values that go into the content. */
  readonly fields: Readonly<Record<string, Field>>;
  /** The unit of the field `timestamp`, for those who sign one: then it must be of these minutes. */
  readonly clock: "s" | "ms" | null;
}

/** https://www.standardwebhooks.com: the secret's own prefix says whether it is an HMAC key or an Ed25519 public key. */
export interface StandardScheme {
  readonly kind: "standard";
  /** What its headers begin with; the first that is there counts. */
  readonly prefixes: readonly [string, ...string[]];
}

export interface ContentfulScheme {
  readonly kind: "contentful";
}

/** The secret itself is sent. */
export type SecretScheme =
  | { readonly kind: "header"; readonly header: string; readonly prefix: string }
  | { readonly kind: "basic"; readonly username: string }
  | { readonly kind: "body"; readonly pointer: string }
  /** Nothing but the hook's URL, which is a secret. */
  | { readonly kind: "url" };

/** An HMAC over the raw body in one header, unless told otherwise. */
export function hmac(
  header: string,
  { signature = { header }, ...more }: Partial<Omit<HmacScheme, "kind">> = {},
): HmacScheme {
  return {
    kind: "hmac",
    signature,
    prefix: "",
    hash: "SHA-256",
    encoding: "hex",
    key: "utf8",
    content: "{body}",
    fields: {},
    clock: null,
    ...more,
  };
}
