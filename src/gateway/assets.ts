import type { Context } from "hono";

import { answered, askCloudflare, takePermit } from "../api/cloudflare.ts";
import { askInstance, keyIn, nameIn, type AppEnv } from "../api/context.ts";
import { bearer } from "../api/guard.ts";
import { readBody } from "../body.ts";
import { retryAfter, UNSAID_MS } from "../cloudflare/client.ts";
import { apiUrl } from "../cloudflare/url.ts";
import { Problem } from "../problem.ts";
import { fromBase64url, toBase64url, utf8 } from "../security/encoding.ts";
import { redact } from "../security/redact.ts";
import { okBody } from "./envelope.ts";

const PURPOSE = "upload-token";
/** What Cloudflare's own say, should one not tell. */
const LIFE_SECONDS = 300;
/** An upload of 40 MiB on a slow line. */
const TIMEOUT_MS = 600_000;
/** The longest is the list of what is missing, of 20,000 files at most. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

interface Claims {
  readonly project: string;
  readonly exp: number;
  readonly sealed: string;
  readonly max_file_count_allowed?: number;
}

/**
 * Cloudflare's upload token in one of our own, so that it works here alone: the same claims for clients to read, Cloudflare's
 * token sealed among them, and our tag for a signature.
 */
export async function uploadToken(c: Context<AppEnv>): Promise<Response> {
  const { jwt } = answered(await askCloudflare(c, (client) => client.uploadToken(nameIn(c) ?? "")));
  const { keyring } = c.var.config;
  const theirs = claimsOf(jwt);
  const claims = {
    ...theirs,
    exp: theirs.exp ?? Math.floor(Date.now() / 1_000) + LIFE_SECONDS,
    project: keyIn(c),
    sealed: await keyring.seal(sealContext(keyIn(c)), jwt),
  };
  const signed = `${encode({ alg: "signalbox", typ: "JWT" })}.${encode(claims)}`;
  const tag = await keyring.tag(PURPOSE, signed);
  return c.json(okBody({ jwt: `${signed}.${toBase64url(utf8(tag))}` }));
}

/** One of the three asset calls, its body streamed through with Cloudflare's token in the place of ours. */
export async function relayAssets(c: Context<AppEnv>): Promise<Response> {
  const { jwt, account } = await unwrapped(c, bearer(c));
  const call = c.req.path.slice(c.req.path.lastIndexOf("/") + 1);
  const length = c.req.header("content-length");
  await takePermit(c, account);
  const url = apiUrl(c.var.config.apiBaseUrl, ["pages", "assets", call]);
  const response = await fetch(url, {
    method: "POST",
    headers: {
      authorization: `Bearer ${jwt}`,
      "content-type": "application/json",
      "user-agent": "signalbox",
      ...(length === undefined ? {} : { "content-length": length }),
    },
    body: c.req.raw.body,
    redirect: "manual",
    signal: AbortSignal.timeout(TIMEOUT_MS),
  }).catch(noAnswer);
  if (response.status === 429) {
    const until = Date.now() + (retryAfter(response.headers) ?? UNSAID_MS);
    await askInstance(c, (instance) => instance.blocked(account, until));
  }
  const headers = new Headers({ "content-type": "application/json" });
  for (const name of ["retry-after", "ratelimit", "ratelimit-policy"]) {
    const value = response.headers.get(name);
    if (value !== null) {
      headers.set(name, value);
    }
  }
  const isJson = response.headers.get("content-type")?.includes("json") === true;
  if (isJson) {
    const bytes = await readBody(response, MAX_ANSWER_BYTES).catch(noAnswer);
    // What it repeats of the request has its own token in it, which ours is there to keep.
    const text = redact(new TextDecoder().decode(bytes), [jwt]);
    return new Response(text, { status: response.status, headers });
  }
  await response.body?.cancel();
  throw response.status === 403
    ? expired()
    : new Problem("upstream_unavailable", `Cloudflare answered ${response.status}. Try again.`);
}

function noAnswer(): never {
  throw new Problem("upstream_unavailable", "The connection to Cloudflare was lost. Try again.");
}

/** Cloudflare's token, and the account that it uploads to. */
async function unwrapped(
  c: Context<AppEnv>,
  token: string,
): Promise<{ jwt: string; account: string }> {
  const { keyring } = c.var.config;
  const [head = "", body = "", signature = "", ...more] = token.split(".");
  const tag = fromBase64url(signature);
  const real =
    tag !== null &&
    more.length === 0 &&
    (await keyring.checkTag(PURPOSE, new TextDecoder().decode(tag), `${head}.${body}`));
  if (!real) {
    throw new Problem("upload_token_invalid", "Authorization failed: this is no upload token.");
  }
  const claims = claimsOf(token) as Claims;
  const jwt = await keyring.unseal(sealContext(claims.project), claims.sealed);
  if (jwt === null || claims.exp * 1_000 <= Date.now()) {
    throw expired();
  }
  return { jwt, account: claims.project.slice(0, claims.project.indexOf("/")) };
}

/** wrangler asks for another one on this code. */
function expired(): Problem {
  return new Problem("upload_token_invalid", "Authorization failed: the upload token has expired.");
}

const sealContext = (project: string): string => `${PURPOSE}/${project}`;

function claimsOf(jwt: string): Partial<Claims> {
  const bytes = fromBase64url(jwt.split(".")[1]?.replace(/=+$/, "") ?? "");
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes ?? utf8("{}")));
    return typeof value === "object" && value !== null ? value : {};
  } catch {
    return {};
  }
}

function encode(value: object): string {
  return toBase64url(utf8(JSON.stringify(value)));
}
