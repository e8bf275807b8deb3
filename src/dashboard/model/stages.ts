import type { Deploy } from "../../project/shapes.ts";
import { HEALTH, type Usual } from "../../project/usual.ts";
import { isFailed } from "./now.ts";
import { brief } from "./time.ts";
import { markOf, stageMark, stageWord, type Mark } from "./words.ts";

/** The stages of one deploy on one axis, from its start. */
export interface StageTable {
  readonly rows: readonly StageRow[];
  readonly ticks: readonly { readonly at: number; readonly text: string }[];
  readonly usually: boolean;
}

export interface StageRow {
  readonly mark: Mark;
  readonly bar: Span | null;
  readonly usual: Span | null;
  readonly failed: boolean;
  readonly running: boolean;
  /** null: not run. */
  readonly took: string | null;
  readonly usually: string | null;
  readonly longer: string | null;
}

/** In percent of the axis. */
interface Span {
  readonly x: number;
  readonly width: number;
}

interface Measured {
  readonly name: string;
  readonly status: string;
  readonly from: number | null;
  readonly to: number | null;
}

const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1_200, 1_800, 3_600].map((s) => s * 1000);

export function stagesOf(deploy: Deploy, usual: Usual | null, now: number): StageTable {
  const measured = measure(deploy);
  const start = Math.min(...measured.flatMap(({ from }) => from ?? []), Infinity);
  const zero = Number.isFinite(start) ? start : Date.parse(deploy.started_at ?? "") || now;
  const ends = measured.map(({ from, to }) => (from === null ? 0 : (to ?? now) - zero));
  const expected = expectedSpans(measured, usual, zero, now);
  const widest = Math.max(1_000, ...ends, ...expected.map((span) => (span === null ? 0 : span.to)));
  const step = STEPS.find((size) => widest / size <= 5) ?? 7_200_000;
  const scale = widest * 1.02;
  const span = (from: number, to: number): Span => ({
    x: (100 * from) / scale,
    width: Math.max(0.4, (100 * (to - from)) / scale),
  });
  const rows = measured.map(({ name, status, from, to }, n): StageRow => {
    const ms = from === null ? null : (to ?? now) - from;
    const usually = usual?.stages.find((each) => each.name === name)?.ms ?? null;
    const over = ms === null || usually === null ? 0 : ms - usually;
    const hope = expected[n] ?? null;
    const failed = status === "failure";
    return {
      mark: { ...stageMark(status), word: name === HEALTH ? "health check" : stageWord(name) },
      bar: from === null || ms === null ? null : span(from - zero, from - zero + ms),
      usual: hope === null ? null : span(hope.from, hope.to),
      failed,
      running: from !== null && to === null,
      took: ms === null ? null : brief(ms),
      usually: usually === null ? null : brief(usually),
      longer: usually !== null && over > 5_000 && over > usually * 0.2 ? `+${brief(over)}` : null,
    };
  });
  const ticks = Array.from({ length: Math.floor(widest / step) + 1 }, (_, n) => ({
    at: (100 * n * step) / scale,
    text: n === 0 ? "0" : brief(n * step),
  }));
  return { rows, ticks, usually: usual !== null };
}

function measure(deploy: Deploy): Measured[] {
  const at = (text: string | null): number | null => (text === null ? null : Date.parse(text));
  const stages = deploy.stages.map(({ name, status, started_on: from, ended_on: to }) => {
    const ran = from !== null && status !== "idle";
    const over = deploy.ended_at !== null && to === null;
    const end = over ? at(deploy.ended_at) : at(to);
    return { name, status, from: ran ? at(from) : null, to: ran ? end : null };
  });
  const live = stages.find(({ name }) => name === "deploy")?.to ?? null;
  if (deploy.health === null || live === null) {
    return stages;
  }
  const unhealthy = deploy.health.checks.some(({ ok }) => !ok) && isFailed(deploy);
  const status = deploy.ended_at === null ? "active" : unhealthy ? "failure" : "success";
  return [...stages, { name: HEALTH, status, from: live, to: at(deploy.ended_at) }];
}

/** Where each stage would be, had all before it taken what they usually take. */
function expectedSpans(
  measured: readonly Measured[],
  usual: Usual | null,
  zero: number,
  now: number,
): ({ from: number; to: number } | null)[] {
  let at = 0;
  return measured.map(({ name, from, to }) => {
    const ms = usual?.stages.find((each) => each.name === name)?.ms;
    const begins = from === null ? at : from - zero;
    at = ms === undefined ? (from === null ? at : (to ?? now) - zero) : begins + ms;
    return ms === undefined ? null : { from: begins, to: begins + ms };
  });
}

/** What a deploy's page says first. */
export function verdictOf(deploy: Deploy): { readonly mark: Mark; readonly text: string } {
  const mark = markOf(deploy.status);
  const reason = deploy.reason ?? "";
  if (isFailed(deploy) && reason !== "") {
    return { mark, text: (reason.split(":")[0] ?? reason).replace(/\.$/, "") };
  }
  return { mark, text: mark.word.slice(0, 1).toUpperCase() + mark.word.slice(1) };
}
