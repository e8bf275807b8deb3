import { randomBytes, randomUUID } from "node:crypto";
import { sign } from "@octokit/webhooks-methods";
import { DEFAULT_BRANCH, pushOf } from "../scripts/demo/github.ts";
import { compare } from "./lib/figure.ts";
import type { Figure } from "./lib/figure.ts";
import { load } from "./lib/load.ts";
import type { Load, Message } from "./lib/load.ts";
import { startMinimal, startSignalbox } from "./lib/sides.ts";

const CONNECTIONS = [1, 16] as const;
const WARM_UP_MS = 1_000;
const MS = 3_000;
/** Signed before the clock starts: the load is not to spend its time on that. */
const PUSHES = 500;

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
    await signalbox.ask("PUT", "/v1/projects/blog", { native_builds: "off" });
    hook = await signalbox.ask("POST", "/v1/projects/blog/hooks", { source: "github" });
  });
  return await underLoad(hook.url, hook.secret);
}

async function atMinimal(): Promise<Loads> {
  const secret = randomUUID();
  await using side = await startMinimal("accept.js", { SECRET: secret });
  return await underLoad(side.url, secret);
}

async function underLoad(url: string, secret: string): Promise<Loads> {
  const pushes = await signedPushes(secret);
  let sent = 0;
  const next = (): Message => {
    const { headers, body } = pushes[sent++ % pushes.length] ?? { headers: {}, body: "" };
    return { headers: { ...headers, "x-github-delivery": randomUUID() }, body };
  };
  const loads: Partial<Loads> = {};
  for (const connections of CONNECTIONS) {
    const times = { warmUpMs: WARM_UP_MS, ms: MS };
    loads[connections] = await load({ url, connections, ...times, status: 202, next });
  }
  return loads as Loads;
}

/** Pushes of one commit each, so that each is a deploy of its own and the one that waits gives way to it. */
async function signedPushes(secret: string): Promise<Message[]> {
  return Promise.all(
    Array.from({ length: PUSHES }, async (_, n) => {
      const body = pushOf(DEFAULT_BRANCH, randomBytes(20).toString("hex"), `Change ${n}`);
      const headers = {
        "content-type": "application/json",
        "content-length": String(Buffer.byteLength(body)),
        "user-agent": "GitHub-Hookshot/044aadd",
        "x-github-event": "push",
        "x-hub-signature-256": await sign(secret, body),
      };
      return { headers, body };
    }),
  );
}
