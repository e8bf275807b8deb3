import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect, it } from "vitest";

import { Api } from "../../../src/api/route.ts";
import { dashboard } from "../../../src/dashboard/routes.tsx";
import { Edge, leave } from "../api/edge.ts";
import { elsewhere } from "../support/elsewhere.ts";
import { Visit } from "./visit.ts";

let edge: Edge;
let visit: Visit;
beforeEach(async () => {
  edge = await Edge.create();
  visit = new Visit();
  await visit.signIn(edge.token);
});
afterEach(leave);

/** Closes whatever a page could put it into, begins an element, turns text round, and has what nobody sees. */
const hostile = (field: string): string => `"'><xss ${field}>\u202e\u200b\u0007</title></textarea>`;
const ESCAPED = /&quot;&#39;&gt;&lt;xss ([\w.]+)/g;
const BROKEN = /<xss|"'>/;
// oxlint-disable-next-line no-control-regex -- what must not be there
const UNSEEN = /[\u202e\u200b\u0007]/;

/** A page without what its fields hold and its links lead to, which goes back as it is. */
const printed = (html: string): string =>
  html.replaceAll(/ (?:value|placeholder|href)="[^"]*"|<textarea[^>]*>[^<]*/g, "");

/** Columns that hold no text of anybody: ids, words of ours, hashes, what is sealed, and names that Cloudflare restricts. */
const FIXED: Readonly<Record<string, string>> = {
  project: "key account_id name upstream_id source live_deploy_id origin badge badge_key",
  deploys: `id kind status reason_code waiting_for trigger_id trigger_kind environment content_hash
    upload_id deployment_id superseded_by retry_of held_for rollback_to promoted_from wait_for
    baseline cancel_requested`,
  triggers: "id dedupe_key fingerprint kind outcome reason_code deploy_id hook_id",
  uploads: "id state",
  upload_chunks: "upload_id",
  leftovers: "deployment_id deploy_id kind environment step outcome",
  stray_watches: "deploy_id",
  events: "id type deploy_id",
  subscribers: "id kind events secret state old_secret headers",
  deliveries: "id subscriber_id state",
  attempts: "subscriber_id",
  learnt: "subscriber_id",
  hooks: "id source secrets url_key",
  schedules: "id cron time_zone missed last_outcome last_reason_code last_deploy_id",
  tokens: "id hash key_id scopes",
  locks: "id environment",
  openings: "environment",
  externals: "deployment_id environment outcome created_on",
  runs: "deploy_id",
  trust: "id scope",
  readers: "hash deploy_id",
};
/** The same inside of JSON, by the last name on the way to a text. */
const FIXED_KEYS =
  /^(?:id|type|kind|status|for|environments?|outcome|state|reason_code|mode|lane|action|cron|time_zone|on_failure|superseded|statuses|\w+_(?:id|at|on|until)|until|since|at|timestamp|superseded_by|retry_of|promoted_from|not_before)$/;

/** What no page prints as it stands: what only programs are told, what is counted or compared, and what is cut to less. */
const UNSHOWN: readonly string[] = `
  deploys.approved_by deploys.commit_hash deploys.form deploys.released_by deploys.target deploys.failure
  deploys.deployment.aliases events.data externals.commit_hash externals.stage externals.target
  externals.trigger_type externals.url leftovers.target learnt marks project.subdomain runs subscribers.url
  triggers.source troubles trust uploads`
  .trim()
  .split(/\s+/);

/** What is JSON, where nothing here has it. */
const EXAMPLES: Readonly<Record<string, string>> = {
  "deploys.failure": '{"stage":"build","log":["a line"]}',
  "deploys.health": '{"tries":1,"checks":[{"url":"/","ok":false,"detail":"why"}]}',
  "deploys.deployment":
    '{"id":"d","url":"https://x","aliases":["https://y"],"environment":"production"}',
};

/** Puts something hostile into every text that the project stores; says where. */
async function poison(): Promise<Set<string>> {
  return edge.world.inside(({ context }, { storage: { sql } }) => {
    const put = new Set<string>();
    const columns = textColumns(sql);
    for (const { t, c } of columns.filter(
      ({ t, c }) => FIXED[t]?.split(/\s+/).includes(c) !== true,
    )) {
      const values = sql
        .exec<{ v: string | null }>(`SELECT DISTINCT "${c}" AS v FROM "${t}"`)
        .toArray();
      const field = `${t}.${c}`;
      if (values.every(({ v }) => v === null)) {
        context.sql.run(`UPDATE "${t}" SET "${c}" = ?`, spoil(EXAMPLES[field] ?? "", field, put));
      }
      for (const v of values.flatMap((row) => row.v ?? [])) {
        context.sql.run(`UPDATE "${t}" SET "${c}" = ? WHERE "${c}" = ?`, spoil(v, field, put), v);
      }
    }
    return put;
  });
}

/** A stored text with something hostile in it, or in every text of the JSON that it is. */
function spoil(text: string, field: string, put: Set<string>): string {
  if (/^[[{]/.test(text)) {
    const inside = (value: unknown, key: string): unknown => {
      if (Array.isArray(value)) {
        return value.map((each) => inside(each, key));
      }
      if (typeof value === "object" && value !== null) {
        return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, inside(v, k)]));
      }
      return typeof value === "string" && !FIXED_KEYS.test(key)
        ? spoil(value, key === "" ? field : `${field}.${key}`, put)
        : value;
    };
    return JSON.stringify(inside(JSON.parse(text), ""));
  }
  put.add(field);
  // What is a URL stays one, so that it may be linked to.
  return `${text}${text.startsWith("https://") ? "/" : ""}${hostile(field)}`;
}

/** Something in every table that has texts of others. */
async function fill(): Promise<void> {
  const { world } = edge;
  const made = await Promise.all(
    [
      ["/schedules", { cron: "0 6 * * *" }],
      ["/hooks", { source: "github", description: "of a hook", branch: "main" }],
      ["/hooks", { source: "github", branches: { include: ["*"] } }],
      ["/tokens", { scopes: ["read"], description: "of a token" }],
      [
        "/trust",
        {
          issuer: "github",
          repository_id: "1",
          repository: "acme/blog",
          ref: "refs/heads/main",
          environment: "production",
          workflow: "deploy.yml",
          scope: "deploy",
        },
      ],
    ].map(([path, json]) => edge.on("POST", path as string, { json })),
  );
  expect(made.map(({ status }) => status)).toEqual([201, 201, 201, 201, 201]);
  await edge.on("PATCH", "/policy", {
    json: {
      windows: [
        { action: "deny", cron: "0 3 * * *", duration_minutes: 1, time_zone: "UTC", reason: "x" },
      ],
      health: { checks: [{ url: "/", contains: "x", header: { name: "x", value: "x" } }] },
      retry: { limit: 0, stages: ["build"], backoff_seconds: 30 },
    },
  });
  await world.subscribe("down.example", () => new Response("no", { status: 500 }), {
    description: "of a subscriber",
  });
  // Cloudflare's log of it has the message.
  await world.ended((await world.push({ message: hostile("log") })).deploy?.id ?? "");
  await world.ended((await world.push({ branch: "preview" })).deploy?.id ?? "");
  await world.run(60_000);
  world.sandbox.speed({ stages: { build: 300_000 } });
  await elsewhere(world);
  await edge.on("POST", "/locks", { json: { reason: "stop", holder: "Ines" } });
  await world.push();
  await world.run(1_000);
  await world.inside((_, { storage: { sql } }) => {
    sql.exec("UPDATE schedules SET last_run_at = 1, last_outcome = 'ignored'");
    sql.exec("UPDATE triggers SET hook_id = (SELECT MAX(id) FROM hooks)");
    sql.exec("UPDATE subscribers SET last_status = NULL, last_at = last_at + 1");
    sql.exec("UPDATE deliveries SET status = NULL, attempts = 2 WHERE sequence % 2");
    sql.exec(
      "INSERT INTO attempts SELECT subscriber_id, sequence, 1, at, NULL, '', 1, '' FROM deliveries",
    );
    sql.exec(`INSERT INTO externals (deployment_id, environment, branch, target, url, stage, created_on, since, ended_at)
      SELECT value, 'production', 'main', 'production', 'https://x', 'build', '2026-11-24T12:00:00Z', 1,
        CASE value WHEN 'ended' THEN 1 END FROM json_each('["runs", "ended"]')`);
    sql.exec("INSERT INTO troubles VALUES ('deploy/x', 1, NULL, 'x')");
  });
}

it("what others wrote is text and nothing else, on every page that shows it", async () => {
  await fill();
  const put = await poison();
  const undo = await poisonInstance();
  const shown = new Set<string>();
  const faults: string[] = [];
  try {
    for (const page of await pages()) {
      const { status, headers, text } = await visit.get(page);
      const fault = BROKEN.exec(text) ?? UNSEEN.exec(printed(text));
      if (fault !== null || status >= 500) {
        faults.push(
          `${page} ${status} ${fault?.input.slice(Math.max(0, fault.index - 150), fault.index + 10)}`,
        );
      }
      expect(headers.get("content-security-policy")).toMatch(/^default-src 'none'(?!.*unsafe)/);
      [...text.matchAll(ESCAPED)].forEach(([, field = ""]) => shown.add(field));
    }
  } finally {
    await undo();
  }
  expect(faults).toEqual([]);
  const isNamed = (field: string): boolean => UNSHOWN.some((name) => field.startsWith(name));
  const missed = [...put].filter((field) => !shown.has(field) && !isNamed(field));
  // Either a page shows it, and it was seen above that it is text there, or it is known that none does.
  expect(missed.sort()).toEqual([]);
  expect([...shown]).toEqual(
    expect.arrayContaining([
      "log",
      "instance.access_rules.description",
      "instance.accounts.description",
      "instance.tokens.description",
    ]),
  );
});

/** What the instance stores of what people write; whoever adds to it adds to what is put there. */
const OF_THE_INSTANCE = [
  "access_rules.description",
  "accounts.description",
  "accounts.owner",
  "tokens.description",
];
/** Its other columns: ids, names and addresses that have a pattern, words of ours, what is sealed. */
const INSTANCE_FIXED =
  /\.(?:id|key|name|hash|key_id|account_id|deploy_id|project|kind|scopes|credential|email|email_domain|service_token)$|^(?:budgets\.owner|settings\.visited)$/;

/** Puts it there by the API; says how to have the instance as it was, which others share. */
async function poisonInstance(): Promise<() => Promise<void>> {
  const columns = await runInDurableObject(env.INSTANCE.getByName("instance"), (_, state) =>
    textColumns(state.storage.sql).map(({ t, c }) => `${t}.${c}`),
  );
  expect(columns.filter((name) => !INSTANCE_FIXED.test(name)).sort()).toEqual(OF_THE_INSTANCE);

  const account = `/v1/accounts/${"ab".repeat(16)}`;
  const { sandbox } = edge.world;
  edge.world.accounts.set("ab".repeat(16), {
    ...sandbox,
    fetch: async () => Response.json({ success: true, errors: [], messages: [], result: [] }),
  });
  const by = (field: string): string => hostile(`instance.${field}`);
  const made = [
    await edge.send("PUT", account, {
      json: {
        api_token: "theirs",
        owner: by("accounts.owner").slice(0, 60),
        description: by("accounts.description"),
      },
    }),
    await edge.send("POST", "/v1/access", {
      json: {
        email_domain: "example.com",
        scopes: ["read"],
        description: by("access_rules.description"),
      },
    }),
    await edge.send("POST", "/v1/tokens", {
      json: { scopes: ["read"], description: by("tokens.description") },
    }),
  ];
  expect(made.map(({ status }) => status)).toEqual([201, 201, 201]);
  const [, rule, token] = made;
  return async () => {
    const gone = [
      account,
      `/v1/access/${rule?.body.id}`,
      `/v1/tokens/${token?.body.id}`,
      edge.base,
    ];
    for (const path of gone) {
      expect((await edge.send("DELETE", path)).status).toBe(204);
    }
  };
}

interface Column {
  readonly [name: string]: string;
  readonly t: string;
  readonly c: string;
}

function textColumns(sql: SqlStorage): Column[] {
  return sql
    .exec<Column>(
      `SELECT m.name AS t, p.name AS c FROM sqlite_master m, pragma_table_info(m.name) p
       WHERE m.type = 'table' AND m.name NOT LIKE '\\_%' ESCAPE '\\' AND p.type = 'TEXT'`,
    )
    .toArray();
}

/** Every page there is, by the dashboard's own routes. */
async function pages(): Promise<string[]> {
  const api = new Api();
  dashboard(api);
  const idsAt = async (path: string): Promise<string[]> =>
    ((await edge.send("GET", path)).body.items as { id: string }[]).map(({ id }) => id);
  const ids = (what: string): Promise<string[]> => idsAt(`${edge.base}/${what}`);
  const values: Record<string, readonly string[]> = {
    project: [edge.world.name],
    number: ["1", "2", "3"],
    action: ["cancel", "retry", "rollback", "promote", "approve", "reject", "release"],
    hooks: await ids("hooks"),
    subscribers: await ids("subscribers"),
    schedules: await ids("schedules"),
    account: await idsAt("/v1/accounts"),
    access: await idsAt("/v1/access"),
    tokens: [...(await ids("tokens")), ...(await idsAt("/v1/tokens"))],
  };
  const paths = api.routes
    .filter(({ method, path }) => method === "GET" && !/^\/assets\/|\/live$/.test(path))
    .map(({ path }) => path);
  const asked = encodeURIComponent(hostile("query"));
  const queried = [
    `/projects/${edge.world.name}?q=${asked}&branch=${asked}`,
    `/projects/${edge.world.name}/windows?explain=1&branch=${asked}`,
    `/sign-in?to=${asked}`,
  ];
  const all = [...new Set(paths)].flatMap((path) =>
    path.split("/").reduce<string[]>(
      (known, step, n, steps) => {
        const name = step === ":id" ? (steps[n - 1] ?? "") : step.slice(1);
        const options = step.startsWith(":") ? values[name] : [step];
        expect(options, `what ${step} of ${path} can be`).toBeDefined();
        return known.flatMap((start) =>
          (options ?? []).map((option) => (n === 0 ? option : `${start}/${option}`)),
        );
      },
      [""],
    ),
  );
  return [...all, ...queried];
}
