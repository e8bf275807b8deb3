import type { HmacScheme } from "../verify.ts";

/** One deploy that a delivery asks for. A delivery can carry several, one for each branch. */
export interface HookTrigger {
  readonly branch: string;
  /** What the sender saw. To show only: a replayed delivery must not bring an old commit back, so the branch's head is built. */
  readonly commit_hash: string;
  readonly commit_message: string | null;
  readonly actor: string | null;
  readonly default_branch?: string;
}

/** What a verified delivery says. */
export type Reading =
  | {
      readonly kind: "triggers";
      /** The sender's name for the repository, `owner/name`; it must be the one the project is built from. */
      readonly repository: string;
      readonly triggers: readonly HookTrigger[];
      readonly delivery_id: string | null;
    }
  /** Well-formed, and nothing to deploy. */
  | {
      readonly kind: "ignored";
      readonly reason: string;
      readonly reason_code: string;
      readonly delivery_id: string | null;
    }
  /** Not what this source sends (422). */
  | { readonly kind: "malformed"; readonly reason: string }
  /** The right sender with the wrong media type (415). */
  | { readonly kind: "unsupported"; readonly reason: string };

/** A kind of sender: how it signs, how its payload is read, how a person sets it up. Knows nothing of storage. */
export interface Source {
  readonly name: string;
  /** As people write it. */
  readonly title: string;
  readonly scheme: HmacScheme;
  /** Said when a body arrives form-encoded, which hides the JSON that is needed. */
  readonly formHint: string;
  /** One plain sentence a step. They speak of `url` and `secret`, and hold neither. */
  readonly setup: readonly string[];
  /** Reads headers and parsed JSON of a delivery whose signature was right. Never throws. */
  read(headers: Headers, json: unknown): Reading;
}
