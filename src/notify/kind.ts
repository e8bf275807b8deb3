import type { Event } from "../project/shapes.ts";
import type { Kept } from "./git/status.ts";

/** One event for one subscriber, with what it takes to send it. */
export interface Message {
  readonly event: Event;
  /** 1 for the first; the same event may be told again under the same id. */
  readonly attempt: number;
  readonly at: number;
  readonly url: string;
  /** Unsealed, the newest first. What they are is the kind's own: signing secrets, the URL, or a token. */
  readonly secrets: readonly string[];
  /** The subscriber's own headers. */
  readonly headers: Readonly<Record<string, string>>;
  /** Of a git host: what was set up, and what was learnt from its earlier answers. */
  readonly host: unknown;
  readonly kept: Kept;
}

/** A request, a POST unless it says so. */
export interface Outgoing {
  readonly method?: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
}

/** `text` is the beginning of the body, as it came: nothing of it may get into a verdict unread. */
export interface Answer {
  readonly status: number;
  readonly headers: Pick<Headers, "get">;
  readonly text: string;
}

export interface Verdict {
  readonly delivered: boolean;
  /** Why not, as one sentence. */
  readonly error: string | null;
  /** Nobody will ever be there again: the subscriber is disabled at once, for this reason. */
  readonly gone: string | null;
  /** It will not be otherwise the next time: this event is given up at once. */
  readonly refused?: boolean;
  /** How long to wait at least, where the other side says so in its own way. */
  readonly afterMs?: number | null;
  /** What was learnt, to be kept. */
  readonly kept?: Kept;
}

/** How events look to one kind of subscriber. Pure: what it says depends on what it is given alone. */
export interface Kind {
  /** What proves to the other side who we are: a signature, the secret URL itself, or a token of theirs. */
  readonly proof: "signature" | "url" | "token";
  /** So many bytes of an answer are read, where what is in it matters; else only its beginning, to be shown. */
  readonly answerBytes?: number;
  /** Whether this event is worth telling; of one that is not there is no delivery. */
  tells(event: Event): boolean;
  /** The next request after these answers, none at first, or what they mean. A kind may ask several times per event. */
  next(message: Message, answers: readonly Answer[]): Promise<Outgoing | Verdict>;
}

/** How long a `Retry-After` asks to wait, in seconds or until a date; null: nothing, or nothing that can be read. */
export function retryAfter({ headers }: Pick<Answer, "headers">, now: number): number | null {
  const text = headers.get("retry-after") ?? "";
  if (/^\d{1,6}(\.\d{1,6})?$/.test(text)) {
    return Number(text) * 1000;
  }
  const at = text.endsWith(" GMT") ? Date.parse(text) : Number.NaN;
  return Number.isNaN(at) ? null : Math.max(0, at - now);
}

/** What most answers mean: 2xx is success. */
export function byStatus(status: number, gone: string | null = null): Verdict {
  const delivered = status >= 200 && status < 300;
  return { delivered, error: delivered ? null : `It answered ${status}.`, gone };
}
