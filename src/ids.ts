export type IdPrefix =
  | "trg"
  | "dpl"
  | "hok"
  | "sub"
  | "dlv"
  | "evt"
  | "sch"
  | "lck"
  | "tok"
  | "tru"
  | "acr"
  | "upl";

/** A prefixed, sortable id: `dpl_01J…`. */
export function newId<P extends IdPrefix>(prefix: P, now: number = Date.now()): `${P}_${string}` {
  return `${prefix}_${ulid(now)}`;
}

const DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/** Ten digits of the time in milliseconds, and sixteen that are random. */
function ulid(now: number): string {
  const time = Array.from({ length: 10 }, (_, n) => Math.floor(now / 32 ** (9 - n)) % 32);
  const random = crypto.getRandomValues(new Uint8Array(16));
  return [...time, ...random].map((digit) => DIGITS[digit % 32]).join("");
}

const ULID = /^[0-9A-HJKMNP-TV-Z]{26}$/;

/** Whether `text` is an id of this kind, as {@link newId} makes them. */
export function isId(prefix: IdPrefix, text: string): boolean {
  return text.startsWith(`${prefix}_`) && ULID.test(text.slice(prefix.length + 1));
}

export function iso(ms: number): string {
  return new Date(ms).toISOString();
}
