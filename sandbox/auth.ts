/** Who may call: the account's credentials, and the short-lived tokens that uploads carry. */
import * as errors from "./errors.ts";
import { MAX_FILES } from "./assets.ts";
import type { World } from "./world.ts";

const UPLOAD_TOKEN_SECONDS = 300;

/** Checks either style of credential and names the one in use, for the rate limit. */
export function authenticate(world: World, headers: Headers): string {
  if (headers.get("authorization") === `Bearer ${world.token}`) {
    return "token";
  }
  if (headers.get("x-auth-email") === world.email && headers.get("x-auth-key") === world.apiKey) {
    return "key";
  }
  throw errors.unauthenticated();
}

export async function mintUploadToken(world: World): Promise<string> {
  const now = Math.floor(world.now() / 1000);
  const head = encode(JSON.stringify({ alg: "HS256", typ: "JWT" }));
  const claims = encode(
    JSON.stringify({
      account_id: world.accountId,
      iat: now,
      exp: now + UPLOAD_TOKEN_SECONDS,
      max_file_count_allowed: MAX_FILES,
    }),
  );
  return `${head}.${claims}.${await sign(world, `${head}.${claims}`)}`;
}

/** Accepts only what `mintUploadToken` made and what has not expired; an API token is not one. */
export async function verifyUploadToken(world: World, headers: Headers): Promise<void> {
  const token = headers.get("authorization")?.replace(/^Bearer /, "") ?? "";
  const [head, claims, signature] = token.split(".");
  if (!head || !claims || signature !== (await sign(world, `${head}.${claims}`))) {
    throw errors.unauthorizedUpload();
  }
  const { exp } = JSON.parse(decode(claims)) as { exp: number };
  if (exp * 1000 <= world.now()) {
    throw errors.unauthorizedUpload();
  }
}

async function sign(world: World, text: string): Promise<string> {
  const utf8 = new TextEncoder();
  const key = await crypto.subtle.importKey(
    "raw",
    utf8.encode(`upload ${world.token}`),
    { name: "HMAC", hash: "SHA-256" },
    false,
    ["sign"],
  );
  const tag = new Uint8Array(await crypto.subtle.sign("HMAC", key, utf8.encode(text)));
  return encode(String.fromCharCode(...tag));
}

const encode = (text: string): string =>
  btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

const decode = (text: string): string => atob(text.replaceAll("-", "+").replaceAll("_", "/"));
