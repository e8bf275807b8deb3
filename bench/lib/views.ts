import { percentile } from "./figure.ts";
import { cpuMs } from "./process.ts";
import type { SignalboxSide } from "./sides.ts";

const WARM_UP = 50;
const VIEWS = 200;

export interface View {
  /** Half of them took at most so long. */
  readonly p50: number;
  /** Processor time of one, which a busy machine does not change. */
  readonly cpu: number;
}

/** Asks one after the other, each from the request to the last byte. What comes must hold `wanted`. */
export async function views(
  { url, pid }: SignalboxSide,
  path: string,
  headers: Readonly<Record<string, string>>,
  wanted: string,
): Promise<View> {
  const taken: number[] = [];
  let before = 0;
  for (let n = 0; n < WARM_UP + VIEWS; n++) {
    if (n === WARM_UP) {
      before = cpuMs(pid);
    }
    const sent = performance.now();
    const response = await fetch(url + path, { headers });
    const text = await response.text();
    taken.push(performance.now() - sent);
    if (response.status !== 200 || !text.includes(wanted)) {
      throw new Error(`${path} was answered ${response.status}: ${text.slice(0, 200)}`);
    }
  }
  const cpu = (cpuMs(pid) - before) / VIEWS;
  return { p50: percentile(taken.slice(WARM_UP), 0.5), cpu };
}

/** The cookie of a session that may do all. */
export async function signIn({ url, token }: SignalboxSide): Promise<string> {
  const response = await fetch(`${url}/sign-in`, {
    method: "POST",
    headers: { origin: url },
    body: new URLSearchParams({ token }),
    redirect: "manual",
  });
  const [cookie = ""] = response.headers.getSetCookie();
  if (response.status !== 303) {
    throw new Error(`Signing in was answered ${response.status}.`);
  }
  return cookie.split(";")[0] ?? "";
}
