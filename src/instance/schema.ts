import type { Migration } from "../sql.ts";

/** The tables of the instance, described in docs/storage.md. */
export const MIGRATIONS: readonly Migration[] = [
  {
    id: 1,
    sql: `
CREATE TABLE projects (
  key TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  account_id TEXT NOT NULL,
  registered_at INTEGER NOT NULL
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

CREATE TABLE revoked_bootstrap_tokens (
  id TEXT PRIMARY KEY,
  revoked_at INTEGER NOT NULL
);

CREATE TABLE budget (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  blocked_until INTEGER NOT NULL
);
`,
  },
  {
    id: 2,
    sql: `
CREATE TABLE builds (
  deploy_id TEXT PRIMARY KEY,
  project TEXT NOT NULL,
  class INTEGER NOT NULL,
  since INTEGER NOT NULL,
  granted_at INTEGER NOT NULL
);

CREATE TABLE settings (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  max_builds INTEGER
);
`,
  },
  {
    id: 3,
    sql: `
CREATE TABLE accounts (
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL,
  credential TEXT NOT NULL,
  owner TEXT NOT NULL,
  description TEXT,
  created_at INTEGER NOT NULL,
  changed_at INTEGER NOT NULL
);

CREATE TABLE budgets (
  owner TEXT PRIMARY KEY,
  blocked_until INTEGER NOT NULL
);

INSERT INTO budgets SELECT 'configured', blocked_until FROM budget;
DROP TABLE budget;
`,
  },
  {
    id: 4,
    sql: `
CREATE TABLE access_rules (
  id TEXT PRIMARY KEY,
  email TEXT,
  email_domain TEXT,
  service_token TEXT,
  scopes TEXT NOT NULL,
  project TEXT,
  description TEXT,
  created_at INTEGER NOT NULL
);
`,
  },
  {
    id: 5,
    sql: `
CREATE TABLE session_keys (
  key TEXT PRIMARY KEY,
  until INTEGER NOT NULL
);
ALTER TABLE settings ADD COLUMN visited TEXT NOT NULL DEFAULT '';
`,
  },
];
