import type { KnownHook } from "./cache.ts";
import { wrongRepository } from "./decide.ts";
import type { Delivery } from "./delivery.ts";
import { checkRules } from "./rules.ts";
import type { HookTrigger, Reading, Source } from "./sources/source.ts";
import type { Scheme } from "./verify/scheme.ts";
import { verify } from "./verify/verify.ts";

/** One step that a delivery would pass, or would not. */
export interface Step {
  readonly step: string;
  /** null: it passes nothing and stops nothing. */
  readonly ok: boolean | null;
  readonly detail: string;
}

export interface Explanation {
  readonly steps: Step[];
  readonly verified: boolean;
  /** What would become of each branch, were the delivery verified. */
  readonly results: {
    readonly branch: string | null;
    readonly outcome: "deploy" | "filtered" | "ignored";
    readonly reason: string | null;
    readonly reason_code: string | null;
  }[];
}

/**
 * Step by step what a delivery would lead to, by the same functions that decide on real ones. Goes on after a step that
 * would end a real delivery, since whoever asks often has a sample that is not signed.
 */
export async function explain(
  hook: KnownHook,
  source: Source,
  scheme: Scheme,
  delivery: Delivery,
  now: number,
): Promise<Explanation> {
  const steps: Step[] = [];
  const add = (step: string, ok: boolean | null, detail: string): void => {
    steps.push({ step, ok, detail });
  };
  const verdict = await verify(scheme, hook.secrets, delivery, now);
  if (hook.awaiting_secret) {
    add(
      "secret",
      false,
      "The hook waits for its secret: nothing but its sender's handshake is taken.",
    );
  }
  const ping =
    !verdict.ok && verdict.reason_code === "missing_signature" && source.isPing?.(delivery);
  add(
    "signature",
    ping === true ? null : verdict.ok,
    ping === true
      ? `${source.title} does not sign its ping: it is answered, and does nothing.`
      : verdict.ok
        ? verdict.how
        : verdict.reason,
  );

  const reading = source.read(delivery, hook.settings.fields);
  add("payload", reading.kind === "triggers" ? true : READ[reading.kind], summary(source, reading));
  if (reading.kind !== "triggers") {
    return { steps, verified: verdict.ok && !hook.awaiting_secret, results: [] };
  }
  const wrong = wrongRepository(hook.repository, reading.repository);
  const named = `It is about ${reading.repository ?? "no repository"}`;
  add(
    "repository",
    wrong === null,
    wrong ?? `${named}; the hook takes ${hook.repository ?? "any"}.`,
  );

  const results: Explanation["results"] = [];
  for (const trigger of reading.triggers) {
    const branch = trigger.branch ?? hook.branch;
    add("read", null, fromWhere(hook, source, trigger));
    const checks = checkRules(hook, source, reading.event, trigger);
    for (const { rule, detail, against } of checks) {
      add(rule, against === null, against?.text ?? detail);
    }
    const reason = checks.find(({ against }) => against !== null)?.against ?? null;
    results.push({
      branch,
      outcome: reason === null ? "deploy" : "filtered",
      reason: reason?.text ?? null,
      reason_code: reason?.code ?? null,
    });
  }
  for (const { branch, reason } of reading.passed_over) {
    results.push({ branch, outcome: "ignored", reason: reason.text, reason_code: reason.code });
  }
  return { steps, verified: verdict.ok && !hook.awaiting_secret, results };
}

const READ = { ignored: null, look: null, malformed: false, unsupported: false } as const;

function summary(source: Source, reading: Reading): string {
  switch (reading.kind) {
    case "triggers": {
      const { event, delivery_id: id, triggers } = reading;
      const what = event === null ? "A delivery" : `The event ${event}`;
      const known =
        id === null ? "has no id, so a repeated one is not noticed" : `has the id ${id}`;
      return `${what} of ${source.title}, for ${triggers.length === 1 ? "one branch" : `${triggers.length} branches`}; it ${known}.`;
    }
    case "ignored":
    case "look":
      return reading.reason.text;
    default:
      return reading.reason;
  }
}

function fromWhere(
  hook: KnownHook,
  source: Source,
  { branch, commit_hash: hash }: HookTrigger,
): string {
  const commit =
    hash === null
      ? ""
      : ` The commit ${hash.slice(0, 7)} is shown; what is built is the head of the branch.`;
  if (branch !== null) {
    return `The branch ${branch} was read from ${source.branchFrom}.${commit}`;
  }
  return hook.branch === null
    ? "The sender named no branch, so it is the production branch."
    : `The sender named no branch, so it is the hook's: ${hook.branch}.`;
}
