/** Whether a delivery is its sender's. `how` and `reason` are sentences for people, and hold nothing secret. */
export type Verdict =
  | {
      readonly ok: true;
      readonly how: string;
      /** It took the secret before the current one: its sender has not been told of the change. */
      readonly old_secret: boolean;
    }
  | { readonly ok: false; readonly reason_code: RefusalCode; readonly reason: string };

export type RefusalCode =
  | "missing_signature"
  | "malformed_signature"
  | "bad_signature"
  | "timestamp_out_of_range";

export function refuse(reason_code: RefusalCode, reason: string): Verdict {
  return { ok: false, reason_code, reason };
}

/** Tries the secrets in turn: two are good while one is rotated. Without any, nothing is. */
export async function tryEach(
  secrets: readonly string[],
  matches: (secret: string) => Promise<boolean>,
  how: string,
  otherwise: string,
): Promise<Verdict> {
  for (const [n, secret] of secrets.entries()) {
    if (secret !== "" && (await matches(secret))) {
      return {
        ok: true,
        how: n === 0 ? how : `${how} It used the secret before the current one.`,
        old_secret: n > 0,
      };
    }
  }
  return refuse("bad_signature", otherwise);
}
