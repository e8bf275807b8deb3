/** As long as the period of the limits in wrangler.toml. */
export const THROTTLED_SECONDS = 60;

/**
 * Counts against the address that a request came from, and says whether that is enough for now. Without the binding
 * (a runtime that is not Cloudflare's), or without an address, nobody is throttled.
 */
export async function isTooMuch(limit: RateLimit | undefined, request: Request): Promise<boolean> {
  const address = request.headers.get("cf-connecting-ip");
  if (limit === undefined || address === null) {
    return false;
  }
  return !(await limit.limit({ key: network(address) })).success;
}

/** Whoever has one IPv6 address has the 2^64 of its network. */
export function network(address: string): string {
  if (!address.includes(":")) {
    return address;
  }
  const [head = "", tail] = address.split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length);
  const groups = [...left, ...Array<string>(zeros).fill("0"), ...right];
  return groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(":");
}
