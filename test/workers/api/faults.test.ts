/// <reference types="vite/types/importMeta.d.ts" />
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";

import { FAULT_CALLS, FAULT_KINDS } from "../../../sandbox/types.ts";
import type { Call } from "../../../sandbox/types.ts";
import { GATEWAY_ROUTES } from "../../../src/gateway/door.ts";
import { projectKey } from "../../../src/objects.ts";
import { Sentinels } from "../../support/sentinels.ts";
import { dump } from "../support/dump.ts";
import { elsewhere } from "../support/elsewhere.ts";
import { faultTable, strike, type Kind, type Times } from "../support/fault-table.ts";
import { Edge, leave, type Got } from "./edge.ts";

/**
 * Every fault that the sandbox knows × every request that has the edge call Cloudflare × once and for as long as it lasts. What is
 * answered is read from the table in docs/reliability.md, so that it can't say anything else than what happens.
 */

afterEach(leave);

const THEIRS = { accountId: "fa0175".padEnd(32, "0"), token: "the-credential-of-another-account" };
/** Longer than any silence that is asked for here. */
const OVER_MS = 400_000;
/** No answer takes longer, by whichever clock. */
const VIRTUAL_MS = 130_000;
const REAL_MS = 10_000;

interface Scenario {
  readonly call: Call;
  /** Begins afresh; gives the request, which is to be answered with `good` when nothing is wrong. */
  readonly begin: (edge: Edge) => Promise<() => Promise<Got>>;
  readonly good?: number;
  /** What is answered the second time where it was done the first time, whether that was answered or not. */
  readonly done?: (first: Got) => number;
}

const account = `/client/v4/accounts/${THEIRS.accountId}/pages/projects`;
const referenceOf = (name: string): string => `${THEIRS.accountId}:${name}`;
let names = 0;
const freshName = (): string => `fresh-${Date.now().toString(36)}-${names++}`;

/** A request that can be made as often as one likes. */
const plain =
  (method: string, path: (edge: Edge) => string, json?: object): Scenario["begin"] =>
  async (edge) =>
  () =>
    edge.send(method, path(edge), json === undefined ? {} : { json });

const inProject =
  (more = "") =>
  (edge: Edge): string =>
    `${account}/${edge.world.name}${more}`;

const asset =
  (call: string, json: unknown): Scenario["begin"] =>
  async (edge) =>
  async () => {
    const { body } = await edge.send("GET", inProject("/upload-token")(edge));
    const token = (body as { result: { jwt: string } }).result.jwt;
    return edge.send("POST", `/client/v4/pages/assets/${call}`, { token, json });
  };

/** About a deployment that there is, and that serves nothing but a branch. */
const onDeployment =
  (method: string, more = ""): Scenario["begin"] =>
  async (edge) => {
    const id = await elsewhere(edge.world, "preview");
    return () => edge.send(method, inProject(`/deployments/${id}${more}`)(edge));
  };

const registration =
  (json: object): Scenario["begin"] =>
  async (edge) => {
    const name = freshName();
    edge.world.sandbox.addProject({ name, source: `acme/${name}` });
    return async () => {
      const got = await edge.send("PUT", `/v1/projects/${referenceOf(name)}`, { json });
      if (got.status >= 400) {
        const key = projectKey(THEIRS.accountId, name);
        const stub = env.PROJECT.getByName(key);
        expect(await runInDurableObject(stub, (_, state) => dump(state))).toEqual([]);
      }
      return got;
    };
  };

/** A look at Cloudflare is not done by half: without its answer nothing is registered. */
const registered = ({ status }: Got): number => (status < 300 ? 200 : 201);

const SCENARIOS: Record<string, Scenario> = {
  "PUT /v1/projects/:project": {
    call: "project",
    good: 201,
    done: registered,
    begin: registration({}),
  },
  "the same with native_builds": {
    call: "patch",
    good: 201,
    done: registered,
    begin: registration({ native_builds: "off" }),
  },
  "GET /v1/accounts/:account/projects": {
    call: "projects",
    begin: plain("GET", () => `/v1/accounts/${THEIRS.accountId}/projects`),
  },
  "PUT /v1/accounts/:account": {
    call: "projects",
    begin: plain("PUT", () => `/v1/accounts/${THEIRS.accountId}`, { api_token: THEIRS.token }),
  },
  "GET …/deploys/:id/logs": {
    call: "logs",
    begin: async (edge) => {
      const { deploy } = await edge.world.push();
      await edge.world.ended(deploy?.id ?? "");
      const path = `/v1/projects/${referenceOf(edge.world.name)}/deploys/${deploy?.id}/logs`;
      return () => edge.send("GET", path);
    },
  },
  "GET …/projects": { call: "projects", begin: plain("GET", () => account) },
  "POST …/projects": {
    call: "projects",
    done: () => 409,
    begin: async (edge) => {
      const json = { name: freshName(), production_branch: "main" };
      return () => edge.send("POST", account, { json });
    },
  },
  "GET …/projects/:project": { call: "project", begin: plain("GET", inProject()) },
  "PATCH …/projects/:project": {
    call: "patch",
    begin: plain("PATCH", inProject(), { production_branch: "main" }),
  },
  "GET …/projects/:project/upload-token": {
    call: "upload-token",
    begin: plain("GET", inProject("/upload-token")),
  },
  "POST …/projects/:project/purge_build_cache": {
    call: "project",
    begin: plain("POST", inProject("/purge_build_cache")),
  },
  "GET …/projects/:project/deployments": {
    call: "list",
    begin: plain("GET", inProject("/deployments")),
  },
  "GET …/projects/:project/deployments/:deployment": { call: "get", begin: onDeployment("GET") },
  "DELETE …/projects/:project/deployments/:deployment": {
    call: "delete",
    done: () => 404,
    begin: onDeployment("DELETE", "?force=true"),
  },
  "GET …/projects/:project/deployments/:deployment/history/logs": {
    call: "logs",
    begin: onDeployment("GET", "/history/logs"),
  },
  "GET …/projects/:project/domains": {
    call: "project",
    begin: plain("GET", inProject("/domains")),
  },
  "POST …/assets/check-missing": {
    call: "check-missing",
    begin: asset("check-missing", { hashes: ["0".repeat(32)] }),
  },
  "POST …/assets/upload": { call: "upload", begin: asset("upload", []) },
  "POST …/assets/upsert-hashes": {
    call: "upsert-hashes",
    begin: asset("upsert-hashes", { hashes: [] }),
  },
};

/** Those that wait for the end of a deploy, and show the deployment then: the look that is struck is the last one. */
const HELD: Record<string, (edge: Edge, deployment: string) => Promise<Got>> = {
  "POST …/projects/:project/deployments": (edge) =>
    edge.send("POST", inProject("/deployments")(edge), { json: { branch: "main" } }),
  "POST …/projects/:project/deployments/:deployment/retry": (edge, id) =>
    edge.send("POST", inProject(`/deployments/${id}/retry`)(edge)),
  "POST …/projects/:project/deployments/:deployment/rollback": (edge, id) =>
    edge.send("POST", inProject(`/deployments/${id}/rollback`)(edge)),
};

/** Routes of the gateway for what the sandbox does not have. They are relayed by the same code. */
const NOT_HERE = [
  "POST …/projects/:project/deployments/:deployment/tails",
  "DELETE …/projects/:project/deployments/:deployment/tails/:tail",
  "POST …/projects/:project/domains",
  "GET …/projects/:project/domains/:domain",
  "PATCH …/projects/:project/domains/:domain",
  "DELETE …/projects/:project/domains/:domain",
];

/** What a project's effects meet, and `retry`, for which nobody asks Cloudflare. */
const OF_PROJECTS: readonly Call[] = ["create", "rollback", "retry"];

/** How a request was answered: its status, and where that is none of success, the code beside it. */
function answerOf({ status, body }: Got): string {
  const { code, errors } = (body ?? {}) as { code?: string; errors?: { code?: number }[] };
  return status < 300 ? `${status}` : `${status} ${code ?? errors?.[0]?.code}`;
}

/** The expectations: for once and for always. Null: the fault can't strike this call. */
const EXPECTED = new Map(
  [...faultTable("request")].map(([name, row]) => [
    name,
    new Map(
      [...row].map(([kind, cell]) => {
        const [once, always = once] = [...cell.matchAll(/`([^`]+)`/g)].map(([, answer]) => answer);
        return [kind, once === undefined ? null : [once, always]];
      }),
    ),
  ]),
);

/** Whatever is stored, but for how much of the limit is used up. */
async function stored(edge: Edge): Promise<string[]> {
  const project = await edge.world.inside((_, state) => dump(state));
  const stub = env.INSTANCE.getByName("instance");
  const instance = await runInDurableObject(stub, (_, state) => dump(state));
  return [...project, ...instance.filter((row) => !/^budgets? /.test(row))];
}

async function inTime<T>(ask: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("no answer")), REAL_MS);
  });
  return Promise.race([ask, late]).finally(() => clearTimeout(timer ?? null));
}

async function play(
  edge: Edge,
  { call, begin, good = 200, done = () => good }: Scenario,
  kind: Kind,
  times: Times,
) {
  const { world } = edge;
  const sentinels = new Sentinels();
  sentinels.add("the account's credential", THEIRS.token);
  const ask = await begin(edge);
  const before = await stored(edge);
  const struck = (): number =>
    world.sandbox.journal().requests.filter(({ fault }) => fault === kind).length;
  const already = struck();
  strike(world, call, kind, times);
  const from = world.now();
  const got = await inTime(ask());
  expect(struck(), "the fault has struck").toBeGreaterThan(already);
  expect(world.now() - from).toBeLessThan(VIRTUAL_MS);
  expect(sentinels.in(`${JSON.stringify([...got.headers])} ${got.text}`)).toEqual([]);
  if (got.status >= 400) {
    expect(await stored(edge)).toEqual(before);
  }
  const isDone = kind === "lost" || kind === "late" || got.status < 300;
  world.pass(OVER_MS);
  if (times === "always" && !isDone) {
    // As long as it lasts.
    expect(answerOf(await inTime(ask()))).toBe(answerOf(got));
    world.pass(OVER_MS);
  }
  world.sandbox.clearFaults();
  expect((await inTime(ask())).status, "when it is over").toBe(isDone ? done(got) : good);
  return answerOf(got);
}

/**
 * Lets a fault strike once the project has seen the end: what is looked at after that, somebody holds the line for. The pauses
 * of whoever holds are no time by the wall.
 */
async function hold(
  edge: Edge,
  name: string,
  first: string,
  kind: Kind,
  times: Times,
): Promise<string> {
  const { world } = edge;
  if (name.endsWith("/rollback")) {
    await world.ended((await world.push()).deploy?.id ?? "");
  }
  const answer = world.sandbox.fetch.bind(world.sandbox);
  const isLook = (request: Request): boolean =>
    request.method === "GET" && /\/deployments\/[0-9a-f-]{36}$/.test(new URL(request.url).pathname);
  const already = world.sandbox.journal().requests.length;
  let over = name.endsWith("/rollback");
  const looks = vi.spyOn(world.sandbox, "fetch").mockImplementation(async (request) => {
    if (!isLook(request) || over) {
      return answer(request);
    }
    const looked = await answer(request);
    const { result } = await looked
      .clone()
      .json<{ result: { latest_stage: { name: string; status: string } } }>();
    over = result.latest_stage.name === "deploy" && result.latest_stage.status === "success";
    if (over) {
      strike(world, "get", kind, times);
    }
    return looked;
  });
  if (over) {
    strike(world, "get", kind, times);
  }
  const wait = scheduler.wait.bind(scheduler);
  const pauses = vi
    .spyOn(scheduler, "wait")
    .mockImplementation(async (ms) => (ms > 3_000 ? wait(20) : world.pass(ms)));
  const answers: Got[] = [];
  const asked = HELD[name]?.(edge, first).then((got) => answers.push(got));
  const goOn = async (): Promise<void> => {
    // Until the request has come to the project, nothing is due there.
    for (let n = 0; answers.length === 0 && n < 1_000; n++) {
      await world.run(1_000, async () => answers.length > 0);
      await wait(5);
    }
  };
  await inTime(Promise.all([asked, goOn()]));
  const [answered] = answers;
  if (answered === undefined) {
    throw new Error(name);
  }
  const struck = world.sandbox
    .journal()
    .requests.slice(already)
    .filter(({ fault }) => fault === kind);
  expect(struck.length, "the fault has struck").toBeGreaterThan(0);
  expect((answered.body as { result: { url?: string } | null }).result?.url).toMatch(/pages\.dev$/);
  world.sandbox.clearFaults();
  looks.mockRestore();
  pauses.mockRestore();
  world.pass(OVER_MS);
  return answerOf(answered);
}

describe("a fault at Cloudflare", () => {
  it("has an expected answer for every request and kind there is", () => {
    const names = [...Object.keys(SCENARIOS), ...Object.keys(HELD)];
    expect([...EXPECTED.keys()]).toEqual(names);
    const calls = new Set(Object.values(SCENARIOS).map(({ call }) => call));
    expect([...calls, ...OF_PROJECTS].toSorted()).toEqual([...FAULT_CALLS].toSorted());
    const routes = GATEWAY_ROUTES.map(
      ({ method, path }) => `${method} ${path.replace(/^(?:\/accounts\/:account)?\/pages/, "…")}`,
    );
    const known = names.filter((name) => /…\/(?:projects|assets)/.test(name));
    expect([...known, ...NOT_HERE].toSorted()).toEqual(routes.toSorted());
    for (const row of EXPECTED.values()) {
      expect([...row.keys()].toSorted()).toEqual([...FAULT_KINDS].toSorted());
    }
  });

  it("can strike no other call that the edge makes", () => {
    const sources: Record<string, string> = import.meta.glob(
      "../../../src/{api,gateway,dashboard}/**/*.{ts,tsx}",
      {
        query: "?raw",
        import: "default",
        eager: true,
      },
    );
    const calls = Object.entries(sources).flatMap(([path, text]) =>
      [...text.matchAll(/\(client\) =>\s+client\s*\.(\w+)\(|await (fetch)\(/g)].map(
        ([, method, plainly]) => `${path.replace("../../../src/", "")} ${method ?? plainly}`,
      ),
    );
    expect(calls.toSorted()).toEqual([
      "api/accounts.ts projects",
      "api/accounts.ts projects",
      "api/deploys.ts logs",
      // Of one part of the Worker to another.
      "api/inside.ts fetch",
      "api/register.ts patchProject",
      "api/register.ts project",
      "gateway/assets.ts fetch",
      "gateway/assets.ts uploadToken",
      "gateway/hold.ts relay",
      "gateway/relay.ts relay",
    ]);
  });

  it.each(Object.keys(HELD))(
    "at %s, in the look at what it has made, does not make a failure of it",
    async (name) => {
      const edge = await Edge.create({ account: THEIRS, policy: { rollback: { lock: false } } });
      edge.world.sandbox.speed({ factor: 0.2 });
      const { deployment } = await edge.world.ended((await edge.world.push()).deploy?.id ?? "");
      const answers: [string, unknown][] = [];
      for (const kind of FAULT_KINDS) {
        if (!strike(edge.world, "get", kind, 1)) {
          answers.push([kind, null]);
          continue;
        }
        edge.world.sandbox.clearFaults();
        const once = await hold(edge, name, deployment?.id ?? "", kind, 1);
        answers.push([kind, [once, await hold(edge, name, deployment?.id ?? "", kind, "always")]]);
      }
      expect(Object.fromEntries(answers)).toEqual(Object.fromEntries(EXPECTED.get(name) ?? []));
    },
    60_000,
  );

  it.each(Object.entries(SCENARIOS))(
    "at %s, once or always, is answered as the table says, and leaves nothing half done",
    async (name, scenario) => {
      const edge = await Edge.create({ account: THEIRS });
      const answers: [string, unknown][] = [];
      for (const kind of FAULT_KINDS) {
        if (!strike(edge.world, scenario.call, kind, 1)) {
          answers.push([kind, null]);
          continue;
        }
        edge.world.sandbox.clearFaults();
        const once = await play(edge, scenario, kind, 1);
        answers.push([kind, [once, await play(edge, scenario, kind, "always")]]);
      }
      expect(Object.fromEntries(answers)).toEqual(Object.fromEntries(EXPECTED.get(name) ?? []));
    },
    60_000,
  );
});
