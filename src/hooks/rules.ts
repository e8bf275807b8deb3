import type { GlobRule, HookSettings } from "../project/hook-settings.ts";
import { reasons, type Reason } from "../project/reasons.ts";
import { globAllows, globMatches } from "../glob.ts";
import type { HookTrigger, Source } from "./sources/source.ts";

/** What of a hook its rules are. */
export interface Rules {
  readonly paused: boolean;
  readonly branch: string | null;
  readonly settings: HookSettings;
}

/** How one rule looked at one trigger. `detail` is for who wants to know why. */
export interface Check {
  readonly rule: "paused" | "events" | "branch" | "branches" | "skip_ci" | "paths";
  readonly detail: string;
  /** Why no deploy comes of the trigger, when it is this rule that is against it. */
  readonly against: Reason | null;
}

/** Every rule of a hook in the order in which they count; the first that is against a trigger decides. */
export function checkRules(
  { paused, branch, settings }: Rules,
  source: Source,
  event: string | null,
  trigger: HookTrigger,
): Check[] {
  const against = (rule: Check["rule"], detail: string, reason: Reason | false): Check => ({
    rule,
    detail,
    against: reason === false ? null : reason,
  });
  const { branches, paths } = settings;
  const wanted = settings.events ?? source.events;
  // Only commits have such words; a post may well be titled so.
  const message = trigger.commit_hash === null ? null : (trigger.commit_message ?? "");
  const skipped = settings.skip_ci && message !== null ? skipWordIn(message) : null;
  return [
    against(
      "paused",
      paused ? "The hook is paused." : "The hook is active.",
      paused && reasons.hookPaused(),
    ),
    checkEvent(wanted, settings.events === null, event),
    against(
      "branch",
      branch === null
        ? `The hook has no branch of its own; this is for ${trigger.branch ?? "the production branch"}.`
        : `The hook's branch is ${branch}.`,
      branch !== null &&
        trigger.branch !== null &&
        branch !== trigger.branch &&
        reasons.fixedBranch(branch),
    ),
    against(
      "branches",
      trigger.branch === null ? "The sender named no branch." : described(branches, "branch"),
      trigger.branch !== null &&
        !globAllows(branches, trigger.branch) &&
        reasons.branchFiltered(trigger.branch),
    ),
    against(
      "skip_ci",
      message === null
        ? "The sender named no commit."
        : settings.skip_ci
          ? "The commit's message does not ask for no build."
          : "Words that ask for no build are not looked for.",
      skipped !== null && reasons.skipWord(skipped),
    ),
    against(
      "paths",
      trigger.paths === null
        ? "Not all changed files are listed, so they are not looked at."
        : described(paths, "path"),
      trigger.paths !== null &&
        !trigger.paths.some((path) => globAllows(paths, path)) &&
        reasons.pathsFiltered(trigger.paths.length),
    ),
  ];
}

function checkEvent(wanted: readonly string[], usual: boolean, event: string | null): Check {
  const list = wanted.join(", ");
  // A sender that names no event can't be held against the usual ones.
  const fits = event === null ? usual : wanted.some((pattern) => globMatches(pattern, event));
  return {
    rule: "events",
    detail: `${event === null ? "The sender named no event" : `The event is ${event}`}; ${list} deploy.`,
    against: fits ? null : reasons.eventFiltered(event, list),
  };
}

function described({ include, exclude }: GlobRule, what: string): string {
  const some =
    include.length === 0 ? `Every ${what} is included` : `Included: ${include.join(", ")}`;
  return exclude.length === 0 ? `${some}.` : `${some}. Excluded: ${exclude.join(", ")}.`;
}

/** Cloudflare's five, and what GitHub, GitLab and Azure read, wherever they stand. */
const SKIP_WORDS =
  /\[(?:ci[ -]skip|skip[ -]ci|cf-pages-skip|no[ -]ci|skip actions|actions skip)\]|\*\*\*no_ci\*\*\*/i;

/** The words that ask for no build, as the message has them. */
export function skipWordIn(message: string): string | null {
  return SKIP_WORDS.exec(message)?.[0] ?? null;
}
