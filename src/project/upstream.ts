import { CloudflareClient, type Answer } from "../cloudflare/client.ts";
import { noCredential } from "../cloudflare/errors.ts";
import { credentialFor } from "../cloudflare/credential.ts";
import type { AskedBuild } from "../instance/builds.ts";
import type { Instance, Permit } from "../instance/instance.ts";
import type { PermitKind } from "../instance/budget.ts";
import { instanceOf, type Remote } from "../objects.ts";
import { err } from "../result.ts";
import type { Context } from "./context.ts";

/** How long to wait before asking again when the instance itself did not answer. */
const NO_INSTANCE_MS = 2_000;

export type Called<T> =
  | { readonly permitted: true; readonly answer: Answer<T> }
  | { readonly permitted: false; readonly until: number };

/** Asks for one permit, for the call that starts a build together with its place. Without one, `until` says when to try again. */
export async function permit(
  context: Context,
  kind: PermitKind,
  build: AskedBuild | null = null,
): Promise<Permit> {
  try {
    const permit = await instanceOf(context.env).permit(accountOf(context), kind, build);
    if (permit.granted) {
      context.credential = permit.credential;
    }
    return permit;
  } catch {
    return { granted: false, until: context.now() + NO_INSTANCE_MS, full: false };
  }
}

/** One call to Cloudflare with a permit for it; a 429 is reported, so that everybody keeps quiet. */
export async function call<T>(
  context: Context,
  kind: PermitKind,
  ask: (client: CloudflareClient) => Promise<Answer<T>>,
): Promise<Called<T>> {
  const allowed = await permit(context, kind);
  return allowed.granted
    ? { permitted: true, answer: await callPermitted(context, ask) }
    : { permitted: false, until: allowed.until };
}

/** The same for a permit that is already held. */
export async function callPermitted<T>(
  context: Context,
  ask: (client: CloudflareClient) => Promise<Answer<T>>,
): Promise<Answer<T>> {
  const config = await context.config();
  const accountId = accountOf(context);
  const credential = await credentialFor(config, accountId, context.credential);
  if (credential === null) {
    return err(noCredential(accountId));
  }
  const answer = await ask(
    new CloudflareClient({
      baseUrl: config.apiBaseUrl,
      accountId,
      credential,
      onFewLeft: (calls, forMs) =>
        report(context, (instance) =>
          instance.announced(accountId, { calls, until: context.now() + forMs }),
        ),
    }),
  );
  if (!answer.ok && answer.error.kind === "limited") {
    const until = context.now() + (answer.error.retryAfterMs ?? 0);
    await report(context, (instance) => instance.blocked(accountId, until));
  }
  return answer;
}

async function report(
  context: Context,
  tell: (instance: Remote<Instance>) => Promise<void>,
): Promise<void> {
  try {
    await tell(instanceOf(context.env));
  } catch (error) {
    console.error({ message: "a limit could not be reported", error: String(error) });
  }
}

function accountOf(context: Context): string {
  return (
    context.sql.one<{ account_id: string }>("SELECT account_id FROM project")?.account_id ?? ""
  );
}
