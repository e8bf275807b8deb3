import * as z from "zod";
import type { Context } from "hono";

import { GIT_HOSTS, type GitKind } from "../notify/git/hosts.ts";
import { Token } from "../notify/git/settings.ts";
import { KINDS, type SubscriberKind } from "../notify/kinds.ts";
import { Problem } from "../problem.ts";
import { invalid } from "./answer.ts";
import { given, type AppEnv } from "./context.ts";
import { checkUrl } from "./subscriber-secrets.ts";

const GIT = "For github, gitlab, bitbucket and gitea";

/** Where a subscriber is, and what gets us in there: a URL, or a repository and a token. */
export const Place = {
  url: z
    .string()
    .max(2048)
    .optional()
    .meta({ description: "For webhook, slack, discord and teams: https on port 443." }),
  repository: z
    .string()
    .max(500)
    .optional()
    .meta({ description: `${GIT}: \`owner/name\`.` }),
  token: Token.optional().meta({ description: `${GIT}. Stored sealed and not shown.` }),
  api_url: z
    .string()
    .max(255)
    .optional()
    .meta({ description: "Of a host that is not the public one, with the API's version." }),
  username: z
    .string()
    .max(254)
    .optional()
    .meta({ description: "For bitbucket, where the token is a person's." }),
  deployments: z
    .boolean()
    .optional()
    .meta({ description: "For github: deployments, besides statuses. Default: true." }),
  comment: z
    .boolean()
    .optional()
    .meta({ description: "For github: a comment on the pull request. Default: false." }),
};
export type Place = { [K in keyof typeof Place]?: z.infer<(typeof Place)[K]> | undefined };

/** What of it is stored: the URL as it is shown, the secret that is not ours to make, what is set up at a git host. */
export interface Placed {
  readonly url?: string;
  readonly secret?: string;
  readonly host?: object;
}

/** Reads what is given of a place. `before` is what is set up at the git host so far. @throws what is wrong with it. */
export function readPlace(
  c: Context<AppEnv>,
  kind: SubscriberKind,
  { url, token, ...fields }: Place,
  before: object = {},
): Placed {
  const { proof } = KINDS[kind];
  if (proof !== "token") {
    refuse(kind, { token, ...fields });
    const href = url === undefined ? undefined : checkUrl(c, "url", url);
    return href === undefined
      ? {}
      : proof === "url"
        ? { url: `${new URL(href).origin}/…`, secret: href }
        : { url: href };
  }
  refuse(kind, { url });
  const secret = token === undefined ? {} : { secret: token };
  const changed = given(fields);
  if (Object.keys(changed).length === 0) {
    return secret;
  }
  return { ...secret, ...placeAt(c, kind, { ...before, ...changed }) };
}

/** Where a git host is, by what is set up there. @throws what is wrong with it. */
export function placeAt(
  c: Context<AppEnv>,
  kind: SubscriberKind,
  fields: object,
): { readonly host: object; readonly url: string } {
  const settings = GIT_HOSTS[kind as GitKind].settings.safeParse(fields);
  if (!settings.success) {
    throw invalid("json", settings.error);
  }
  const host = settings.data as { readonly repository: string; readonly api_url?: string };
  const api = host.api_url ?? BITBUCKET;
  checkUrl(c, "api_url", api);
  return { host, url: `${new URL(api).origin}/${host.repository}` };
}

/** Of a new subscriber everything must be there. */
export function requirePlace(kind: SubscriberKind, { url, token, repository }: Place): void {
  const needed = KINDS[kind].proof === "token" ? { repository, token } : { url };
  const [field] = Object.entries(needed).find(([, value]) => value === undefined) ?? [];
  if (field !== undefined) {
    throw problem(field, `A ${kind} subscriber needs ${Object.keys(needed).join(" and ")}.`);
  }
}

/**
 * What is kept sealed is sent to where it was given for, and to no other place unless it is given anew: who may change a
 * subscriber may not read its secrets by that. @throws which must be given.
 */
export function requireAnew(
  before: {
    readonly kind: SubscriberKind;
    readonly url: string;
    readonly headers: readonly string[];
  },
  { url, secret }: Placed,
  headers: object | undefined,
): void {
  if (url === undefined || new URL(url).origin === new URL(before.url).origin) {
    return;
  }
  const anew = "The one that is stored is sent to the host that it was given for alone.";
  if (KINDS[before.kind].proof === "token" && secret === undefined) {
    throw problem("token", `Give the token, too. ${anew}`);
  }
  if (before.headers.length > 0 && headers === undefined) {
    throw problem("headers", `Give the headers, too, or {} for none. ${anew}`);
  }
}

const BITBUCKET = "https://api.bitbucket.org";

function refuse(kind: SubscriberKind, fields: object): void {
  const [field] = Object.keys(given(fields));
  if (field !== undefined) {
    throw problem(field, `A ${kind} subscriber has no ${field}. Leave it out.`);
  }
}

function problem(field: string, detail: string): Problem {
  return new Problem("field_invalid", detail, { errors: [{ field, detail }] });
}

/** What of a body is about the place. */
export function placeIn({
  url,
  repository,
  token,
  api_url,
  username,
  deployments,
  comment,
}: Place): Place {
  return { url, repository, token, api_url, username, deployments, comment };
}
