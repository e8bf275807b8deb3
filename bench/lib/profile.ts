import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { SourceMap } from "node:module";
import type { SourceMapPayload, SourceMapping } from "node:module";
import { build } from "../../scripts/lib/build.ts";

/** What V8 says of where time went (Chrome DevTools protocol, `Profiler.Profile`). */
interface Profile {
  readonly nodes: readonly Node[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}
interface Node {
  readonly id: number;
  readonly callFrame: {
    readonly functionName: string;
    readonly url: string;
    readonly lineNumber: number;
    readonly columnNumber: number;
  };
  readonly children?: readonly number[];
}

export interface Place {
  /** File, line and what stands there. */
  readonly name: string;
  /** Shares of the time that the process did not idle: in the function itself, and with what it calls. */
  readonly self: number;
  readonly total: number;
}

const EVERY_MICROSECONDS = 200;
const LIMIT_MS = 30_000;

/** Where a Worker spends its processor time while `work` goes on, most first. */
export async function profiled(port: number, work: () => Promise<unknown>): Promise<Place[]> {
  await using inspector = await Inspector.open(port);
  await inspector.ask("Profiler.enable");
  await inspector.ask("Profiler.setSamplingInterval", { interval: EVERY_MICROSECONDS });
  await inspector.ask("Profiler.start");
  await work();
  const { profile } = await inspector.ask<{ profile: Profile }>("Profiler.stop");
  return places(profile, await originOf());
}

class Inspector implements AsyncDisposable {
  readonly #socket: WebSocket;
  readonly #asked = new Map<number, (answer: unknown) => void>();

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener("message", ({ data }) => {
      const { id, result } = JSON.parse(String(data)) as { id?: number; result?: unknown };
      this.#asked.get(id ?? 0)?.(result);
    });
  }

  static async open(port: number): Promise<Inspector> {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/main`);
    await once(socket, "open", { signal: AbortSignal.timeout(LIMIT_MS) });
    return new Inspector(socket);
  }

  async ask<T>(method: string, params: object = {}): Promise<T> {
    const id = this.#asked.size + 1;
    const { promise, resolve: answer, reject } = Promise.withResolvers<unknown>();
    this.#asked.set(id, answer);
    const late = setTimeout(() => reject(new Error(`No answer to ${method}.`)), LIMIT_MS);
    this.#socket.send(JSON.stringify({ id, method, params }));
    return (await promise.finally(() => clearTimeout(late))) as T;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close();
    await once(this.#socket, "close");
  }
}

function places({ nodes, samples, timeDeltas }: Profile, origin: Origin): Place[] {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const self = new Map<number, number>();
  samples.forEach((id, n) => self.set(id, (self.get(id) ?? 0) + (timeDeltas[n] ?? 0)));
  const selfOf = new Map<string, number>();
  const totalOf = new Map<string, number>();
  const add = (sums: Map<string, number>, name: string, time: number): void => {
    sums.set(name, (sums.get(name) ?? 0) + time);
  };
  // What calls itself counts once in its total.
  const walk = (node: Node, above: ReadonlySet<string>): number => {
    const name = origin(node);
    const own = self.get(node.id) ?? 0;
    const inside = new Set(above).add(name);
    const time = (node.children ?? []).reduce((sum, id) => {
      const child = byId.get(id);
      return child === undefined ? sum : sum + walk(child, inside);
    }, own);
    add(selfOf, name, own);
    if (!above.has(name)) {
      add(totalOf, name, time);
    }
    return time;
  };
  const [root] = nodes;
  const all = root === undefined ? 0 : walk(root, new Set());
  const busy = all - (selfOf.get("(idle)") ?? 0);
  return [...selfOf]
    .filter(([name]) => name !== "(idle)" && name !== "(root)")
    .map(([name, time]) => ({
      name,
      self: time / busy,
      total: (totalOf.get(name) ?? 0) / busy,
    }))
    .toSorted((a, b) => b.self - a.self);
}

type Origin = (node: Node) => string;

/** By the source map of the bundle: its own names are short and say nothing. */
async function originOf(): Promise<Origin> {
  const { bundle } = await build();
  const payload = JSON.parse(await readFile(`${bundle}.map`, "utf8")) as SourceMapPayload;
  const map = new SourceMap(payload);
  const lines = new Map(
    payload.sources.map((source, n) => [source, payload.sourcesContent?.[n]?.split("\n") ?? []]),
  );
  return ({ callFrame: { functionName, url, lineNumber, columnNumber } }) => {
    const entry = url === "" ? {} : map.findEntry(lineNumber, columnNumber);
    if (!isMapped(entry)) {
      return functionName || url || "(anonymous)";
    }
    const { originalSource: source, originalLine: line } = entry;
    // They are relative to where the bundle was made, which is somewhere below the root.
    const file = source.replace(/^(?:\.\.\/)+/, "");
    return `${file}:${line + 1} ${lines.get(source)?.[line]?.trim() ?? ""}`;
  };
}

function isMapped(entry: object): entry is SourceMapping {
  return "originalSource" in entry;
}
