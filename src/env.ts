import * as z from "zod";

import type { Credential } from "./cloudflare/credential.ts";
import type { AccessTeam } from "./security/access.ts";
import { ISSUERS, issuerAt, type Issuer } from "./security/issuers.ts";
import { parseKeyring, type Keyring } from "./security/keyring.ts";
import { err, ok, type Result } from "./result.ts";

/** Everything that is configured, checked once. */
export interface Config {
  readonly keyring: Keyring;
  readonly accountId: string;
  readonly credential: Credential;
  readonly apiBaseUrl: string;
  /** Where people reach this Worker, when that is not the request's own origin. */
  readonly publicUrl: string | null;
  /** The local stack: subscribers may be on loopback, over http. */
  readonly local: boolean;
  /** The local stack: where its sandbox serves the sites whose host names only the real Cloudflare answers to. */
  readonly localSites: string | null;
  /** Whose tokens CI jobs may come with. */
  readonly issuers: readonly Issuer[];
  /** Whose word counts for who comes through Cloudflare Access; null: nobody's, and such a header is nothing. */
  readonly access: AccessTeam | null;
}

/** A setting that is missing or wrong, and the command that mends it. Never holds the value. */
export interface ConfigProblem {
  readonly setting: string;
  readonly detail: string;
}

const text = z.string().trim().optional();
const Settings = z.object({
  SIGNALBOX_KEYS: text,
  CLOUDFLARE_ACCOUNT_ID: text,
  CLOUDFLARE_API_TOKEN: text,
  CLOUDFLARE_EMAIL: text,
  CLOUDFLARE_API_KEY: text,
  CLOUDFLARE_API_BASE_URL: text,
  PUBLIC_URL: text,
  SIGNALBOX_LOCAL: text,
  SIGNALBOX_LOCAL_SITES: text,
  SIGNALBOX_LOCAL_ISSUER: text,
  OIDC_ISSUERS: text,
  ACCESS_TEAM: text,
  ACCESS_AUD: text,
});

/** What an account's id looks like. */
export const ACCOUNT = /^[A-Za-z0-9_-]{1,32}$/;

const DEFAULT_API = "https://api.cloudflare.com/client/v4";

const parsed = new WeakMap<object, Promise<Result<Config, readonly ConfigProblem[]>>>();

/** The configuration of this Worker, or everything that is wrong with it at once. */
export function configOf(env: object): Promise<Result<Config, readonly ConfigProblem[]>> {
  let config = parsed.get(env);
  if (config === undefined) {
    config = parse(env);
    parsed.set(env, config);
  }
  return config;
}

async function parse(env: object): Promise<Result<Config, readonly ConfigProblem[]>> {
  const settings = Settings.parse(env);
  const problems: ConfigProblem[] = [];

  let keyring: Keyring | null = null;
  if (!settings.SIGNALBOX_KEYS) {
    problems.push({
      setting: "SIGNALBOX_KEYS",
      detail:
        "is not set. Make a key with `npm run keys` and set it with `wrangler secret put SIGNALBOX_KEYS`.",
    });
  } else {
    const keys = await parseKeyring(settings.SIGNALBOX_KEYS);
    if (keys.ok) {
      keyring = keys.value;
    } else {
      problems.push({ setting: "SIGNALBOX_KEYS", detail: keys.error.message });
    }
  }

  const accountId = settings.CLOUDFLARE_ACCOUNT_ID ?? "";
  if (!ACCOUNT.test(accountId)) {
    problems.push({
      setting: "CLOUDFLARE_ACCOUNT_ID",
      detail: `is ${accountId === "" ? "not set" : "not an account id"}. Set it with \`wrangler secret put CLOUDFLARE_ACCOUNT_ID\`; the dashboard shows it beside your domains.`,
    });
  }

  const credential = credentialOf(settings);
  if (credential === null) {
    problems.push({
      setting: "CLOUDFLARE_API_TOKEN",
      detail:
        'is not set. Create a token with the permission "Cloudflare Pages: Edit" and set it with `wrangler secret put CLOUDFLARE_API_TOKEN` (or set CLOUDFLARE_EMAIL and CLOUDFLARE_API_KEY).',
    });
  }

  const urls = {
    api: settings.CLOUDFLARE_API_BASE_URL || DEFAULT_API,
    public: settings.PUBLIC_URL,
  };
  for (const [setting, url] of [
    ["CLOUDFLARE_API_BASE_URL", urls.api],
    ["PUBLIC_URL", urls.public],
  ] as const) {
    if (url && !URL.canParse(url)) {
      problems.push({ setting, detail: "is not a URL. Set it to one, or remove it." });
    }
  }

  const selfManaged = (settings.OIDC_ISSUERS ?? "").split(/[\s,]+/).filter((url) => url !== "");
  if (!selfManaged.every(isIssuerUrl)) {
    problems.push({
      setting: "OIDC_ISSUERS",
      detail:
        "has something that is no issuer. Set it to https URLs, with blanks between them, each as the tokens have it in `iss`.",
    });
  }

  const access = accessOf(settings);
  if (!access.ok) {
    problems.push(access.error);
  }

  if (problems.length > 0 || !access.ok || keyring === null || credential === null) {
    return err(problems);
  }
  const local = settings.SIGNALBOX_LOCAL === "1";
  return ok({
    keyring,
    accountId,
    credential,
    apiBaseUrl: urls.api.replace(/\/+$/, ""),
    publicUrl: publicUrlOf(env),
    local,
    issuers: [
      ...ISSUERS,
      ...selfManaged.map((url) => issuerAt(url)),
      ...(local && settings.SIGNALBOX_LOCAL_ISSUER
        ? [issuerAt(settings.SIGNALBOX_LOCAL_ISSUER)]
        : []),
    ],
    access: access.value,
    localSites: local ? (settings.SIGNALBOX_LOCAL_SITES ?? null) : null,
  });
}

/** The one setting that is asked for where nothing can be awaited. */
export function publicUrlOf(env: object): string | null {
  const { PUBLIC_URL: url } = env as { readonly PUBLIC_URL?: unknown };
  return typeof url === "string" ? url.trim().replace(/\/+$/, "") || null : null;
}

/** Written as a token has it: nothing but host and path, and no slash at the end. */
function isIssuerUrl(url: string): boolean {
  return /^https:\/\/[^/?#@]+(?:\/[^?#@]+)?$/.test(url) && URL.canParse(url) && !url.endsWith("/");
}

/** Half of it is a mistake: whoever set that believes that Access lets people in, or keeps them out. */
function accessOf(settings: z.infer<typeof Settings>): Result<AccessTeam | null, ConfigProblem> {
  const { ACCESS_TEAM: team = "", ACCESS_AUD: tags = "" } = settings;
  const audience = tags.split(/[\s,]+/).filter((tag) => tag !== "");
  if (team === "" && audience.length === 0) {
    return ok(null);
  }
  const [, name] =
    /^(?:https:\/\/)?([a-z\d](?:[a-z\d-]{0,61}[a-z\d])?)\.cloudflareaccess\.com\/?$/i.exec(team) ??
    [];
  if (name === undefined) {
    return err({
      setting: "ACCESS_TEAM",
      detail: `is ${team === "" ? "not set, though ACCESS_AUD is" : "not the domain of a team"}. Set it to https://<team>.cloudflareaccess.com; Zero Trust shows the team's domain under Settings.`,
    });
  }
  if (audience.length === 0 || !audience.every((tag) => /^[\da-f]{64}$/.test(tag))) {
    return err({
      setting: "ACCESS_AUD",
      detail: `${audience.length === 0 ? "is not set, though ACCESS_TEAM is" : "has something that is no AUD tag"}. Set it to the AUD tag of the Access application, 64 hexadecimal digits; several with blanks between them.`,
    });
  }
  return ok({ url: `https://${name.toLowerCase()}.cloudflareaccess.com`, audience });
}

function credentialOf(settings: z.infer<typeof Settings>): Credential | null {
  if (settings.CLOUDFLARE_API_TOKEN) {
    return { kind: "token", token: settings.CLOUDFLARE_API_TOKEN };
  }
  if (settings.CLOUDFLARE_EMAIL && settings.CLOUDFLARE_API_KEY) {
    return { kind: "key", email: settings.CLOUDFLARE_EMAIL, key: settings.CLOUDFLARE_API_KEY };
  }
  return null;
}

/** The account that CLOUDFLARE_ACCOUNT_ID names, without looking at the other settings. */
export function configuredAccount(env: object): string {
  return "CLOUDFLARE_ACCOUNT_ID" in env ? String(env.CLOUDFLARE_ACCOUNT_ID).trim() : "";
}

/** What must never be seen outside: every excerpt and error text is redacted of these. */
export function secretsOf(config: Config): string[] {
  return config.credential.kind === "token" ? [config.credential.token] : [config.credential.key];
}
