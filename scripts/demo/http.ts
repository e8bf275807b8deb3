/** An answer, read whole. */
export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body as JSON, or null when it is none. */
  readonly json: unknown;
}

const TIMEOUT_MS = 70_000;

/** One request, bounded in time, its answer read whole. Redirects are answers too. */
export async function send(url: string, init: RequestInit = {}): Promise<Reply> {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const response = await fetch(url, { redirect: "manual", signal, ...init });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, json: parse(text) };
}

/** The body of a reply that must be a success. */
export function expectOk<T>(what: string, reply: Reply): T {
  if (reply.status < 200 || reply.status > 299) {
    throw new Error(`${what} was answered ${reply.status}: ${reply.text.slice(0, 500)}`);
  }
  return reply.json as T;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
