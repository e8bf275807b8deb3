import type { Delivery } from "../delivery.ts";
import { verifyContentful } from "./contentful.ts";
import { verifyHmac } from "./hmac.ts";
import type { Scheme } from "./scheme.ts";
import { verifySecret } from "./secret.ts";
import { verifyStandard } from "./standard.ts";
import type { Verdict } from "./verdict.ts";

/**
 * Whether a delivery is its sender's, by the scheme that the hook is bound to: nothing in the request chooses it. Never
 * throws, and knows nothing but what it is given.
 */
export async function verify(
  scheme: Scheme,
  secrets: readonly string[],
  delivery: Delivery,
  now: number,
): Promise<Verdict> {
  switch (scheme.kind) {
    case "hmac":
      return verifyHmac(scheme, secrets, delivery, now);
    case "standard":
      return verifyStandard(scheme, secrets, delivery, now);
    case "contentful":
      return verifyContentful(secrets, delivery, now);
    default:
      return verifySecret(scheme, secrets, delivery);
  }
}
