import type { FC } from "hono/jsx";

import { askProject, type Api } from "../../api/context.ts";
import type { Numbers, Spread } from "../../project/numbers.ts";
import { visible } from "../model/text.ts";
import { brief } from "../model/time.ts";
import { stageWord } from "../model/words.ts";
import { tabPage, viewOf } from "../tab-page.tsx";
import { admit } from "../visitor.ts";

const DAYS = [7, 30, 90] as const;

/** How a project has deployed lately: drawn, and in the table below. */
export function numberRoutes(api: Api): void {
  api.get("/projects/:project/numbers", async (c) => {
    const visitor = await admit(c, "project");
    const project = await viewOf(c);
    const days = DAYS.find((each) => String(each) === c.req.query("days")) ?? 30;
    const numbers = await askProject(c, (p) => p.numbers(days));
    return tabPage(
      c,
      visitor,
      { project, tab: "numbers", title: `The last ${days} days` },
      <Page of={numbers} path={`/projects/${project.project}/numbers`} />,
    );
  });
}

const percent = (share: number | null): string =>
  share === null ? "none" : `${Math.round(share * 100)}\u00A0%`;

const Page: FC<{ of: Numbers; path: string }> = ({ of, path }) => {
  const facts = [
    ["Deploys", String(of.deploys)],
    ["To production, a day", of.frequency.toFixed(of.frequency < 10 ? 2 : 0)],
    ["Change-failure rate", percent(of.change_failure_rate)],
    ["Never went live", percent(of.failed_rate)],
  ] as const;
  const spreads: [string, Spread][] = [
    ["From trigger to live", of.lead_time],
    ["Time to restore", of.time_to_restore],
    ["Wait until it starts", of.wait],
    ...of.stages.map((stage): [string, Spread] => [visible(stageWord(stage.name)), stage]),
  ];
  const most = Math.max(1, ...spreads.map(([, { p95 }]) => p95 ?? 0));
  return (
    <section class="wide section" aria-label="Numbers">
      <nav class="filters" aria-label="How many days">
        {DAYS.map((days) => (
          <a
            href={`${path}?days=${days}`}
            {...(days === of.days ? { "aria-current": "true" as const } : {})}
          >
            {days} days
          </a>
        ))}
      </nav>
      {of.deploys === 0 ? (
        <p class="none">No deploy was asked for in this time.</p>
      ) : (
        <>
          <dl class="facts section">
            {facts.map(([name, text]) => (
              <>
                <dt>{name}</dt> <dd>{text}</dd>{" "}
              </>
            ))}
          </dl>
          <p class="legend meta section">
            <span>
              <svg class="key" width="14" height="8" aria-hidden="true">
                <rect class="seg build" width="14" height="8" />
              </svg>
              half of them at most (p50)
            </span>
            <span>
              <svg class="key" width="14" height="8" aria-hidden="true">
                <rect class="hope" x="0.5" y="0.5" width="13" height="7" />
              </svg>
              19 of 20 at most (p95)
            </span>
          </p>
          <div class="charts" aria-hidden="true">
            {spreads.map(([name, spread]) => (
              <>
                <span>{name}</span>
                <Bars of={spread} most={most} />
              </>
            ))}
          </div>
          <table class="numbers section">
            <thead>
              <tr>
                {["Time", "Of", "p50", "p95"].map((text, n) => (
                  <th scope="col" class={n > 0 ? "end" : undefined}>
                    {text}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {spreads.map(([name, { count, p50, p95 }]) => (
                <tr>
                  <th scope="row">{name}</th> <td class="end num">{count}</td>{" "}
                  <td class="end num">{p50 === null ? "none" : brief(p50)}</td>{" "}
                  <td class="end num">{p95 === null ? "none" : brief(p95)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </>
      )}
    </section>
  );
};

const Bars: FC<{ of: Spread; most: number }> = ({ of, most }) => {
  const width = (ms: number | null): string => `${(((ms ?? 0) / most) * 100).toFixed(2)}%`;
  return (
    <svg class="span" width="100%" height="20" focusable="false">
      <line class="grid" x1="0" x2="0" y1="0" y2="20" />
      <rect class="hope" x="0" y="4" width={width(of.p95)} height="12" />
      <rect class="seg build" x="0" y="6" width={width(of.p50)} height="8" />
    </svg>
  );
};
