import type { Event } from "../project/shapes.ts";

/** One event for one subscriber, with what it takes to send it. */
export interface Message {
  readonly event: Event;
  /** 1 for the first; the same event may be told again under the same id. */
  readonly attempt: number;
  readonly at: number;
  readonly url: string;
  /** Unsealed, the newest first. What they are is the kind's own: signing secrets, or the URL. */
  readonly secrets: readonly string[];
  /** The subscriber's own headers. */
  readonly headers: Readonly<Record<string, string>>;
}

/** A POST. */
export interface Outgoing {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** `text` is the beginning of the body, as it came: nothing of it may get into a verdict unread. */
export interface Answer {
  readonly status: number;
  readonly text: string;
}

export interface Verdict {
  readonly delivered: boolean;
  /** Why not, as one sentence. */
  readonly error: string | null;
  /** Nobody will ever be there again: the subscriber is disabled at once, for this reason. */
  readonly gone: string | null;
}

/** How events look to one kind of subscriber. Pure: what it says depends on what it is given alone. */
export interface Kind {
  /** Whether the URL that a subscriber of this kind is made with is its secret, so that nothing is signed. */
  readonly secretUrl: boolean;
  /** Whether this event is worth telling; of one that is not there is no delivery. */
  tells(event: Event): boolean;
  /** The next request after these answers, none at first, or what they mean. A kind may ask several times per event. */
  next(message: Message, answers: readonly Answer[]): Promise<Outgoing | Verdict>;
}

/** What most answers mean: 2xx is success. */
export function byStatus(status: number, gone: string | null = null): Verdict {
  const delivered = status >= 200 && status < 300;
  return { delivered, error: delivered ? null : `It answered ${status}.`, gone };
}
