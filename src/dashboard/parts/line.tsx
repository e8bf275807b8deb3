import type { FC } from "hono/jsx";

import type { Line as LineOf } from "../model/line.ts";
import { cutsOf, scaleOf, type Run } from "../model/run.ts";

/**
 * A lane as a stretch of track. It has no `viewBox`: places are percentages in geometry attributes, heights are pixels, and
 * what must not stretch sits in an `svg` of its own. So the policy without inline styles lets it through.
 */
interface Measures {
  readonly height: number;
  readonly track: number;
  readonly signal: number;
  readonly from: number;
  readonly to: number;
  readonly bar: number;
  readonly train: readonly [number, number];
  readonly gap: number;
  readonly post: number;
  readonly arm: readonly [number, number];
  readonly nose: number;
}

const SMALL: Measures = {
  height: 30,
  track: 20,
  signal: 28.6,
  from: 31,
  to: 88,
  bar: 11,
  train: [20, 11],
  gap: 5,
  post: 17,
  arm: [12.5, 4.8],
  nose: 5,
};
const LARGE: Measures = {
  height: 62,
  track: 44,
  signal: 34.1,
  from: 36,
  to: 77,
  bar: 20,
  train: [48, 20],
  gap: 7,
  post: 30,
  arm: [20, 6.4],
  nose: 7,
};

/** How many waiting trains are drawn; the rest is a number. */
const DRAWN = 3;

/** A large train carries its number, and is longer for one of more than three digits. */
const DIGIT = 8;
const digits = (number: number | null): number => Math.max(0, String(number ?? 0).length - 3);

export const Line: FC<{ of: LineOf; large?: boolean }> = ({ of, large = false }) => {
  const more = Math.max(...[...of.trains, of.live ?? { number: 0 }].map((at) => digits(at.number)));
  const m: Measures = large
    ? { ...LARGE, train: [LARGE.train[0] + more * DIGIT, LARGE.train[1]] }
    : SMALL;
  const height = m.height + (of.siding ? (large ? 20 : 12) : 0);
  return (
    <svg
      class={large ? (more > 1 ? "line large long" : "line large") : "line"}
      width="100%"
      height={height}
      role="img"
      aria-label={of.label}
    >
      <line class="track" x1="0" x2="100%" y1={m.track} y2={m.track} />
      {[m.from, m.to].map((x) => (
        <line
          class="cross"
          x1={`${x}%`}
          x2={`${x}%`}
          y1={m.track - m.bar / 2 - 2}
          y2={m.track + m.bar / 2 + 2}
        />
      ))}
      <Waiting of={of} m={m} large={large} />
      <Signal is={of.signal} m={m} large={large} />
      <Block of={of.block} m={m} large={large} />
      {of.siding && <Siding m={m} />}
      {large ? <LargeEnd of={of} m={m} /> : <SmallEnd of={of} m={m} />}
    </svg>
  );
};

/** What is live, and the end of the line. A preview's line just ends. */
const LargeEnd: FC<{ of: LineOf; m: Measures }> = ({ of, m }) => {
  const preview = of.name !== null && of.name !== "production";
  if (of.live === null && !preview) {
    return <SmallEnd of={of} m={m} />;
  }
  return (
    <>
      {of.live !== null && (
        <svg x="79%" y={m.track} overflow="visible">
          <path class="live" d={train(1, [m.train[0] + 18, m.train[1]], m.nose)} />
          <path class="on tick" d="m8 0 3.4 3.4L18 -4" />
          <text class="on-live" x="24" y="4">
            {of.live.number === null ? "other" : `#${of.live.number}`}
          </text>
        </svg>
      )}
      <line class="buffer" x1="100%" x2="100%" y1={m.track - 9} y2={m.track + 9} />
    </>
  );
};

const SmallEnd: FC<{ of: LineOf; m: Measures }> = ({ of, m }) => (
  <svg x="100%" y={m.track} overflow="visible">
    {of.live === null ? (
      <circle class="nothing" cx="-8" cy="0" r="6" />
    ) : (
      <>
        <circle class="live" cx="-8" cy="0" r="7" />
        <path class="on tick" d="m-11.2 .2 2.2 2.2 4.2-4.6" />
      </>
    )}
  </svg>
);

/** An outlined block with a nose, its left end at `x`, the track in its middle. */
function train(x: number, [width, height]: readonly [number, number], nose: number): string {
  const half = height / 2 - 0.75;
  return `M${x} ${-half}h${width - nose}L${x + width} 0l${-nose} ${half}H${x}z`;
}

const Waiting: FC<{ of: LineOf; m: Measures; large: boolean }> = ({ of, m, large }) => {
  const [width] = m.train;
  const left = (n: number): number => -7 - (n + 1) * width - n * m.gap;
  const more = (drawn: number): number => of.trains.length - drawn;
  return (
    <svg x={`${m.signal}%`} y={m.track} overflow="visible">
      {of.trains.slice(0, DRAWN).map(({ number, ready }, n) => (
        <g class={n === DRAWN - 1 ? "third" : n === DRAWN - 2 ? "second" : "first"}>
          <path class={ready ? "waits" : "waits unready"} d={train(left(n), m.train, m.nose)} />
          {large && (
            <text class="number" x={left(n) + (width - m.nose) / 2 + 1} y="4" text-anchor="middle">
              #{number}
            </text>
          )}
        </g>
      ))}
      {[3, 2, 1].map(
        (drawn) =>
          more(drawn) > 0 && (
            <text class={`more after-${drawn}`} x={left(drawn - 1) - 6} y="4" text-anchor="end">
              +{more(drawn)}
            </text>
          ),
      )}
    </svg>
  );
};

const Signal: FC<{ is: LineOf["signal"]; m: Measures; large: boolean }> = ({ is, m, large }) => {
  const [width, height] = m.arm;
  return (
    <svg class={`signal ${is}`} x={`${m.signal}%`} y={m.track} overflow="visible">
      <path class="post" d={`M0 0v${-m.post}M-4 0h8`} />
      <g transform={`translate(0 ${-m.post + height / 2})${is === "clear" ? " rotate(-48)" : ""}`}>
        <rect class="arm" x="-1.5" y={-height / 2} width={width} height={height} />
        {large && <rect class="stripe" x={width - 6} y={-height / 2} width="2.5" height={height} />}
      </g>
    </svg>
  );
};

const Block: FC<{ of: LineOf["block"]; m: Measures; large: boolean }> = ({ of, m, large }) => {
  const top = m.track - m.bar / 2;
  if (of.is === "empty") {
    return null;
  }
  if (of.is === "ghost") {
    return (
      <svg x={`${(m.from + m.to) / 2}%`} y={m.track} overflow="visible">
        <path class="ghost" d={train(-m.train[0] / 2, m.train, m.nose)} />
      </svg>
    );
  }
  const span = m.to - m.from;
  const { run } = of;
  if (run.usual === null) {
    return (
      <>
        <rect class="block" x={`${m.from}%`} y={top} width={`${span}%`} height={m.bar} />
        <rect fill="url(#hatch)" x={`${m.from}%`} y={top} width={`${span}%`} height={m.bar} />
        {large && of.number !== null && (
          <svg x={`${m.from + span / 2}%`} y={m.track} overflow="visible">
            <text class="number plate" y="4" text-anchor="middle">
              #{of.number}
            </text>
          </svg>
        )}
      </>
    );
  }
  return <Known run={run} number={large ? of.number : null} m={m} />;
};

/** From this part of the block on, a number has room in what is filled; before that it stands behind it. */
const TAG = 0.15;

/** What the script keeps up to date is named by `data-` attributes, with the figures that it needs. */
const Known: FC<{ run: Run; number: number | null; m: Measures }> = ({ run, number, m }) => {
  const usual = run.usual ?? 0;
  const scale = scaleOf(run);
  const top = m.track - m.bar / 2;
  const at = (ms: number): string => `${(m.from + ((m.to - m.from) * ms) / scale).toFixed(2)}%`;
  const wide = (ms: number): string => `${(((m.to - m.from) * ms) / scale).toFixed(2)}%`;
  const { passed, expected } = cutsOf(run);
  const solid = Math.min(run.elapsed, usual);
  const late = Math.max(0, run.elapsed - usual);
  const fits = solid / scale > TAG;
  return (
    <g data-run={run.since} data-usual={usual} data-from={m.from} data-to={m.to}>
      <rect class="block" x={`${m.from}%`} y={top} width={`${m.to - m.from}%`} height={m.bar} />
      <rect class="fill" data-fill="" x={`${m.from}%`} y={top} width={wide(solid)} height={m.bar} />
      <rect
        data-late=""
        fill="url(#late)"
        x={at(usual)}
        y={top}
        width={wide(late)}
        height={m.bar}
      />
      {passed.map((ms) => (
        <line class="cut" data-at={ms} x1={at(ms)} x2={at(ms)} y1={top} y2={top + m.bar} />
      ))}
      {expected.map((ms) => (
        <line
          class="expected"
          data-at={ms}
          x1={at(ms)}
          x2={at(ms)}
          y1={top + 1}
          y2={top + m.bar - 1}
        />
      ))}
      <line
        class={late > 0 ? "usual" : "usual off"}
        data-mark=""
        x1={at(usual)}
        x2={at(usual)}
        y1={top - 4}
        y2={top + m.bar + 4}
      />
      <svg data-front="" x={at(run.elapsed)} y={m.track} overflow="visible">
        <path
          class="front"
          d={`M-1 ${-m.bar / 2}h1l${m.nose} ${m.bar / 2}-${m.nose} ${m.bar / 2}h-1z`}
        />
      </svg>
      {number !== null && (
        <svg data-tag={TAG} x={at(solid)} y={m.track} overflow="visible">
          <text
            class={fits ? "number on-fill" : "number plate"}
            x={fits ? -4 : 10}
            y="4"
            text-anchor={fits ? "end" : "start"}
          >
            #{number}
          </text>
        </svg>
      )}
    </g>
  );
};

const Siding: FC<{ m: Measures }> = ({ m }) => {
  const low = m.track + m.bar / 2 + 6;
  return (
    <svg x={`${m.from + (m.to - m.from) * 0.6}%`} y={low} overflow="visible">
      <path class="rail" d="M-18 -6 -4 0H40" />
      <path class="gone" d={train(2, [20, 9], 4)} />
    </svg>
  );
};
