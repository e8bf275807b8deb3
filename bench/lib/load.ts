import { Agent, request } from "node:http";
import { text } from "node:stream/consumers";
import { percentile } from "./figure.ts";
import { cpuMs } from "./process.ts";

export interface Message {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface Load {
  /** Answers per second. */
  readonly rate: number;
  /** Half of the answers came within so many milliseconds. */
  readonly p50: number;
  /** Processor time of one answer, in milliseconds, which a busy machine hardly changes. */
  readonly cpu: number;
}

export interface Answer {
  readonly text: string;
  readonly ms: number;
}

const TIMEOUT_MS = 10_000;

/**
 * Posts one message after the other on each of so many kept connections, for `warmUpMs` and then for the time in which
 * answers count; to each of the addresses in turn. Throws at the first answer of another status than expected.
 */
export async function load(options: {
  readonly urls: readonly string[];
  /** The process that answers. */
  readonly pid: number;
  readonly connections: number;
  readonly warmUpMs: number;
  readonly ms: number;
  readonly status: number;
  readonly next: () => Message;
}): Promise<Load> {
  const { urls, pid, connections, warmUpMs, ms, status, next } = options;
  const begin = performance.now() + warmUpMs;
  const end = begin + ms;
  const durations: number[] = [];
  let asked = 0;
  let counted = 0;
  let before = 0;
  setTimeout(() => {
    before = cpuMs(pid);
    counted = 0;
  }, warmUpMs);
  await onEach(connections, async (agent) => {
    for (let sent = performance.now(); sent < end;) {
      await post(urls[asked++ % urls.length] ?? "", next(), status, agent);
      const answered = performance.now();
      counted += 1;
      if (answered >= begin && answered <= end) {
        durations.push(answered - sent);
      }
      sent = answered;
    }
  });
  return {
    rate: (durations.length / ms) * 1000,
    p50: percentile(durations, 0.5),
    cpu: (cpuMs(pid) - before) / counted,
  };
}

/** Posts each of the messages once, on so many kept connections, and keeps what was answered, in their order. */
export async function sendAll(options: {
  readonly url: string;
  readonly connections: number;
  readonly status: number;
  readonly messages: readonly Message[];
}): Promise<Answer[]> {
  const { url, connections, status, messages } = options;
  const answers: Answer[] = [];
  const left = messages.entries();
  await onEach(connections, async (agent) => {
    for (const [n, message] of left) {
      const sent = performance.now();
      const answer = await post(url, message, status, agent);
      answers[n] = { text: answer, ms: performance.now() - sent };
    }
  });
  return answers;
}

async function onEach(connections: number, go: (agent: Agent) => Promise<void>): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  try {
    await Promise.all(Array.from({ length: connections }, () => go(agent)));
  } finally {
    agent.destroy();
  }
}

async function post(
  url: string,
  { headers, body }: Message,
  status: number,
  agent: Agent,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const sending = request(url, { method: "POST", headers, agent });
    sending.setTimeout(TIMEOUT_MS, () => sending.destroy(new Error(`No answer from ${url}.`)));
    sending.on("error", reject);
    sending.on("response", (response) => {
      text(response).then((answer) => {
        if (response.statusCode === status) {
          resolve(answer);
        } else {
          reject(
            new Error(
              `An answer was ${response.statusCode}, not ${status}: ${answer.slice(0, 500)}`,
            ),
          );
        }
      }, reject);
    });
    sending.end(body);
  });
}
