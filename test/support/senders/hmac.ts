import type { HookAuth } from "../../../src/project/hook-settings.ts";
import { macOf, type Encoding, type Sender } from "./sender.ts";

/** Senders that sign in a way of their own, which the hook's `auth` describes. */

type Piece = "body" | "timestamp" | { readonly text: string };

/** `pieces` is what is signed, said a second time beside `auth.content`. */
function ownHmac(auth: HookAuth, pieces: readonly Piece[] = ["body"]): Sender {
  const header = auth.header?.toLowerCase() ?? "x-hub-signature-256";
  const prefix = auth.prefix ?? (auth.header === undefined ? "sha256=" : "");
  return {
    source: "hmac",
    auth,
    by: "node:crypto",
    signsBytes: true,
    sign: async ({ secret, headers, body, now }) => {
      const time = String(auth.timestamp_unit === "ms" ? now : Math.floor(now / 1_000));
      const signed = pieces.map((piece) =>
        piece === "body" ? body : piece === "timestamp" ? time : piece.text,
      );
      const { hash = "sha256", encoding = "hex", key = "utf8" } = auth;
      const mac = macOf(signed, secret, { hash, encoding, ...(key !== "utf8" && { key }) });
      const timed = auth.timestamp_header?.toLowerCase();
      return {
        headers: {
          ...headers,
          ...(timed !== undefined && { [timed]: time }),
          [header]: prefix + mac,
        },
        body,
      };
    },
  };
}

const ENCODINGS: readonly Encoding[] = ["hex", "base64", "base64url"];
const everyDigest = (["sha1", "sha256", "sha512"] as const).flatMap((hash) =>
  ENCODINGS.map((encoding): [string, Sender] => [
    `hmac ${hash} ${encoding}`,
    ownHmac({ header: "X-Signature", hash, encoding }),
  ]),
);
const everyKey = ENCODINGS.map((key): [string, Sender] => [
  `hmac key ${key}`,
  ownHmac({ header: "X-Signature", key }),
]);

export const hmacSender = ownHmac({});

export const hmacVariants: Readonly<Record<string, Sender>> = {
  ...Object.fromEntries([...everyDigest, ...everyKey]),
  "hmac prefix": ownHmac({
    header: "X-Acme-Proof",
    prefix: "v0:sha512=",
    hash: "sha512",
    encoding: "base64",
  }),
  "hmac timestamp": ownHmac({ header: "X-Signature", timestamp_header: "X-Timestamp" }, [
    "timestamp",
    { text: "." },
    "body",
  ]),
  "hmac timestamp ms": ownHmac(
    {
      header: "X-Signature",
      prefix: "v0=",
      timestamp_header: "X-Request-Timestamp",
      timestamp_unit: "ms",
      content: "v0:{timestamp}:{body}",
    },
    [{ text: "v0:" }, "timestamp", { text: ":" }, "body"],
  ),
  "hmac timestamp last": ownHmac(
    {
      encoding: "base64url",
      timestamp_header: "X-Timestamp",
      timestamp_unit: "s",
      content: "{body}{timestamp}",
    },
    ["body", "timestamp"],
  ),
  "hmac content": ownHmac({ content: "acme\n{body}\n" }, [
    { text: "acme\n" },
    "body",
    { text: "\n" },
  ]),
};
