const MAX_HEADERS = 10;
const MAX_NAME = 64;
const MAX_VALUE = 1024;
/** What HTTP, the runtime and Cloudflare keep for themselves, and what a delivery says of itself. */
const RESERVED = new Set([
  "connection",
  "cookie",
  "expect",
  "host",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "user-agent",
]);
const RESERVED_BEGINNING = /^(content|webhook|signalbox|cf|x-forwarded)-/;

/** What is wrong with the headers that a subscriber wants on its deliveries; null when nothing is. Repeats no value. */
export function wrongHeaders(headers: Readonly<Record<string, string>>): string | null {
  const names = Object.keys(headers);
  const lower = names.map((name) => name.toLowerCase());
  if (names.length > MAX_HEADERS) {
    return `At most ${MAX_HEADERS} headers can be added.`;
  }
  if (new Set(lower).size < lower.length) {
    return "A header is there twice.";
  }
  for (const [name, value] of Object.entries(headers)) {
    if (name.length > MAX_NAME || !/^[\w!#$%&'*+.^`|~-]+$/.test(name)) {
      return `A header's name is at most ${MAX_NAME} letters, digits and dashes.`;
    }
    if (RESERVED.has(name.toLowerCase()) || RESERVED_BEGINNING.test(name.toLowerCase())) {
      return `${name} can't be added: it is set by Signalbox or by HTTP itself.`;
    }
    if (value.length > MAX_VALUE || !/^[!-~]([ -~]*[!-~])?$/.test(value)) {
      return `The value of ${name} must be 1 to ${MAX_VALUE} characters of visible ASCII.`;
    }
  }
  return null;
}
