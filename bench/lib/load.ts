import { Agent, request } from "node:http";

export interface Message {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface Load {
  /** Answers per second. */
  readonly rate: number;
  /** Half of the answers came within so many milliseconds. */
  readonly p50: number;
}

const TIMEOUT_MS = 10_000;

/**
 * Posts one message after the other on each of so many kept connections, for `warmUpMs` and then for the time that
 * counts. Throws at the first answer of another status than expected.
 */
export async function load(options: {
  readonly url: string;
  readonly connections: number;
  readonly warmUpMs: number;
  readonly ms: number;
  readonly status: number;
  readonly next: () => Message;
}): Promise<Load> {
  const { url, connections, warmUpMs, ms, status, next } = options;
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const begin = performance.now() + warmUpMs;
  const end = begin + ms;
  const durations: number[] = [];
  try {
    await Promise.all(
      Array.from({ length: connections }, async () => {
        for (let sent = performance.now(); sent < end;) {
          const answer = await post(url, next(), agent);
          if (answer !== status) {
            throw new Error(`An answer was ${answer}, not ${status}.`);
          }
          const answered = performance.now();
          if (sent >= begin && answered <= end) {
            durations.push(answered - sent);
          }
          sent = answered;
        }
      }),
    );
  } finally {
    agent.destroy();
  }
  const sorted = durations.toSorted((a, b) => a - b);
  return {
    rate: (sorted.length / ms) * 1000,
    p50: sorted[Math.floor(sorted.length / 2)] ?? Infinity,
  };
}

async function post(url: string, { headers, body }: Message, agent: Agent): Promise<number> {
  return new Promise((resolve, reject) => {
    const sending = request(url, { method: "POST", headers, agent });
    sending.setTimeout(TIMEOUT_MS, () => sending.destroy(new Error(`No answer from ${url}.`)));
    sending.on("error", reject);
    sending.on("response", (response) => {
      response.on("error", reject);
      response.on("end", () => resolve(response.statusCode ?? 0));
      response.resume();
    });
    sending.end(body);
  });
}
