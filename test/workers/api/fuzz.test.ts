import { createExecutionContext, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import * as fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";

import { app } from "../../../src/app.ts";
import { documentOf } from "../../../src/api/document.ts";
import { allows, type Scope } from "../../../src/security/tokens.ts";
import { modelRuns } from "../../support/runs.ts";
import { dump } from "../support/dump.ts";
import { requestsFor, type Described, type Drawn, type Route } from "../support/fuzz-requests.ts";
import { Visit } from "../dashboard/visit.ts";
import { Issuer } from "../support/issuer.ts";
import { mayHaveAsked, watched } from "../support/rpc.ts";
import { Edge, leave, ORIGIN } from "./edge.ts";
import { makeHook } from "./github.ts";
import { RULE } from "./job.ts";

/**
 * Requests made of the document of the API: good ones, ones that are good in all but one thing, and hostile ones, for every
 * route, by everybody who may hold a token and by those who may not. Beside what is expected here, every answer is held
 * against the document (support/contract.ts).
 */

/** No answer comes later than this, however the request is. */
const HANGS_MS = 10_000;
/** What a route may answer from 500 on: that somebody else can't be asked, or said no. */
const ELSEWHERE = new Set([
  "upstream_refused",
  "upstream_unavailable",
  "issuer_unavailable",
  "budget_spent",
]);

/** What a refusal leaves at a hook. */
const COUNTED = /^(?:hooks |sqlite_sequence |events .*"type":"hook\.refused")/;
const countEvents = (rows: readonly string[]): number =>
  rows.filter((row) => row.startsWith("events ")).length;

/** Who asks: with which token, and what that is good for in the project. */
interface Asker {
  readonly [fc.toStringMethod]: () => string;
  readonly token: string | null;
  readonly scope: Scope | null;
  /** What a browser sends along. */
  readonly cookie?: string;
}

let edge: Edge;
let other: Edge;
let askers: Asker[];
/** Ids that there are, by the prefix that their kind has. */
let ids: Map<string, string[]>;
let segments: Record<string, string>;
const document = JSON.parse(JSON.stringify(documentOf(app))) as {
  paths: Record<string, Record<string, Described>>;
};
const ROUTES: readonly Route[] = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, described]) => ({
    method: method.toUpperCase(),
    path,
    scope: described.security?.[0]?.token?.[0] ?? null,
    described,
  })),
);

beforeAll(async () => {
  other = await Edge.create();
  edge = await Edge.create();
  const [read, deploy, manage, elsewhere] = [
    await edge.projectToken("read"),
    await edge.projectToken("deploy"),
    await edge.projectToken("manage"),
    await other.projectToken("manage"),
  ];
  const asker = (name: string, token: string | null, scope: Scope | null): Asker => ({
    token,
    scope,
    [fc.toStringMethod]: () => name,
  });
  const github = await Issuer.in(edge.world, "github", ORIGIN);
  await edge.on("POST", "/trust", { json: RULE });
  const lasting = { exp: Math.floor(Date.now() / 1_000) + 1_000_000 };
  const flipped = manage.token.slice(0, -1) + (manage.token.endsWith("A") ? "B" : "A");
  askers = [
    asker("nobody", null, null),
    asker("something", "letmein", null),
    asker("an empty token", "", null),
    asker("a forger", flipped, null),
    asker("a job that is none", "eyJhbGciOiJub25lIn0.e30.", null),
    asker("another project", elsewhere.token, null),
    // Pages are for browsers: what lets somebody see them is worth nothing here, nor is what is for uploads.
    { ...asker("a session", null, null), cookie: await session() },
    asker("an upload", await uploadToken(), null),
    asker(
      "a job that is not trusted",
      await github.token({ ...lasting, repository_id: "1" }),
      null,
    ),
    asker("a job", await github.token(lasting), "deploy"),
    asker("read", read.token, "read"),
    asker("deploy", deploy.token, "deploy"),
    asker("manage", manage.token, "manage"),
    asker("the instance", edge.token, "manage"),
  ];
  const hook = await makeHook(edge);
  const badge = await edge.on("POST", "/badge");
  segments = {
    "/hooks/{project}/{segment}": new URL(hook.url).pathname.split("/").at(-1) ?? "",
    "/badges/{project}/{segment}":
      new URL(badge.body.url as string).pathname.split("/").at(-1) ?? "",
  };
  ids = new Map();
  know(hook);
  for (const [path, json] of [
    ["/deploys", { branch: "main" }],
    ["/subscribers", { url: "https://receiver.example/in" }],
    ["/schedules", { cron: "0 6 * * *" }],
    ["/locks", { reason: "The fair" }],
  ] as const) {
    know((await edge.on("POST", path, { json })).body);
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

async function session(): Promise<string> {
  const visit = new Visit();
  await visit.signIn(edge.token);
  return [...visit.cookies].map((pair) => pair.join("=")).join("; ");
}

async function uploadToken(): Promise<string> {
  const path = `/client/v4/accounts/${edge.config.accountId}/pages/projects/${edge.world.name}`;
  const { body } = await edge.send("GET", `${path}/upload-token`);
  return (body as { result: { jwt: string } }).result.jwt;
}

/** Remembers the ids in an answer. */
function know(body: unknown): void {
  for (const [id = "", prefix = ""] of JSON.stringify(body ?? null).matchAll(
    /\b(dpl|hok|sub|sch|lck|dlv)_[0-9A-Z]{26,}/g,
  )) {
    const known = ids.get(prefix) ?? [];
    if (!known.includes(id)) {
      ids.set(prefix, [...known.slice(-5), id]);
    }
  }
}

const KINDS = { deploys: "dpl", hooks: "hok", subscribers: "sub", schedules: "sch", locks: "lck" };

function urlOf({ route, method, path, query }: Drawn): string {
  const isRemoval = method === "DELETE" && route.path === "/v1/projects/{project}";
  const right: Record<string, string> = {
    // The project itself stays.
    project: isRemoval ? "nobodys" : edge.world.name,
    account: edge.config.accountId,
    id: last(KINDS[route.path.split("/")[4] as keyof typeof KINDS]),
    delivery: last("dlv"),
    segment: segments[route.path] ?? "",
  };
  const at = route.path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(path[name] ?? right[name] ?? ""),
  );
  const asked = query.map((pair) =>
    pair.map((text) => encodeURIComponent(text.toWellFormed())).join("="),
  );
  return `${ORIGIN}${at}${asked.length === 0 ? "" : `?${asked.join("&").slice(0, 4_000)}`}`;
}

function last(prefix: string | undefined): string {
  return ids.get(prefix ?? "")?.at(-1) ?? "xyz_01JZZZZZZZZZZZZZZZZZZZZZZZ";
}

interface Answer {
  readonly status: number;
  readonly code: string | undefined;
  readonly text: string;
}

async function ask(request: Request, bindings: Env): Promise<Answer> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const hangs = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("no answer")), HANGS_MS);
  });
  try {
    return await Promise.race([answerTo(request, bindings), hangs]);
  } finally {
    clearTimeout(timer ?? null);
  }
}

async function answerTo(request: Request, bindings: Env): Promise<Answer> {
  const response = await app.fetch(request, bindings, createExecutionContext());
  const { status } = response;
  const type = response.headers.get("content-type") ?? "";
  if (type === "text/event-stream") {
    await response.body?.cancel();
    return { status, code: undefined, text: "" };
  }
  const text = await response.text();
  const body =
    /[/+]json\b/.test(type) && text !== "" ? (JSON.parse(text) as { code?: string }) : {};
  return { status, code: body.code, text };
}

function requestOf(drawn: Drawn, { token, cookie }: Asker): Request {
  const bodiless = drawn.method === "GET" || drawn.method === "HEAD";
  return new Request(urlOf(drawn), {
    method: drawn.method,
    headers: {
      ...drawn.headers,
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(cookie === undefined ? {} : { cookie }),
    },
    body: bodiless ? null : drawn.body,
    redirect: "manual",
  });
}

/** Everything that is stored, once all that was begun has ended. */
async function stored(): Promise<string[]> {
  const projects = [edge, other].map(({ world }) =>
    world.inside(async ({ context }, state) => {
      await context.slots.settled(() => false);
      return dump(state);
    }),
  );
  const instance = runInDurableObject(env.INSTANCE.getByName("instance"), (_, state) =>
    dump(state),
  );
  return (await Promise.all([...projects, instance])).flat();
}

/** Half of them may do it, the others nothing or too little. */
function askerOf({ scope: needed }: Route): fc.Arbitrary<Asker> {
  const may = ({ scope }: Asker): boolean =>
    scope !== null && (needed === null || allows([scope], needed));
  const less = askers.filter((asker) => asker.scope !== null && !may(asker));
  return fc.oneof(
    { weight: 2, arbitrary: fc.constantFrom(...askers.filter(may)) },
    fc.constantFrom(...askers.filter(({ scope }) => scope === null)),
    fc.constantFrom(...(less.length === 0 ? askers : less)),
  );
}

it("answers whatever it is asked, by its document, and lets nobody do what they may not", async () => {
  const requests = fc.oneof(
    ...ROUTES.map((route) => fc.tuple(requestsFor(route, document), askerOf(route))),
  );
  /** undefined: it may have changed since. */
  let before: string[] | undefined;
  const statuses = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(requests, async ([drawn, asker]) => {
      const { route } = drawn;
      // Time for the budget to fill.
      edge.world.pass(1_000);
      const isWriter = asker.scope === "manage" || asker.scope === "deploy";
      before = isWriter ? undefined : (before ?? (await stored()));
      const { env: bindings, calls } = watched();
      const got = await ask(requestOf(drawn, asker), bindings);
      know(got.text);
      const kind = got.status < 500 ? `${Math.floor(got.status / 100)}xx` : `${got.code}`;
      statuses.set(kind, (statuses.get(kind) ?? 0) + 1);
      if (got.status >= 500 && !ELSEWHERE.has(got.code ?? "")) {
        throw new Error(`${got.status} ${got.text.slice(0, 500)}`);
      }
      const isHook = drawn.route.path.startsWith("/hooks/");
      const uncalledFor = calls.filter((call) => !mayHaveAsked(call, asker.scope, isHook));
      expect(uncalledFor).toEqual([]);
      const isMeant = drawn.method === route.method && route.scope !== null;
      if (isMeant && (asker.scope === null || !allows([asker.scope], route.scope))) {
        expect(got.status).toBeGreaterThanOrEqual(400);
      }
      if (before !== undefined) {
        const after = await stored();
        const was = new Set(before);
        const fresh = after.filter((row) => !was.has(row));
        // Who knows a hook's address can have it counted that they could not prove themselves.
        expect(isHook ? fresh.filter((row) => !COUNTED.test(row)) : fresh).toEqual([]);
        expect(after.length - before.length).toBe(isHook ? countEvents(fresh) : 0);
        before = after;
      }
    }),
    { ...modelRuns("requests", 1_200) },
  );
  console.log(JSON.stringify(Object.fromEntries(statuses)));
}, 600_000);
