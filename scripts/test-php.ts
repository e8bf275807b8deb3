import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { Webhook } from "standardwebhooks";
import type { Delivery } from "../src/hooks/delivery.ts";
import { standardWebhooks } from "../src/hooks/sources/generic.ts";
import { newSecret } from "../src/hooks/verify/new-secret.ts";
import { verifyStandard } from "../src/hooks/verify/standard.ts";
import { concat, utf8, type Bytes } from "../src/security/encoding.ts";
import { ROOT } from "./lib/repo.ts";

/** Runs docs/examples/signalbox-deploy.php with `php`: its signing against our verifier, and the plugin on stand-ins. */

const PLUGIN = join(ROOT, "docs/examples/signalbox-deploy.php");
const SCHEME = { kind: "standard", prefixes: ["webhook-"] } as const;
const SECRET = newSecret(SCHEME);
const URL_SENTINEL = "https://signalbox.test/hooks/blog/5entinel";
/** As docs/sources/wordpress.md has the hook made. */
const FIELDS = { event: "/event", commit_message: "/title", actor: "/author" };

/** Bodies come as base64, since not all of them are text. */
const SIGN = `
require $argv[1];
foreach ( json_decode( stream_get_contents( STDIN ), true ) as $case ) {
	try {
		$made = signalbox_headers( $case['secret'], $case['id'], $case['timestamp'], base64_decode( $case['body'], true ) );
	} catch ( InvalidArgumentException $e ) {
		$made = array( 'error' => $e->getMessage() );
	}
	echo json_encode( $made ), "\\n";
}`;

/** As much of WordPress as the plugin calls. Actions run as the steps say; what would be sent is printed. */
const WORDPRESS = `
$input = json_decode( stream_get_contents( STDIN ), true );
define( 'SIGNALBOX_HOOK_URL', $input['url'] );
define( 'SIGNALBOX_HOOK_SECRET', $input['secret'] );
ini_set( 'error_log', 'php://stderr' );
$actions = array();
function add_action( $name, $run, $priority = 10, $takes = 1 ) {
	$GLOBALS['actions'][ $name ][] = array( $run, $takes );
}
function is_post_type_viewable( $type ) { return 'post' === $type; }
function wp_get_current_user() {
	return new class() {
		public $user_login = 'ada';
		public function exists() { return true; }
	};
}
function wp_json_encode( $data ) { return json_encode( $data ); }
function wp_remote_post( $url, $args ) {
	echo json_encode( array( 'url' => $url ) + $args ), "\\n";
	return $GLOBALS['input']['answer'] ?? new class() {
		public function get_error_code() { return 'http_request_failed'; }
	};
}
function is_wp_error( $answer ) { return is_object( $answer ); }
function wp_remote_retrieve_response_code( $answer ) { return $answer['status']; }
function wp_remote_retrieve_body( $answer ) { return $answer['body']; }
require $argv[1];
$input['steps'][] = array( 'shutdown' );
foreach ( $input['steps'] as $step ) {
	$name = array_shift( $step );
	$given = array_map( function ( $arg ) { return is_array( $arg ) ? (object) $arg : $arg; }, $step );
	foreach ( $actions[ $name ] ?? array() as list( $run, $takes ) ) {
		call_user_func_array( $run, array_slice( $given, 0, $takes ) );
	}
}`;

interface Ran {
  readonly lines: readonly unknown[];
  readonly log: string;
}

function php(code: string, input: unknown): Ran {
  const { error, status, stdout, stderr } = spawnSync(
    "php",
    // Without an ini file, so that it is the same everywhere; a notice counts as a failure.
    ["-n", "-d", "error_reporting=-1", "-d", "display_errors=stderr", "-r", code, "--", PLUGIN],
    { input: JSON.stringify(input), encoding: "utf8", timeout: 30_000 },
  );
  if (error !== undefined) {
    throw "code" in error && error.code === "ENOENT"
      ? new Error("There is no php here. Install PHP's command line (Debian: apt install php-cli).")
      : error;
  }
  assert.equal(status, 0, stderr);
  assert.doesNotMatch(stderr, /(Warning|Notice|Deprecated|Fatal error):/);
  const lines = stdout.split("\n").filter((line) => line !== "");
  return { lines: lines.map((line): unknown => JSON.parse(line)), log: stderr };
}

function deliveryOf(headers: unknown, body: Bytes): Delivery {
  const { "content-type": type, ...rest } = headers as Record<string, string>;
  assert.equal(type, "application/json");
  return { method: "POST", path: "/hooks/blog/x", search: "", headers: new Headers(rest), body };
}

async function isTaken(delivery: Delivery, secret = SECRET): Promise<boolean> {
  return (await verifyStandard(SCHEME, [secret], delivery, Date.now())).ok;
}

async function signs(): Promise<number> {
  const texts = [
    "",
    "{}",
    '{"title":"Ünïcödé 🚦 \u0000"}',
    '{\r\n  "a": 1\r\n}\r\n',
    "\ufeff{}",
    "x".repeat(100_000),
  ];
  const binary = Uint8Array.from({ length: 256 }, (_, n) => n);
  const bodies: Bytes[] = [...texts.map(utf8), binary];
  const timestamp = Math.floor(Date.now() / 1_000);
  const cases = bodies.map((body, n) => ({
    secret: SECRET,
    id: `wp_${n}`,
    timestamp,
    body: Buffer.from(body).toString("base64"),
  }));
  const { lines } = php(SIGN, cases);
  assert.equal(lines.length, bodies.length);
  for (const [n, body] of bodies.entries()) {
    const delivery = deliveryOf(lines[n], body);
    assert.ok(await isTaken(delivery), `body ${n} is not taken`);
    assert.ok(!(await isTaken(delivery, newSecret(SCHEME))), `body ${n} is taken with any secret`);
    const longer = { ...delivery, body: concat([body, utf8(" ")]) };
    assert.ok(!(await isTaken(longer)), `body ${n} is taken when changed`);
    const text = texts[n];
    if (text !== undefined) {
      // The reference library's word on it, which knows text alone.
      const headers = Object.fromEntries(delivery.headers);
      new Webhook(SECRET).verify(text, headers, { jsonParse: false });
    }
  }
  const wrong = ["", "whsec_", "whsec_c2hvcnQ=", "whsec_%%%", SECRET.slice(6)];
  const refused = php(
    SIGN,
    wrong.map((secret) => ({ secret, id: "wp_1", timestamp, body: "" })),
  );
  assert.equal(refused.lines.length, wrong.length);
  for (const [n, line] of refused.lines.entries()) {
    assert.match(JSON.stringify(line), /^\{"error":"SIGNALBOX_HOOK_SECRET is not/, wrong[n]);
  }
  return bodies.length + wrong.length;
}

const OK = { status: 202, body: '{"results":[]}' };
const change = (to: string, from: string, title: string, type = "post"): unknown[] => [
  "transition_post_status",
  to,
  from,
  { post_title: title, post_type: type, post_status: to },
];
const deleted = (status: string, title: string): unknown[] => [
  "deleted_post",
  7,
  { post_title: title, post_type: "post", post_status: status },
];

/** What the plugin sends of these steps, as a hook takes it: the commit's message, or null for nothing. */
async function told(steps: readonly unknown[][], answer: unknown = OK): Promise<string | null> {
  const { lines } = php(WORDPRESS, { url: URL_SENTINEL, secret: SECRET, steps, answer });
  assert.ok(lines.length <= 1, "more than one delivery");
  const [sent] = lines as { url: string; headers: unknown; body: string; redirection: number }[];
  if (sent === undefined) {
    return null;
  }
  assert.equal(sent.url, URL_SENTINEL);
  assert.equal(sent.redirection, 0);
  const delivery = deliveryOf(sent.headers, utf8(sent.body));
  assert.ok(await isTaken(delivery));
  const reading = standardWebhooks.read(delivery, FIELDS);
  assert.ok(reading.kind === "triggers", JSON.stringify(reading));
  assert.equal(reading.event, "content.changed");
  const [trigger] = reading.triggers;
  assert.ok(trigger !== undefined);
  assert.equal(trigger.actor, "ada");
  return trigger.commit_message;
}

async function watches(): Promise<number> {
  const cases: [unknown[][], string | null][] = [
    [[change("publish", "draft", "Grüße 🚦")], "Published: Grüße 🚦"],
    [[change("publish", "future", "Later")], "Published: Later"],
    [[change("publish", "publish", "[skip ci] is a word")], "Changed: [skip ci] is a word"],
    [[change("trash", "publish", "Old")], "Unpublished: Old"],
    [[deleted("publish", "Gone")], "Unpublished: Gone"],
    [["a", "b", "c"].map((t) => change("publish", "draft", t)), "Published: a (and 2 more)"],
    [[change("draft", "auto-draft", "Idea")], null],
    [[change("publish", "draft", "Menu", "nav_menu_item")], null],
    [[deleted("trash", "Gone for long")], null],
    [[], null],
  ];
  for (const [steps, message] of cases) {
    assert.equal(await told(steps), message);
  }
  const steps = [change("publish", "draft", "x")];
  const logged = (answer: unknown, secret = SECRET): string =>
    php(WORDPRESS, { url: URL_SENTINEL, secret, steps, answer }).log;
  const refusal = { status: 401, body: '{"detail":"webhook-signature does not match."}' };
  const logs = [
    [logged(refusal), /Signalbox answered 401: webhook-signature does not match\./],
    [logged({ status: 502, body: "<html>" }), /Signalbox answered 502: no reason was given\./],
    [logged(refusal, "5entinel"), /SIGNALBOX_HOOK_SECRET is not the secret of a hook/],
    [logged(null), /Signalbox was not reached: http_request_failed/],
    [logged(OK), /^$/],
  ] as const;
  for (const [log, pattern] of logs) {
    assert.match(log, pattern);
    assert.ok(!log.includes("5entinel") && !log.includes(SECRET), "the log has a secret");
  }
  return cases.length + logs.length;
}

try {
  const { lines } = php("echo json_encode( PHP_VERSION );", null);
  const count = (await signs()) + (await watches());
  console.log(`${count} passed, 0 failed, with PHP ${String(lines[0])}`);
} catch (error) {
  // What is missing is told in a line; a stack trace would bury it.
  console.error(error instanceof assert.AssertionError ? error : String(error));
  process.exitCode = 1;
}
