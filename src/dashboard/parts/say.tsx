import type { FC } from "hono/jsx";

import { visible, type Sentence } from "../model/text.ts";
import { inFull, moment, type Clock } from "../model/time.ts";
import type { Mark as MarkOf } from "../model/words.ts";
import { Icon } from "./mark.tsx";

/** A sentence with its pieces marked up. */
export const Say: FC<{ it: Sentence }> = ({ it }) => (
  <>
    {it.map((piece) => {
      if (typeof piece === "string") {
        return piece;
      }
      if ("foreign" in piece) {
        return <bdi>{visible(piece.foreign)}</bdi>;
      }
      if ("hash" in piece) {
        return <code>{piece.hash}</code>;
      }
      if ("at" in piece) {
        return <time datetime={new Date(piece.at).toISOString()}>{piece.text}</time>;
      }
      if ("since" in piece) {
        return <span data-since={piece.since}>{piece.text}</span>;
      }
      return <a href={piece.href}>{piece.text}</a>;
    })}
  </>
);

/** A mark and its sentence, whose further lines hang under the text. */
export const Reason: FC<{
  mark: MarkOf | null;
  it: Sentence;
  small?: boolean;
  children?: unknown;
}> = ({ mark, it, small = false, children }) => (
  <p class={small ? "reason small" : "reason"}>
    {mark !== null && <Icon name={mark.icon} tone={mark.tone} />}
    <span>
      <Say it={it} />
      {children}
    </span>
  </p>
);

/** A moment as rows and sentences show it, with everything else in its tooltip. */
export const Time: FC<{ at: string | number; clock: Clock; text?: string; seconds?: boolean }> = ({
  at,
  clock,
  text,
  seconds = false,
}) => {
  const ms = typeof at === "number" ? at : Date.parse(at);
  return (
    <time datetime={new Date(ms).toISOString()} title={inFull(ms, clock)}>
      {text ?? moment(ms, clock, seconds)}
    </time>
  );
};
