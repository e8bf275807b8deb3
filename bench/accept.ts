import { randomUUID } from "node:crypto";
import { compare } from "./lib/figure.ts";
import type { Figure } from "./lib/figure.ts";
import { load } from "./lib/load.ts";
import type { Load } from "./lib/load.ts";
import { githubHook, pushesInTurn } from "./lib/pushes.ts";
import { startMinimal, startSignalbox } from "./lib/sides.ts";

const CONNECTIONS = [1, 16] as const;
const WARM_UP_MS = 1_000;
const MS = 3_000;

type Loads = Record<(typeof CONNECTIONS)[number], Load>;

/** How many signed pushes become durable in a second, beside the least that verifies one and stores a row. */
export async function accept(repeats: number, say: (line: string) => void): Promise<Figure[]> {
  const signalbox: Loads[] = [];
  const minimal: Loads[] = [];
  for (let n = 1; n <= repeats; n++) {
    say(`accept: ${n} of ${repeats}`);
    minimal.push(await atMinimal());
    signalbox.push(await atSignalbox());
  }
  return CONNECTIONS.flatMap((connections) => {
    const of = (loads: readonly Loads[], key: keyof Load): number[] =>
      loads.map((each) => each[connections][key]);
    const what = connections === 1 ? "on one connection" : `on ${connections} connections`;
    const against = (key: keyof Load) => ({
      name: "minimal Worker",
      samples: of(minimal, key),
    });
    return [
      compare(`pushes taken ${what}`, "/s", of(signalbox, "rate"), against("rate"), {
        kind: "at least",
        value: 0.7,
        firm: false,
      }),
      compare(`half of them answered ${what} in`, "ms", of(signalbox, "p50"), against("p50")),
    ];
  });
}

async function atSignalbox(): Promise<Loads> {
  let hook = { url: "", secret: "" };
  await using _side = await startSignalbox(async ({ signalbox }) => {
    hook = await githubHook(signalbox, "blog");
  });
  return await underLoad(hook.url, hook.secret);
}

async function atMinimal(): Promise<Loads> {
  const secret = randomUUID();
  await using side = await startMinimal("accept.js", { SECRET: secret });
  return await underLoad(side.url, secret);
}

async function underLoad(url: string, secret: string): Promise<Loads> {
  const next = await pushesInTurn(secret);
  const loads: Partial<Loads> = {};
  for (const connections of CONNECTIONS) {
    const times = { warmUpMs: WARM_UP_MS, ms: MS };
    loads[connections] = await load({ urls: [url], connections, ...times, status: 202, next });
  }
  return loads as Loads;
}
