import type { Migration } from "../sql.ts";

/**
 * The tables of a project, each described in docs/storage.md. Every row that waits for a time has it in `due_at`
 * (milliseconds), which agenda.ts reads.
 */
export const MIGRATIONS: readonly Migration[] = [
  {
    id: 1,
    sql: `
CREATE TABLE project (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  key TEXT NOT NULL,
  account_id TEXT NOT NULL,
  name TEXT NOT NULL,
  upstream_id TEXT NOT NULL,
  production_branch TEXT NOT NULL,
  subdomain TEXT NOT NULL,
  source TEXT NOT NULL,
  policy TEXT NOT NULL,
  next_number INTEGER NOT NULL,
  live_deploy_id TEXT,
  registered_at INTEGER NOT NULL,
  sweep_at INTEGER NOT NULL
);

CREATE TABLE deploys (
  id TEXT PRIMARY KEY,
  number INTEGER NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  status TEXT NOT NULL,
  reason TEXT,
  reason_code TEXT,
  waiting_for TEXT,
  trigger_id TEXT NOT NULL,
  trigger_kind TEXT NOT NULL,
  trigger_source TEXT NOT NULL,
  trigger_actor TEXT,
  delivery_id TEXT,
  branch TEXT NOT NULL,
  environment TEXT NOT NULL,
  target TEXT NOT NULL,
  commit_hash TEXT,
  commit_message TEXT,
  commit_dirty INTEGER,
  form TEXT NOT NULL,
  content_hash TEXT,
  upload_id TEXT,
  created_at INTEGER NOT NULL,
  started_at INTEGER,
  ended_at INTEGER,
  due_at INTEGER,
  attempts INTEGER NOT NULL DEFAULT 0,
  fence INTEGER NOT NULL DEFAULT 0,
  posted_at INTEGER,
  baseline TEXT,
  looks INTEGER NOT NULL DEFAULT 0,
  errors INTEGER NOT NULL DEFAULT 0,
  cancel_requested TEXT,
  deployment_id TEXT,
  deployment TEXT,
  stages TEXT NOT NULL DEFAULT '[]',
  stage_since INTEGER,
  superseded_by TEXT,
  retry_of TEXT
);
CREATE INDEX deploys_open ON deploys (number) WHERE ended_at IS NULL;
CREATE INDEX deploys_target ON deploys (target, number);
CREATE INDEX deploys_deployment ON deploys (deployment_id) WHERE deployment_id IS NOT NULL;

CREATE TABLE marks (
  target TEXT PRIMARY KEY,
  number INTEGER NOT NULL
);

CREATE TABLE triggers (
  id TEXT PRIMARY KEY,
  dedupe_key TEXT UNIQUE,
  fingerprint TEXT,
  kind TEXT NOT NULL,
  source TEXT NOT NULL,
  branch TEXT,
  outcome TEXT NOT NULL,
  reason TEXT,
  reason_code TEXT,
  deploy_id TEXT,
  at INTEGER NOT NULL
);
CREATE INDEX triggers_at ON triggers (at);

CREATE TABLE uploads (
  id TEXT PRIMARY KEY,
  number INTEGER NOT NULL,
  state TEXT NOT NULL,
  content_type TEXT NOT NULL,
  bytes INTEGER NOT NULL DEFAULT 0,
  chunks INTEGER NOT NULL DEFAULT 0,
  parts TEXT,
  hashes TEXT,
  sealed_at INTEGER,
  due_at INTEGER
);
CREATE INDEX uploads_due ON uploads (due_at) WHERE due_at IS NOT NULL;
CREATE TABLE upload_chunks (
  upload_id TEXT NOT NULL,
  n INTEGER NOT NULL,
  data BLOB NOT NULL,
  PRIMARY KEY (upload_id, n)
) WITHOUT ROWID;

CREATE TABLE leftovers (
  deployment_id TEXT PRIMARY KEY,
  deploy_id TEXT NOT NULL,
  number INTEGER NOT NULL,
  kind TEXT NOT NULL,
  target TEXT NOT NULL,
  environment TEXT NOT NULL,
  step TEXT NOT NULL,
  errors INTEGER NOT NULL DEFAULT 0,
  since INTEGER NOT NULL,
  due_at INTEGER,
  ended_at INTEGER,
  outcome TEXT
);
CREATE INDEX leftovers_open ON leftovers (due_at) WHERE ended_at IS NULL;

CREATE TABLE stray_watches (
  deploy_id TEXT PRIMARY KEY,
  due_at INTEGER NOT NULL
);

CREATE TABLE events (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL,
  type TEXT NOT NULL,
  at INTEGER NOT NULL,
  deploy_id TEXT,
  data TEXT NOT NULL
);

CREATE TABLE subscribers (
  id TEXT PRIMARY KEY,
  url TEXT NOT NULL,
  kind TEXT NOT NULL,
  events TEXT NOT NULL,
  secret TEXT NOT NULL,
  description TEXT,
  state TEXT NOT NULL,
  cursor INTEGER NOT NULL,
  failures INTEGER NOT NULL DEFAULT 0,
  failing_since INTEGER,
  blocked_until INTEGER,
  created_at INTEGER NOT NULL
);
CREATE TABLE deliveries (
  id TEXT PRIMARY KEY,
  subscriber_id TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  state TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  due_at INTEGER,
  status INTEGER,
  error TEXT,
  ms INTEGER,
  excerpt TEXT,
  at INTEGER NOT NULL,
  UNIQUE (subscriber_id, sequence)
);
CREATE INDEX deliveries_due ON deliveries (due_at) WHERE due_at IS NOT NULL;

CREATE TABLE hooks (
  id TEXT PRIMARY KEY,
  source TEXT NOT NULL,
  repository TEXT,
  branch TEXT,
  secrets TEXT NOT NULL,
  url_key TEXT NOT NULL,
  revision INTEGER NOT NULL,
  paused INTEGER NOT NULL DEFAULT 0,
  description TEXT,
  created_at INTEGER NOT NULL,
  last_delivery_at INTEGER,
  refusals INTEGER NOT NULL DEFAULT 0,
  refused_at INTEGER
);

CREATE TABLE schedules (
  id TEXT PRIMARY KEY,
  cron TEXT NOT NULL,
  time_zone TEXT NOT NULL,
  branch TEXT NOT NULL,
  paused INTEGER NOT NULL DEFAULT 0,
  due_at INTEGER,
  created_at INTEGER NOT NULL
);

CREATE TABLE troubles (
  key TEXT PRIMARY KEY,
  strikes INTEGER NOT NULL,
  due_at INTEGER,
  error TEXT NOT NULL
);

CREATE TABLE tokens (
  id TEXT PRIMARY KEY,
  hash TEXT NOT NULL,
  key_id TEXT NOT NULL,
  scopes TEXT NOT NULL,
  description TEXT,
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  revoked_at INTEGER
);
`,
  },
  {
    id: 2,
    sql: `
ALTER TABLE hooks ADD COLUMN settings TEXT NOT NULL DEFAULT '{}';
ALTER TABLE hooks ADD COLUMN awaiting_secret INTEGER NOT NULL DEFAULT 0;
ALTER TABLE hooks ADD COLUMN secret_unseen INTEGER NOT NULL DEFAULT 0;
ALTER TABLE triggers ADD COLUMN hook_id TEXT;
ALTER TABLE triggers ADD COLUMN delivery_id TEXT;
CREATE INDEX triggers_hook ON triggers (hook_id) WHERE hook_id IS NOT NULL;
`,
  },
  {
    id: 3,
    sql: `
ALTER TABLE project ADD COLUMN policy_revision INTEGER NOT NULL DEFAULT 1;
ALTER TABLE deploys ADD COLUMN not_before INTEGER;
ALTER TABLE deploys ADD COLUMN quiet_until INTEGER;
ALTER TABLE deploys ADD COLUMN quiet_since INTEGER;
ALTER TABLE deploys ADD COLUMN approval_until INTEGER;
ALTER TABLE deploys ADD COLUMN approved_by TEXT;
ALTER TABLE deploys ADD COLUMN released_by TEXT;
ALTER TABLE deploys ADD COLUMN held_for TEXT;
ALTER TABLE deploys ADD COLUMN retries INTEGER NOT NULL DEFAULT 0;
CREATE TABLE locks (
  id TEXT PRIMARY KEY,
  environment TEXT,
  holder TEXT NOT NULL,
  reason TEXT NOT NULL,
  until INTEGER,
  created_at INTEGER NOT NULL
);
`,
  },
  {
    id: 4,
    sql: `
ALTER TABLE deploys ADD COLUMN rollback_to TEXT;
`,
  },
  {
    id: 5,
    sql: `
ALTER TABLE schedules ADD COLUMN at INTEGER;
ALTER TABLE schedules ADD COLUMN missed TEXT NOT NULL DEFAULT 'run_once';
ALTER TABLE schedules ADD COLUMN skip_unchanged INTEGER NOT NULL DEFAULT 0;
ALTER TABLE schedules ADD COLUMN ended_at INTEGER;
ALTER TABLE schedules ADD COLUMN last_run_at INTEGER;
ALTER TABLE schedules ADD COLUMN last_outcome TEXT;
ALTER TABLE schedules ADD COLUMN last_reason TEXT;
ALTER TABLE schedules ADD COLUMN last_reason_code TEXT;
ALTER TABLE schedules ADD COLUMN last_deploy_id TEXT;
`,
  },
  {
    // Windows from before this are looked at when the object starts, as if nothing had been told of them.
    id: 6,
    sql: `
CREATE TABLE openings (
  environment TEXT PRIMARY KEY,
  open INTEGER NOT NULL,
  until INTEGER,
  due_at INTEGER NOT NULL
);
INSERT INTO openings SELECT value, 1, NULL, 0 FROM project, json_each('["production", "preview"]')
WHERE json_array_length(policy, '$.windows') > 0;
`,
  },
  {
    id: 7,
    sql: `
ALTER TABLE project ADD COLUMN domains TEXT NOT NULL DEFAULT '[]';
ALTER TABLE deploys ADD COLUMN health TEXT;
`,
  },
  {
    id: 8,
    sql: `
ALTER TABLE deploys ADD COLUMN promoted_from TEXT;
`,
  },
  {
    id: 9,
    sql: `
ALTER TABLE project ADD COLUMN look_at INTEGER;
ALTER TABLE project ADD COLUMN listed_at INTEGER;
ALTER TABLE project ADD COLUMN history_until INTEGER;
CREATE TABLE externals (
  deployment_id TEXT PRIMARY KEY,
  environment TEXT NOT NULL,
  branch TEXT NOT NULL,
  target TEXT NOT NULL,
  url TEXT NOT NULL,
  trigger_type TEXT,
  commit_hash TEXT,
  commit_message TEXT,
  stage TEXT NOT NULL,
  created_on TEXT NOT NULL,
  since INTEGER NOT NULL,
  errors INTEGER NOT NULL DEFAULT 0,
  due_at INTEGER,
  ended_at INTEGER,
  outcome TEXT,
  live_at INTEGER
);
CREATE INDEX externals_open ON externals (due_at) WHERE ended_at IS NULL;
CREATE INDEX externals_live ON externals (live_at) WHERE live_at IS NOT NULL;
`,
  },
  {
    id: 10,
    sql: `
CREATE TABLE runs (
  target TEXT NOT NULL,
  workflow TEXT NOT NULL,
  run INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  deploy_id TEXT NOT NULL,
  PRIMARY KEY (target, workflow)
) WITHOUT ROWID;
`,
  },
  {
    id: 11,
    sql: `
CREATE TABLE trust (
  id TEXT PRIMARY KEY,
  issuer TEXT NOT NULL,
  repository_id TEXT NOT NULL,
  repository TEXT,
  ref TEXT,
  environment TEXT,
  workflow TEXT,
  scope TEXT NOT NULL,
  created_at INTEGER NOT NULL
);
CREATE TABLE readers (
  hash TEXT NOT NULL,
  deploy_id TEXT NOT NULL,
  PRIMARY KEY (hash, deploy_id)
) WITHOUT ROWID;
`,
  },
  {
    id: 12,
    sql: `
ALTER TABLE project ADD COLUMN origin TEXT;
ALTER TABLE deploys ADD COLUMN waits TEXT NOT NULL DEFAULT '{}';
ALTER TABLE deploys ADD COLUMN wait_for TEXT;
ALTER TABLE deploys ADD COLUMN wait_since INTEGER;
ALTER TABLE deploys ADD COLUMN failure TEXT;
`,
  },
  {
    id: 13,
    sql: `
ALTER TABLE subscribers ADD COLUMN settings TEXT NOT NULL DEFAULT '{}';
ALTER TABLE subscribers ADD COLUMN ordered INTEGER NOT NULL DEFAULT 0;
ALTER TABLE subscribers ADD COLUMN old_secret TEXT;
ALTER TABLE subscribers ADD COLUMN old_secret_until INTEGER;
ALTER TABLE subscribers ADD COLUMN headers TEXT;
ALTER TABLE subscribers ADD COLUMN header_names TEXT NOT NULL DEFAULT '[]';
ALTER TABLE subscribers ADD COLUMN reason TEXT;
ALTER TABLE subscribers ADD COLUMN last_at INTEGER;
ALTER TABLE subscribers ADD COLUMN last_ms INTEGER;
ALTER TABLE subscribers ADD COLUMN last_status INTEGER;
ALTER TABLE subscribers ADD COLUMN last_error TEXT;
ALTER TABLE deliveries ADD COLUMN schedule_from INTEGER NOT NULL DEFAULT 0;
DROP INDEX deliveries_due;
CREATE INDEX deliveries_due ON deliveries (subscriber_id, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX deliveries_exhausted ON deliveries (subscriber_id) WHERE state = 'exhausted';
CREATE TABLE attempts (
  delivery_id TEXT NOT NULL,
  number INTEGER NOT NULL,
  at INTEGER NOT NULL,
  status INTEGER,
  error TEXT,
  ms INTEGER NOT NULL,
  excerpt TEXT NOT NULL,
  PRIMARY KEY (delivery_id, number)
) WITHOUT ROWID;
`,
  },
  {
    id: 14,
    sql: `
ALTER TABLE project ADD COLUMN badge TEXT;
CREATE INDEX events_deploy ON events (deploy_id, sequence) WHERE deploy_id IS NOT NULL;
CREATE INDEX triggers_deploy ON triggers (deploy_id) WHERE deploy_id IS NOT NULL;
ALTER TABLE subscribers ADD COLUMN host TEXT NOT NULL DEFAULT '{}';
CREATE TABLE learnt (
  subscriber_id TEXT NOT NULL,
  about TEXT NOT NULL,
  memory TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (subscriber_id, about)
) WITHOUT ROWID;
`,
  },
  {
    id: 15,
    sql: `
CREATE INDEX deploys_succeeded ON deploys (target, kind, number) WHERE status = 'succeeded' AND started_at IS NOT NULL;
`,
  },
  {
    id: 16,
    sql: `
ALTER TABLE project ADD COLUMN badge_key TEXT;
`,
  },
  {
    // A delivery is known by its subscriber and its event, so that it is one row to write and no index.
    id: 17,
    sql: `
ALTER TABLE deliveries RENAME TO deliveries_before;
ALTER TABLE attempts RENAME TO attempts_before;
CREATE TABLE deliveries (
  subscriber_id TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  state TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  schedule_from INTEGER NOT NULL,
  due_at INTEGER,
  status INTEGER,
  error TEXT,
  ms INTEGER NOT NULL,
  excerpt TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (subscriber_id, sequence)
) WITHOUT ROWID;
INSERT INTO deliveries
SELECT subscriber_id, sequence, state, attempts, schedule_from, due_at, status, error, COALESCE(ms, 0), COALESCE(excerpt, ''), at
FROM deliveries_before ORDER BY subscriber_id, sequence;
CREATE TABLE attempts (
  subscriber_id TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  number INTEGER NOT NULL,
  at INTEGER NOT NULL,
  status INTEGER,
  error TEXT,
  ms INTEGER NOT NULL,
  excerpt TEXT NOT NULL,
  PRIMARY KEY (subscriber_id, sequence, number)
) WITHOUT ROWID;
INSERT INTO attempts
SELECT d.subscriber_id, d.sequence, a.number, a.at, a.status, a.error, a.ms, a.excerpt
FROM attempts_before a JOIN deliveries_before d ON d.id = a.delivery_id;
DROP TABLE attempts_before;
DROP TABLE deliveries_before;
CREATE INDEX deliveries_due ON deliveries (subscriber_id, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX deliveries_exhausted ON deliveries (subscriber_id) WHERE state = 'exhausted';
`,
  },
];
