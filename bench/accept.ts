import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { DEFAULT_BRANCH, REPOSITORY } from "../scripts/demo/github.ts";
import { freePort } from "../scripts/lib/port.ts";
import { ROOT } from "../scripts/lib/repo.ts";
import { copyProject } from "./lib/copies.ts";
import { compare } from "./lib/figure.ts";
import type { Bound, Figure } from "./lib/figure.ts";
import { load } from "./lib/load.ts";
import type { Load } from "./lib/load.ts";
import { githubHook, pushesInTurn } from "./lib/pushes.ts";
import type { Hook } from "./lib/pushes.ts";
import { startMinimal, startProcess, startSignalbox } from "./lib/sides.ts";
import { findWebhook, startWebhook } from "./lib/webhook.ts";

const CONNECTIONS = [1, 16, 64] as const;
/** Before what counts: code gets hot, and each project's object is started. */
const WARM_UP = { connections: 16, warmUpMs: 0 };
const WARM_UP_MS = 500;
const WARM_UP_MS_PER_PROJECT = 10;
const TIMES = { warmUpMs: 100, ms: 700 };
const COPIES = Array.from({ length: 199 }, (_, n) => `copy-${n}`);
const MANY = COPIES.length + 1;
const OF_FLOOR: Bound = { kind: "at least", value: 0.7, firm: false };
const OF_WEBHOOK: Bound = { kind: "at least", value: 1, firm: false };

/** By the number of connections. */
type Loads = Readonly<Record<(typeof CONNECTIONS)[number], Load>>;
/** With one project, and with many. */
interface Both {
  readonly one: Loads;
  readonly many: Loads;
}

/** How many signed pushes become durable in a second, beside those who do less with them. */
export async function accept(repeats: number, say: (line: string) => void): Promise<Figure[]> {
  const webhook = await findWebhook();
  const sides = {
    signalbox: [] as Both[],
    minimal: [] as Both[],
    bare: [] as Loads[],
    node: [] as Loads[],
    webhook: [] as Loads[],
  };
  for (let n = 1; n <= repeats; n++) {
    say(`accept: ${n} of ${repeats}`);
    sides.minimal.push(await atMinimal());
    sides.bare.push(await atBare());
    sides.node.push(await atNode());
    if (webhook !== null) {
      sides.webhook.push(await atWebhook(webhook));
    }
    sides.signalbox.push(await atSignalbox());
  }
  const one = (series: readonly Both[]): Loads[] => series.map((each) => each.one);
  const many = (series: readonly Both[]): Loads[] => series.map((each) => each.many);
  const ours = one(sides.signalbox);
  const floor = { name: "minimal Worker", loads: one(sides.minimal) };
  const others = [
    { name: "HMAC alone", loads: sides.bare },
    { name: "Node, in memory", loads: sides.node },
    webhook === null
      ? { name: "webhook: not here, apt-get install webhook", loads: [] }
      : { name: "webhook", loads: sides.webhook, bound: OF_WEBHOOK },
  ];
  const rates = (projects: number, loads: readonly Loads[], against: Against): Figure[] =>
    CONNECTIONS.map((n) => {
      const name = `pushes taken on ${n === 1 ? "one connection" : `${n} connections`}, ${projects === 1 ? "one project" : `${projects} projects`}`;
      return beside(name, "/s", "rate", n, loads, against);
    });
  return [
    ...rates(1, ours, { ...floor, bound: OF_FLOOR }),
    ...rates(MANY, many(sides.signalbox), {
      name: "minimal Worker",
      loads: many(sides.minimal),
      bound: OF_FLOOR,
    }),
    beside("half of them answered on one connection in", "ms", "p50", 1, ours, floor),
    beside("half of them answered on 16 connections in", "ms", "p50", 16, ours, floor),
    beside("CPU time of one on 16 connections", "ms", "cpu", 16, ours, floor),
    ...others.flatMap((other) => rates(1, ours, other)),
  ];
}

interface Against {
  readonly name: string;
  readonly loads: readonly Loads[];
  readonly bound?: Bound;
}

function beside(
  what: string,
  unit: string,
  key: keyof Load,
  connections: (typeof CONNECTIONS)[number],
  ours: readonly Loads[],
  { name, loads, bound }: Against,
): Figure {
  const of = (series: readonly Loads[]): number[] => series.map((each) => each[connections][key]);
  return compare(what, unit, of(ours), { name, samples: of(loads) }, bound);
}

async function atSignalbox(): Promise<Both> {
  let hook: Hook = { url: "", secret: "" };
  await using side = await startSignalbox(
    async ({ signalbox, pages }) => {
      hook = await githubHook(signalbox, "blog");
      for (const name of COPIES) {
        await pages.addProject({ name, source: REPOSITORY, production_branch: DEFAULT_BRANCH });
      }
    },
    (dir) => copyProject(dir, "blog", COPIES),
  );
  const one = await underLoad([hook.url], side.pid, hook.secret);
  const { secret } = hook;
  const urls = [hook.url];
  for (const name of COPIES) {
    const path = `/v1/projects/${name}/hooks`;
    const { url } = await side.signalbox.ask<Hook>("POST", path, { source: "github", secret });
    urls.push(url);
  }
  return { one, many: await underLoad(urls, side.pid, secret) };
}

async function atMinimal(): Promise<Both> {
  const secret = randomUUID();
  await using side = await startMinimal("accept.js", { SECRET: secret });
  const urls = ["blog", ...COPIES].map((name) => `${side.url}/${name}`);
  return {
    one: await underLoad(urls.slice(0, 1), side.pid, secret),
    many: await underLoad(urls, side.pid, secret),
  };
}

async function atBare(): Promise<Loads> {
  const secret = randomUUID();
  await using side = await startMinimal("verify.js", { SECRET: secret });
  return await underLoad([side.url], side.pid, secret);
}

async function atNode(): Promise<Loads> {
  const secret = randomUUID();
  const port = await freePort();
  const command = [process.execPath, join(ROOT, "bench/minimal/memory.ts")] as const;
  const env = { SECRET: secret, PORT: String(port) };
  await using side = await startProcess(command, { port, path: "/", env });
  return await underLoad([side.url], side.pid, secret);
}

async function atWebhook(command: string): Promise<Loads> {
  const secret = randomUUID();
  await using side = await startWebhook(command, secret);
  return await underLoad([side.url], side.pid, secret);
}

async function underLoad(urls: readonly string[], pid: number, secret: string): Promise<Loads> {
  const next = await pushesInTurn(secret);
  const on = { urls, pid, status: 202, next };
  await load({ ...on, ...WARM_UP, ms: WARM_UP_MS + WARM_UP_MS_PER_PROJECT * urls.length });
  const loads = {} as Record<keyof Loads, Load>;
  for (const connections of CONNECTIONS) {
    loads[connections] = await load({ ...on, ...TIMES, connections });
  }
  return loads;
}
