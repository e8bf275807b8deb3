/** A value SQLite stores. Booleans are kept as 0 and 1, times as milliseconds since the epoch. */
export type SqlValue = string | number | ArrayBuffer | null;

/**
 * The few calls this project needs of a Durable Object's SQLite. Cursors are read to their end at once, since they are
 * no snapshot across an await.
 */
export class Sql {
  readonly #storage: DurableObjectStorage;
  /** Another one whenever what is stored may have changed: what was worked out under the same still holds. */
  version = 0;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  all<Row extends object>(query: string, ...bindings: SqlValue[]): Row[] {
    return this.#storage.sql
      .exec<Record<string, SqlStorageValue>>(query, ...bindings)
      .toArray() as unknown as Row[];
  }

  one<Row extends object>(query: string, ...bindings: SqlValue[]): Row | null {
    return this.all<Row>(query, ...bindings)[0] ?? null;
  }

  /** Runs a statement for its effect and returns how many rows it wrote, index entries included. */
  run(query: string, ...bindings: SqlValue[]): number {
    this.version += 1;
    return this.#storage.sql.exec(query, ...bindings).rowsWritten;
  }

  /** Inserts one row whose columns are the keys of `row`. */
  insert(table: string, row: object, orIgnore = false): number {
    const columns = Object.keys(row);
    return this.run(
      `INSERT ${orIgnore ? "OR IGNORE " : ""}INTO ${table} (${columns.join(", ")}) VALUES (${columns.map(() => "?").join(", ")})`,
      ...(Object.values(row) as SqlValue[]),
    );
  }

  /** Updates the row whose `key` column equals `id`; an empty change writes nothing. */
  update(table: string, key: string, id: string | number, change: object): number {
    const columns = Object.keys(change);
    if (columns.length === 0) {
      return 0;
    }
    return this.run(
      `UPDATE ${table} SET ${columns.map((c) => `${c} = ?`).join(", ")} WHERE ${key} = ?`,
      ...(Object.values(change) as SqlValue[]),
      id,
    );
  }

  /** All or nothing, the alarm included. A throw rolls back, which a plain sequence of writes does not. */
  transaction<T>(body: () => T): T {
    try {
      return this.#storage.transactionSync(body);
    } catch (error) {
      this.version += 1;
      throw error;
    }
  }
}

/** One step of a schema. Never edit one that has shipped: add another. */
export interface Migration {
  readonly id: number;
  readonly sql: string;
}

/**
 * Brings an object's schema up to `migrations`. Applied ids must be a prefix of the list; anything else means that an
 * older build meets a newer database, and it must not touch that.
 */
export function migrate(sql: Sql, migrations: readonly Migration[]): void {
  sql.transaction(() => {
    sql.run(
      "CREATE TABLE IF NOT EXISTS migrations (id INTEGER PRIMARY KEY, applied_at INTEGER NOT NULL)",
    );
    const applied = sql.all<{ id: number }>("SELECT id FROM migrations ORDER BY id");
    applied.forEach(({ id }, index) => {
      if (migrations[index]?.id !== id) {
        throw new Error(`schema: migration ${id} is applied but not known to this version`);
      }
    });
    for (const { id, sql: statements } of migrations.slice(applied.length)) {
      sql.run(statements);
      sql.run("INSERT INTO migrations (id, applied_at) VALUES (?, ?)", id, Date.now());
    }
  });
}

/** Whether this object holds anything at all; reads only, so that asking an unknown name leaves nothing behind. */
export function hasSchema(sql: Sql): boolean {
  return sql.one("SELECT 1 AS x FROM sqlite_master WHERE name = 'migrations' LIMIT 1") !== null;
}

/** A row that must be there, because this transaction wrote it. @throws when it is not, which is a bug. */
export function must<T>(row: T | null): T {
  if (row === null) {
    throw new Error("sql: a row that was just written is gone");
  }
  return row;
}
