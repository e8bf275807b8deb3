import { concat, fromHex, utf8 } from "../../security/encoding.ts";
import { readField, type Delivery } from "../delivery.ts";
import { checkAge, readTimestamp } from "./clock.ts";
import { refuse, tryEach, type Verdict } from "./verdict.ts";

const SIGNATURE = "x-contentful-signature";
const SIGNED = "x-contentful-signed-headers";
const TIMESTAMP = "x-contentful-timestamp";

/**
 * Contentful signs the request in a canonical form: method, path, the headers it lists and body, one a line. The path is
 * the one that it saw, so that the hook's URL must reach this Worker as it was given out.
 */
export async function verifyContentful(
  secrets: readonly string[],
  { method, path, search, headers, body }: Delivery,
  now: number,
): Promise<Verdict> {
  const read = (header: string): string | null => readField(headers, { header });
  const value = read(SIGNATURE);
  if (value === "") {
    return refuse(
      "missing_signature",
      "The request is not signed: x-contentful-signature is missing or empty. Enable request verification in the space's webhook settings.",
    );
  }
  const signature = value === null || value.length !== 64 ? null : fromHex(value);
  const at = readTimestamp(read(TIMESTAMP) ?? "", "ms");
  const names = (read(SIGNED) ?? "")
    .toLowerCase()
    .split(",")
    .map((name) => name.trim());
  // A time stamp that is not signed could be any; names twice would be written twice.
  const listed =
    [SIGNED, TIMESTAMP].every((name) => names.includes(name)) &&
    new Set(names).size === names.length;
  if (
    signature === null ||
    at === null ||
    !listed ||
    !names.every((name) => /^[a-z0-9-]+$/.test(name))
  ) {
    return refuse(
      "malformed_signature",
      "x-contentful-signature, -signed-headers and -timestamp are not written as Contentful writes them.",
    );
  }
  const lines = [...names].sort().map((name) => `${name}:${(headers.get(name) ?? "").trim()}`);
  // The query is escaped as a whole and then once more, as Contentful's own library does it.
  const query = search === "" ? "" : `?${encodeURIComponent(search.slice(1))}`;
  const head = [method, encodeURI(path + query), lines.join(";"), ""].join("\n");
  const content = concat([utf8(head), body]);
  const verdict = await tryEach(
    secrets,
    async (secret) => {
      const algorithm = { name: "HMAC", hash: "SHA-256" };
      const key = await crypto.subtle.importKey("raw", utf8(secret), algorithm, false, ["verify"]);
      return crypto.subtle.verify("HMAC", key, signature, content);
    },
    "x-contentful-signature is Contentful's signature of the request with this hook's secret.",
    "x-contentful-signature does not match. Check that the space's signing secret is this hook's.",
  );
  return checkAge(verdict, at, now);
}
