import { beginning } from "./beginning.ts";
import type { HealthCheck } from "./policy.ts";

const TIMEOUT_MS = 10_000;
/** A page's head and most of its body; what a check looks for should stand there. */
const READ_BYTES = 256 * 1024;
const SHORT_HASH = 7;

/** What a site answered, or why it did not. */
export type Answered =
  | { readonly status: number; readonly headers: Headers; readonly body: string }
  | { readonly failure: string };

/** The address of a check, if it is one of the project's own. */
export function probeUrl(url: string, domains: readonly string[]): URL | null {
  const [home = ""] = domains;
  const parsed = URL.parse(url, `https://${home}`);
  const own =
    parsed !== null &&
    parsed.protocol === "https:" &&
    parsed.port === "" &&
    parsed.username === "" &&
    parsed.password === "" &&
    domains.includes(parsed.hostname);
  return own ? parsed : null;
}

/** What is not as the check wants it, as the end of a sentence about the address; null: all is. */
export function judge(
  check: Omit<HealthCheck, "url">,
  answered: Answered,
  commitHash: string | null,
): string | null {
  if ("failure" in answered) {
    return answered.failure;
  }
  const { status, headers, body } = answered;
  if (status !== check.status) {
    return `answered ${status} instead of ${check.status}`;
  }
  if (check.header !== null) {
    const { name, value } = check.header;
    const found = headers.get(name);
    if (found?.trim() !== value.trim()) {
      return found === null
        ? `answered without the header ${name}`
        : `answered with another ${name}`;
    }
  }
  if (check.contains !== null && !body.includes(check.contains)) {
    return `does not hold the text “${check.contains}”`;
  }
  if (check.commit && commitHash !== null && !body.includes(commitHash.slice(0, SHORT_HASH))) {
    return `does not name the commit ${commitHash.slice(0, SHORT_HASH)}`;
  }
  return null;
}

/** One GET, which never throws. `sites`: where a local stack serves host names that nobody else answers to. */
export async function probe(url: URL, sites: string | null): Promise<Answered> {
  const at = sites === null ? url : `${sites}/${url.hostname}${url.pathname}${url.search}`;
  try {
    const response = await fetch(at, {
      headers: { "user-agent": "Signalbox-Health/1", "cache-control": "no-cache" },
      redirect: "manual",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const bytes = await beginning(response, READ_BYTES);
    const body = new TextDecoder().decode(bytes);
    return { status: response.status, headers: response.headers, body };
  } catch (error) {
    const late = error instanceof Error && error.name === "TimeoutError";
    const failure = late ? `did not answer within ${TIMEOUT_MS / 1_000} s` : "could not be reached";
    return { failure };
  }
}
