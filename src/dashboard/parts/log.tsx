import type { FC } from "hono/jsx";

import { visible } from "../model/text.ts";
import { toTheSecond, type Clock } from "../model/time.ts";
import { Icon } from "./mark.tsx";

/** null: there is none, and never will be. */
export type LogLines =
  | { readonly lines: readonly { readonly timestamp: string; readonly line: string }[] }
  | { readonly refused: string }
  | null;

const WRONG = /\b(?:error|failed|fatal)\b/i;
const FINE = /\b(?:0 errors?|no errors?)\b/i;

/** The end of a log, or all of it. `growing`: the script looks from time to time whether there is more. */
export const Log: FC<{
  of: LogLines;
  clock: Clock;
  most: number | null;
  growing?: boolean;
}> = ({ of, clock, most, growing = false }) => {
  const more = growing ? { "data-growing": "" } : {};
  if (of === null) {
    return <p class="quiet">There is no log: Cloudflare keeps one of builds alone.</p>;
  }
  if ("refused" in of) {
    return (
      <p class="quiet" data-unread="" {...more}>
        The log can't be shown. {of.refused}
      </p>
    );
  }
  const shown = most === null ? of.lines : of.lines.slice(-most);
  if (shown.length === 0) {
    return (
      <p class="quiet" {...more}>
        Nothing is written yet.
      </p>
    );
  }
  return (
    <>
      {shown.length < of.lines.length && (
        <p class="meta">
          last {shown.length} of {of.lines.length} lines
        </p>
      )}
      <div class="log" role="region" tabindex={0} aria-label="Build log" {...more}>
        {shown.map(({ timestamp, line }) => {
          const wrong = WRONG.test(line) && !FINE.test(line);
          const at = Date.parse(timestamp);
          return (
            <div class={wrong ? "row wrong" : "row"}>
              <time datetime={timestamp}>{Number.isNaN(at) ? "" : toTheSecond(at, clock)}</time>
              <span class="flag">{wrong && <Icon name="failed" tone="bad" />}</span>
              <bdi>{visible(line)}</bdi>
            </div>
          );
        })}
      </div>
    </>
  );
};
