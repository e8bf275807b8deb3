import type { FC } from "hono/jsx";

import type { Bar } from "../model/history.ts";
import type { StageRow, StageTable } from "../model/stages.ts";
import { Mark } from "./mark.tsx";

/** How a deploy's time went, in one row of the history. Its time stands beside it in words. */
export const StageBar: FC<{ of: Bar }> = ({ of }) => {
  const failed = of.segments.some((each) => each.failed);
  return (
    <svg class="bar" width="100%" height="14" aria-hidden="true" focusable="false">
      <svg width="93%" height="14" overflow="visible">
        {of.segments.map(({ name, x, width, failed: bad }) => (
          <rect
            class={bad ? "seg lost" : `seg ${name}`}
            x={`${x.toFixed(2)}%`}
            y="2"
            width={`${width.toFixed(2)}%`}
            height="10"
          />
        ))}
        {of.clipped && (
          <svg x="96%" overflow="visible">
            <path class="gap" d="m-4 14 5-14m2 14L8 0" />
          </svg>
        )}
        {failed && (
          <svg x={`${of.end.toFixed(2)}%`} y="7" overflow="visible">
            <path class="cross-out" d="m4-2.5 5 5m0-5-5 5" />
          </svg>
        )}
        {of.usual !== null && (
          <line
            class="upright"
            x1={`${of.usual.toFixed(2)}%`}
            x2={`${of.usual.toFixed(2)}%`}
            y1="0"
            y2="14"
          />
        )}
      </svg>
    </svg>
  );
};

/** What the bars stand for, once above the table. */
export const Legend: FC = () => (
  <p class="legend meta">
    {(["start", "build", "deploy"] as const).map((name) => (
      <span>
        <svg class="key" width="9" height="9" aria-hidden="true">
          <rect class={`seg ${name}`} width="9" height="9" />
        </svg>
        {name}
      </span>
    ))}
    <span>
      <svg class="key" width="3" height="12" aria-hidden="true">
        <line class="upright" x1="1.5" x2="1.5" y1="0" y2="12" />
      </svg>
      usual time
    </span>
  </p>
);

export const Stages: FC<{ of: StageTable }> = ({ of }) => (
  <table class="stages">
    <thead>
      <tr>
        <th scope="col" class="c-stage">
          Stage
        </th>
        <th scope="col" class="c-axis">
          <svg class="axis" width="100%" height="16" aria-hidden="true" focusable="false">
            {of.ticks.map(({ at, text }) => (
              <svg x={`${at.toFixed(2)}%`} overflow="visible">
                <text y="12">{text}</text>
              </svg>
            ))}
          </svg>
          <span class="unseen">How long it took</span>
        </th>
        <th scope="col" class="c-took end">
          Took
        </th>
        <th scope="col" class="c-usual end">
          Usual
        </th>
        <th scope="col" class="c-longer end">
          Longer
        </th>
      </tr>
    </thead>
    <tbody>
      {of.rows.map((row) => (
        <tr class={row.took === null ? "quiet" : undefined}>
          <th scope="row">
            <Mark of={row.mark} />
          </th>
          <td class="c-axis">
            <StageSpan of={row} ticks={of.ticks} />
          </td>
          <td class="end num">
            {row.took ?? "not run"}
            {row.usually !== null && <span class="usual-under meta">usual {row.usually}</span>}
          </td>
          <td class="end num quiet c-usual">{row.usually}</td>
          <td class="end num strong c-longer">{row.longer}</td>
        </tr>
      ))}
    </tbody>
  </table>
);

const StageSpan: FC<{ of: StageRow; ticks: StageTable["ticks"] }> = ({ of, ticks }) => (
  <svg class="span" width="100%" height="34" aria-hidden="true" focusable="false">
    {ticks.map(({ at }) => (
      <line class="grid" x1={`${at.toFixed(2)}%`} x2={`${at.toFixed(2)}%`} y1="0" y2="34" />
    ))}
    {of.usual !== null && (
      <rect
        class="hope"
        x={`${of.usual.x.toFixed(2)}%`}
        y="10"
        width={`${of.usual.width.toFixed(2)}%`}
        height="14"
      />
    )}
    {of.bar !== null && (
      <rect
        class={of.failed ? "seg lost" : of.running ? "seg now" : "seg build"}
        x={`${of.bar.x.toFixed(2)}%`}
        y="12"
        width={`${of.bar.width.toFixed(2)}%`}
        height="10"
      />
    )}
    {of.failed && of.bar !== null && (
      <svg x={`${(of.bar.x + of.bar.width).toFixed(2)}%`} y="17" overflow="visible">
        <path class="cross-out" d="m4-2.5 5 5m0-5-5 5" />
      </svg>
    )}
  </svg>
);
