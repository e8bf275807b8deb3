import type { FC } from "hono/jsx";

import type { Mark as MarkOf } from "../model/words.ts";

/** A drawing of the sprite. Its word always stands beside it. */
export const Icon: FC<{ name: string; tone?: MarkOf["tone"] }> = ({ name, tone }) => (
  <svg class={tone === undefined ? "icon" : `icon ${tone}`} aria-hidden="true" focusable="false">
    <use href={`#i-${name}`} />
  </svg>
);

export const Mark: FC<{ of: MarkOf; word?: string }> = ({ of, word }) => (
  <span class={`mark word-${of.tone}`}>
    <Icon name={of.icon} tone={of.tone} />
    <span>{word ?? of.word}</span>
  </span>
);

const TRAIN = "M1.5 4h8.6l4.4 4-4.4 4H1.5z";
const DIAMOND = "M8 .8 15.2 8 8 15.2.8 8z";

/** Every drawing once a page, and the hatches, which must not be `display: none`. */
export const Sprite: FC = () => (
  <svg class="sprite" aria-hidden="true" focusable="false" width="0" height="0">
    <defs>
      <pattern
        id="hatch"
        width="6"
        height="6"
        patternUnits="userSpaceOnUse"
        patternTransform="rotate(45)"
      >
        <rect class="h-ground" width="6" height="6" />
        <rect class="h-stroke" width="3" height="6" />
      </pattern>
      <pattern
        id="late"
        width="5"
        height="5"
        patternUnits="userSpaceOnUse"
        patternTransform="rotate(45)"
      >
        <rect class="l-ground" width="5" height="5" />
        <rect class="l-stroke" width="2" height="5" />
      </pattern>
    </defs>
    <symbol id="i-ring" viewBox="0 0 16 16">
      <circle class="s" cx="8" cy="8" r="5.8" />
    </symbol>
    <symbol id="i-train" viewBox="0 0 16 16">
      <path class="f s" d={TRAIN} />
    </symbol>
    <symbol id="i-half" viewBox="0 0 16 16">
      <path class="s" d={TRAIN} />
      <path class="f" d="M1.5 4h5v8h-5z" />
    </symbol>
    <symbol id="i-checking" viewBox="0 0 16 16">
      <path class="s" d={TRAIN} />
      <path class="s" d="m4.2 8 2 2 3.6-3.8" />
    </symbol>
    <symbol id="i-unsure" viewBox="0 0 16 16">
      <path class="s dashed" d={TRAIN} />
      <path class="s" d="M5.4 6.6c.2-1.6 3-1.6 3 0 0 1-1.5 1-1.5 2.2M6.9 10.3v.2" />
    </symbol>
    <symbol id="i-gone" viewBox="0 0 16 16">
      <path class="s dashed" d={TRAIN} />
    </symbol>
    <symbol id="i-done" viewBox="0 0 16 16">
      <circle class="f" cx="8" cy="8" r="6.8" />
      <path class="on" d="m4.8 8.2 2.2 2.2 4.2-4.6" />
    </symbol>
    <symbol id="i-failed" viewBox="0 0 16 16">
      <path class="f" d={DIAMOND} />
      <path class="on" d="m5.8 5.8 4.4 4.4m0-4.4-4.4 4.4" />
    </symbol>
    <symbol id="i-late" viewBox="0 0 16 16">
      <path class="f" d={DIAMOND} />
      <path class="on" d="M8 4.6V8l2.4 1.8" />
    </symbol>
    <symbol id="i-barred" viewBox="0 0 16 16">
      <circle class="s" cx="8" cy="8" r="5.8" />
      <path class="s" d="M5 8h6" />
    </symbol>
    <symbol id="i-overtaken" viewBox="0 0 16 16">
      <path class="s" d="m3.5 4 4 4-4 4m5-8 4 4-4 4" />
    </symbol>
    <symbol id="i-skipped" viewBox="0 0 16 16">
      <path class="s" d="M2.5 8.5c1.6-4.4 8-4.6 10.4-.6M13.4 4v4.2H9.2" />
      <circle class="f" cx="7.6" cy="11.4" r="1.5" />
    </symbol>
    <symbol id="i-quiet" viewBox="0 0 16 16">
      <circle class="s" cx="8" cy="8" r="5.8" />
      <path class="s dots" d="M5.3 8h.1M8 8h.1m2.6 0h.1" />
    </symbol>
    <symbol id="i-lock" viewBox="0 0 16 16">
      <rect class="f" x="3" y="7" width="10" height="7" rx="1" />
      <path class="s" d="M5 7V5.2a3 3 0 0 1 6 0V7" />
    </symbol>
    <symbol id="i-window" viewBox="0 0 16 16">
      <circle class="s" cx="8" cy="8" r="5.8" />
      <path class="s" d="M8 4.8V8l2.2 1.5" />
    </symbol>
    <symbol id="i-person" viewBox="0 0 16 16">
      <circle class="f" cx="8" cy="4.8" r="2.9" />
      <path class="f" d="M2.6 14c0-6.6 10.8-6.6 10.8 0z" />
    </symbol>
    <symbol id="i-calendar" viewBox="0 0 16 16">
      <path class="s" d="M2.5 3.7h11v9.8h-11zM2.5 6.8h11M5.3 2v3m5.4-3v3" />
    </symbol>
    <symbol id="i-gauge" viewBox="0 0 16 16">
      <path class="s" d="M2.2 11.5a5.8 5.8 0 1 1 11.6 0M8 11.2l2.6-3.4" />
    </symbol>
    <symbol id="i-again" viewBox="0 0 16 16">
      <path class="s" d="M13 8.2a5 5 0 1 1-1.6-3.7M13.2 1.8v3.6H9.6" />
    </symbol>
    <symbol id="i-joined" viewBox="0 0 16 16">
      <path class="s" d="M1.8 4h2.6l3.4 4h5.8M1.8 12h2.6l3.4-4M11 5.2 13.8 8 11 10.8" />
    </symbol>
    <symbol id="i-sheets" viewBox="0 0 16 16">
      <path class="s" d="M2.5 5.5h8v8h-8zM5.5 5.3V2.5h8v8h-2.8" />
    </symbol>
    <symbol id="i-funnel" viewBox="0 0 16 16">
      <path class="s" d="M2.2 3h11.6L9.4 8.4V13l-2.8-1.4V8.4z" />
    </symbol>
    <symbol id="i-dash" viewBox="0 0 16 16">
      <path class="s" d="M3.5 8h9" />
    </symbol>
    <symbol id="i-shield" viewBox="0 0 16 16">
      <path class="s" d="M8 1.8 13.3 4v4c0 3.4-2.6 5.4-5.3 6.3C5.3 13.4 2.7 11.4 2.7 8V4z" />
    </symbol>
    <symbol id="i-warning" viewBox="0 0 16 16">
      <path class="f" d="M8 1.2 15.4 14.4H.6z" />
      <path class="on" d="M8 6v3.8m0 2.2v.1" />
    </symbol>
    <symbol id="i-back" viewBox="0 0 16 16">
      <path class="s" d="M6 3.5 3 6.5l3 3M3.4 6.5h6.4a3.2 3.2 0 0 1 0 6.4H6.5" />
    </symbol>
    <symbol id="i-up" viewBox="0 0 16 16">
      <path class="s" d="M8 13.5V3M4 7l4-4.2L12 7" />
    </symbol>
    <symbol id="i-out" viewBox="0 0 16 16">
      <path class="s" d="M7 3.5H3v9.5h9.5V9M9.5 2.8h3.8v3.8M13 3 7.6 8.4" />
    </symbol>
    <symbol id="i-copy" viewBox="0 0 16 16">
      <path class="s" d="M5.5 5.5h8v8h-8zM10.5 5.2V2.5h-8v8h2.7" />
    </symbol>
    <symbol id="i-tick" viewBox="0 0 16 16">
      <path class="s" d="m3 8.4 3.2 3.2L13 4.6" />
    </symbol>
    <symbol id="i-point" viewBox="0 0 16 16">
      <circle class="s" cx="8" cy="8" r="3.4" />
    </symbol>
    <symbol id="i-signal" viewBox="0 0 16 16">
      <path class="s" d="M5 15V2M2.5 15h5" />
      <path class="f" d="M5 1.8h6v4H5zM12.2 1.8h1.6v4h-1.6z" />
    </symbol>
  </svg>
);
