import { KINDS } from "../notify/kinds.ts";
import { retryAfter, type Answer, type Verdict } from "../notify/kind.ts";
import { secretsOf } from "../env.ts";
import { excerpt, EXCERPT_MARGIN, redact } from "../security/redact.ts";
import { beginning } from "./beginning.ts";
import type { Context } from "./context.ts";
import { projectRow } from "./rows.ts";
import type { Event } from "./shapes.ts";
import { recall } from "./learnt.ts";
import { headersSeal, subscriberSeal, type SubscriberRow } from "./subscribers.ts";
import { asTold } from "./test-event.ts";

const TIMEOUT_MS = 15_000;
const EXCERPT_BYTES = 4096;
/** Shorter words in headers are no secrets, and would be found in any text. */
const MIN_SECRET = 8;
/** Shorter parts of a secret URL are words such as "services". */
const MIN_PART = 16;
/** More calls than any one event takes: a side that always has another page is left alone. */
const MAX_CALLS = 20;

/** What came of one attempt. */
export interface Attempt extends Verdict {
  readonly status: number | null;
  readonly ms: number;
  readonly excerpt: string;
  readonly retryAfterMs: number | null;
}

/** Tells one event once, in however many calls its kind needs. Never throws for what the other side does. */
export async function send(
  context: Context,
  row: SubscriberRow,
  event: Event,
  attempt: number,
): Promise<Attempt> {
  const config = await context.config();
  const started = context.now();
  const nothing = { status: null, excerpt: "", retryAfterMs: null };
  const failed = (error: string): Attempt => ({
    ...nothing,
    delivered: false,
    error,
    gone: null,
    ms: context.now() - started,
  });
  const opened = await open(context, row);
  if (opened === null) {
    return failed("Its secret can't be unsealed: the key that sealed it is not in SIGNALBOX_KEYS.");
  }
  const { secrets, headers } = opened;
  const hidden = [...secretsOf(config), ...secrets, ...Object.values(headers).flatMap(wordsOf)];
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const answers: Answer[] = [];
  const told = asTold(event);
  const kind = KINDS[row.kind];
  if (kind.proof === "url") {
    hidden.push(...secrets.flatMap(partsOf));
  }
  const message = {
    event: told,
    attempt,
    at: started,
    url: row.url,
    secrets,
    headers,
    host: JSON.parse(row.host) as unknown,
    kept: recall(context, row, told),
  };
  const limit = Math.max(EXCERPT_BYTES + EXCERPT_MARGIN, kind.answerBytes ?? 0);
  let last: Pick<Attempt, keyof typeof nothing> = nothing;
  try {
    for (;;) {
      const step = await kind.next(message, answers);
      if (!("url" in step)) {
        const error = step.error === null ? null : redact(step.error, hidden);
        const gone = step.gone === null ? null : redact(step.gone, hidden);
        const retryAfterMs = step.afterMs ?? last.retryAfterMs;
        return { ...last, ...step, error, gone, retryAfterMs, ms: context.now() - started };
      }
      if (answers.length === MAX_CALLS) {
        return failed(`It takes more than ${MAX_CALLS} calls.`);
      }
      hidden.push(...wordsOf(step.headers["authorization"] ?? ""));
      const response = await fetch(step.url, {
        method: step.method ?? "POST",
        headers: step.headers,
        body: step.body,
        redirect: "manual",
        signal,
      });
      const bytes = await beginning(response, limit);
      answers.push({
        status: response.status,
        headers: response.headers,
        text: new TextDecoder().decode(bytes),
      });
      last = {
        status: response.status,
        excerpt: excerpt(bytes.subarray(0, EXCERPT_BYTES + EXCERPT_MARGIN), hidden, EXCERPT_BYTES),
        retryAfterMs: retryAfter(response, context.now()),
      };
    }
  } catch (error) {
    const name = error instanceof Error ? error.name : "";
    return failed(
      name === "TimeoutError"
        ? `No answer within ${TIMEOUT_MS / 1000} s.`
        : redact(`It could not be reached: ${String(error)}`, hidden).slice(0, 200),
    );
  }
}

/** A value may be a scheme and a token: either is hidden, whole or in part. */
function wordsOf(value: string): string[] {
  return [value, ...value.split(" ")].filter((text) => text.length >= MIN_SECRET);
}

/** What servers tell of the address that they were asked at: its path, and what in it or in the query nobody can guess. */
function partsOf(url: string): string[] {
  const { pathname, search, searchParams } = new URL(url);
  const parts = [...pathname.split("/"), ...searchParams.values()];
  return [pathname + search, pathname, ...parts].filter((text) => text.length >= MIN_PART);
}

/** What of a subscriber is sealed; null where a key is gone. */
async function open(
  context: Context,
  row: SubscriberRow,
): Promise<{ secrets: string[]; headers: Record<string, string> } | null> {
  const { keyring } = await context.config();
  const { key } = projectRow(context.sql);
  const old = (row.old_secret_until ?? 0) > context.now() ? row.old_secret : null;
  const sealed = old === null ? [row.secret] : [row.secret, old];
  const seal = subscriberSeal(key, row.id);
  const secrets = await Promise.all(sealed.map(async (text) => keyring.unseal(seal, text)));
  const headers =
    row.headers === null ? "{}" : await keyring.unseal(headersSeal(key, row.id), row.headers);
  return headers === null || secrets.includes(null)
    ? null
    : {
        secrets: secrets.filter((secret) => secret !== null),
        headers: JSON.parse(headers) as Record<string, string>,
      };
}
