import type { Context } from "hono";

import { CloudflareClient, type Answer } from "../cloudflare/client.ts";
import { isAuthError, PROJECT_NOT_FOUND, type UpstreamError } from "../cloudflare/errors.ts";
import { Problem } from "../problem.ts";
import { askInstance, type AppEnv } from "./context.ts";

/** A person waits for this, so a permit that comes soon is worth waiting for, and one that comes late is not. */
const PATIENCE_MS = 10_000;

/** One call to Cloudflare on somebody's behalf, within the budget of all. A 429 is reported, so that all keep quiet. */
export async function askCloudflare<T>(
  c: Context<AppEnv>,
  ask: (client: CloudflareClient) => Promise<Answer<T>>,
): Promise<Answer<T>> {
  await takePermit(c);
  const { apiBaseUrl, accountId, credential } = c.var.config;
  const answer = await ask(new CloudflareClient({ baseUrl: apiBaseUrl, accountId, credential }));
  if (!answer.ok && answer.error.kind === "limited") {
    const until = Date.now() + (answer.error.retryAfterMs ?? 0);
    await askInstance(c, (instance) => instance.blocked(until));
  }
  return answer;
}

export async function takePermit(c: Context<AppEnv>): Promise<void> {
  for (let waited = 0; ;) {
    const permit = await askInstance(c, (instance) => instance.permit("call"));
    if (permit.granted) {
      return;
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
      `Cloudflare did not accept the stored credential: ${error.message} Check CLOUDFLARE_API_TOKEN and its permission "Cloudflare Pages: Edit".`,
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
