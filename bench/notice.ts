import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { alone, compare } from "./lib/figure.ts";
import type { Bound, Figure } from "./lib/figure.ts";

const FILE = "test/workers/project/notice.bench.ts";
const LIMIT_MS = 120_000;
const STAGES = 5;
const BUILD = 3;

interface Build {
  /** When each stage ended, in ms from the create request on. */
  readonly ends: readonly number[];
  /** How long after that a subscriber was told. */
  readonly lags: readonly number[];
  readonly calls: number;
}

interface Case {
  readonly seconds: number;
  readonly percent: number;
  readonly learnt: readonly Build[];
  readonly unlearnt: readonly Build[];
}

/** In virtual time, so that one run says all and a busy machine changes nothing. */
export async function notice(_: number, say: (line: string) => void): Promise<Figure[]> {
  say("notice: builds in virtual time");
  return (await cases()).flatMap((some) =>
    (["learnt", "unlearnt"] as const).flatMap((known) => figures(some, known)),
  );
}

async function cases(): Promise<Case[]> {
  const args = ["run", "--project", "workers", FILE, "--disable-console-intercept"];
  const vitest = spawn("vitest", args, {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, SIGNALBOX_BENCH: FILE },
    timeout: LIMIT_MS,
  });
  const [output, [code]] = await Promise.all([text(vitest.stdout), once(vitest, "close")]);
  if (code !== 0) {
    throw new Error(`vitest ended with ${code}:\n${output}`);
  }
  return [...output.matchAll(/^notice (.*)$/gm)].map(([, json]) => JSON.parse(json ?? "") as Case);
}

function figures({ seconds, percent, ...builds }: Case, known: "learnt" | "unlearnt"): Figure[] {
  const runs = builds[known];
  const what = `of a ${seconds} s build ± ${percent} %, ${known}`;
  const ours = {
    lags: runs.flatMap(({ lags }) => lags),
    ofBuild: runs.map(({ lags }) => lags[BUILD] ?? Number.NaN),
    calls: runs.map(({ calls }) => calls),
  };
  const aimed = seconds === 90 && percent === 5 && known === "learnt";
  const others = [
    ["every 2 s", everyTwo],
    ["1-2-4-8-16", doubling],
  ] as const;
  return [
    ...others.flatMap(([name, next]) => {
      const theirs = runs.map(({ ends }) => polled(ends, next));
      return [
        compare(`build's end ${what}, told after`, "ms", ours.ofBuild, {
          name,
          samples: theirs.map(({ lags }) => lags[BUILD] ?? Number.NaN),
        }),
        compare(`calls ${what}`, "calls", ours.calls, {
          name,
          samples: theirs.map(({ calls }) => calls),
        }),
      ];
    }),
    ...(aimed
      ? [
          alone(`ends of all ${STAGES} stages ${what}, told after`, "ms", ours.lags, firm(1_000)),
          alone(`calls ${what}`, "calls", ours.calls, firm(15)),
        ]
      : []),
  ];
}

const firm = (value: number): Bound => ({ kind: "at most", value, firm: true });

/** What the same build would cost who looks again so long after each look: the create request counts, too. */
function polled(ends: readonly number[], next: (look: number) => number): Omit<Build, "ends"> {
  const looks: number[] = [];
  const last = Math.max(...ends);
  for (let at = 0; at < last;) {
    at += next(looks.length);
    looks.push(at);
  }
  const lags = ends.map((end) => (looks.find((at) => at >= end) ?? Number.NaN) - end);
  return { lags, calls: looks.length + 1 };
}

const everyTwo = (): number => 2_000;

/** As wrangler, which gives up after the fifth look, at 31 s; this one goes on every 16 s. */
const doubling = (look: number): number => 1_000 * 2 ** Math.min(look, 4);
