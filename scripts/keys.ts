import { parseArgs } from "node:util";
import { newKeySecret, parseKeyring } from "../src/security/keyring.ts";

/** Prints a fresh key for SIGNALBOX_KEYS: the key alone on standard output, what to do with it on standard error. */

const HELP = `npm run keys [-- --rotate]

Prints a new secret for SIGNALBOX_KEYS, from which hook URLs, tokens and sealed values are made.
  --rotate   explain how to put it beside the keys already in use
  --help     show this

To pass it on without seeing it:  npm run --silent keys | npx wrangler secret put SIGNALBOX_KEYS
`;

const FIRST = `
This is a new key. Set it, once:

  on Cloudflare       npx wrangler secret put SIGNALBOX_KEYS   (paste the key when asked)
  for wrangler dev    SIGNALBOX_KEYS="<the key>" in .dev.vars

Keep a copy in a password manager. Whoever has it can make tokens; without it every hook URL, token and stored
secret of this instance is lost. Then make the first token with \`npm run token\`.
`;

const ROTATE = `
This is a new key. To rotate:

  1. Set SIGNALBOX_KEYS to "<new key>,<old key>". New tags and sealed values use the first; both are accepted.
  2. Stored secrets re-seal themselves. GET /v1/keyring counts what still rests on each key.
  3. Nothing sealed left on the old key? Mark it "<old key>:tags-only": old URLs and tokens go on working,
     and it can no longer open anything. Who has looked at a page of the dashboard since step 1 stays signed in; who has
     not signs in again, unless you wait until sessions_until is null, 12 hours at most.
  4. Issue the old hook URLs, addresses of badges and tokens again. Tokens of \`npm run token\` are not counted: make
     them anew too. When the old key is safe_to_remove, remove it.

If the old key leaked, don't wait: whoever has it can make tokens. Remove it, then make the hook URLs, tokens and
secrets that came from it again.
`;

const { values } = parseArgs({
  options: { rotate: { type: "boolean" }, help: { type: "boolean", short: "h" } },
});

if (values.help) {
  process.stdout.write(HELP);
} else {
  const secret = newKeySecret();
  const keyring = await parseKeyring(secret);
  if (!keyring.ok) {
    throw new Error(keyring.error.message);
  }
  process.stdout.write(`${secret}\n`);
  process.stderr.write(`${values.rotate ? ROTATE : FIRST}\nIts id: ${keyring.value.current}\n`);
}
