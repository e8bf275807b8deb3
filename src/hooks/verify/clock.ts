import { refuse, type Verdict } from "./verdict.ts";

/** How far a signed time stamp may be from now, both ways. */
export const TOLERANCE_MS = 5 * 60_000;

/** Digits alone: a number in any other spelling is not what was signed by a sender that means well. */
const SECONDS = /^[1-9][0-9]{8,10}$/;
const MILLISECONDS = /^[1-9][0-9]{11,13}$/;

/** Milliseconds since the epoch; `null` for what is no time stamp of this unit. */
export function readTimestamp(text: string, unit: "s" | "ms"): number | null {
  if (unit === "s") {
    return SECONDS.test(text) ? Number(text) * 1_000 : null;
  }
  return MILLISECONDS.test(text) ? Number(text) : null;
}

/** Only after the signature: a time that nobody signed says nothing. */
export function checkAge(verdict: Verdict, at: number, now: number): Verdict {
  const off = Math.round(Math.abs(now - at) / 1_000);
  if (!verdict.ok || Math.abs(now - at) <= TOLERANCE_MS) {
    return verdict;
  }
  return refuse(
    "timestamp_out_of_range",
    `The signature is right, but its time stamp is ${off} s ${at > now ? "ahead" : "old"}; 300 s are allowed. Check the sender's clock, or send the delivery anew.`,
  );
}
