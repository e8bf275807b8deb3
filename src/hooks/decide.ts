import { Problem } from "../problem.ts";
import { reasons, type Reason } from "../project/reasons.ts";
import type { Bytes } from "../security/encoding.ts";
import type { KnownHook } from "./cache.ts";
import { readDelivery } from "./sources/read.ts";
import type { HookTrigger, Source } from "./sources/source.ts";
import { verifyHmac } from "./verify.ts";

/** What is to be done with a delivery. `doubtful`: it rests on what the hook was when it was last asked for. */
export type Decision =
  | { readonly kind: "refused"; readonly problem: Problem; readonly doubtful: boolean }
  | { readonly kind: "ignored"; readonly reason: Reason; readonly delivery: string | null }
  | {
      readonly kind: "triggers";
      readonly triggers: readonly Ruled[];
      readonly delivery: string | null;
      readonly doubtful: boolean;
    };

/** One deploy that was asked for, and the rule of the hook that is against it, if one is. */
export interface Ruled {
  readonly trigger: HookTrigger;
  readonly against: Reason | null;
}

/** Signature, then content, then the hook's rules. Touches nothing and asks nobody. */
export async function decide(
  hook: KnownHook,
  source: Source,
  headers: Headers,
  body: Bytes,
): Promise<Decision> {
  const verdict = await verifyHmac(source.scheme, hook.secrets, headers, body);
  if (!verdict.ok) {
    const { reason_code: code, reason: detail } = verdict;
    return refused(new Problem(code, detail), code === "bad_signature");
  }
  const reading = readDelivery(source, headers, body);
  switch (reading.kind) {
    case "unsupported":
      return refused(new Problem("unsupported_media_type", reading.reason), false);
    case "malformed":
      return refused(new Problem("payload_invalid", reading.reason), false);
    case "ignored": {
      const reason = { code: reading.reason_code, text: reading.reason };
      return { kind: "ignored", reason, delivery: reading.delivery_id };
    }
    case "triggers": {
      if (!isAbout(hook.repository, reading.repository)) {
        const detail = `This hook is for the repository ${hook.repository}; the delivery is about another one.`;
        return refused(new Problem("wrong_repository", detail), true);
      }
      const triggers = reading.triggers.map((trigger) => ({
        trigger,
        against: ruleAgainst(hook, trigger),
      }));
      const doubtful = triggers.some(({ against }) => against !== null);
      return { kind: "triggers", triggers, delivery: reading.delivery_id, doubtful };
    }
  }
}

function refused(problem: Problem, doubtful: boolean): Decision {
  return { kind: "refused", problem, doubtful };
}

/** Hosts take names in any letter case, and write them as their owner did. */
function isAbout(repository: string | null, sent: string): boolean {
  return repository === null || repository.toLowerCase() === sent.toLowerCase();
}

function ruleAgainst(hook: KnownHook, { branch }: HookTrigger): Reason | null {
  if (hook.paused) {
    return reasons.hookPaused();
  }
  return hook.branch !== null && hook.branch !== branch ? reasons.fixedBranch(hook.branch) : null;
}
