import type { HookAuth, HookFields } from "../../project/hook-settings.ts";
import type { Reason } from "../../project/reasons.ts";
import type { Delivery } from "../delivery.ts";
import type { Scheme } from "../verify/scheme.ts";

/** One deploy that a delivery asks for. A delivery can carry several, one for each branch. */
export interface HookTrigger {
  /** null: the sender knows of no branches, so it is the hook's own, or production. */
  readonly branch: string | null;
  /** What the sender saw. To show only: a replayed delivery must not bring an old commit back, so the branch's head is built. */
  readonly commit_hash: string | null;
  readonly commit_message: string | null;
  readonly actor: string | null;
  /** The files that were changed. null: not known, or not all of them. */
  readonly paths: readonly string[] | null;
}

/** What a verified delivery says. */
export type Reading =
  | {
      readonly kind: "triggers";
      /** What happened, in the sender's own word. */
      readonly event: string | null;
      /** The sender's name for the repository, such as `owner/name`. */
      readonly repository: string | null;
      readonly triggers: readonly HookTrigger[];
      /** Branches of which no deploy comes, because they were deleted for instance. */
      readonly passed_over: readonly { readonly branch: string; readonly reason: Reason }[];
      readonly delivery_id: string | null;
    }
  /** Well-formed, and nothing to deploy. */
  | { readonly kind: "ignored"; readonly reason: Reason; readonly delivery_id: string | null }
  /** Something has changed at Cloudflare: running deploys are to be looked at now. */
  | { readonly kind: "look"; readonly reason: Reason; readonly delivery_id: string | null }
  /** Not what this source sends (422). */
  | { readonly kind: "malformed"; readonly reason: string }
  /** The right sender with the wrong media type (415). */
  | { readonly kind: "unsupported"; readonly reason: string };

/** One way in which a source's senders can prove themselves. */
export interface Mode {
  /** As the sender names it. */
  readonly title: string;
  /** The options of `auth` that this mode takes. */
  readonly options: readonly (keyof HookAuth)[];
  readonly scheme: (auth: HookAuth) => Scheme;
  /** What is wrong with options that do not go together. */
  readonly check?: (auth: HookAuth) => { readonly field: string; readonly detail: string } | null;
  /**
   * Who makes the secret: Signalbox, unless one is given (`made`); the sender, after it has seen the URL, so that the
   * hook waits for it (`given`); the sender, who sends it itself (`handshake`). `none`: the URL is all there is.
   */
  readonly secret: "made" | "given" | "handshake" | "none";
  /** What to paste where at the sender: a field's label, and its value with `{url}`, `{secret}` and options in it. */
  readonly paste: readonly (readonly [label: string, value: string])[];
  /** What to do at the sender, one plain sentence a step. */
  readonly steps: readonly string[];
}

/** A kind of sender: how it proves itself, how its payload is read, how a person sets it up. Knows nothing of storage. */
export interface Source {
  readonly name: string;
  /** As people write it. */
  readonly title: string;
  readonly kind: "git" | "cms" | "generic" | "cloudflare";
  /** By the name that `auth.mode` takes; the first one is the default. */
  readonly modes: Readonly<Record<string, Mode>>;
  /** The events that deploy unless the hook says otherwise, as globs. */
  readonly events: readonly string[];
  /** Where the branch comes from, said when a delivery is explained. */
  readonly branchFrom: string;
  /** Whether `fields` says where things stand in the payload. */
  readonly takesFields?: true;
  /** The status that accepted deliveries get, for a sender that takes one alone. */
  readonly status?: 200;
  /** Reads a delivery that was verified. Never throws. */
  read(delivery: Delivery, fields: HookFields): Reading;
  /**
   * Whether this is a ping, which some senders do not sign and want a 2xx for. It is answered and does nothing, so that it
   * may be anybody's.
   */
  isPing?(delivery: Delivery): boolean;
  /** The secret that a sender hands over when it first meets the URL, if this delivery is that. */
  handshake?(delivery: Delivery): string | null;
}
