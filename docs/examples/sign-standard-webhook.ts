import { Webhook } from "standardwebhooks";

/** From the answer to making a hook of the source `standard-webhooks`. Both are secrets. */
export interface DeployHook {
  readonly url: string;
  readonly secret: string;
}

/** What became of the delivery. */
export interface Answer {
  readonly results: readonly {
    readonly branch: string | null;
    readonly outcome: string;
    readonly reason: string | null;
    readonly deploy_id: string | null;
  }[];
  /** Why there is nothing to deploy; `null` when `results` says it all. */
  readonly reason: string | null;
}

const TIMEOUT_MS = 10_000;

/**
 * Asks Signalbox for a deploy. `event` is anything that JSON can hold; the hook's `fields` say what is read of it.
 *
 * @param options.id give the same one when you send again after a failure: it makes no second deploy
 * @throws when there is no answer in time, or one that is not a 2xx
 */
export async function requestDeploy(
  hook: DeployHook,
  event: object,
  options: { readonly id?: string; readonly fetch?: typeof fetch } = {},
): Promise<Answer> {
  const { id = `msg_${crypto.randomUUID()}`, fetch: send = fetch } = options;
  // Signed and sent as one text: written twice, it might differ.
  const body = JSON.stringify(event);
  const now = new Date();
  const response = await send(hook.url, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "webhook-id": id,
      "webhook-timestamp": String(Math.floor(now.getTime() / 1_000)),
      "webhook-signature": new Webhook(hook.secret).sign(id, now, body),
    },
    body,
    // Signalbox does not redirect, so something else would be answering.
    redirect: "manual",
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const text = await response.text();
  if (!response.ok) {
    throw new Error(`Signalbox answered ${response.status}: ${detailIn(text)}`);
  }
  return JSON.parse(text) as Answer;
}

/** Refusals are JSON with a `detail`. What a proxy in between answers may be anything. */
function detailIn(text: string): string {
  try {
    const { detail } = JSON.parse(text) as { detail?: unknown };
    return typeof detail === "string" ? detail : "no reason was given.";
  } catch {
    return "no reason was given.";
  }
}
