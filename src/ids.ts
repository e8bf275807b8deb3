import { ulid } from "ulid";

export type IdPrefix =
  | "trg"
  | "dpl"
  | "hok"
  | "sub"
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

const ULID = /^[0-9A-HJKMNP-TV-Z]{26}$/;

/** Whether `text` is an id of this kind, as {@link newId} makes them. */
export function isId(prefix: IdPrefix, text: string): boolean {
  return text.startsWith(`${prefix}_`) && ULID.test(text.slice(prefix.length + 1));
}

export function iso(ms: number): string {
  return new Date(ms).toISOString();
}
