import type * as z from "zod";

import { CODES, type Code } from "../problem.ts";
import { ProblemShape } from "./schemas.ts";

/** A response that has a JSON body. */
export function json<Schema extends z.ZodType>(
  schema: Schema,
  description: string,
): { description: string; content: { "application/json": { schema: Schema } } } {
  return { description, content: { "application/json": { schema } } };
}

export const noContent = { description: "Done; there is nothing to say." } as const;

/** What any route can answer; then what any guarded route can. */
const ANY: readonly Code[] = ["internal_error", "not_configured", "unavailable"];
const GUARDED: readonly Code[] = [
  "token_missing",
  "invalid_token",
  "unknown_token",
  "expired_token",
  "revoked_token",
  "insufficient_scope",
  "no_access_rule",
  "cross_site",
  "issuer_unavailable",
  "too_many_refusals",
];
/** And where a CI job may come with the token that its provider gave it. */
export const OIDC: readonly Code[] = ["not_trusted", "issuer_unavailable"];
/** And what one that reads a JSON body can. */
export const BODY: readonly Code[] = [
  "body_not_json",
  "upload_incomplete",
  "body_timeout",
  "body_too_large",
  "unsupported_media_type",
  "body_not_object",
  "field_unknown",
  "field_invalid",
];

/** Refusals are thrown, so what a handler returns is checked against its successes alone. */
// oxlint-disable-next-line typescript/no-generated-empty-object-type, typescript/no-empty-object-type -- says nothing on purpose
type Untyped = {};

/** The refusals of a guarded route, by status. */
export function refusals(...codes: readonly Code[]): Untyped {
  // Whatever is about a project takes tokens of CI jobs.
  const oidc = codes.includes("project_not_found") ? OIDC : [];
  return openRefusals(...GUARDED, ...oidc, ...codes);
}

export function openRefusals(...codes: readonly Code[]): Untyped {
  const lines = new Map<number, string[]>();
  for (const code of new Set([...codes, ...ANY])) {
    const [status, meaning] = CODES[code];
    lines.set(status, [...(lines.get(status) ?? []), `\`${code}\`: ${meaning}`]);
  }
  return Object.fromEntries(
    [...lines].map(([status, meanings]) => [
      status,
      {
        description: meanings.join("\n\n"),
        content: { "application/problem+json": { schema: ProblemShape } },
      },
    ]),
  );
}
