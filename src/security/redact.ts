import { toBase64, utf8 } from "./encoding.ts";

/** Takes secrets out of text that others wrote, before it is stored or shown. */

const REDACTED = "[redacted]";

/**
 * What looks like a secret, whoever made it. No pattern can backtrack for long: the text is a stranger's.
 * Ids stay readable, since they are what a person searches for.
 */
const PATTERNS: readonly (readonly [RegExp, string])[] = [
  // A word in lower case after it is prose: "Basic authentication is required".
  [/\b([Bb]earer|[Bb]asic)\s+(?![a-z]+(?![\w.~+/=-]))[\w.~+/-]{6,}={0,2}/g, `$1 ${REDACTED}`],
  [/\bsbxr?\.[A-Za-z0-9._-]{6,}/g, REDACTED],
  [/\b(hok_[0-9A-Z]{26})\.[0-9a-f]{6}\.[A-Za-z0-9_-]+/g, `$1.${REDACTED}`],
  [/\bwhsec_[A-Za-z0-9+/_-]{6,}={0,2}/g, REDACTED],
  [/\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*/g, REDACTED],
];

/** `text` without any of `secrets`, as they are, or as JSON, URLs and Basic headers write them. */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  const forms = spellings(secrets).map((form) => form.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  // One pass over all of them: a second one would find short secrets in what the first one wrote.
  return forms.length === 0 ? text : text.replace(new RegExp(forms.join("|"), "g"), REDACTED);
}

/** The same, and without whatever looks like a token. */
export function redact(text: string, secrets: readonly string[]): string {
  let result = withoutSecrets(text, secrets);
  for (const [pattern, replacement] of PATTERNS) {
    result = result.replace(pattern, replacement);
  }
  return result;
}

/** How much more than the limit to read for an {@link excerpt}: no secret is longer. */
export const EXCERPT_MARGIN = 1024;

/**
 * The beginning of a body as text without secrets, at most `limit` characters.
 *
 * A body that is longer than `limit` is to be given with up to {@link EXCERPT_MARGIN} bytes more: where it was cut, a
 * secret may have been cut too and can't be known any more, so that as much is left out at the end as was read beyond.
 */
export function excerpt(bytes: Uint8Array, secrets: readonly string[], limit = 4096): string {
  const clean = redact(new TextDecoder().decode(bytes), secrets);
  const beyond = Math.max(0, bytes.length - limit);
  return clean.slice(0, Math.min(limit, Math.max(0, clean.length - beyond))).toWellFormed();
}

function spellings(secrets: readonly string[]): string[] {
  const forms = secrets
    .filter((secret) => secret.trim() !== "")
    .flatMap((secret) => [
      secret,
      JSON.stringify(secret).slice(1, -1),
      encodeURIComponent(secret.toWellFormed()),
      toBase64(utf8(secret)),
    ]);
  // Longest first: a secret may be the beginning of another one.
  return [...new Set(forms)].sort((a, b) => b.length - a.length);
}
