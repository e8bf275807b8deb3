import type { Context } from "hono";

import { CloudflareClient, type Answer } from "../cloudflare/client.ts";
import {
  isAuthError,
  noCredential,
  PROJECT_NOT_FOUND,
  type UpstreamError,
} from "../cloudflare/errors.ts";
import { credentialFor, type Credential } from "../cloudflare/credential.ts";
import { Problem } from "../problem.ts";
import { accountIn, askInstance, type AppEnv } from "./context.ts";

/** A person waits for this, so a permit that comes soon is worth waiting for, and one that comes late is not. */
const PATIENCE_MS = 10_000;

/** One call to Cloudflare on somebody's behalf, within the budget of all. A 429 is reported, so that all keep quiet. */
export async function askCloudflare<T>(
  c: Context<AppEnv>,
  ask: (client: CloudflareClient) => Promise<Answer<T>>,
): Promise<Answer<T>> {
  const { config } = c.var;
  const accountId = accountIn(c);
  const sealed = await takePermit(c, accountId);
  const credential = await credentialFor(config, accountId, sealed);
  if (credential === null) {
    throw new Problem("account_not_found", noCredential(accountId).message);
  }
  return askAs(c, { accountId, credential }, ask);
}

/** The same with a permit that was taken before, and a credential that may be none of the stored ones. */
export async function askAs<T>(
  c: Context<AppEnv>,
  { accountId, credential }: { readonly accountId: string; readonly credential: Credential },
  ask: (client: CloudflareClient) => Promise<Answer<T>>,
): Promise<Answer<T>> {
  const { apiBaseUrl: baseUrl } = c.var.config;
  const onFewLeft = (calls: number, forMs: number): Promise<void> =>
    askInstance(c, (instance) =>
      instance.announced(accountId, { calls, until: Date.now() + forMs }),
    );
  const answer = await ask(new CloudflareClient({ baseUrl, accountId, credential, onFewLeft }));
  if (!answer.ok && answer.error.kind === "limited") {
    const until = Date.now() + (answer.error.retryAfterMs ?? 0);
    await askInstance(c, (instance) => instance.blocked(accountId, until));
  }
  return answer;
}

/** One permit for a call about an account; gives its credential, sealed, where that is not the configured one. */
export async function takePermit(c: Context<AppEnv>, account: string): Promise<string | null> {
  for (let waited = 0; ;) {
    const permit = await askInstance(c, (instance) => instance.permit(account, "call"));
    if (permit.granted) {
      return permit.credential;
    }
    const pause = Math.max(50, permit.until - Date.now());
    waited += pause;
    if (waited > PATIENCE_MS) {
      throw new Problem(
        "budget_spent",
        "Cloudflare's API limit is used up for the moment. Try again later.",
        { headers: { "retry-after": String(Math.ceil(pause / 1000)) } },
      );
    }
    await scheduler.wait(pause);
  }
}

/** What Cloudflare answered; a failure becomes a problem that says whose fault it is. */
export function answered<T>(answer: Answer<T>): T {
  if (answer.ok) {
    return answer.value;
  }
  const { error } = answer;
  if (isAuthError(error)) {
    throw new Problem(
      "upstream_auth",
      `Cloudflare did not accept the stored credential: ${error.message} Check CLOUDFLARE_API_TOKEN (of a further account, what PUT /v1/accounts/:account stored) and its permission "Cloudflare Pages: Edit".`,
    );
  }
  switch (error.kind) {
    case "limited":
      throw new Problem("budget_spent", `Cloudflare's API limit was reached: ${error.message}`, {
        headers: { "retry-after": String(Math.ceil((error.retryAfterMs ?? 1000) / 1000)) },
      });
    case "refused":
      throw new Problem("upstream_refused", `Cloudflare refused: ${error.message}`);
    case "unknown":
      throw new Problem("upstream_unavailable", `${error.message} Try again in a moment.`);
  }
}

export function isMissingProject(error: UpstreamError): boolean {
  return error.kind === "refused" && (error.code === PROJECT_NOT_FOUND || error.status === 404);
}
