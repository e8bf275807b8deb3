import type { HookSettings } from "../../project/hook-settings.ts";
import { cloudflare } from "./cloudflare.ts";
import { signedCms } from "./cms/signed.ts";
import { timedCms } from "./cms/timed.ts";
import { unsignedCms } from "./cms/unsigned.ts";
import {
  basicAuth,
  bearerToken,
  customHmac,
  deployHook,
  secretHeader,
  standardWebhooks,
  svix,
} from "./generic.ts";
import { azureDevops } from "./git/azure-devops.ts";
import { bitbucketServer } from "./git/bitbucket-server.ts";
import { bitbucket } from "./git/bitbucket.ts";
import { forgejo, gitea, gogs } from "./git/gitea.ts";
import { github } from "./git/github.ts";
import { gitlab } from "./git/gitlab.ts";
import { chooseMode, type Chosen } from "./modes.ts";
import type { Source } from "./source.ts";

/** Every source, by the name its hooks carry. */
export const sources = {
  github,
  gitlab,
  gitea,
  forgejo,
  gogs,
  bitbucket,
  "bitbucket-server": bitbucketServer,
  "azure-devops": azureDevops,
  "standard-webhooks": standardWebhooks,
  svix,
  hmac: customHmac,
  header: secretHeader,
  bearer: bearerToken,
  basic: basicAuth,
  url: deployHook,
  ...timedCms,
  ...signedCms,
  ...unsignedCms,
  cloudflare,
} as const satisfies Record<string, Source>;

export type SourceName = keyof typeof sources;

export const SOURCE_NAMES = Object.keys(sources) as [SourceName, ...SourceName[]];

/** The source of a hook, or `null` for a name that none has. */
export function findSource(name: string): Source | null {
  return Object.hasOwn(sources, name) ? sources[name as SourceName] : null;
}

/**
 * By what a hook's deliveries are checked and read: nothing but the hook itself decides.
 *
 * @throws for a hook that could not have been made; it is answered as a fault of ours, and nothing gets in.
 */
export function provenBy(hook: {
  readonly source: string;
  readonly settings: Pick<HookSettings, "auth">;
}): Chosen & { readonly source: Source } {
  const source = findSource(hook.source);
  const chosen = source === null ? null : chooseMode(source, hook.settings.auth);
  if (source === null || !chosen?.ok) {
    throw new Error(`a hook has a source or mode that is not known: ${hook.source}`);
  }
  return { source, ...chosen.value };
}
