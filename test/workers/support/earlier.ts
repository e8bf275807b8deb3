import { newWebhookSecret } from "../../../src/notify/webhook.ts";
import { hookSeal } from "../../../src/project/hooks.ts";
import { DEFAULT_POLICY } from "../../../src/project/policy.ts";
import { headersSeal, subscriberSeal } from "../../../src/project/subscribers.ts";
import { migrate, Sql, type Migration, type SqlValue } from "../../../src/sql.ts";
import type { World } from "./world.ts";

export type Row = Record<string, SqlValue>;
export type Rows = Record<string, Row[]>;

interface Made {
  readonly [column: string]: string;
  readonly name: string;
  readonly type: string;
  readonly sql: string;
}

/** Every row of every table; of the tables themselves, how they were made. */
export function dump(storage: DurableObjectStorage): { tables: Rows; made: Made[] } {
  const made = storage.sql
    .exec<Made>("SELECT name, type, sql FROM sqlite_master ORDER BY type, name")
    .toArray()
    .filter(({ name }) => !name.startsWith("_"));
  const tables = made.filter(({ type }) => type === "table");
  return {
    made,
    tables: Object.fromEntries(
      tables.map(({ name }) => [name, storage.sql.exec<Row>(`SELECT * FROM "${name}"`).toArray()]),
    ),
  };
}

/**
 * Makes the storage what these migrations alone had made of it, with what of these rows they had a place for. `rows` has to
 * have some for each of their tables.
 */
export async function becomeEarlier(
  storage: DurableObjectStorage,
  migrations: readonly Migration[],
  rows: Rows,
): Promise<void> {
  await storage.deleteAll();
  const sql = new Sql(storage);
  migrate(sql, migrations);
  for (const table of Object.keys(dump(storage).tables)) {
    if (table === "migrations" || table === "sqlite_sequence") {
      continue;
    }
    const columns = sql.all<{ name: string }>("SELECT name FROM pragma_table_info(?)", table);
    const known = rows[table];
    if (known === undefined || known.length === 0) {
      throw new Error(`earlier: no row for the table ${table}`);
    }
    for (const row of known) {
      const names = columns.map(({ name }) => name).filter((name) => name in row);
      sql.insert(table, Object.fromEntries(names.map((name) => [name, row[name] ?? null])));
    }
  }
}

export const IDS = {
  deploy: "dpl_01HZZZZZZZZZZZZZZZZZZZZZZ1",
  waiting: "dpl_01HZZZZZZZZZZZZZZZZZZZZZZ2",
  hook: "hok_01HZZZZZZZZZZZZZZZZZZZZZZ1",
  subscriber: "sub_01HZZZZZZZZZZZZZZZZZZZZZZ1",
  schedule: "sch_01HZZZZZZZZZZZZZZZZZZZZZZ1",
  lock: "lck_01HZZZZZZZZZZZZZZZZZZZZZZ1",
} as const;
/** Deliveries had an id of their own. */
const EARLIER_DELIVERY = "dlv_01HZZZZZZZZZZZZZZZZZZZZZZ1";
export const RECEIVER = "receiver.example";

/** A project with one deploy behind it and one that waits, and something in each of its tables. */
export async function projectRows(world: World): Promise<Rows> {
  const now = world.now();
  const later = now + 30 * 86_400_000;
  const seal = async (context: string, text: string): Promise<string> =>
    (await world.config?.keyring.seal(context, text)) ?? "";
  const trigger = {
    trigger_kind: "hook",
    trigger_source: "github",
    trigger_actor: "ines",
    delivery_id: "delivery-1",
  };
  const place = { branch: "main", environment: "production", target: "production" };
  const data = { account_id: world.sandbox.accountId, name: world.name };
  return {
    project: [
      {
        id: 1,
        key: world.key,
        ...data,
        upstream_id: "upstream-1",
        production_branch: "main",
        subdomain: `${world.name}.pages.dev`,
        source: "git",
        policy: JSON.stringify({ mode: "all", max_attempts: DEFAULT_POLICY.max_attempts }),
        next_number: 3,
        live_deploy_id: IDS.deploy,
        registered_at: now - 1_000,
        sweep_at: later,
        policy_revision: 4,
        domains: `["${world.name}.pages.dev","www.example.com"]`,
        look_at: null,
        listed_at: now - 1_000,
        history_until: now - 2_000,
        origin: "https://signalbox.example.com",
        badge: "nonce-of-badge",
        badge_key: world.config?.keyring.current ?? null,
      },
    ],
    deploys: [
      {
        id: IDS.deploy,
        number: 1,
        kind: "build",
        status: "succeeded",
        trigger_id: "trg_01HZZZZZZZZZZZZZZZZZZZZZZ1",
        ...trigger,
        ...place,
        commit_hash: "a".repeat(40),
        commit_message: "First",
        commit_dirty: 0,
        form: JSON.stringify({ branch: "main", commit_hash: "a".repeat(40) }),
        content_hash: "build/main/a",
        upload_id: "upl_1",
        created_at: now - 9_000,
        started_at: now - 8_000,
        ended_at: now - 5_000,
        attempts: 1,
        fence: 1,
        posted_at: now - 8_000,
        baseline: "[]",
        deployment_id: "d-1",
        deployment: JSON.stringify({
          id: "d-1",
          url: `https://d1.${world.name}.pages.dev`,
          aliases: [],
          environment: "production",
        }),
        stages: JSON.stringify([
          { name: "deploy", status: "success", started_on: null, ended_on: null },
        ]),
        approved_by: "tok_ada",
        released_by: "tok_ada",
        waits: '{"turn":5}',
        health: '{"tries":1,"checks":[]}',
      },
      {
        id: IDS.waiting,
        number: 2,
        kind: "build",
        status: "queued",
        trigger_id: "trg_01HZZZZZZZZZZZZZZZZZZZZZZ2",
        ...trigger,
        ...place,
        form: '{"branch":"main"}',
        created_at: now - 1_000,
      },
    ],
    marks: [{ target: "production", number: 1 }],
    triggers: [
      {
        id: "trg_01HZZZZZZZZZZZZZZZZZZZZZZ1",
        dedupe_key: "hook/delivery-1/main",
        kind: "hook",
        source: "github",
        branch: "main",
        outcome: "queued",
        deploy_id: IDS.deploy,
        at: now - 9_000,
        hook_id: IDS.hook,
        delivery_id: "delivery-1",
      },
    ],
    uploads: [
      {
        id: "upl_1",
        number: 1,
        state: "sealed",
        content_type: "multipart/form-data; boundary=x",
        bytes: 3,
        chunks: 1,
        parts: "[]",
        hashes: "[]",
        sealed_at: now - 9_000,
        due_at: later,
      },
    ],
    upload_chunks: [{ upload_id: "upl_1", n: 0, data: new Uint8Array([1, 2, 3]).buffer }],
    leftovers: [
      {
        deployment_id: "d-0",
        deploy_id: IDS.deploy,
        number: 1,
        kind: "stray",
        target: "production",
        environment: "production",
        step: "watch",
        since: now - 9_000,
        ended_at: now - 8_000,
        outcome: "failed",
      },
    ],
    stray_watches: [{ deploy_id: IDS.deploy, due_at: later }],
    events: [
      {
        sequence: 41,
        id: "evt_01HZZZZZZZZZZZZZZZZZZZZZZ1",
        type: "project.registered",
        at: now - 9_500,
        deploy_id: null,
        data: JSON.stringify(data),
      },
    ],
    subscribers: [
      {
        id: IDS.subscriber,
        url: `https://${RECEIVER}/events`,
        kind: "webhook",
        events: '["*"]',
        secret: await seal(subscriberSeal(world.key, IDS.subscriber), newWebhookSecret()),
        description: "Operations",
        state: "active",
        cursor: 41,
        created_at: now - 9_000,
        headers: await seal(headersSeal(world.key, IDS.subscriber), '{"X-Own":"a"}'),
        header_names: '["X-Own"]',
        last_at: now - 2_000,
        last_ms: 12,
        last_status: 204,
      },
    ],
    deliveries: [
      {
        id: EARLIER_DELIVERY,
        subscriber_id: IDS.subscriber,
        sequence: 41,
        state: "delivered",
        attempts: 1,
        status: 204,
        ms: 12,
        excerpt: "",
        at: now - 2_000,
      },
    ],
    attempts: [
      {
        delivery_id: EARLIER_DELIVERY,
        subscriber_id: IDS.subscriber,
        sequence: 41,
        number: 1,
        at: now - 2_000,
        status: 204,
        ms: 12,
        excerpt: "",
      },
    ],
    hooks: [
      {
        id: IDS.hook,
        source: "github",
        secrets: JSON.stringify([await seal(hookSeal(world.key, IDS.hook), "kept")]),
        url_key: world.config?.keyring.current ?? "",
        revision: 2,
        description: "The repository",
        created_at: now - 9_000,
        last_delivery_at: now - 9_000,
        refusals: 1,
        refused_at: now - 9_000,
      },
    ],
    schedules: [
      {
        id: IDS.schedule,
        cron: "0 6 * * *",
        time_zone: "Europe/Berlin",
        branch: "main",
        due_at: later,
        created_at: now - 9_000,
        last_run_at: now - 2_000,
        last_outcome: "queued",
        last_deploy_id: IDS.deploy,
      },
    ],
    troubles: [{ key: "upload/upl_0", strikes: 8, due_at: null, error: "no" }],
    tokens: [
      {
        id: "tok_01HZZZZZZZZZZZZZZZZZZZZZZ1",
        hash: "0".repeat(64),
        key_id: world.config?.keyring.current ?? "",
        scopes: "deploy",
        description: "CI",
        created_at: now - 9_000,
      },
    ],
    locks: [
      {
        id: IDS.lock,
        environment: "preview",
        holder: "tok_ada",
        reason: "stocktaking",
        until: null,
        created_at: now - 3_000,
      },
    ],
    openings: [{ environment: "preview", open: 1, until: null, due_at: later }],
    externals: [
      {
        deployment_id: "d-2",
        environment: "preview",
        branch: "dev",
        target: "preview/dev",
        url: `https://d2.${world.name}.pages.dev`,
        trigger_type: "ad_hoc",
        stage: "deploy",
        created_on: new Date(now - 9_000).toISOString(),
        since: now - 9_000,
        ended_at: now - 8_000,
        outcome: "succeeded",
      },
    ],
    runs: [{ target: "production", workflow: "ci", run: 7, attempt: 1, deploy_id: IDS.deploy }],
    trust: [
      {
        id: "tru_01HZZZZZZZZZZZZZZZZZZZZZZ1",
        issuer: "github",
        repository_id: "4711",
        repository: "acme/shop",
        scope: "deploy",
        created_at: now - 9_000,
      },
    ],
    readers: [{ hash: "0".repeat(64), deploy_id: IDS.deploy }],
    learnt: [
      {
        subscriber_id: IDS.subscriber,
        about: `deploy/${IDS.deploy}`,
        memory: "{}",
        at: now - 2_000,
      },
    ],
  };
}

/** An instance with something in each of its tables. */
export async function instanceRows(world: World): Promise<Rows> {
  const now = world.now();
  const account = "b".repeat(32);
  const created_at = now - 9_000;
  return {
    projects: [
      { key: `${account}/shop`, name: "shop", account_id: account, registered_at: created_at },
    ],
    tokens: [{ id: "tok_1", hash: "0".repeat(64), key_id: "abcdef", scopes: "read", created_at }],
    revoked_bootstrap_tokens: [{ id: "tok_0", revoked_at: now - 1_000 }],
    budget: [{ id: 1, blocked_until: now + 60_000 }],
    budgets: [{ owner: "configured", blocked_until: now + 60_000 }],
    builds: [
      {
        deploy_id: IDS.deploy,
        project: `${account}/shop`,
        class: 0,
        since: created_at,
        granted_at: created_at,
      },
    ],
    settings: [{ id: 1, max_builds: 2 }],
    accounts: [
      {
        id: account,
        kind: "api_token",
        credential: "abcdef.AAAA",
        owner: "owner-1",
        created_at,
        changed_at: created_at,
      },
    ],
    access_rules: [
      { id: "acc_1", email: "ada@example.com", scopes: "read", project: null, created_at },
    ],
    session_keys: [{ key: "abcdef", until: now + 60_000 }],
  };
}
