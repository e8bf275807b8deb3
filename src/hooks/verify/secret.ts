import { constantTimeEqual } from "../../security/compare.ts";
import { fromBase64 } from "../../security/encoding.ts";
import { at, jsonIn, readField, type Delivery } from "../delivery.ts";
import type { SecretScheme } from "./scheme.ts";
import { refuse, tryEach, type Verdict } from "./verdict.ts";

/** For senders that sign nothing: the secret itself is in the request. */
export async function verifySecret(
  scheme: SecretScheme,
  secrets: readonly string[],
  delivery: Delivery,
): Promise<Verdict> {
  if (scheme.kind === "url") {
    return { ok: true, how: "The URL is this hook's; nothing else is checked.", old_secret: false };
  }
  const { place, text } = sent(scheme, delivery);
  if (text === "") {
    return refuse(
      "missing_signature",
      `The request has no secret: ${place} is missing or empty. Set the hook's secret at the sender.`,
    );
  }
  if (text === null) {
    return refuse("malformed_signature", `${place} is not written as this hook's secret is sent.`);
  }
  return tryEach(
    secrets,
    (secret) =>
      constantTimeEqual(text, scheme.kind === "basic" ? `${scheme.username}:${secret}` : secret),
    `${place} is this hook's secret.`,
    `${place} is not this hook's secret. Check what the sender was given.`,
  );
}

interface Sent {
  readonly place: string;
  /** What has to equal the secret. */
  readonly text: string | null;
}

function sent(scheme: Exclude<SecretScheme, { kind: "url" }>, { headers, body }: Delivery): Sent {
  switch (scheme.kind) {
    case "header": {
      const { header, prefix } = scheme;
      const value = readField(headers, { header });
      if (value === "" || value === prefix.trim()) {
        return { place: header, text: "" };
      }
      // Words such as Bearer are read without regard to case (RFC 9110).
      const fits = value?.slice(0, prefix.length).toLowerCase() === prefix.toLowerCase();
      return { place: header, text: fits ? (value?.slice(prefix.length) ?? null) : null };
    }
    case "basic": {
      const value = readField(headers, { header: "Authorization" });
      const [, text] = /^Basic ([A-Za-z0-9+/=]+)$/i.exec(value ?? "") ?? [];
      const bytes = text === undefined ? null : fromBase64(text);
      const pair = bytes === null ? null : new TextDecoder().decode(bytes);
      return { place: "Authorization", text: value === "" ? "" : pair };
    }
    case "body": {
      const value = at(jsonIn(body), scheme.pointer);
      const place = `${scheme.pointer.slice(1).replaceAll("/", ".")} in the body`;
      return { place, text: value === undefined ? "" : typeof value === "string" ? value : null };
    }
  }
}
