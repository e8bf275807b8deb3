import * as fc from "fast-check";

import type { Scope } from "../../../src/security/tokens.ts";
import { fromSchema, type Schema } from "../../support/fuzz/schema.ts";
import { HOSTILE_TEXTS, hostileText, spoiled } from "../../support/fuzz/spoil.ts";

interface Parameter {
  readonly name: string;
  readonly in: "path" | "query" | "header";
  readonly schema: Schema;
}

/** An operation as the document describes it. */
export interface Described {
  readonly parameters?: readonly Parameter[];
  readonly security?: readonly { readonly token?: readonly Scope[] }[];
  readonly requestBody?: {
    readonly content: Readonly<Record<string, { readonly schema: Schema }>>;
  };
}

export interface Route {
  readonly method: string;
  readonly path: string;
  /** null: open to all. */
  readonly scope: Scope | null;
  readonly described: Described;
}

/** A request, but for what is different in each run: who asks, and the ids that there are. */
export interface Drawn {
  readonly route: Route;
  readonly method: string;
  /** By parameter of the path: undefined is the right one. */
  readonly path: Readonly<Record<string, string | undefined>>;
  readonly query: readonly (readonly [string, string])[];
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array<ArrayBuffer> | null;
}

const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "QUERY"];
const TYPES = [
  "application/json",
  "application/json; charset=utf-16",
  "application/problem+json",
  "APPLICATION/JSON",
  "text/plain",
  "application/x-www-form-urlencoded",
  "multipart/form-data; boundary=x",
  "multipart/form-data",
  'multipart/form-data; boundary="a b',
  "multipart/mixed; boundary=x",
  "application/json, text/html",
  "*/*",
  "",
];

/** What may come with any request. */
const EXTRA_HEADERS: Readonly<Record<string, readonly string[]>> = {
  accept: ["text/html", "*/*;q=0", "application/xml", ",,,", "text/html,application/json;q=0.9"],
  "accept-encoding": ["br", "identity;q=0"],
  "content-encoding": ["gzip", "br", "x"],
  "if-match": ['"1"', "*", 'W/"1"', '"999999999999999999"', "1"],
  "idempotency-key": ["k", "a b", "x".repeat(300), "__proto__"],
  "signalbox-run": ["deploy.yml/42", "deploy.yml/42.1", "/", "a/b/c", "x/99999999999999999999"],
  "last-event-id": ["1", "-1", "x", "9007199254740993"],
  origin: ["null", "https://evil.example"],
  "sec-fetch-site": ["cross-site", "none"],
  cookie: ["__Host-session=x", "__Host-session=; __Host-session=y", "=", "a=%", "session=x.y.z"],
  "cf-access-jwt-assertion": ["x", "a.b.c", "e30.e30.e30", ""],
  "cf-connecting-ip": ["::1", "not an address", "1.2.3.4"],
  "x-forwarded-host": ["evil.example"],
  "x-http-method-override": ["DELETE"],
  range: ["bytes=0-0"],
  upgrade: ["websocket"],
  "x-github-event": ["push", "ping", "x"],
  "x-hub-signature-256": ["sha256=", `sha256=${"0".repeat(64)}`, "sha1=x"],
};

const extraHeaders = fc
  .array(
    fc
      .constantFrom(...Object.keys(EXTRA_HEADERS))
      .chain((name) =>
        fc.constantFrom(...(EXTRA_HEADERS[name] ?? [])).map((value) => [name, value] as const),
      ),
    { maxLength: 3 },
  )
  .map((pairs) => Object.fromEntries(pairs) as Record<string, string>);

/** Not `.` and `..`, which whoever writes a URL takes out of it. */
const wrongSegment = fc.oneof(
  fc.constantFrom(
    "xyz_01JZZZZZZZZZZZZZZZZZZZZZZZ",
    "nobodys",
    "a:b",
    "0".repeat(32),
    "UPPER",
    "a%2Fb",
  ),
  hostileText
    .filter((text) => text !== "" && text !== "." && text !== ".." && text.isWellFormed())
    .map((text) => text.slice(0, 2_000)),
);

/** Requests for one operation, most of them good in all but one thing. */
export function requestsFor(route: Route, document: object): fc.Arbitrary<Drawn> {
  const { parameters = [], requestBody } = route.described;
  const named = (where: Parameter["in"]): Parameter[] => parameters.filter((p) => p.in === where);
  const path = fc.record(
    Object.fromEntries(
      [...route.path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => [
        name,
        mostly<string | undefined>(fc.constant(undefined), wrongSegment),
      ]),
    ),
  ) as fc.Arbitrary<Record<string, string | undefined>>;
  const schemas = Object.entries(requestBody?.content ?? {});
  const bodies = schemas.map(([type, { schema }]) =>
    bodyFor(fromSchema(schema, document)).map((body) => ({ type, body })),
  );
  const wrong = fc.record({ type: fc.constantFrom(...TYPES), body: anyBody });
  const none = fc.constant({ type: null, body: null });
  const body = fc.oneof(
    { weight: bodies.length === 0 ? 4 : 1, arbitrary: none },
    { weight: 1, arbitrary: wrong },
    ...bodies.map((arbitrary) => ({ weight: 6, arbitrary })),
  ) as fc.Arbitrary<{ type: string | null; body: Drawn["body"] }>;
  return fc
    .record({
      method: mostly(fc.constant(route.method), fc.constantFrom(...METHODS)),
      path,
      query: queryOf(named("query"), document),
      given: headersOf(named("header"), document),
      extra: mostly(fc.constant({}), extraHeaders, 3),
      body,
    })
    .map(({ method, path: at, query, given, extra, body: sent }) => ({
      [fc.toStringMethod]: () =>
        `${method} ${route.path} ${fc.stringify({ at, query, given, extra, sent })}`.slice(
          0,
          2_000,
        ),
      route,
      method,
      path: at,
      query,
      headers: {
        ...given,
        ...extra,
        ...(sent.type === null ? {} : { "content-type": sent.type }),
      },
      body: sent.body,
    }));
}

/** Good in all but one thing, that is: most things are good in most requests. */
function mostly<T>(good: fc.Arbitrary<T>, bad: fc.Arbitrary<T>, weight = 10): fc.Arbitrary<T> {
  return fc.oneof({ weight, arbitrary: good }, { weight: 1, arbitrary: bad });
}

function bodyFor(valid: fc.Arbitrary<unknown>): fc.Arbitrary<Drawn["body"]> {
  return mostly(
    valid.map((value) => JSON.stringify(value)),
    valid.chain(spoiled),
    1,
  );
}

const encoded = new TextEncoder();
const anyBody: fc.Arbitrary<Drawn["body"]> = fc.oneof(
  hostileText,
  fc.uint8Array({ maxLength: 200 }),
  fc.constantFrom(
    "{}",
    "null",
    "[".repeat(60_000),
    `{"a":`.repeat(5_000),
    "\ufeff{}",
    "1e999",
    '{"a":1e999}',
    "--x\r\n",
    '--x\r\nContent-Disposition: form-data; name="manifest"\r\n\r\n{}\r\n--x--\r\n',
    '--x\r\nContent-Disposition: form-data; name="branch"\r\n\r\n../x\r\n--x--',
  ),
  fc.constantFrom("{}", '{"branch":"main"}').map((text) => {
    const utf16 = new Uint8Array(text.length * 2);
    encoded.encode(text).forEach((byte, at) => (utf16[at * 2] = byte));
    return utf16;
  }),
);

function queryOf(
  parameters: readonly Parameter[],
  document: object,
): fc.Arbitrary<[string, string][]> {
  const good = parameters.map(({ name, schema }) =>
    fc.option(
      // A request that waits is no hang.
      name === "wait"
        ? fc.constant([name, "0"] as [string, string])
        : fromSchema(schema, document).map((value) => [name, String(value)] as [string, string]),
      { freq: 2 },
    ),
  );
  const names = [...parameters.map(({ name }) => name), "no_such", "__proto__", ""];
  const bad = fc.array(fc.tuple(fc.constantFrom(...names), hostileText), { maxLength: 2 });
  return fc
    .tuple(fc.tuple(...good), mostly(fc.constant<[string, string][]>([]), bad, 3))
    .map(
      ([right, wrong]) =>
        [...right.filter((pair) => pair !== null), ...wrong] as [string, string][],
    );
}

function headersOf(
  parameters: readonly Parameter[],
  document: object,
): fc.Arbitrary<Record<string, string>> {
  const each = parameters.map(({ name, schema }) =>
    fc
      .option(
        fc.oneof(
          fromSchema(schema, document).map(String),
          fc.constantFrom(...HOSTILE_TEXTS.filter(canBeHeader)),
        ),
        { freq: 3 },
      )
      .map((value) => [name, value] as const),
  );
  return fc
    .tuple(...each)
    .map((pairs) =>
      Object.fromEntries(
        pairs.filter(([, value]) => value !== null && canBeHeader(value)) as [string, string][],
      ),
    );
}

/** What HTTP itself does not let through. */
function canBeHeader(text: string): boolean {
  return /^[\t\u0020-\u007e\u0080-\u00ff]*$/.test(text) && text.length < 8_000;
}
