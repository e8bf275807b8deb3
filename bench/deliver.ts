import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import { askedAt } from "../scripts/demo/journal.ts";
import type { Signalbox } from "../scripts/demo/signalbox.ts";
import { until } from "../scripts/demo/wait.ts";
import type { Accepted, Event } from "../src/project/shapes.ts";
import { compare, percentile } from "./lib/figure.ts";
import type { Figure } from "./lib/figure.ts";
import { startSignalbox } from "./lib/sides.ts";
import type { SignalboxSide } from "./lib/sides.ts";

const HEALTHY = 8;
/** A receiver somewhere on the internet, not in the same process. */
const ANSWER_MS = 20;
const SLOW_MS = 14_000;
const PHASE_MS = 12_000;
const BETWEEN_EVENTS_MS = 200;
const PROJECT = "/v1/projects/blog";

/** What healthy subscribers and a deploy went through while events happened. */
interface Phase {
  /** From each event to its arrival. */
  readonly latencies: readonly number[];
  readonly deployMs: number;
}

/**
 * How long healthy subscribers wait for an event, and a deploy for Cloudflare, with black holes and a slow subscriber
 * beside them, held against the same without. One process: what is compared is before and after.
 */
export async function deliver(_: number, say: (line: string) => void): Promise<Figure[]> {
  await using receivers = await Receivers.start();
  await using side = await startSignalbox(async ({ signalbox }) => {
    await signalbox.ask("PUT", PROJECT, { native_builds: "off" });
    for (let n = 0; n < HEALTHY; n++) {
      await signalbox.ask("POST", `${PROJECT}/subscribers`, { url: `${receivers.url}/well/${n}` });
    }
  });
  // One event for each to be known as quick.
  await happen(side.signalbox, 2_000);
  say("deliver: healthy ones alone");
  const alone = await phase(side, receivers);
  say("deliver: with two black holes and a slow one");
  for (const path of ["hole/1", "hole/2", "slow"]) {
    await side.signalbox.ask("POST", `${PROJECT}/subscribers`, { url: `${receivers.url}/${path}` });
  }
  await happen(side.signalbox, 1_000);
  const beside = await phase(side, receivers);
  const within = (share: number, { latencies }: Phase): number[] => [percentile(latencies, share)];
  const name = "without";
  const bound = { kind: "at most", value: 1.5, firm: false } as const;
  return [
    compare("half of the events arrive beside black holes in", "ms", within(0.5, beside), {
      name,
      samples: within(0.5, alone),
    }),
    compare(
      "99 of 100 events arrive beside black holes in",
      "ms",
      within(0.99, beside),
      { name, samples: within(0.99, alone) },
      bound,
    ),
    compare(
      "a deploy is asked for beside black holes in",
      "ms",
      [beside.deployMs],
      { name, samples: [alone.deployMs] },
      bound,
    ),
  ];
}

async function phase({ signalbox, pages }: SignalboxSide, receivers: Receivers): Promise<Phase> {
  const from = receivers.latencies.length;
  const happening = happen(signalbox, PHASE_MS);
  const { deploy } = await signalbox.ask<Accepted>("POST", `${PROJECT}/deploys`, {
    branch: "main",
  });
  const { created_at, deployment } = await signalbox.ended("blog", deploy?.id ?? "");
  const asked = askedAt(await pages.journal(), deployment?.id ?? "");
  const wanted = from + (await happening) * HEALTHY;
  await until("every healthy subscriber is told", () => receivers.latencies.length >= wanted);
  return {
    latencies: receivers.latencies.slice(from),
    deployMs: asked - Date.parse(created_at),
  };
}

/** Locks and unlocks previews, which is an event each time; says how many. */
async function happen(signalbox: Signalbox, ms: number): Promise<number> {
  const end = Date.now() + ms;
  let count = 0;
  while (Date.now() < end) {
    const path = `${PROJECT}/locks`;
    const body = { reason: "bench", environment: "preview" };
    const { id } = await signalbox.ask<{ id: string }>("POST", path, body);
    await delay(BETWEEN_EVENTS_MS);
    await signalbox.send("DELETE", `${path}/${id}`);
    await delay(BETWEEN_EVENTS_MS);
    count += 2;
  }
  return count;
}

/** One server in the place of all subscribers; how each behaves is in its path. */
class Receivers implements AsyncDisposable {
  readonly url: string;
  /** Of the healthy ones, in milliseconds from each event to its arrival. */
  readonly latencies: number[] = [];
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on("request", (request, response) => void this.#take(request, response));
  }

  static async start(): Promise<Receivers> {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new Receivers(server);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { timestamp } = (await json(request)) as Event;
    const path = request.url ?? "";
    if (path.startsWith("/hole")) {
      return;
    }
    if (path.startsWith("/well")) {
      this.latencies.push(Date.now() - Date.parse(timestamp));
    }
    const ms = path === "/slow" ? SLOW_MS : ANSWER_MS;
    setTimeout(() => response.writeHead(204).end(), ms).unref();
  }
}
