import { readFileSync } from "node:fs";
import { parseArgs, parseEnv } from "node:util";
import { mintBootstrapToken } from "../src/security/bootstrap.ts";
import { parseKeyring } from "../src/security/keyring.ts";
import type { Scope } from "../src/security/tokens.ts";
import { isScope, SCOPES } from "../src/security/tokens.ts";

/** Makes a token for the whole instance, offline: the token alone on standard output, the rest on standard error. */

const DEFAULT_EXPIRY = "30d";
const MAX_DAYS = 365;
const HOUR_MS = 3_600_000;

const HELP = `npm run token [-- --scope manage --expires ${DEFAULT_EXPIRY}]

Makes a token for the whole instance, signed with the first of SIGNALBOX_KEYS. Nothing is sent anywhere.
SIGNALBOX_KEYS is read from the environment, else from .dev.vars in this directory.

  --scope <scope>    read, deploy or manage, each including those before it   (default: manage)
  --expires <time>   how long it is valid: 12h, 90d; at most ${MAX_DAYS}d            (default: ${DEFAULT_EXPIRY})
  --help             show this

Use it to make lasting tokens with POST /v1/tokens, which are listed and can be narrowed to one project.
`;

try {
  await main();
} catch (error) {
  // What people mistype is told in a line; a stack trace would bury it.
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      scope: { type: "string", default: "manage" },
      expires: { type: "string", default: DEFAULT_EXPIRY },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  const scope = readScope(values.scope);
  const expiresAt = Date.now() + readDuration(values.expires);
  const keyring = await parseKeyring(configuredKeys());
  if (!keyring.ok) {
    throw new Error(keyring.error.message);
  }
  const { id, token } = await mintBootstrapToken(keyring.value, { scopes: [scope], expiresAt });
  process.stdout.write(`${token}\n`);
  process.stderr.write(`
Token ${id}: scope ${scope}, for the whole instance, until ${new Date(expiresAt).toISOString()}.
It is not stored anywhere, so this is the only time it is shown. Send it as "Authorization: Bearer <token>".
`);
}

function readScope(text: string): Scope {
  if (!isScope(text)) {
    throw new Error(`--scope is one of ${SCOPES.join(", ")}.`);
  }
  return text;
}

function readDuration(text: string): number {
  const [, digits = "", unit] = /^([1-9]\d{0,4})([hd])$/.exec(text) ?? [];
  const duration = Number(digits) * (unit === "d" ? 24 * HOUR_MS : HOUR_MS);
  if (duration === 0 || duration > MAX_DAYS * 24 * HOUR_MS) {
    throw new Error(
      `--expires is a number of hours or days up to ${MAX_DAYS}d, such as 12h or 90d.`,
    );
  }
  return duration;
}

function configuredKeys(): string {
  const fromEnvironment = process.env["SIGNALBOX_KEYS"];
  if (fromEnvironment !== undefined && fromEnvironment !== "") {
    return fromEnvironment;
  }
  try {
    return parseEnv(readFileSync(".dev.vars", "utf8"))["SIGNALBOX_KEYS"] ?? "";
  } catch {
    // No file: the keyring says what is missing.
    return "";
  }
}
