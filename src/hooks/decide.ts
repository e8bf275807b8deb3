import { Problem } from "../problem.ts";
import type { Reason } from "../project/reasons.ts";
import type { KnownHook } from "./cache.ts";
import type { Delivery } from "./delivery.ts";
import { checkRules } from "./rules.ts";
import type { HookTrigger, Source } from "./sources/source.ts";
import type { Scheme } from "./verify/scheme.ts";
import { verify } from "./verify/verify.ts";

/** What is to be done with a delivery. `doubtful`: it rests on what the hook was when it was last asked for. */
export type Decision =
  | { readonly kind: "refused"; readonly problem: Problem; readonly doubtful: boolean }
  /** The sender's first word to a hook that waits for its secret. */
  | { readonly kind: "handshake"; readonly secret: string; readonly doubtful: boolean }
  /** A sender's ping that is not signed: answered, and not even recorded, since it may be anybody's. */
  | { readonly kind: "pinged"; readonly reason: Reason; readonly doubtful: false }
  | {
      readonly kind: "ignored" | "look";
      readonly reason: Reason;
      readonly delivery: string | null;
      readonly doubtful: false;
    }
  | {
      readonly kind: "triggers";
      readonly parts: readonly Part[];
      readonly delivery: string | null;
      readonly doubtful: boolean;
    };

/** What becomes of one branch of a delivery. */
export type Part =
  | { readonly outcome: "deploy"; readonly branch: string | null; readonly trigger: HookTrigger }
  | {
      readonly outcome: "filtered" | "ignored";
      readonly branch: string | null;
      readonly reason: Reason;
    };

/** Signature, then content, then the hook's rules. Touches nothing and asks nobody. */
export async function decide(
  hook: KnownHook,
  source: Source,
  scheme: Scheme,
  delivery: Delivery,
  now: number,
): Promise<Decision> {
  if (hook.awaiting_secret) {
    return greet(source, scheme, delivery, now);
  }
  const verdict = await verify(scheme, hook.secrets, delivery, now);
  if (!verdict.ok && verdict.reason_code === "missing_signature" && source.isPing?.(delivery)) {
    return { kind: "pinged", reason: unsignedPing(source.title), doubtful: false };
  }
  if (!verdict.ok) {
    const { reason_code: code, reason: detail } = verdict;
    return refused(new Problem(code, detail), code === "bad_signature");
  }
  const reading = source.read(delivery, hook.settings.fields);
  switch (reading.kind) {
    case "unsupported":
      return refused(new Problem("unsupported_media_type", reading.reason), false);
    case "malformed":
      return refused(new Problem("payload_invalid", reading.reason), false);
    case "ignored":
    case "look": {
      const { kind, reason, delivery_id } = reading;
      return { kind, reason, delivery: delivery_id, doubtful: false };
    }
    case "triggers": {
      const { delivery_id, event, passed_over, repository, triggers } = reading;
      const wrong = wrongRepository(hook.repository, repository);
      if (wrong !== null) {
        return refused(new Problem("wrong_repository", wrong), true);
      }
      const parts = [
        ...triggers.map((trigger) => partOf(hook, source, event, trigger)),
        ...passed_over.map((p): Part => ({ outcome: "ignored", ...p })),
      ];
      const doubtful = parts.some(({ outcome }) => outcome === "filtered");
      return { kind: "triggers", parts, delivery: delivery_id, doubtful };
    }
  }
}

/** Hosts take names in any letter case, and write them as their owner did. */
export function wrongRepository(wanted: string | null, sent: string | null): string | null {
  return wanted === null || sent === null || wanted.toLowerCase() === sent.toLowerCase()
    ? null
    : `This hook is for the repository ${wanted}; the delivery is about another one.`;
}

/**
 * A hook whose sender has the secret and this side has not. Nothing is believed but the one greeting that hands the secret
 * over, and that only if it is signed with it.
 */
async function greet(
  source: Source,
  scheme: Scheme,
  delivery: Delivery,
  now: number,
): Promise<Decision> {
  const secret = source.handshake?.(delivery) ?? null;
  if (secret !== null && (await verify(scheme, [secret], delivery, now)).ok) {
    return { kind: "handshake", secret, doubtful: true };
  }
  const what = source.handshake === undefined ? "is given it" : `has got it from ${source.title}`;
  return refused(
    new Problem(
      "secret_awaited",
      `This hook waits for its secret and takes no deliveries until it ${what}.`,
    ),
    true,
  );
}

function partOf(hook: KnownHook, source: Source, event: string | null, trigger: HookTrigger): Part {
  const branch = trigger.branch ?? hook.branch;
  const against = checkRules(hook, source, event, trigger).find((check) => check.against !== null);
  return against?.against == null
    ? { outcome: "deploy", branch, trigger }
    : { outcome: "filtered", branch, reason: against.against };
}

const unsignedPing = (title: string): Reason => ({
  code: "ping",
  text: `${title}'s ping arrived. It is not signed, so whether the secret is right will show with the first delivery.`,
});

function refused(problem: Problem, doubtful: boolean): Decision {
  return { kind: "refused", problem, doubtful };
}
