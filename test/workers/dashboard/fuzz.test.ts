import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import * as fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";

import { app } from "../../../src/app.ts";
import { hostileText } from "../../support/fuzz/spoil.ts";
import { modelRuns } from "../../support/runs.ts";
import { Edge, leave } from "../api/edge.ts";
import { makeHook } from "../api/github.ts";
import { dump } from "../support/dump.ts";
import { Visit, type Page } from "./visit.ts";

/** Forms that come from nobody's page, or from one that was tampered with. */

/** Every address that takes one, but the one that lets nobody guess quickly. */
const FORMS = [
  ...new Set(
    app.routes
      .filter(({ method, path }) => method === "POST" && !/^\/(?:v1|client|hooks)\//.test(path))
      .map(({ path }) => path),
  ),
].filter((path) => path !== "/sign-in" && !path.includes("*"));

/** What may be in any of them, as a page has it. */
const FIELDS: Readonly<Record<string, readonly string[]>> = {
  account: ["f".repeat(32)],
  api_token: ["x"],
  body: ["{}"],
  branch: ["main"],
  confirm: ["yes"],
  cron: ["0 6 * * *"],
  days: ["1", "0", "-1", "soon", "1e9"],
  events: ["*", "deploy.*\nproject.*"],
  headers: ["x-a: b\n:\nx"],
  hours: ["1", "0", "-1", "soon", "99999999999"],
  include: ["main\n**"],
  kind: ["webhook", "slack", "github"],
  max_builds: ["1", "", "1e400"],
  name: ["ada@example.com", "production"],
  policy: ['{"mode":"all"}'],
  project: ["site"],
  reason: ["The fair"],
  repository: ["acme/blog"],
  revision: ["1", "2"],
  scope: ["read", "manage"],
  source: ["github", "hmac", "constructor"],
  theme: ["dark"],
  time_zone: ["UTC", "Mars/Here"],
  token: ["x"],
  type: ["test.ping"],
  url: ["https://receiver.example/in"],
  who: ["email"],
  zone: ["UTC"],
};
const ACTIONS = [
  "pause",
  "resume",
  "rotate",
  "recover",
  "test",
  "cancel",
  "approve",
  "promote",
  "rollback",
  "release",
  "add",
];

type Sender = "owner" | "reader" | "forger" | "stranger";

let edge: Edge;
let ids: string[];
const visits = new Map<Sender, { visit: Visit; csrf: string }>();
beforeAll(async () => {
  edge = await Edge.create();
  const { id } = await makeHook(edge);
  const made = await Promise.all(
    [
      ["/subscribers", { url: "https://receiver.example/in" }],
      ["/schedules", { cron: "0 6 * * *" }],
      ["/deploys", { branch: "main" }],
    ].map(([path, json]) => edge.on("POST", path as string, { json })),
  );
  ids = [id, ...made.map(({ body }) => (body as { id: string }).id)];
  const read = await edge.instanceToken("read");
  for (const [sender, token] of [
    ["owner", edge.token],
    ["reader", read.token],
    ["forger", edge.token],
    ["stranger", null],
  ] as const) {
    const visit = new Visit();
    const signedIn = token === null ? null : await visit.signIn(token);
    expect(signedIn?.status ?? 303).toBe(303);
    visits.set(sender, { visit, csrf: sender === "stranger" ? "" : await visit.csrf() });
  }
  const reader = visits.get("reader");
  const forger = visits.get("forger");
  if (forger !== undefined) {
    forger.csrf = reader?.csrf ?? "";
  }
});
afterAll(async () => {
  // What is the instance's outlives this file.
  for (const path of ["/v1/access", "/v1/accounts", "/v1/tokens"]) {
    for (const { id } of (await edge.send("GET", path)).body.items as { id: string }[]) {
      await edge.send("DELETE", `${path}/${id}`);
    }
  }
  await edge.send("PATCH", "/v1/builds", { json: { max_builds: null } });
  leave();
});

async function stored(): Promise<string[]> {
  const project = await edge.world.inside(async ({ context }, state) => {
    await context.slots.settled(() => false);
    return dump(state);
  });
  const instance = env.INSTANCE.getByName("instance");
  return [...project, ...(await runInDurableObject(instance, (_, state) => dump(state)))];
}

interface Drawn {
  readonly path: string;
  readonly fields: Record<string, string>;
  readonly sender: Sender;
  readonly raw: string | null;
  readonly headers: Record<string, string>;
}

const values = (name: string): fc.Arbitrary<string> =>
  fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...(FIELDS[name] ?? ["x"])) }, hostileText);

const drawn: fc.Arbitrary<Drawn> = fc.record({
  path: fc
    .tuple(
      fc.constantFrom(...FORMS),
      fc.nat(3),
      fc.constantFrom(...ACTIONS),
      fc.constantFrom("", "", "%00", "x"),
    )
    .map(([path, n, action, wrong]) =>
      path.replaceAll(/:(\w+)/g, (_, name: string) => {
        const right = { project: edge.world.name, account: "f".repeat(32), number: "1", action }[
          name
        ];
        return (right ?? ids[n % ids.length] ?? "") + (name === "project" ? "" : wrong);
      }),
    ),
  fields: fc.record(Object.fromEntries(Object.keys(FIELDS).map((name) => [name, values(name)])), {
    requiredKeys: [],
  }) as fc.Arbitrary<Record<string, string>>,
  sender: fc.constantFrom<Sender>("owner", "owner", "reader", "forger", "stranger"),
  raw: fc.option(fc.oneof(hostileText, fc.constantFrom("csrf=", "&&&=", "a=%ff%fe", "csrf&csrf")), {
    freq: 10,
  }),
  headers: fc.oneof(
    { weight: 8, arbitrary: fc.constant({}) },
    fc.constantFrom<Record<string, string>>(
      { origin: "https://evil.example" },
      { "content-type": "text/plain" },
      { "content-type": "multipart/form-data; boundary=x" },
    ),
  ),
});

function send({ path, fields, sender, raw, headers }: Drawn): Promise<Page> {
  const from = visits.get(sender);
  if (from === undefined) {
    throw new Error(sender);
  }
  return raw === null
    ? from.visit.post(path, { ...fields, csrf: from.csrf }, headers)
    : from.visit.send(path, raw.toWellFormed(), headers);
}

it("a form is taken or refused in words, whatever is in it, and changes nothing unless it is of a page of who may do that", async () => {
  let done = 0;
  const property = fc.asyncProperty(drawn, async (one) => {
    // Time for the budget to fill.
    edge.world.pass(1_000);
    const before = one.sender === "owner" ? null : await stored();
    const { status, headers, text } = await send(one);
    const elsewhere = [502, 503].includes(status);
    expect(status < 500 || elsewhere, `${status} ${text.slice(-2_000)}`).toBe(true);
    done += Number(one.sender === "owner" && status < 400);
    expect(text).not.toMatch(/<script>alert/);
    expect(headers.get("content-security-policy")).toMatch(/^default-src 'none'/);
    // Never to another place.
    expect(headers.get("location") ?? "/").toMatch(/^\/(?![/\\])[!-~]*$/);
    if (before !== null) {
      expect(await stored()).toEqual(before);
    }
  });
  await fc.assert(property, modelRuns("forms", 400));
  expect(FORMS.length).toBeGreaterThan(25);
  expect(done).toBeGreaterThan(0);
}, 600_000);
